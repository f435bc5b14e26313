# SPDX-License-Identifier: BSD-2-Clause
"""TCP through the gateway, as programs on both sides see it."""
import hashlib
import socket
import struct
import subprocess
import textwrap

import pytest

from gate_lab import HOST, WAIT, Background, Server, free_port, read_all, run

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close means RST


def test_half_close_by_the_program(tern):
    def answer(conn):
        question = read_all(conn)
        conn.sendall(question[::-1])
        return question

    with Server(answer) as server:
        done = run(tern, textwrap.dedent(f"""
            import socket
            s = socket.create_connection(("{HOST}", {server.port}))
            s.sendall(b"abc" * 1000)
            s.shutdown(socket.SHUT_WR)
            got = b""
            while piece := s.recv(65536): got += piece
            print(got == (b"abc" * 1000)[::-1])
            """))
        assert done.stdout == "True\n"
        assert server.outcome() == b"abc" * 1000


def test_half_close_by_the_server(tern):
    def answer(conn):
        conn.sendall(b"first")
        conn.shutdown(socket.SHUT_WR)
        return read_all(conn)

    with Server(answer) as server:
        done = run(tern, textwrap.dedent(f"""
            import socket
            s = socket.create_connection(("{HOST}", {server.port}))
            got = b""
            while piece := s.recv(100): got += piece
            s.sendall(b"after your FIN")
            s.close()
            print(got.decode())
            """))
        assert done.stdout == "first\n"
        assert server.outcome() == b"after your FIN"


def test_reset_by_the_server(tern):
    def slam(conn):
        conn.recv(1)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    with Server(slam) as server:
        done = run(tern, textwrap.dedent(f"""
            import socket
            s = socket.create_connection(("{HOST}", {server.port}))
            s.sendall(b"x")
            try:
                print(s.recv(1))
            except OSError as e:
                print(type(e).__name__)
            """))
        assert done.stdout == "ConnectionResetError\n"


def test_reset_by_the_program(tern):
    with Server(read_all) as server:
        run(tern, textwrap.dedent(f"""
            import socket, struct
            s = socket.create_connection(("{HOST}", {server.port}))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
            """))
        assert isinstance(server.outcome(), ConnectionResetError)


def test_refused(tern):
    done = run(tern, textwrap.dedent(f"""
        import socket
        try:
            socket.create_connection(("{HOST}", {free_port()}))
        except OSError as e:
            print(type(e).__name__)
        """))
    assert done.stdout == "ConnectionRefusedError\n"


