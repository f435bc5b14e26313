# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the command and of seeing share: a web server on the host's loopback, runs that end with
the test, and waiting for a condition."""
import contextlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import time

LIMIT = 30      # seconds that anything may take before the test has failed


def until(condition, what):
    """condition()'s first true value."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {LIMIT} s: {what}")


class Page(http.server.BaseHTTPRequestHandler):
    """GET /N answers N octets; anything else a greeting."""

    def do_GET(self):
        size = self.path.lstrip("/")
        body = bytes(i * 7 & 255 for i in range(int(size))) if size.isdigit() else b"<p>hello</p>\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def web_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Runs:
    """Runs of tern with a run-time folder of their own (a short path: it holds a socket's name)."""

    def __init__(self, tern):
        self.tern = tern
        self.folder = tempfile.mkdtemp(prefix="tern-see-", dir="/tmp")
        self.sockets = os.path.join(self.folder, "tern")
        self.started = []

    def env(self, **more):
        plain = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LC_CTYPE", "NO_COLOR")}
        return {**plain, "XDG_RUNTIME_DIR": self.folder, "LANG": "C.UTF-8", **more}

    def command(self, *args, env=None, text=True, **options):
        """tern ARGS, to its end."""
        return subprocess.run([self.tern, *args], capture_output=True, check=False, timeout=LIMIT, text=text,
                              stdin=options.pop("stdin", subprocess.DEVNULL), env=self.env(**(env or {})), **options)

    def run(self, *args, **options):
        return self.command("run", *args, **options)

    def start(self, *args, **options):
        """`tern run ARGS` in the background."""
        process = subprocess.Popen([self.tern, "run", *args], env=self.env(), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.started.append(process)
        return process

    def ss(self, *args):
        return self.command("ss", *args)

    def left(self):
        """Control sockets that are still there."""
        return os.listdir(self.sockets) if os.path.isdir(self.sockets) else []

    def close(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:   # a program of it lives on and holds the pipes
                for pipe in (process.stdout, process.stderr):
                    if pipe:
                        pipe.close()
        shutil.rmtree(self.folder)
