# SPDX-License-Identifier: BSD-2-Clause
"""tests/packetdrill/run with a stand-in for packetdrill: a script passes if the word `good` is in it."""
import json
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN = os.path.join(ROOT, "tests", "packetdrill", "run")
FAKE = r"""#!/bin/sh
for last; do :; done
case "$*" in *--so_filename=/*--so_flags=*profile=linux*) ;; *) echo "wrong options: $*"; exit 1 ;; esac
ip link show tun0 >/dev/null || { echo "no tun0"; exit 1; }
[ -d "$TERN_PDSO" ] || { echo "no folder to share"; exit 1; }
grep -q good "$last" && exit 0
echo "$last:3: error handling packet: timing error"
exit 1
"""


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    can = subprocess.run(["unshare", "-n", "-m", "true"] if os.geteuid() == 0 else ["unshare", "-U", "-r", "-n", "-m", "true"],
                         check=False, capture_output=True)
    if can.returncode != 0:
        pytest.skip("no namespaces here")
    (tmp_path / "scripts" / "sub").mkdir(parents=True)
    for name, text in (("a.pkt", "good\n"), ("sub/b.pkt", "bad\n"), ("c.pkt", "--ip_version=ipv6\ngood\n"),
                       ("d-v6.pkt", "good\n"), ("readme.txt", "bad\n")):
        (tmp_path / "scripts" / name).write_text(text)
    (tmp_path / "fake").write_text(FAKE)
    (tmp_path / "fake").chmod(0o755)
    (tmp_path / "x.so").write_text("")
    return tmp_path


def run(folder, *more):
    return subprocess.run([RUN, str(folder / "scripts"), "--bin", str(folder / "fake"), "--so", str(folder / "x.so"), *more],
                          check=False, capture_output=True, text=True)


def test_verdicts(folder):
    p = run(folder)
    lines = p.stdout.splitlines()
    assert p.returncode == 1
    assert lines[-1] == "1 passed, 1 failed, 2 skipped"
    assert "passed  a.pkt" in lines
    failed = lines.index("FAILED  sub/b.pkt")
    assert lines[failed + 1].strip() == "3: error handling packet: timing error"


def test_only_some(folder):
    p = run(folder, "-k", "a.pkt")
    assert p.returncode == 0
    assert p.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_no_ipv6(folder):
    assert run(folder, "--ipv6").stdout.splitlines()[-1] == "0 passed, 0 failed, 4 skipped"


def test_json_and_report(folder):
    page = folder / "page.md"
    page.write_text("before\n<!-- failures -->\nold\n<!-- /failures -->\nafter\n")
    run(folder, "--json", str(folder / "r.json"), "--report", str(page))
    results = {r["script"]: r for r in json.loads((folder / "r.json").read_text())}
    assert results["a.pkt"]["passed"] and not results["sub/b.pkt"]["passed"]
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "1 passed, 1 failed, 2 skipped" in text and "`sub/b.pkt`" in text


def test_what_is_missing_is_said(folder):
    p = subprocess.run([RUN, str(folder / "scripts"), "--bin", "/nowhere", "--so", str(folder / "x.so")], check=False,
                       capture_output=True, text=True)
    assert p.returncode == 1 and "--bin /nowhere" in p.stderr
