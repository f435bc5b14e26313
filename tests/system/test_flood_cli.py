# SPDX-License-Identifier: BSD-2-Clause
"""`tern policy`, `tern cookie`, `tern netstat` and the verdict in `tern ss`, on a run with a listener."""
import socket
import subprocess
import sys

import pytest

from see_lab import Runs

SERVER = """
import socket, sys
s = socket.create_server(("0.0.0.0", 8000), backlog=7)
print("listening", flush=True)
while True:
    c = s.accept()[0]
    c.sendall(b"hi")
    c.close()
"""


@pytest.fixture
def runs(tern):
    made = Runs(tern)
    yield made
    made.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@pytest.fixture
def server(runs):
    port = free_port()
    process = runs.start("--name", "web", "-p", f"127.0.0.1:{port}:8000", "--", sys.executable, "-c", SERVER)
    assert process.stdout.readline() == "listening\n"
    yield port
    process.terminate()
    process.wait(timeout=30)


def greeting(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        return s.makefile().read()


def ask(runs, *words):
    return subprocess.run([runs.tern, *words], env=runs.env(), capture_output=True, text=True, timeout=30, check=False)


def test_policy_changes_a_live_listener(runs, server):
    assert ask(runs, "policy", "web", ":8000").stdout == "*:8000 cookies=overflow\n"
    assert greeting(server) == "hi"
    done = ask(runs, "policy", "web", ":8000", "cookies=always", "retries=2")
    assert (done.returncode, done.stdout) == (0, "*:8000 cookies=always,retries=2\n")
    assert greeting(server) == "hi"
    summary = ask(runs, "ss", "-s").stdout
    assert "SYN:   normal\n" in summary
    assert "all time: 2, cached 1, cookie-sent 1, cookie-valid 1, completed 1" in summary
    metrics = ask(runs, "ss", "--prometheus").stdout
    assert 'stack="guest",outcome="cookie-valid"} 1\n' in metrics
    assert "# TYPE tern_syn_verdict gauge\n" in metrics


def test_policy_says_what_is_wrong(runs, server):
    for words, says in (
            (("nobody", ":8000"), "'nobody': no such run"), (("web", ":81"), "port 81: nobody listens there"),
            (("web", ":8000", "fast"), "'fast': not a policy: cookies=overflow|always"),
            (("web", "8000"), "'8000': not a port such as :80")):
        done = ask(runs, "policy", *words)
        assert done.returncode == 1
        assert done.stderr.startswith("tern policy: ") and says in done.stderr
        assert done.stderr.count("\n") == 1
    assert ask(runs, "policy", "web").returncode == 2


def test_cookie(runs, server):
    done = ask(runs, "cookie", "web", "10.0.2.15:8000", "10.0.2.2:5", "1", "2")
    assert done.returncode == 0
    assert "not valid: no cookie of ours" in done.stdout
    assert ask(runs, "cookie", "web", "10.0.2.15", "10.0.2.2:5", "1", "2").returncode == 1


def test_netstat(runs, server):
    assert greeting(server) == "hi"
    lines = ask(runs, "netstat", "-a", "-n", "-p", "tcp").stdout.splitlines()
    assert lines[1].split()[:2] == ["Proto", "Recv-Q"]
    assert ["tcp", "0", "7", "*:8000", "*:*", "LISTEN"] in [line.split() for line in lines]
    assert "LISTEN" not in ask(runs, "netstat", "-n").stdout
    assert ask(runs, "netstat", "-x").returncode == 2
    assert ask(runs, "netstat", "nobody").returncode == 1
