# SPDX-License-Identifier: BSD-2-Clause
"""`tern ss` on runs that stand still at a known point."""
import json
import os
import socket
import stat
import sys

import pytest

from see_lab import Runs, until

CLIENT = """
import socket, sys
s = socket.create_connection(("10.0.2.2", int(sys.argv[1])))
s.sendall(b"x" * 100)
print("connected", flush=True)
for line in sys.stdin:
    {"shut": lambda: s.shutdown(socket.SHUT_WR), "close": s.close}[line.strip()]()
    print("done", flush=True)
"""

SERVER = """
import socket, sys
s = socket.create_server(("0.0.0.0", 8000), backlog=7)
print("listening", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def runs(tern):
    made = Runs(tern)
    yield made
    made.close()


class Client:
    """A program with one connection to a listener of the test."""

    def __init__(self, runs, *options):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.process = runs.start("--name", "client", *options, "--", sys.executable, "-c", CLIENT, str(self.port))
        assert self.process.stdout.readline() == "connected\n"
        self.peer = self.listener.accept()[0]
        self.peer.recv(100, socket.MSG_WAITALL)

    def do(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self):
        self.peer.close()
        self.listener.close()
        self.process.communicate(timeout=30)
        assert self.process.returncode == 0


def table(result):
    assert result.returncode == 0, result.stderr
    return [line.split() for line in result.stdout.splitlines()]


def states(runs, *args):
    return [line[0] for line in table(runs.ss("client", "-tH", *args))]


def test_established(runs):
    client = Client(runs)
    head, sock = table(runs.ss("client", "-tnp"))
    assert head == "State Recv-Q Send-Q Local Address:Port Peer Address:Port Process".split()
    until(lambda: table(runs.ss("client", "-tnH"))[0][:3] == ["ESTAB", "0", "0"], "all acknowledged")
    assert sock[3].startswith("10.0.2.15:") and sock[4] == f"10.0.2.2:{client.port}"
    assert sock[5].startswith('users:(("') and "pid=" in sock[5]
    details = runs.ss("client", "-tnHi").stdout.splitlines()[1]
    for word in (" cubic ", " rto:", " rtt:", " mss:", " cwnd:", "bytes_acked:100"):
        assert word in details
    assert runs.ss("-tn").stdout.count("ESTAB") == 1            # the guest's end only
    both = runs.ss("-tn", "--all-stacks").stdout
    assert "# client, pid" in both and ", gateway" in both and both.count("ESTAB") == 2
    client.end()


def test_states_follow_the_teardown(runs):
    client = Client(runs)
    client.do("shut")
    until(lambda: states(runs) == ["FIN-WAIT-2"], "FIN-WAIT-2")
    client.peer.close()
    until(lambda: states(runs, "-a") == ["TIME-WAIT"], "TIME-WAIT")
    assert states(runs) == []                                   # as ss: not without -a
    line = runs.ss("client", "-tnHo", "state", "time-wait").stdout
    assert "timer:(timewait," in line and "sec,0)" in line
    client.end()


def test_close_wait(runs):
    client = Client(runs)
    client.peer.shutdown(socket.SHUT_WR)
    until(lambda: states(runs) == ["CLOSE-WAIT"], "CLOSE-WAIT")
    client.end()


def test_filters(runs):
    client = Client(runs)
    shown = ["ESTAB"]
    assert states(runs, "state", "established") == shown
    assert states(runs, "state", "connected") == shown
    assert states(runs, "state", "syn-recv") == []
    assert states(runs, "exclude", "established") == []
    assert states(runs, "dport", "=", f":{client.port}") == shown
    assert states(runs, f"( dport = :1 or dport = :{client.port} ) and dst 10.0.0.0/8") == shown
    assert states(runs, "dport", "=", ":1") == []
    assert states(runs, "not", "dst", "10.0.2.2") == []
    bad = runs.ss("state", "open")
    assert bad.returncode == 2 and bad.stderr.count("\n") == 1 and "'open': not a state" in bad.stderr
    client.end()


def test_listener(runs):
    process = runs.start("--name", "server", "--", sys.executable, "-c", SERVER)
    assert process.stdout.readline() == "listening\n"
    assert runs.ss("-tH").stdout == ""
    line = table(runs.ss("server", "-tlnH"))[0]
    assert line[0] == "LISTEN" and line[2] == "7" and line[3].endswith(":8000") and line[4] == "*:*"
    process.communicate(timeout=30)


def test_json(runs):
    client = Client(runs)
    document = json.loads(runs.ss("--json", "-t").stdout)
    assert document["version"] == 1
    run, = document["runs"]
    assert run["name"] == "client" and run["pid"] == client.process.pid
    stack, = run["stacks"]
    sock, = stack["sockets"]
    assert (sock["state"], sock["remote"]) == ("ESTABLISHED", {"addr": "10.0.2.2", "port": client.port})
    assert sock["info"]["bytes_acked"] == 100
    client.end()
    assert json.loads(runs.ss("--json").stdout)["runs"] == []


def test_names(runs):
    client = Client(runs)
    pid = client.process.pid
    for name in ("client", str(pid), f"client.{pid}"):
        assert runs.ss(name, "-tH").stdout.count("ESTAB") == 1
    missing = runs.ss("nobody")
    assert missing.returncode == 1
    assert missing.stderr == f"tern ss: 'nobody': no such run; there are: client.{pid}\n"
    client.end()
    none = runs.ss()
    assert none.returncode == 0 and "no run of yours" in none.stderr


def test_folder_and_socket_are_private(runs):
    client = Client(runs)
    assert stat.S_IMODE(os.stat(runs.sockets).st_mode) == 0o700
    assert sorted(runs.left()) == [f"client.{client.process.pid}.{end}" for end in ("ctl", "sock")]
    client.end()
    assert runs.left() == []


def test_stale_sockets_are_removed(runs):
    client = Client(runs)
    client.process.kill()
    client.process.communicate(timeout=30)
    assert len(runs.left()) == 2
    keep = os.path.join(runs.sockets, "keep.sock")
    open(keep, "w", encoding="ascii").close()                   # no socket: not ours to remove
    assert "no run of yours" in runs.ss().stderr
    assert runs.left() == ["keep.sock"]
    client.peer.close()
    client.listener.close()


def test_folder_that_others_can_enter_is_refused(runs):
    os.mkdir(runs.sockets)
    os.chmod(runs.sockets, 0o755)
    named = runs.run("--name", "x", "--", "true")
    assert named.returncode == 125 and "--name" in named.stderr and runs.sockets in named.stderr
    plain = runs.run("--", "sh", "-c", "exit 4")
    assert plain.returncode == 4 and "warning" in plain.stderr and plain.stderr.count("\n") == 1
    assert runs.ss().returncode == 2


def test_reader_that_stalls_does_not_stop_the_run(runs):
    client = Client(runs)
    path = os.path.join(runs.sockets, next(f for f in runs.left() if f.endswith(".sock")))
    stalled = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for s in stalled:
        s.connect(path)
    assert states(runs) == ["ESTAB"]
    for s in stalled:
        s.close()
    client.end()
