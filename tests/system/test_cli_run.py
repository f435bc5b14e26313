# SPDX-License-Identifier: BSD-2-Clause
"""The command line: commands, mistakes, exit statuses, signals, streams."""
import os
import pty
import select
import signal
import socket
import subprocess
import sys

import pytest

from see_lab import Runs, until, web_server


@pytest.fixture
def runs(tern):
    made = Runs(tern)
    yield made
    made.close()


def assert_one_line(result, *words):
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_version_and_help(runs):
    assert runs.command("--version").stdout.startswith("tern ")
    assert runs.command("version").stdout == runs.command("--version").stdout
    overview = runs.command("help")
    assert overview.returncode == 0
    for name in ("run", "ss", "cap", "help", "version"):
        assert f"tern {name}" in overview.stdout
        one = runs.command("help", name)
        assert one.returncode == 0 and name in one.stdout and one.stderr == ""


def test_help_of_run_groups_its_options(runs):
    text = runs.command("help", "run").stdout
    heads = [text.index(h) for h in ("The link:", "A bad link", "Seeing:", "The stack:")]
    assert heads == sorted(heads)
    for option in ("link", "addr", "gw", "dns", "mtu", "lose", "delay", "jitter", "reorder", "duplicate", "corrupt",
                   "rate", "pcapng", "ladder", "events", "seed", "name", "cc", "msl"):
        assert f"--{option}" in text
    assert text == runs.command("run", "--help").stdout


def test_unknown_command(runs):
    result = runs.command("rnu", "--", "true")
    assert result.returncode == 2
    assert_one_line(result, "'rnu'", "did you mean 'run'", "tern help")
    result = runs.command("frobnicate")
    assert result.returncode == 2
    assert_one_line(result, "'frobnicate'", "tern help")
    assert runs.command().returncode == 2


@pytest.mark.parametrize("args, words", [
    (["--lose", "3rd"], ["--lose: '3rd': not a rate (0..1 or N%) nor one of", "3rd-ack"]),
    (["--delay", "50"], ["--delay: '50'", "ms"]),
    (["--rate", "fast"], ["--rate: 'fast'", "mbit"]),
    (["--mtu", "100"], ["--mtu: '100'", "576"]),
    (["--addr", "10.0.2"], ["--addr: '10.0.2'", "/24"]),
    (["--gw", "1.2.3.4"], ["--gw: ", "--addr"]),
    (["-p", "80"], ["-p: '80'", "HOSTPORT:PORT"]),
    (["--link", "eth0"], ["--link: 'eth0'", "tap:NAME"]),
    (["--link", "tap:t0", "-p", "8080:80"], ["-p: ", "--link wire"]),
    (["--cc", "vegas"], ["--cc: 'vegas'", "reno"]),
    (["--frob"], ["--frob: no such option"]),
    (["--pcapng", "/nonexistent/x"], ["/nonexistent/x", "No such file"]),
    (["--events", "/nonexistent/x"], ["--events", "/nonexistent/x", "No such file"]),
    (["--ladder=/nonexistent/x"], ["--ladder", "/nonexistent/x", "No such file"]),
])
def test_mistakes_start_nothing(runs, tmp_path, args, words):
    mark = tmp_path / "started"
    result = runs.run(*args, "--", "touch", str(mark))
    assert result.returncode == 125
    assert result.stderr.startswith("tern run: ")
    assert_one_line(result, *words)
    assert not mark.exists()
    assert runs.left() == []


def test_taken_port_starts_nothing(runs, tmp_path):
    mark = tmp_path / "started"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = runs.run("-p", f"{port}:80", "--", "touch", str(mark))
    assert result.returncode == 125
    assert_one_line(result, str(port), "taken")
    assert not mark.exists()
    assert runs.left() == []


def test_no_program(runs):
    result = runs.run("--mtu", "1500")
    assert result.returncode == 125
    assert_one_line(result, "no program", "PROGRAM")


