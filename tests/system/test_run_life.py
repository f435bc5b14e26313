# SPDX-License-Identifier: BSD-2-Clause
"""The life of a program under `tern run`: privileges, children, death, and what peers see of it."""
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from run_lab import HOST, Daemon, Web, closed_port, run, sha256


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(30)
        yield made


def call(server, then):
    """A Python client that connects, says it is there, and then does something."""
    port = server.getsockname()[1]
    return f"import os,socket,sys,time\ns = socket.create_connection(({HOST!r}, {port}))\ns.sendall(b'here')\n{then}"


def accept(server):
    conn, _ = server.accept()
    conn.settimeout(30)
    assert conn.recv(4, socket.MSG_WAITALL) == b"here"
    return conn


def test_exit_closes(tern, server):
    with Daemon(tern, "run", "--", sys.executable, "-c", call(server, "s.sendall(b'last'); os._exit(5)")) as d:
        with accept(server) as conn:
            assert conn.recv(4, socket.MSG_WAITALL) == b"last"
            assert conn.recv(1) == b""
        assert d.popen.wait(30) == 5


def test_all_that_was_written_arrives_after_exit(tern, server):
    """20 MB are in buffers when the program ends; a slow reader gets them all."""
    code = call(server, "s.sendall(b'x' * 20_000_000); os._exit(0)")
    with Daemon(tern, "run", "--", sys.executable, "-c", code) as d:
        with accept(server) as conn:
            got = 0
            while piece := conn.recv(100_000):
                got += len(piece)
        assert got == 20_000_000
        assert d.popen.wait(30) == 0


def test_killed_with_data_unread_resets(tern, server):
    code = call(server, "s.recv(1, socket.MSG_PEEK); print('peeked', flush=True); time.sleep(60)")
    with Daemon(tern, "run", "--", sys.executable, "-c", code) as d:
        with accept(server) as conn:
            conn.sendall(b"never read")
            assert d.line() == "peeked"
            d.popen.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionResetError):
                conn.recv(1)


def test_child_keeps_the_connection(tern, server):
    """The program ends, its child goes on with the inherited socket; tern lives as long."""
    then = """
if os.fork() == 0:
    s.recv(1)
    s.sendall(b'child')
    os._exit(0)
print('ended', flush=True)
os._exit(0)
"""
    with Daemon(tern, "run", "--", sys.executable, "-c", call(server, then)) as d:
        with accept(server) as conn:
            assert d.line() == "ended"
            assert d.popen.poll() is None
            conn.sendall(b"x")
            assert conn.recv(5, socket.MSG_WAITALL) == b"child"
            assert conn.recv(1) == b""
        assert d.popen.wait(30) == 0


def test_closed_listener_refuses(tern):
    """A listener's close() is a call that nobody sees: the next SYN must find out."""
    port = closed_port()
    code = ("import socket,sys\ns = socket.create_server(('0.0.0.0', 80))\nprint('up', flush=True)\n"
            "c, _ = s.accept()\nc.close()\ns.close()\nprint('closed', flush=True)\nsys.stdin.read()")
    with Daemon(tern, "run", "-p", f"{port}:80", "--", sys.executable, "-c", code, stdin=subprocess.PIPE) as d:
        assert d.line() == "up"
        with socket.create_connection(("127.0.0.1", port), 30) as conn:
            assert conn.recv(1) == b""
        assert d.line() == "closed"
        with socket.create_connection(("127.0.0.1", port), 30) as conn:
            with pytest.raises(ConnectionResetError):
                conn.sendall(b"x")
                if conn.recv(1) == b"":
                    raise AssertionError("end of file instead of a reset")
        d.popen.stdin.close()
        assert d.popen.wait(30) == 0


def test_many_sockets_leak_nothing(tern):
    """Closed sockets are found and forgotten: the supervisor's descriptors and memory stay small."""
    code = """
import os, socket
for i in range(3000):
    socket.socket().close()
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
s = socket.create_server(('127.0.0.1', 0), backlog=16)
for i in range(1000):
    c = socket.create_connection(s.getsockname()); a, _ = s.accept(); a.close(); c.close()
status = open('/proc/%d/status' % os.getppid()).read()
print(len(os.listdir('/proc/%d/fd' % os.getppid())), status.split('VmRSS:')[1].split()[0])
"""
    fds, kilobytes = run(tern, "run", "--", sys.executable, "-c", code).stdout.split()
    assert int(fds) < 120
    assert int(kilobytes) < 64 * 1024


def test_limit_of_descriptors_is_the_programs_own(tern):
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    assert run(tern, "run", "--", sys.executable, "-c", code).stdout == run(sys.executable, "-c", code).stdout


def test_families_that_are_not_here(tern):
    code = """
import errno, socket
def name(*a):
    try:
        socket.socket(*a).close()
        return 'ok'
    except OSError as e:
        return errno.errorcode[e.errno]
print(name(socket.AF_INET6, socket.SOCK_STREAM), name(socket.AF_PACKET, socket.SOCK_RAW),
      name(socket.AF_INET, socket.SOCK_RAW, 1), name(socket.AF_INET, socket.SOCK_DGRAM, 1),
      name(socket.AF_INET, socket.SOCK_STREAM, 132), name(socket.AF_UNIX, socket.SOCK_STREAM),
      name(socket.AF_NETLINK, socket.SOCK_RAW))
"""
    assert run(tern, "run", "--", sys.executable, "-c", code).stdout.decode().split() == [
        "EAFNOSUPPORT", "EPERM", "EPERM", "EACCES", "EPROTONOSUPPORT", "ok", "ok"]


def test_nested(tern):
    """One supervisor a process: the inner one says so and starts nothing."""
    done = subprocess.run([tern, "run", "--", tern, "run", "--", "echo", "inner"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 125
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and "already supervised" in done.stderr


def test_script_without_interpreter_line(tern, tmp_path):
    script = tmp_path / "script"
    script.write_text("echo from the shell\n")
    script.chmod(0o755)
    assert run(tern, "run", "--", script).stdout == b"from the shell\n"


def test_without_privilege(tern, need, tmp_path):
    """As nobody, without any capability."""
    need("curl", "setpriv")
    if os.geteuid() != 0:
        pytest.skip("already without privilege: every other test shows it")
    web = Web(tmp_path, 3_000_000)
    command = shutil.copy(tern, "/tmp/tern-test-nobody")   # the build may be in a folder of ours alone
    try:
        done = run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
                   "--bounding-set=-all", command, "run", "--", "curl", "-sS", web.url(), cwd="/",
                   env={"PATH": os.environ["PATH"], "HOME": "/"})
        assert sha256(done.stdout) == web.sha
        assert done.stderr == b""
    finally:
        os.unlink(command)
        web.close()
