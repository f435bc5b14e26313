# SPDX-License-Identifier: BSD-2-Clause
"""Helpers of the gateway's system tests: programs under `tern run` against servers on the host's loopback.

Servers are sockets of the test itself on ports that the kernel chose; programs are short Python scripts, whose
standard output is the result. Waits are bounded and always for an event.
"""
import socket
import subprocess
import sys
import threading

HOST = "10.0.2.2"  # the gateway, which also means the host's loopback
WAIT = 30


def run(tern, code, *options, check=True, prefix=()):
    """Runs a Python script as the program of `tern run`; its completed process."""
    done = subprocess.run([*prefix, tern, "run", *options, "--", sys.executable, "-c", code],
                          capture_output=True, text=True, timeout=WAIT * 2)
    if check:
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


class Background:
    """`tern run` of a Python server: started() waits until it has printed a line."""

    def __init__(self, tern, code, *options):
        self.popen = subprocess.Popen([tern, "run", *options, "--", sys.executable, "-c", code],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True)

    def __enter__(self):
        line = self.popen.stdout.readline()
        assert line, self.popen.stderr.read()
        return self

    def __exit__(self, *_):
        self.popen.stdin.close()  # the script ends at end of input
        try:
            self.popen.wait(WAIT)
        finally:
            if self.popen.poll() is None:
                self.popen.kill()
                self.popen.wait()
            self.popen.stdout.close()
            self.popen.stderr.close()


class Server:
    """A TCP listener on the loopback whose one connection (or each) is given to handle() in a thread."""

    def __init__(self, handle, backlog=128):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.sock.getsockname()[1]
        self.result = None
        self.handle = handle
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self):
        try:
            while True:
                conn, _ = self.sock.accept()
                with conn:
                    conn.settimeout(WAIT)
                    try:
                        self.result = self.handle(conn)
                    except OSError as e:
                        self.result = e
                self.done.set()
        except OSError:
            pass  # closed: the test is over

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.thread.join(WAIT)

    def outcome(self):
        assert self.done.wait(WAIT), "nobody came"
        return self.result


def read_all(conn):
    data = bytearray()
    while piece := conn.recv(1 << 16):
        data += piece
    return bytes(data)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
