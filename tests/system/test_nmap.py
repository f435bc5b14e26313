# SPDX-License-Identifier: BSD-2-Clause
"""What nmap makes of a server under `tern run` at a TAP: numbers that cannot be guessed."""
import re
import statistics

from lab import TERN, Process

SERVER = """
import socket
s = socket.create_server(("0.0.0.0", 80), backlog=64)
print("listening", flush=True)
while True:
    s.accept()[0].close()
"""
SCANS = 3   # nmap's index is the spread of six numbers: one sample in some dozens is far from the others
GOOD = 250  # of at most 265: the logarithm (times 8) of how far apart the initial sequence numbers lie


def test_sequence_numbers_and_ids(lab, tern, need):
    need("nmap")
    server = lab.joined(Process(lab.run_argv(tern, "/usr/bin/python3", "-c", SERVER)))
    assert server.popen.stdout.readline() == b"listening\n"
    difficulty = []
    for _ in range(SCANS):
        said = lab.sh("nmap", "-O", "-v", "-n", "-Pn", "-p", "80,81", "--max-os-tries", "1", TERN)
        assert re.search(r"^80/tcp +open ", said, re.MULTILINE), said
        assert re.search(r"^81/tcp +closed ", said, re.MULTILINE), said
        found = re.search(r"TCP Sequence Prediction: Difficulty=(\d+)", said)
        assert found, said
        difficulty.append(int(found[1]))
        assert re.search(r"IP ID Sequence Generation: (All zeros|Randomized)$", said, re.MULTILINE), said
    assert statistics.median(difficulty) >= GOOD, difficulty
    server.popen.terminate()
    server.wait()