def test_silence_stays_silence(tern):
    """A listener whose queue is full answers no SYN: the program's connect() must not be answered either."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(0)
    fill = []
    for _ in range(4):
        c = socket.socket()
        c.setblocking(False)
        c.connect_ex(sock.getsockname())
        fill.append(c)
    done = run(tern, textwrap.dedent(f"""
        import socket
        s = socket.socket()
        s.settimeout(0.5)
        try:
            s.connect(("{HOST}", {sock.getsockname()[1]}))
            print("connected")
        except OSError as e:
            print(type(e).__name__)
        """))
    for s in (sock, *fill):
        s.close()
    assert done.stdout == "TimeoutError\n"


@pytest.mark.parametrize("route, expected", [
    ([], "ENETUNREACH"),
    (["unreachable", "192.0.2.0/24"], "EHOSTUNREACH"),
    (["prohibit", "192.0.2.0/24"], "EACCES"),
])
def test_unreachable(tern, need, route, expected):
    """In a namespace with a loopback and that route only, the program sees the error that the host gets."""
    need("unshare", "ip")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    add = "ip route add " + " ".join(route) if route else ":"
    done = run(tern, textwrap.dedent("""
        import errno, socket
        try:
            socket.create_connection(("192.0.2.1", 80))
        except OSError as e:
            print(errno.errorcode[e.errno])
        """), prefix=["unshare", "-rn", "sh", "-c", f"ip link set lo up && {add} && exec \"$@\"", "sh"])
    assert done.stdout == expected + "\n"


def test_both_ways_at_once_and_slowly(tern):
    """20 MB each way at the same time, hashed on both sides."""
    size = 20 << 20
    block = bytes(range(256)) * 256

    def both(conn):
        import threading
        digest = hashlib.sha256()
        send = threading.Thread(target=lambda: (conn.sendall(block * (size // len(block))),
                                                conn.shutdown(socket.SHUT_WR)))
        send.start()
        while piece := conn.recv(1 << 16):
            digest.update(piece)
        send.join()
        return digest.hexdigest()

    with Server(both) as server:
        done = run(tern, textwrap.dedent(f"""
            import hashlib, socket, threading
            block = bytes(reversed(range(256))) * 256
            s = socket.create_connection(("{HOST}", {server.port}))
            def send():
                s.sendall(block * ({size} // len(block)))
                s.shutdown(socket.SHUT_WR)
            t = threading.Thread(target=send)
            t.start()
            h = hashlib.sha256()
            while piece := s.recv(1 << 16): h.update(piece)
            t.join()
            print(h.hexdigest())
            """))
        assert done.stdout.strip() == hashlib.sha256(block * (size // len(block))).hexdigest()
        there = bytes(reversed(range(256))) * 256
        assert server.outcome() == hashlib.sha256(there * (size // len(there))).hexdigest()


def test_many_connections(tern):
    """200 at the same time, each with an answer of its own."""
    with Server(lambda conn: conn.sendall(conn.recv(100)), backlog=512) as server:
        done = run(tern, textwrap.dedent(f"""
            import socket
            all = [socket.create_connection(("{HOST}", {server.port})) for _ in range(200)]
            for i, s in enumerate(all): s.sendall(b"%d" % i)
            print(sum(s.recv(100) == b"%d" % i for i, s in enumerate(all)))
            """))
        assert done.stdout == "200\n"


# ---- forwarded ports ----

SERVE = """
import socket, sys, threading
l = socket.create_server(("", 80))
print("up", flush=True)
def serve():
    while True:
        c, peer = l.accept()
        c.sendall(peer[0].encode() + b" " + c.recv(100))
        c.close()
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
"""


def test_forward(tern):
    port = free_port()
    with Background(tern, SERVE, "-p", f"{port}:80"):
        for i in range(3):
            with socket.create_connection(("127.0.0.1", port), WAIT) as c:
                c.sendall(b"hello %d" % i)
                assert read_all(c) == b"10.0.2.2 hello %d" % i


def test_forward_that_the_program_refuses(tern):
    port = free_port()
    with Background(tern, "import sys; print('up', flush=True); sys.stdin.read()", "-p", f"{port}:80"):
        with pytest.raises(ConnectionResetError):  # while connecting, or at the first read
            with socket.create_connection(("127.0.0.1", port), WAIT) as c:
                c.recv(1)


def test_forward_of_a_taken_port(tern):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(tern, "print('started')", "-p", f"{port}:80", check=False)
        assert done.returncode == 125
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert f"127.0.0.1:{port}: the host's port is taken" in done.stderr


def test_the_captures_checksums_are_right(tern, need, tmp_path):
    """What --pcapng writes on the wire: no checksum, length or sequence trouble for tshark."""
    need("tshark")
    file = tmp_path / "wire.pcapng"
    with Server(lambda conn: conn.sendall(conn.recv(100) * 30000)) as server:
        run(tern, textwrap.dedent(f"""
            import socket
            s = socket.create_connection(("{HOST}", {server.port}))
            s.sendall(b"x" * 100)
            while s.recv(65536): pass
            """), "--pcapng", str(file))
    out = subprocess.run(
        ["tshark", "-r", file, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y",
         "tcp.checksum.status==0 || ip.checksum.status==0 || _ws.malformed || tcp.analysis.lost_segment "
         "|| tcp.analysis.retransmission || tcp.analysis.ack_lost_segment"],
        capture_output=True, text=True, timeout=WAIT, check=False)
    assert out.stdout == "", out.stdout
    notes = subprocess.run(["tshark", "-r", file, "-Y", "tcp", "-T", "fields", "-e", "frame.comment"],
                           capture_output=True, text=True, timeout=WAIT, check=True).stdout.splitlines()
    assert len(notes) > 10 and all(notes), "each segment says why it was sent"
