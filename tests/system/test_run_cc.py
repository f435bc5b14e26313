# SPDX-License-Identifier: BSD-2-Clause
"""Congestion controls under real programs: each carries a transfer, and each can be chosen by name."""
import errno
import sys

import pytest

from run_lab import HOST, Web, run, sha256
from see_lab import Runs

NAMES = ["cubic", "reno", "bbr", "none"]

ASK = """
import errno, socket, sys
name = lambda s: s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\\0").decode()
s = socket.socket()
print(name(s))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")
print(name(s))
try:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"vegas")
except OSError as e:
    print(errno.errorcode[e.errno])
s.connect((sys.argv[1], int(sys.argv[2])))
print(name(s))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
print(name(s), len(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 3)))
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, 1_000_000)
    yield made
    made.close()


@pytest.fixture
def runs(tern):
    made = Runs(tern)
    yield made
    made.close()


@pytest.mark.parametrize("name", NAMES)
def test_transfer_over_a_bad_wire(tern, need, web, name):
    need("curl")
    done = run(tern, "run", "--cc", name, "--lose", "1%", "--delay", "20ms", "--seed", "3", "--", "curl", "-sS", web.url())
    assert sha256(done.stdout) == web.sha


def test_a_program_chooses(runs, web):
    p = runs.start("--name", "chooser", "--cc", "none", "--", sys.executable, "-c", ASK, HOST, str(web.port))
    said = [p.stdout.readline().split() for _ in range(5)]
    assert said == [["none"], ["bbr"], [errno.errorcode[errno.ENOENT]], ["bbr"], ["reno", "3"]]
    assert " reno " in runs.ss("chooser", "-tnHi").stdout
    p.communicate(timeout=30)
    assert p.returncode == 0
