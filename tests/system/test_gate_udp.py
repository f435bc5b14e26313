# SPDX-License-Identifier: BSD-2-Clause
"""Datagrams and names through the gateway, as programs on both sides see them."""
import socket
import subprocess
import textwrap
import threading

import pytest

from gate_lab import HOST, WAIT, Background, free_port, run


class Echo:
    """A UDP server on the loopback that answers in capitals."""

    def __enter__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def _serve(self):
        while True:
            data, peer = self.sock.recvfrom(65536)
            if data == b"end":
                return
            self.sock.sendto(data.upper(), peer)

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", ("127.0.0.1", self.port))
        self.thread.join(WAIT)
        self.sock.close()


def test_question_and_answer(tern):
    with Echo() as echo:
        done = run(tern, textwrap.dedent(f"""
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout({WAIT})
            for i in range(20):
                s.sendto(b"hello %d" % i, ("{HOST}", {echo.port}))
                print(s.recvfrom(100) == (b"HELLO %d" % i, ("{HOST}", {echo.port})))
            """))
        assert done.stdout == "True\n" * 20


def test_closed_port(tern):
    """The host's port unreachable becomes the guest's, and the pending error of a connected socket."""
    done = run(tern, textwrap.dedent(f"""
        import errno, socket, time
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(("{HOST}", {free_port(socket.SOCK_DGRAM)}))
        s.send(b"x")
        end = time.monotonic() + {WAIT}
        while not (e := s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) and time.monotonic() < end:
            time.sleep(0.001)
        print(errno.errorcode.get(e, e))
        """))
    assert done.stdout == "ECONNREFUSED\n"


SERVE = """
import socket, sys, threading
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 99))
print("up", flush=True)
def serve():
    while True:
        data, peer = s.recvfrom(1000)
        s.sendto(peer[0].encode() + b" " + data, peer)
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
"""


def test_forward(tern):
    port = free_port(socket.SOCK_DGRAM)
    with Background(tern, SERVE, "-p", f"{port}:99/udp"):
        for i in range(3):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
                c.settimeout(WAIT)
                c.sendto(b"hello %d" % i, ("127.0.0.1", port))
                assert c.recv(100) == b"10.0.2.2 hello %d" % i


# Inside a namespace of its own, where port 53 is free: a resolver that knows one name.
RESOLVER = """
import socket, subprocess, sys, threading
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
def serve():
    while True:
        q, peer = s.recvfrom(512)
        end = q.index(0, 12) + 5
        ok = q[12:end - 4] == b"\\x05hello\\x04test\\x00" and q[end - 4:end - 2] == b"\\0\\1"
        head = q[:2] + (b"\\x81\\x80" if ok else b"\\x81\\x83") + b"\\0\\1" + (b"\\0\\1" if ok else b"\\0\\0") + b"\\0" * 4
        answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\xcb\\x00\\x71\\x07" if ok else b""
        s.sendto(head + q[12:end] + answer, peer)
threading.Thread(target=serve, daemon=True).start()
sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def test_dns_goes_where_it_is_told(tern, need):
    """dig asks 192.0.2.53, which does not exist; --dns sends the question to the host's resolver."""
    need("unshare", "ip", "dig")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh", "/usr/bin/python3", "-c", RESOLVER,
         tern, "run", "--dns", "127.0.0.1", "--", "dig", "+short", "+tries=1", "@192.0.2.53", "hello.test"],
        capture_output=True, text=True, timeout=WAIT * 2, check=False)
    assert done.stdout == "203.0.113.7\n", done.stderr
