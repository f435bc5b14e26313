# SPDX-License-Identifier: BSD-2-Clause
"""tools/check counts what happened, names failures and skips, and fails when it must."""

import importlib.util
import subprocess
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent


@pytest.fixture
def check(tmp_path, monkeypatch):
    loader = SourceFileLoader("tern_check", str(TOOLS / "check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tern_check", loader))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "BUILD", tmp_path / "build")
    monkeypatch.setattr(module, "LOGS", tmp_path / "build/check")
    return module


JUNIT = """<testsuites><testsuite name="tern.base/seq">
  <testcase name="1 - good"/>
  <testcase name="2 - bad"><failure/></testcase>
  <testcase name="3 - other"><skipped message="needs /dev/net/tun"/></testcase>
  <testcase name="4 - worse"><error message="died"/></testcase>
  <system-out>not ok 2 - bad\n# 1 != 2</system-out>
</testsuite></testsuites>"""


def test_junit_is_counted(check, tmp_path):
    (tmp_path / "x.xml").write_text(JUNIT)
    tally = check.Tally()
    assert check.junit(tally, "unit", tmp_path / "x.xml")
    assert tally.suites["unit"] == {"passed": 1, "failed": 2, "skipped": 1}
    assert "1 != 2" in tally.failures[0][2]
    assert tally.skips == [("unit", "tern.base/seq 3 - other", "needs /dev/net/tun")]


def test_last_line(check, tmp_path, capsys):
    (tmp_path / "x.xml").write_text(JUNIT)
    tally = check.Tally()
    check.junit(tally, "unit", tmp_path / "x.xml")
    check.report(tally)
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert lines[-1] == "1 passed, 2 failed, 1 skipped"
    assert lines[-2] == "tests run: 3"


def test_pytest_results_are_counted(check, tmp_path):
    folder = tmp_path / "tests/system"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text("import pytest\n\ndef test_good():\n    pass\n\n"
                                      "def test_bad():\n    assert 1 == 2, 'one is not two'\n\n"
                                      "def test_skip():\n    pytest.skip('no device')\n")
    tally = check.Tally()
    check.pytest(tally, "system", folder)
    assert tally.suites["system"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert "one is not two" in tally.failures[0][2]
    assert "no device" in tally.skips[0][2]


def test_pytest_that_cannot_start_is_a_failure(check, tmp_path):
    folder = tmp_path / "tests/system"
    folder.mkdir(parents=True)
    (folder / "test_x.py").write_text("import no_such_module_at_all\n")
    tally = check.Tally()
    check.pytest(tally, "system", folder)
    assert tally.total("failed") == 1


def test_missing_results_are_a_failure(check, tmp_path):
    (tmp_path / "build").mkdir()
    tally = check.Tally()
    check.meson_test(tally, "unit", tmp_path / "build")
    assert tally.total("failed") == 1


def test_a_command_that_hangs_is_ended_with_its_children(check, monkeypatch):
    monkeypatch.setattr(check, "LIMIT", 0.5)
    ok, out = check.execute("hang", "sh", "-c", "sleep 987654 & echo $!; wait")
    assert not ok
    assert "ended by tools/check" in out
    child = Path("/proc", out.split()[0], "stat")
    for _ in range(500):        # the signal is sent; its effect on a grandchild may take a moment
        if not child.exists() or child.read_text().split()[2] == "Z":
            return
        time.sleep(0.01)
    pytest.fail("the child is still running")


def test_a_command_that_does_not_exist(check):
    ok, out = check.execute("none", "no-such-command-at-all")
    assert not ok
    assert "no-such-command-at-all" in out


def test_fuzz_targets_are_counted(check, tmp_path):
    script = tmp_path / "tests/fuzz/run"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\necho 'ok fuzz_ip4 5 s, 7 runs'\necho 'ok fuzz_tcp 5 s, 9 runs'\necho 'FAIL fuzz_dns after 1 s: exit status 77'\nexit 1\n")
    script.chmod(0o755)
    tally = check.Tally()
    check.stage_fuzz(tally)
    assert tally.suites["fuzz"] == {"passed": 2, "failed": 1, "skipped": 0}
    script.write_text("#!/bin/sh\necho 'ok fuzz_ip4 5 s, 7 runs'\nexit 1\n")       # says ok, but ends badly
    tally = check.Tally()
    check.stage_fuzz(tally)
    assert tally.suites["fuzz"] == {"passed": 1, "failed": 1, "skipped": 0}


def test_stage_by_name(check, monkeypatch, capsys):
    monkeypatch.setattr(check, "STAGES", {"a": ("", lambda t: t.add("a", "passed")),
                                          "b": ("", lambda t: t.add("b", "failed", "x", "why"))})
    monkeypatch.setattr("sys.argv", ["check", "a"])
    assert check.main() == 0
    monkeypatch.setattr("sys.argv", ["check"])
    assert check.main() == 1
    assert "FAILED  b: x\n    why" in capsys.readouterr().out


def test_unknown_stage():
    result = subprocess.run([str(TOOLS / "check"), "nonsense"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "no stage named nonsense" in result.stderr


@pytest.mark.parametrize("line, status, out", [
    ("ok 1 - a", 0, "ok 1 - a"), ("not ok 2 - b", 1, "not ok 2 - b"),
    ("not ok 3 # SKIP c", 0, "ok 3 - c # SKIP skipped by the test")])
def test_cmocka_tap(line, status, out):
    result = subprocess.run([str(TOOLS / "cmocka-tap"), "sh", "-c", f"echo '{line}'; exit {status}"],
                            capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.strip()) == (status, out)


def test_deps_wants_a_known_purpose():
    result = subprocess.run([str(TOOLS / "deps"), "nonsense"], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "[nonsense]" in result.stderr


def test_deps_says_what_to_install_when_it_cannot(tmp_path):
    """Neither root nor sudo: the exact command is named, and nothing is tried."""
    (tmp_path / "packages.txt").write_text("[build]\nno-such-package-anywhere  for this test\n")
    (tmp_path / "deps").write_text((TOOLS / "deps").read_text())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/id").write_text("#!/bin/sh\necho 1000\n")
    for tool in ("awk", "grep", "sort", "dpkg-query", "dirname"):
        path = subprocess.run(["sh", "-c", f"command -v {tool}"], capture_output=True, text=True, check=True)
        (tmp_path / "bin" / tool).symlink_to(path.stdout.strip())
    (tmp_path / "bin/id").chmod(0o755)
    result = subprocess.run(["/bin/sh", str(tmp_path / "deps"), "build"], env={"PATH": str(tmp_path / "bin")},
                            capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "apt-get install no-such-package-anywhere" in result.stderr
