# SPDX-License-Identifier: BSD-2-Clause
"""`tern shield` in a namespace: the kernel's clients at a TAP, servers on the same namespace's loopback.

    client 10.50.0.1 ══ TAP ══ 10.50.0.2:80 shield ── 127.0.0.1:8080 server
"""
import hashlib
import os
import signal
import socket
import struct
import subprocess

import pytest

from lab import AGENT, KERNEL, TERN, WAIT, Driven, Process, both_ways, send_and_receive, wait_until

PORT, HOST_PORT, DEAD = 80, 8080, 81
MEGA = 1 << 20


class Shielded:
    """A shield in front of one server; pair() makes a connection through it."""

    def __init__(self, lab, tern, *options):
        lab.tern_command = tern
        self.lab = lab
        self.client = lab.kernel()
        self.server = lab.start(Driven(lab.inside("/usr/bin/python3", AGENT), "127.0.0.1"))
        self.listener = self.server.listen(HOST_PORT)
        lab.name = f"shield{id(self) & 0xffff:x}"
        self.process = Process(lab.inside(
            tern, "shield", "--link", "tap:t0", "--addr", TERN + "/24", "--name", lab.name, *options,
            f"{PORT}=127.0.0.1:{HOST_PORT}", f"{DEAD}=127.0.0.1:9"))
        lab.joined(self.process)
        self.lines = [self.process.popen.stdout.readline().decode() for _ in range(2)]

    def pair(self):
        """The client's socket, and the server's, and what the server takes for the client's address."""
        self.server.ask("accept", self.listener)
        c = self.client.do("connect", TERN, PORT)[0]
        s, *peer = self.server.answer()
        return c, s, peer

    def sockets(self):
        return [s for s in self.lab.tern_sockets() if s["state"] not in ("LISTEN", "TIME-WAIT")]


@pytest.fixture
def shielded(lab, tern):
    return lambda *options: Shielded(lab, tern, *options)


def test_data_both_ways(shielded):
    sh = shielded()
    assert sh.lines == [f"{TERN}:{PORT} -> 127.0.0.1:{HOST_PORT}\n", f"{TERN}:{DEAD} -> 127.0.0.1:9\n"]
    c, s, _ = sh.pair()
    both_ways(sh.client, c, sh.server, s, 3 * MEGA)


def test_half_close_by_the_client(shielded):
    sh = shielded()
    c, s, _ = sh.pair()
    sh.client.do("shut", c)
    assert sh.server.recv(s, 0)[1] == "eof"
    send_and_receive(sh.server, s, sh.client, c, MEGA)
    sh.server.do("close", s)
    assert sh.client.recv(c, 0)[1] == "eof"
    sh.client.do("close", c)
    assert wait_until(sh.sockets, []) == []


def test_half_close_by_the_server(shielded):
    sh = shielded()
    c, s, _ = sh.pair()
    sh.server.do("shut", s)
    assert sh.client.recv(c, 0)[1] == "eof"
    send_and_receive(sh.client, c, sh.server, s, MEGA)
    sh.client.do("close", c)
    assert sh.server.recv(s, 0)[1] == "eof"


def test_reset_by_the_client(shielded):
    sh = shielded()
    c, s, _ = sh.pair()
    sh.client.do("abort", c)
    assert sh.server.refused("recv", s, 1) == "ECONNRESET"
    assert wait_until(sh.sockets, []) == []


def test_reset_by_the_server(shielded):
    sh = shielded()
    c, s, _ = sh.pair()
    sh.server.do("abort", s)
    assert sh.client.refused("recv", c, 1) == "ECONNRESET"


def test_dead_server_is_a_reset(shielded):
    sh = shielded()
    try:
        c = sh.client.do("connect", TERN, DEAD)[0]
        seen = sh.client.refused("recv", c, 1)
    except Exception as e:  # the RST may be there before connect() has looked
        seen = str(e)
    assert seen == "ECONNRESET"


def test_proxy_header(shielded):
    sh = shielded("--proxy")
    c, s, _ = sh.pair()
    port = int(sh.client.do("names", c)[1])
    want = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", 12) + socket.inet_aton(KERNEL) +
            socket.inet_aton(TERN) + struct.pack("!HH", port, PORT))
    assert sh.server.recv(s, len(want))[0] == (len(want), hashlib.sha256(want).hexdigest())
    send_and_receive(sh.client, c, sh.server, s, MEGA)