def test_exit_status_is_the_programs(runs, tmp_path):
    for status in (0, 1, 7, 125, 255):
        assert runs.run("--", "sh", "-c", f"exit {status}").returncode == status
    for name in ("no-such-program", str(tmp_path / "none")):
        missing = runs.run("--", name)
        assert missing.returncode == 127
        assert_one_line(missing, name, "not found")
    plain = tmp_path / "plain"
    plain.write_text("")
    for path in (plain, tmp_path):
        refused = runs.run("--", str(path))
        assert refused.returncode == 126
        assert_one_line(refused, str(path), "cannot be executed")
    assert runs.left() == []


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGINT])
def test_killed_program_is_a_killed_tern(runs, sig):
    assert runs.run("--", "sh", "-c", f"kill -{int(sig)} $$").returncode == -sig


def test_streams_are_the_programs(runs):
    result = runs.run("--", "sh", "-c", "cat; echo err >&2", stdin=None, input="in\n")
    assert (result.returncode, result.stdout, result.stderr) == (0, "in\n", "err\n")


def test_words_after_the_program_are_its_own(runs):
    result = runs.run("printf", "%s.", "--lose", "--", "-p")
    assert (result.stdout, result.stderr) == ("--lose.--.-p.", "")


def test_page_of_the_hosts_loopback(runs, need):
    need("curl")
    with web_server() as port:
        result = runs.run("--", "curl", "-s", f"http://10.0.2.2:{port}/100000", text=False)
    assert result.returncode == 0
    assert result.stdout == bytes(i * 7 & 255 for i in range(100000))
    assert result.stderr == b""


SIGNALLED = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT})
print("ready", flush=True)
info = signal.sigwaitinfo({signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT})
print(info.si_signo, "terminal" if info.si_code == 128 else "process", flush=True)
sys.exit(42)
"""


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGINT])
def test_signals_are_passed_on(runs, sig):
    process = runs.start("--", sys.executable, "-c", SIGNALLED)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(sig)
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == (f"{int(sig)} process\n", "", 42)


def test_ctrl_c_reaches_the_program_by_itself(runs):
    """The terminal signals the whole foreground group: tern must neither die nor pass it on again."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(runs.tern, [runs.tern, "run", "--", sys.executable, "-c", SIGNALLED], runs.env())
    seen = b""

    def wait_for(word):
        nonlocal seen
        while word not in seen:
            assert select.select([terminal], [], [], 30)[0], f"no {word!r} after {seen!r}"
            seen += os.read(terminal, 1000)

    try:
        wait_for(b"ready")
        os.write(terminal, b"\x03")
        wait_for(b"terminal")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42
    finally:
        os.close(terminal)


def test_program_begins_with_default_signals(runs):
    result = runs.run("--", "grep", "^Sig[BIC]", "/proc/self/status")
    plain = subprocess.run(["grep", "^Sig[BIC]", "/proc/self/status"], capture_output=True, text=True, check=True,
                           stdin=subprocess.DEVNULL)
    assert result.stdout == plain.stdout


def test_capture_of_a_run_can_be_drawn(runs, need, tmp_path):
    need("curl")
    capture = str(tmp_path / "x.pcapng")
    with web_server() as port:
        assert runs.run("--pcapng", capture, "--", "curl", "-s", f"http://10.0.2.2:{port}/").returncode == 0
    drawn = runs.command("cap", capture)
    assert drawn.returncode == 0
    assert "SYN seq 0" in drawn.stdout and "SYN,ACK seq 0 ack 1" in drawn.stdout
    bad = tmp_path / "bad"
    bad.write_text("not a capture")
    for path in (bad, tmp_path / "none"):
        result = runs.command("cap", str(path))
        assert result.returncode == 1
        assert_one_line(result, "tern cap: ", str(path))


def test_full_disk_is_told_and_the_status_kept(runs):
    result = runs.run("--ladder=/dev/full", "--", "sh", "-c", "exit 3")
    assert result.returncode == 3
    assert_one_line(result, "--ladder", "/dev/full", "No space left")


def test_nothing_is_left_when_killed_by_signal(runs):
    process = runs.start("--", "sleep", "1000")
    until(runs.left, "a control socket")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert runs.left() == []
