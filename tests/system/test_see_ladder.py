# SPDX-License-Identifier: BSD-2-Clause
"""The ladder, the events and the capture of real runs."""
import json
import re
import socket
import subprocess
import sys

import pytest

from see_lab import Runs, web_server


@pytest.fixture
def runs(tern, need):
    need("curl")
    made = Runs(tern)
    yield made
    made.close()


@pytest.fixture(scope="module")
def port():
    with web_server() as number:
        yield number


def ladder(runs, port, *args, path="", env=None):
    """(the picture, the exit status) of a curl."""
    result = runs.run("--ladder", *args, "--", "curl", "-s", "-o", "/dev/null",
                      f"http://10.0.2.2:{port}/{path}", env=env)
    for line in result.stderr.splitlines():
        assert len(line) <= 100, line
    return result.stderr, result.returncode


def row(picture, *words):
    """The first row with all these words."""
    for line in picture.splitlines():
        if all(w in line for w in words):
            return line
    raise AssertionError(f"no row with {words} in:\n{picture}")


def segment(picture, flags, *words):
    """The row of the first segment with these flags and words, and its late arrival: on a busy machine any
    segment may take a millisecond, and then has two rows. Which it has decides nothing here."""
    lines = picture.splitlines()
    for i, line in enumerate(lines):
        if not re.search(rf" {flags} seq ", line) or "╌╌╌ " in line and "win" not in line:
            continue
        if not all(w in line for w in words):
            continue
        if "╌" not in line:
            return line
        number = re.search(r"seq (\d+)", line)[1]
        return line + next((a for a in lines[i + 1:] if re.search(rf"{flags} seq {number} (──►|╌)", a)), "")
    raise AssertionError(f"no segment {flags} with {words} in:\n{picture}")


def test_whole_life(runs, port):
    picture, status = ladder(runs, port)
    assert status == 0
    assert picture.startswith("connection 1, from ")
    syn = segment(picture, "SYN", "mss 1460", " syn")
    assert syn.split()[1] == "SYN-SENT" and "│ SYN-RECEIVED" in syn
    assert "ESTABLISHED │" in segment(picture, "SYN,ACK", "seq 0 ack 1", " syn-ack")
    assert "│ ESTABLISHED" in segment(picture, "ACK", "seq 1 ack 1 ", "handshake-ack")
    assert "closed first: " in picture or "closed: both ends at once" in picture    # curl and server race
    assert re.search(r"TIME-WAIT: (guest|gateway), until [0-9.]+ s \(2 MSL = 60 s\)", picture)
    assert "lost:" not in picture


CLOSER = """
import socket, sys
s = socket.create_connection(("10.0.2.2", int(sys.argv[1])))
if sys.argv[2] == "guest":
    s.shutdown(socket.SHUT_WR)
while s.recv(1000):
    pass
s.close()
"""