def test_ss_shows_both_legs(shielded):
    sh = shielded()
    c, _, (addr, port) = sh.pair()
    client_port = int(sh.client.do("names", c)[1])
    seen = sh.sockets()
    assert [(s["state"], s["remote"]["port"]) for s in seen] == [("ESTABLISHED", client_port)]
    assert seen[0]["process"]["name"] == f"{addr}:{port}>127.0.0.1:{HOST_PORT}"


@pytest.mark.parametrize("policy", ["cookies=always", "cookies=overflow,queue=1", "drop-oldest", "staged"])
def test_policies_serve(shielded, policy):
    sh = shielded("--policy", policy)
    for _ in range(5):
        c, s, _ = sh.pair()
        send_and_receive(sh.client, c, sh.server, s, 100000)
        sh.client.do("close", c)
        sh.server.do("close", s)


@pytest.mark.parametrize("policy, records", [("cookies=always", 0), ("drop", 1)])
def test_policy_is_the_listeners(shielded, policy, records):
    """A client that never gets its SYN-ACK: the shield keeps a record of it, which repeats the SYN-ACK, or none."""
    sh = shielded("--policy", policy)
    sh.lab.wall(inp="tcp flags & (syn | ack) == syn | ack")
    before = sh.lab.snmp()["Ip"]["InReceives"]
    sh.client.do("start", TERN, PORT)
    assert wait_until(lambda: sh.lab.snmp()["Ip"]["InReceives"] > before, True)  # the SYN-ACK met the wall
    kept = [s for s in sh.sockets() if s["kind"] == "half-open" and "timer" in s]
    assert len(kept) == records


def test_policy_changes_while_it_runs(shielded):
    sh = shielded("--policy", "drop,queue=5")

    def policy(*words):
        done = subprocess.run([sh.lab.tern_command, "policy", sh.lab.name, f":{PORT}", *words], capture_output=True,
                              text=True, timeout=WAIT)
        assert done.returncode == 0, done.stderr
        return done.stdout
    assert policy() == f"{TERN}:{PORT} drop,queue=5\n"
    assert policy("cookies=always") == f"{TERN}:{PORT} cookies=always,queue=5\n"
    c, s, _ = sh.pair()
    send_and_receive(sh.client, c, sh.server, s, 1000)


def test_more_clients_than_room_wait(shielded):
    """The third client is carried on when the first has gone; nobody is reset."""
    sh = shielded("--max-conns", "2")
    pairs = [sh.pair() for _ in range(2)]
    sh.server.ask("accept", sh.listener)
    third = sh.client.do("connect", TERN, PORT)[0]
    sh.client.do("abort", pairs[0][0])
    s = sh.server.answer()[0]
    send_and_receive(sh.client, third, sh.server, s, 1000)


def test_ends_on_sigterm(shielded):
    sh = shielded()
    c, _, _ = sh.pair()
    pid = int(subprocess.run([sh.lab.tern_command, "ss", "--json", sh.lab.name], check=True, capture_output=True,
                             text=True, timeout=WAIT).stdout.split('"pid": ')[1].split(",")[0])
    os.kill(pid, signal.SIGTERM)
    assert sh.process.wait() == 0
    assert sh.client.refused("recv", c, 1) in ("ECONNRESET", "EHOSTUNREACH")


@pytest.mark.parametrize("args, complaint", [
    (["80=127.0.0.1:81"], "--link: missing"),
    (["--link", "tap:x", "80=1"], "--addr: missing"),
    (["--link", "tap:x", "--addr", "10.0.3.2"], "service: missing"),
    (["--link", "tap:x", "--addr", "10.0.3.2", "80:81"], "'80:81': not PORT="),
    (["--link", "tap:x", "--addr", "10.0.3.2", "80=1", "80=2"], "80=2: this port has a server"),
    (["--link", "wire", "80=1"], "--link: 'wire': not a device"),
    (["--policy", "cookies=never"], "'cookies=never': not a policy"),
    (["--proxie"], "--proxie: no such option"),
    (["--mtu"], "--mtu: a value is missing"),
])
def test_mistakes(tern, args, complaint):
    done = subprocess.run([tern, "shield", *args], capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == 125
    assert done.stderr.startswith("tern shield: ") and complaint in done.stderr
