# SPDX-License-Identifier: BSD-2-Clause
"""Helpers of the launcher's system tests: servers on the host's loopback, programs built on the spot."""
import functools
import hashlib
import http.server
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

PROGRAMS = pathlib.Path(__file__).resolve().parents[1] / "programs"
HOST = "10.0.2.2"
WAIT = 60


def build_c(tmp_path, name, *flags):
    """tests/programs/NAME.c, compiled."""
    cc = shutil.which("cc") or shutil.which("gcc") or pytest.skip("no C compiler (tools/deps build installs one)")
    out = tmp_path / (name + ("-static" if "-static" in flags else ""))
    subprocess.run([cc, "-std=gnu17", "-D_GNU_SOURCE", "-O1", *flags, "-o", str(out), str(PROGRAMS / f"{name}.c"),
                    "-lpthread"], check=True, timeout=WAIT)
    return str(out)


def build_go(tmp_path, name):
    go = shutil.which("go") or pytest.skip("go is not installed (tools/deps check installs it)")
    out = tmp_path / name
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GOCACHE": str(tmp_path / "cache"), "CGO_ENABLED": "0",
           "GO111MODULE": "off"}
    subprocess.run([go, "build", "-o", str(out), str(PROGRAMS / name / "main.go")], check=True, timeout=300, env=env)
    return str(out)


def run(*command, **more):
    """Runs a command to its end; fails the test with its output when its status is not the wanted one."""
    status = more.pop("status", 0)
    done = subprocess.run([str(c) for c in command], capture_output=True, timeout=more.pop("timeout", WAIT), **more)
    assert done.returncode == status, f"{command}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Web:
    """An HTTP server on the host's loopback with one file `f`."""

    def __init__(self, folder, size):
        # Every octet differs from its neighbours' and no two blocks are equal.
        data = b"".join(hashlib.sha256(i.to_bytes(8, "big")).digest() for i in range(size // 32))
        (pathlib.Path(folder) / "f").write_bytes(data)
        self.sha = sha256(data)
        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, host=HOST):
        return f"http://{host}:{self.port}/f"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class UdpEcho:
    """Answers each datagram on the host's loopback with the same."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(65536)
            except OSError:
                return
            if data == b"stop":
                return
            self.sock.sendto(data, peer)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"stop", ("127.0.0.1", self.port))
        self.sock.close()


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    """`tern run` in the background; lines of its standard output are events."""

    def __init__(self, *command, **more):
        self.popen = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      stdin=more.pop("stdin", subprocess.DEVNULL), text=True, **more)

    def line(self):
        return self.popen.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.popen.terminate()
        if self.popen.stdin and self.popen.stdin.closed:
            self.popen.stdin = None
        try:
            self.popen.communicate(timeout=WAIT)
        finally:
            if self.popen.poll() is None:
                self.popen.kill()
                self.popen.wait()


def reachable(port, tries=400):
    """Waits until a forwarded port answers a connection with something other than refusal."""
    for _ in range(tries):
        with socket.socket() as s:
            s.settimeout(5)
            try:
                s.connect(("127.0.0.1", port))
                s.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if s.recv(1):
                    return
            except OSError:
                pass
        threading.Event().wait(0.025)
    pytest.fail(f"127.0.0.1:{port}: nobody answers")