@pytest.mark.parametrize("first", ["guest", "gateway"])
def test_who_closed_first_keeps_time_wait(runs, first):
    """Each end waits for the other's FIN, so the order is certain."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = runs.start("--ladder", "--msl", "5s", "--", sys.executable, "-c", CLOSER,
                             str(listener.getsockname()[1]), first)
        peer = listener.accept()[0]
        if first == "gateway":
            peer.shutdown(socket.SHUT_WR)
        while peer.recv(1000):
            pass
        peer.close()
        picture = process.communicate(timeout=30)[1]
    other = "gateway" if first == "guest" else "guest"
    assert process.returncode == 0
    assert f"closed first: {first}, at " in picture
    assert re.search(rf"TIME-WAIT: {first}, until [0-9.]+ s \(2 MSL = 10 s\)", picture)
    assert f"TIME-WAIT: {other}" not in picture
    assert f"{first} TIME-WAIT" in picture.splitlines()[-2] and f"{other} CLOSED" in picture.splitlines()[-2]


def test_lost_third_ack_and_its_recovery(runs, port):
    picture, status = ladder(runs, port, "--lose", "3rd-ack")
    assert status == 0
    assert "handshake-ack" in row(picture, "✗ lost")
    assert "lost: 1" in picture
    assert "│ ESTABLISHED" in picture      # the data that follows brings the gateway there


@pytest.mark.parametrize("what, causes", [
    ("syn", ["syn-rexmt"]),
    ("syn-ack", ["syn-ack-rexmt", "syn-ack-again"]),    # both ends' timers are equal: either may be first
    ("fin", ["fin-rexmt", "tlp-rexmt"]),
    ("data:1", ["tlp-rexmt"]),
])
def test_lost_segments_are_sent_again(runs, port, what, causes):
    picture, status = ladder(runs, port, "--lose", what)
    assert status == 0
    assert row(picture, "lost", "✗" if "✗ lost" in picture else "lost ✗")
    again = [line for line in picture.splitlines() if "↻" in line]
    assert any(cause in line for line in again for cause in causes), picture
    assert re.search(r"lost: 1; sent again: [1-9]", picture)


def test_delay_gives_arrivals_their_own_time(runs, port):
    picture, status = ladder(runs, port, "--delay", "20ms")
    assert status == 0
    sent = float(row(picture, "SYN seq 0 win").split()[0])
    arrived = float(row(picture, "╌╌╌ SYN seq 0 ──►").split()[0])
    assert arrived - sent >= 0.020 - 0.000002


def test_refused(runs):
    picture, status = ladder(runs, 1)
    assert status == 7
    assert "CLOSED │" in segment(picture, "RST,ACK", "rst-refused")
    assert "reset: by gateway" in picture and "guest ended: refused" in picture


def test_long_transfer_fits_a_page(runs, port):
    picture, status = ladder(runs, port, "--lose", "0.2%", "--seed", "3", path="3000000")
    assert status == 0
    assert 20 < picture.count("\n") < 200
    assert "⋮" in picture and re.search(r"gateway sent 3\.[0-9] MB", picture)


def test_ascii_where_the_terminal_has_no_utf8(runs, port):
    picture, status = ladder(runs, port, env={"LC_ALL": "C"})
    assert status == 0
    assert picture.isascii() and "|- SYN seq 0" in picture and "\033" not in picture


def test_no_connection(runs):
    result = runs.run("--ladder", "--", "true")
    assert result.stderr == "No TCP connection was made: there is nothing to draw.\n"


def events(runs, port, path, *args):
    result = runs.run("--events", str(path), *args, "--", "curl", "-s", f"http://10.0.2.2:{port}/")
    assert result.returncode == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_events_are_in_causal_order(runs, port, tmp_path):
    records = events(runs, port, tmp_path / "e.jsonl")
    assert records[0]["event"] == "start" and records[0]["version"] == 1
    assert records[0]["program"][0] == "curl"
    sent, arrived = set(), 0
    for r in records[1:]:
        assert r["ns"] >= 0
        if r["event"] == "seg-tx":
            sent.add((r["stack"], r["frame"]))
        if r["event"] == "seg-rx":
            arrived += 1
            assert ("gateway" if r["stack"] == "guest" else "guest", r["frame"]) in sent
    assert arrived >= 7
    states = [(r["stack"], r["to"]) for r in records if r["event"] == "state"]
    for step in (("guest", "SYN-SENT"), ("gateway", "SYN-RECEIVED"), ("guest", "ESTABLISHED"),
                 ("gateway", "ESTABLISHED")):
        assert step in states
    assert all(r.get("cause") for r in records if r["event"] in ("seg-tx", "seg-rx", "state", "drop"))


def test_losses_are_events(runs, port, tmp_path):
    records = events(runs, port, tmp_path / "e.jsonl", "--lose", "syn")
    link = [r for r in records if r["event"] == "link"]
    assert [(r["cause"], r["flags"]) for r in link] == [("link-lost", "SYN")]


def test_seed_repeats_numbers(runs, port, tmp_path):
    def first(*args):
        syn = next(r for r in events(runs, port, tmp_path / "e.jsonl", *args) if r["event"] == "seg-tx")
        return syn["local"]
    assert first("--seed", "5") == first("--seed", "5")
    assert len({first("--seed", str(n)) for n in range(3)}) > 1


def test_tshark_finds_nothing_wrong(runs, port, need, tmp_path):
    need("tshark")
    capture = str(tmp_path / "x.pcapng")
    assert runs.run("--pcapng", capture, "--", "curl", "-s", "-o", str(tmp_path / "out"),
                    f"http://10.0.2.2:{port}/200000").returncode == 0

    def tshark(*args):
        return subprocess.run(["tshark", "-r", capture, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                               *args], capture_output=True, text=True, check=True, timeout=60).stdout
    assert tshark("-Y", "tcp.checksum.status == Bad || ip.checksum.status == Bad || _ws.malformed || "
                        "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment") == ""
    comments = tshark("-Y", "tcp", "-T", "fields", "-e", "frame.comment")
    assert "syn: Active open" in comments and "[RFC" not in comments.splitlines()[0].split(":")[0]
