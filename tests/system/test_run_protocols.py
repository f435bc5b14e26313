# SPDX-License-Identifier: BSD-2-Clause
"""FTP, SMTP, SNMP, SSH and Telnet by unmodified programs: once the client is on tern, once the server is."""
import hashlib
import importlib.util
import shutil
import subprocess
import sys

import pytest

from lab import KERNEL
from run_lab import HOST, PROGRAMS, WAIT, Daemon, closed_port, reachable, run, sha256

# Answers the server's question once, at a terminal, and says all that it saw.
TALK = """import os, pty, select, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    if not select.select([terminal], [], [], 60)[0]:
        sys.exit(f"nothing more after {seen!r}")
    try:
        piece = os.read(terminal, 1000)
    except OSError:
        break
    if not piece:
        break
    if b"who is there" in seen + piece and b"who is there" not in seen:
        os.write(terminal, b"telnet\\n")
    seen += piece
os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
"""
SERVERS = PROGRAMS / "servers.py"
DATA = b"".join(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(60_000))    # 1.9 MB


class Case:
    """A server of Debian's on one side, a client on the other, and tern under one of them."""

    def __init__(self, tern, folder, side):
        self.tern, self.folder, self.side = tern, folder, side
        self.host = HOST if side == "client" else "127.0.0.1"
        self.started = []
        (folder / "f").write_bytes(DATA)

    def start(self, *command, ports=(), line=True):
        """The server; under tern with these ports of the host leading to it. Waits until it says that it is there."""
        if self.side == "server":
            forwards = [word for p in ports for word in ("-p", p)]
            command = [self.tern, "run", *forwards, "--", *command]
        self.started.append(Daemon(*command))
        if line:
            assert self.started[-1].line().startswith("ready"), self.started[-1].popen.stderr.read()

    def server(self, kind, port, *more, udp=False):
        ports = [f"{p}:{p}{'/udp' if udp else ''}" for p in (port, *more)]
        addr = "0.0.0.0" if self.side == "server" else "127.0.0.1"
        self.start(sys.executable, SERVERS, kind, addr, port, self.folder, *more, ports=ports)

    def client(self, *command, **more):
        return run(*([self.tern, "run", "--"] if self.side == "client" else []), *command, **more)


@pytest.fixture(params=["client", "server"])
def case(tern, tmp_path, request):
    made = Case(tern, tmp_path, request.param)
    yield made
    for daemon in made.started:
        daemon.__exit__()


def modules(*names):
    for name in names:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"Python's {name} is not installed (tools/deps check installs it)")


def test_ftp_passive(case, need):
    """Two connections at a time, the second to a port that the first one names."""
    need("curl")
    modules("pyftpdlib")
    port, passive = closed_port(), closed_port()
    case.server("ftp", port, passive)
    url = f"ftp://u:p@{case.host}:{port}/"
    assert sha256(case.client("curl", "-sS", url + "f").stdout) == sha256(DATA)
    case.client("curl", "-sS", "-T", case.folder / "f", url + "copy")
    assert (case.folder / "copy").read_bytes() == DATA
    assert b"copy" in case.client("curl", "-sS", url).stdout


def test_ftp_active(lab, tern, tmp_path, need):
    """The server connects back to where the client's PORT says: the client listens."""
    need("curl")
    modules("pyftpdlib")
    (tmp_path / "f").write_bytes(DATA)
    with Daemon(*lab.inside(sys.executable, SERVERS, "ftp", KERNEL, 2121, tmp_path)) as server:
        assert server.line() == "ready 2121"
        got = subprocess.run(lab.run_argv(tern, "curl", "-sS", "-P", "-", f"ftp://u:p@{KERNEL}:2121/f"),
                             capture_output=True, timeout=WAIT, check=True)
    assert sha256(got.stdout) == sha256(DATA)


def test_smtp(case, need):
    need("msmtp")
    modules("aiosmtpd")
    port = closed_port()
    case.server("smtp", port)
    text = b"Subject: hello\r\n\r\n" + b"a line of text\r\n" * 20_000
    case.client("msmtp", "-C", "/dev/null", "--host", case.host, "--port", port, "--from", "a@example.org",
                "b@example.org", input=text)
    mail = (case.folder / "mail").read_bytes()
    assert b"Subject: hello\r\n" in mail and mail.count(b"a line of text\r\n") == 20_000


def test_snmp(case, need):
    """UDP, with an answer of more than a thousand octets."""
    need("snmpget", "snmpbulkwalk")
    modules("pysnmp")
    port = closed_port()
    case.server("snmp", port, udp=True)
    words = ("-v2c", "-c", "public", "-On", "-m", "", f"{case.host}:{port}")
    got = case.client("snmpget", *words, ".1.3.6.1.4.1.32473.1.0").stdout.decode()
    assert '"' + "x" * 1200 + '"' in got
    walked = case.client("snmpbulkwalk", *words, ".1.3.6.1.2.1.1").stdout.decode()
    assert ".1.3.6.1.2.1.1.3.0 = Timeticks" in walked


@pytest.fixture
def keys(case, need):
    need("ssh", "sftp", "ssh-keygen")
    modules("asyncssh")
    for name in ("host", "user"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", case.folder / name)
    return ("-F", "none", "-i", case.folder / "user", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={case.folder}/known", "-o", "LogLevel=ERROR")


def test_ssh(case, keys):
    port = closed_port()
    case.server("ssh", port)
    to = ("-p", port, f"u@{case.host}")
    assert case.client("ssh", *keys, *to, "octets", status=3, stdin=subprocess.DEVNULL).stdout == DATA
    assert case.client("ssh", *keys, *to, "echo", input=DATA, status=3).stdout == DATA
    batch = case.folder / "batch"
    batch.write_text(f"get {case.folder}/f {case.folder}/got\nput {case.folder}/got {case.folder}/put\n")
    case.client("sftp", *keys, "-P", port, "-b", batch, f"u@{case.host}")
    assert (case.folder / "put").read_bytes() == DATA


def test_telnet(case, need):
    need("busybox", "telnet")
    port = closed_port()
    shell = case.folder / "shell"
    shell.write_text("#!/bin/sh\necho who is there\nread name\necho hello $name\n")
    shell.chmod(0o755)
    case.start("busybox", "telnetd", "-F", "-p", port, "-l", shell, ports=[f"{port}:{port}"], line=False)
    script = case.folder / "talk"
    script.write_text(TALK)
    reachable(port)    # telnetd says nothing when it is ready
    said = case.client(sys.executable, script, shutil.which("telnet"), case.host, port).stdout
    assert b"hello telnet" in said
