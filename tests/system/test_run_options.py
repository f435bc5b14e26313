# SPDX-License-Identifier: BSD-2-Clause
"""Socket options of real programs, and options of `tern run`, by what they do on the wire."""
import json
import sys

import pytest

from run_lab import Web, run, sha256

ME = "10.0.2.15"


def segments(path):
    return [e for e in map(json.loads, path.read_text().splitlines()) if e["event"] in ("seg-tx", "seg-rx")]


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, 1_000_000)
    yield made
    made.close()


def test_user_timeout_option(tern, need, web, tmp_path):
    """On each SYN and once more behind it, from both ends; nowhere without the option."""
    need("curl")
    for uto, want in (("--uto=300s", {300}), (None, set())):
        events = tmp_path / f"events{len(want)}"
        run(tern, "run", *([uto] if uto else []), "--events", events, "--", "curl", "-sS", web.url())
        sent = [e for e in segments(events) if e["event"] == "seg-tx" and "user_timeout_s" in e]
        assert {e["user_timeout_s"] for e in sent} == want
        for stack in {e["stack"] for e in sent}:
            mine = [e for e in sent if e["stack"] == stack]
            assert sum("SYN" in e["flags"] for e in mine) == 1 and sum("SYN" not in e["flags"] for e in mine) == 1
        assert len({e["stack"] for e in sent}) == (2 if want else 0)


def test_path_mtu(tern, need, web, tmp_path):
    """Nothing above 1200 octets gets through, and nobody says so: what is sent is found to be too large."""
    need("curl")
    events = tmp_path / "events"
    done = run(tern, "run", "--path-mtu", "1200", "--events", events, "--", "curl", "-sS", web.url())
    assert sha256(done.stdout) == web.sha
    assert any(e.get("cause") == "pmtu-black-hole" for e in map(json.loads, events.read_text().splitlines()))


FAST = """
import socket, struct, sys
listener = socket.socket()
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 8)
listener.bind((sys.argv[1], 7900)); listener.listen()
def call(text):
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, 30, 1)
    s.connect((sys.argv[1], 7900))
    s.sendall(text)
    c, _ = listener.accept()
    got = b""
    while len(got) < len(text):
        got += c.recv(100)
    assert got == text
    c.sendall(b"back")
    assert s.recv(10) == b"back"
    data = bool(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5] & 32)  # TCPI_OPT_SYN_DATA
    s.close(); c.close()
    return data
print(call(b"asks for a cookie"), call(b"has one"), call(b"x" * 90))
"""


def test_fastopen_connect(tern):
    assert run(tern, "run", "--", sys.executable, "-c", FAST, ME).stdout == b"False True True\n"


RECORDS = """
import socket, sys
l = socket.socket(); l.bind((sys.argv[1], 7901)); l.listen()
c = socket.socket(); c.connect((sys.argv[1], 7901)); s, _ = l.accept()
c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # nothing would go by itself
for n in (100, 200, 300):
    assert c.send(bytes(n), socket.MSG_EOR) == n
got = 0
while got < 600:
    got += len(s.recv(1000))
"""


def test_records(tern, tmp_path):
    events = tmp_path / "events"
    run(tern, "run", "--events", events, "--", sys.executable, "-c", RECORDS, ME)
    assert [e["len"] for e in segments(events) if e["event"] == "seg-tx" and e["len"]] == [100, 200, 300]


def test_tos_both_ways(tern):
    code = f"""
import socket
l = socket.socket(); l.bind(({ME!r}, 7902)); l.listen()
l.setsockopt(socket.IPPROTO_IP, 13, 1)  # IP_RECVTOS
c = socket.socket(); c.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x48); c.connect(({ME!r}, 7902)); s, _ = l.accept()
c.sendall(b'x'); s.recv(1)
print(s.getsockopt(socket.IPPROTO_IP, 9, 100)[16])  # IP_PKTOPTIONS: one control message
"""
    assert run(tern, "run", "--", sys.executable, "-c", code).stdout == b"72\n"


MORE = """
import socket, sys
l = socket.socket(); l.bind((sys.argv[1], 7903)); l.listen()
c = socket.socket(); c.connect((sys.argv[1], 7903)); s, _ = l.accept()
for n in range(3):
    c.send(b"header", socket.MSG_MORE)
    c.send(b"body")
    got = b""
    while len(got) < 10:
        got += s.recv(100)
    assert got == b"headerbody"
"""


def test_more_to_come(tern, tmp_path):
    events = tmp_path / "events"
    run(tern, "run", "--events", events, "--", sys.executable, "-c", MORE, ME)
    assert [e["len"] for e in segments(events) if e["event"] == "seg-tx" and e["len"]] == [10, 10, 10]
