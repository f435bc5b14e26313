# SPDX-License-Identifier: BSD-2-Clause
"""The same segments to the Linux kernel and to tern (tests/interop/differential.py): the answers are the same, or
docs/differential.md says why not."""
import os
import re
import subprocess

import pytest

from conftest import ROOT

PROGRAM = ROOT / "tests/interop/differential.py"
SEEDS = "1-3000"


def test_the_answers_are_the_kernels(interop_peer):
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        pytest.skip("network namespaces with TAP devices need root and /dev/net/tun")
    done = subprocess.run([PROGRAM, "--peer", interop_peer, "--seeds", SEEDS, "--all-used"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^ok - 3000 dialogues, \d{5} steps, 0 differences$", done.stdout, re.MULTILINE), done.stdout


def test_each_difference_has_its_reason():
    text = PROGRAM.read_text()
    table = text[text.index("DIFFERENCES = ["):text.index("# After these")]
    names = set(re.findall(r'^    \("([^"]+)", r', table, re.MULTILINE))
    names |= {m[1] for m in re.finditer(r'"([^"]+)"', re.search(r"^EDGE, ORPHAN = (.+)$", text, re.MULTILINE)[1])}
    headings = set(re.findall(r"^### (.+)$", (ROOT / "docs/differential.md").read_text(), re.MULTILINE))
    assert names == headings
