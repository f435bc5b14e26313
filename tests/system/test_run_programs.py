# SPDX-License-Identifier: BSD-2-Clause
"""Unmodified programs under `tern run`, with hash-checked results."""
import re
import socket
import subprocess
import sys
import threading

import pytest

from run_lab import HOST, Daemon, UdpEcho, Web, build_go, closed_port, reachable, run, sha256


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, 10_000_000)
    yield made
    made.close()


@pytest.mark.parametrize("host", [HOST, "127.0.0.1", "localhost"])
def test_curl(tern, need, web, host):
    need("curl")
    assert sha256(run(tern, "run", "--", "curl", "-sS", web.url(host)).stdout) == web.sha


def test_curl_over_a_bad_wire(tern, need, web):
    need("curl")
    done = run(tern, "run", "--lose", "1%", "--reorder", "1%", "--duplicate", "1%", "--seed", "7", "--",
               "curl", "-sS", web.url())
    assert sha256(done.stdout) == web.sha


def test_curl_refused(tern, need):
    need("curl")
    done = run(tern, "run", "--", "curl", "-sS", f"http://{HOST}:{closed_port()}/", status=7)
    assert b"connect" in done.stderr


def test_wget(tern, need, web):
    need("wget")
    assert sha256(run(tern, "run", "--", "wget", "-q", "-O", "-", web.url()).stdout) == web.sha


def test_bash_without_any_program(tern, need, web):
    need("bash")
    script = f"exec 3<>/dev/tcp/{HOST}/{web.port}; printf 'GET /f HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    answer = run(tern, "run", "--", "bash", "-c", script).stdout
    assert sha256(answer.partition(b"\r\n\r\n")[2]) == web.sha


def test_busybox(tern, need, web):
    need("busybox")
    assert sha256(run(tern, "run", "--", "busybox", "wget", "-q", "-O", "-", web.url()).stdout) == web.sha


def test_python_client(tern, web):
    code = f"import sys,urllib.request; sys.stdout.buffer.write(urllib.request.urlopen({web.url()!r}).read())"
    assert sha256(run(tern, "run", "--", sys.executable, "-c", code).stdout) == web.sha


def test_python_asyncio_with_itself(tern):
    code = """
import asyncio
async def serve(r, w):
    w.write((await r.read())[::-1]); await w.drain(); w.close()
async def call(i):
    r, w = await asyncio.open_connection('127.0.0.1', 9000)
    assert w.get_extra_info('peername') == ('127.0.0.1', 9000)
    w.write(b'%d' % i * 20000); w.write_eof()
    assert await r.read() == (b'%d' % i * 20000)[::-1]
    w.close()
async def main():
    await asyncio.start_server(serve, '127.0.0.1', 9000, backlog=256)
    await asyncio.gather(*[call(i) for i in range(200)])
    print('200 calls')
asyncio.run(main())
"""
    assert run(tern, "run", "--", sys.executable, "-c", code).stdout == b"200 calls\n"


def test_python_server(tern, need, web, tmp_path):
    need("curl")
    port = closed_port()
    with Daemon(tern, "run", "-p", f"{port}:80", "--", sys.executable, "-m", "http.server", "80", cwd=tmp_path):
        reachable(port)
        assert sha256(run("curl", "-sS", f"http://127.0.0.1:{port}/f").stdout) == web.sha


def test_go(tern, web, tmp_path):
    path = build_go(tmp_path, "gonet")
    echo, nobody = UdpEcho(), closed_port()
    try:
        out = run(tern, "run", "--", path, web.url("127.0.0.1"), f"127.0.0.1:{echo.port}",
                  f"127.0.0.1:{nobody}").stdout.decode().splitlines()
    finally:
        echo.close()
    assert out == ["1000 requests", web.sha, "connected", "unconnected true",
                   f"dial tcp 127.0.0.1:{nobody}: connect: connection refused"]


NGINX = """
worker_processes 2; daemon off; pid {dir}/pid; error_log {dir}/err.log;
events {{ worker_connections 256; }}
http {{
  access_log {dir}/access.log; sendfile on;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  server {{ listen 80; root {dir}; location /up {{ proxy_pass {upstream}; }} }}
}}
"""


def test_nginx(tern, need, tmp_path):
    """100 MB through -p, a proxied request, the client's address in the log."""
    need("nginx", "curl")
    web = Web(tmp_path, 100_000_000)
    port = closed_port()
    (tmp_path / "nginx.conf").write_text(NGINX.format(dir=tmp_path, upstream=web.url()))
    for folder in [tmp_path, *tmp_path.parents]:   # the workers are another user's
        if folder.stat().st_uid == tmp_path.stat().st_uid and folder != tmp_path.root:
            folder.chmod(folder.stat().st_mode | 0o055)
    try:
        with Daemon(tern, "run", "-p", f"{port}:80", "--", "nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf"):
            reachable(port)
            assert sha256(run("curl", "-sS", f"http://127.0.0.1:{port}/f").stdout) == web.sha
            assert sha256(run("curl", "-sS", f"http://127.0.0.1:{port}/up").stdout) == web.sha
            for _ in range(50):
                assert run("curl", "-sS", f"http://127.0.0.1:{port}/nginx.conf").stdout
    finally:
        web.close()
    assert re.search(rf"^{re.escape(HOST)} .*GET /f ", (tmp_path / "access.log").read_text(), re.M)


@pytest.mark.parametrize("reverse", [(), ("-R",)], ids=["sends", "receives"])
def test_iperf3(tern, need, reverse):
    need("iperf3")
    port = closed_port()
    server = subprocess.Popen(["iperf3", "-s", "-1", "-p", str(port), "--forceflush"], stdout=subprocess.PIPE)
    try:
        while b"listening" not in server.stdout.readline():
            pass
        text = run(tern, "run", "--", "iperf3", "-c", HOST, "-p", port, "-n", "200M", "-f", "m", *reverse).stdout
    finally:
        server.kill()
        server.communicate()
    amount = re.search(rb" (\d+) MBytes .* receiver", text)
    assert amount and int(amount[1]) > 150, text   # what the receiver had when the sender was done


def test_netcat_half_close(tern, need):
    need("nc")
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            conn, _ = server.accept()
            got = b""
            while piece := conn.recv(1000):
                got += piece
            conn.sendall(b"got " + got)
            conn.close()
        thread = threading.Thread(target=answer)
        thread.start()
        done = run(tern, "run", "--", "nc", "-N", HOST, server.getsockname()[1], input=b"a question")
        thread.join()
    assert done.stdout == b"got a question"


def test_udp_programs(tern, need):
    need("socat")
    echo = UdpEcho()
    try:
        done = run(tern, "run", "--", "socat", "-t", "5", "-", f"UDP:{HOST}:{echo.port}", input=b"a datagram")
    finally:
        echo.close()
    assert done.stdout == b"a datagram"
