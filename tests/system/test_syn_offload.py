# SPDX-License-Identifier: BSD-2-Clause
"""A server under `tern run` and behind `tern shield` at one end of a veth, whose kernel gives out SYN cookies for it; the
other end is the kernel's, in a namespace of its own. What the kernel answered, the stack knows again."""
import itertools
import json
import os
import signal
import subprocess

import pytest

from lab import WAIT, Process, wait_until

HERE, THERE, NUMBERS = "10.61.0.1", "10.61.0.2", itertools.count(1)
SERVER = """
import socket, threading
l = socket.create_server(("0.0.0.0", 80), backlog=64)
print("listening", flush=True)
def serve(c):
    with c:
        while data := c.recv(65536):
            c.sendall(data)
while True:
    threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
"""
ECHO = f"""
import hashlib, os, socket, sys, threading
n, sizes = int(sys.argv[1]), int(sys.argv[2])
for i in range(n):
    data = os.urandom(sizes)
    with socket.create_connection(("{THERE}", 80), timeout={WAIT}) as s:
        def send():
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        t = threading.Thread(target=send)
        t.start()
        got = b"".join(iter(lambda: s.recv(1 << 16), b""))
        t.join()
    assert got == data, (len(got), len(data))
print("same")
"""


class Veth:
    def __init__(self, tern):
        self.tern, self.started = tern, []
        self.number = f"{os.getpid()}-{next(NUMBERS)}"
        self.far, self.near = f"tern-v-{self.number}", f"tern-c-{self.number}"
        self.run_name = f"off{self.number}"
        for ns in (self.far, self.near):
            self.host("ip", "netns", "add", ns)
        self.host("ip", "link", "add", "v0", "netns", self.near, "type", "veth", "peer", "name", "v1", "netns", self.far)
        for ns, dev in ((self.near, "v0"), (self.far, "v1"), (self.far, "lo")):
            self.inside(ns, "ip", "link", "set", dev, "up")
        self.inside(self.near, "ip", "addr", "add", f"{HERE}/24", "dev", "v0")

    @staticmethod
    def host(*argv):
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=WAIT).stdout

    def inside(self, ns, *argv):
        return self.host("ip", "netns", "exec", ns, *argv)

    def start(self, *argv):
        p = Process(["ip", "netns", "exec", self.far, *argv])
        self.started.append(p)
        return p

    def run(self, policy, *options):
        p = self.start(self.tern, "run", "--link", "packet:v1", "--addr", f"{THERE}/24", "--name", self.run_name,
                       "--policy", policy, *options, "--", "/usr/bin/python3", "-c", SERVER)
        assert p.popen.stdout.readline() == b"listening\n", p.stderr.decode()
        return p

    def echo(self, n=1, octets=10):
        assert self.inside(self.near, "/usr/bin/python3", "-c", ECHO, str(n), str(octets)) == "same\n"

    def syn(self):
        doc = json.loads(self.host(self.tern, "ss", "--json", "-s", "-p", self.run_name))
        return next(s["syn"] for s in doc["runs"][0]["stacks"] if s.get("syn"))

    def offloaded(self, at_least):
        """The stack hears of it now and then: waits until it is so many."""
        wait_until(lambda: self.syn()["offloaded"] >= at_least, True)
        return self.syn()["offloaded"]

    def close(self):
        for p in reversed(self.started):
            p.popen.terminate()
            p.end()
        for ns in (self.far, self.near):
            subprocess.run(["ip", "netns", "del", ns], check=False, timeout=WAIT)


@pytest.fixture
def veth(tern, need):
    need("ip")
    if os.geteuid() != 0:
        pytest.skip("network namespaces with a veth, and a program in the kernel, need root")
    v = Veth(tern)
    try:
        asked = subprocess.run(["ip", "netns", "exec", v.far, tern, "run", "--link", "packet:v1", "--syn-offload=on", "--",
                                "true"], capture_output=True, text=True, timeout=WAIT, check=False)
        if "was built without" in asked.stderr:
            pytest.skip(asked.stderr.strip())
        assert asked.returncode == 0, asked.stderr
        yield v
    finally:
        v.close()


def test_each_connection_begins_with_the_kernels_cookie(veth):
    veth.run("cookies=always", "--syn-offload", "on")
    veth.echo(20)
    assert veth.offloaded(20) == 20
    syn = veth.syn()
    assert syn["offload"] is True
    assert syn["outcomes"]["cookie-sent"] == 20 and syn["outcomes"]["cookie-valid"] == 20
    assert syn["outcomes"]["cookie-bad"] == 0 and syn["outcomes"]["completed"] == 0
    text = veth.host(veth.tern, "ss", "-s", "-p", veth.run_name)
    assert "at the device: helps, 20 cookies given out" in text


def test_much_data_goes_the_usual_way(veth):
    veth.run("cookies=always", "--syn-offload", "on")
    veth.echo(1, 20 << 20)
    assert veth.offloaded(1) == 1


def test_the_policy_of_the_moment_decides(veth):
    veth.run("cookies=always")
    veth.echo(3)
    assert veth.offloaded(3) == 3
    veth.host(veth.tern, "policy", veth.run_name, ":80", "drop")
    veth.echo(3)
    syn = veth.syn()
    assert syn["offloaded"] == 3 and syn["outcomes"]["completed"] == 3
    veth.host(veth.tern, "policy", veth.run_name, ":80", "cookies=always")
    veth.echo(2)
    assert veth.offloaded(5) == 5
    veth.host(veth.tern, "policy", veth.run_name, ":80", "cookies=overflow")   # nothing overflows
    veth.echo(2)
    syn = veth.syn()
    assert syn["offloaded"] == 5 and syn["outcomes"]["completed"] == 5


def test_off_is_off(veth):
    veth.run("cookies=always", "--syn-offload", "off")
    veth.echo(3)
    syn = veth.syn()
    assert syn["offload"] is False and syn["offloaded"] == 0 and syn["outcomes"]["cookie-sent"] == 3


def test_a_capture_shows_everything_so_the_kernel_answers_nothing(veth, tmp_path):
    veth.run("cookies=always", "--pcapng", str(tmp_path / "c.pcapng"))
    veth.echo(3)
    syn = veth.syn()
    assert syn["offload"] is False and syn["outcomes"]["cookie-sent"] == 3
    refused = subprocess.run(["ip", "netns", "exec", veth.far, veth.tern, "run", "--link", "packet:v1", "--syn-offload", "on",
                              "--pcapng", str(tmp_path / "d.pcapng"), "--", "true"], capture_output=True, text=True,
                             timeout=WAIT, check=False)
    assert refused.returncode != 0 and "--syn-offload=on: not with a capture" in refused.stderr


def test_the_program_goes_with_its_process(veth):
    p = veth.run("cookies=always", "--syn-offload", "on")
    veth.echo(1)
    os.kill(p.popen.pid, signal.SIGKILL)   # `ip netns exec` has become tern
    p.wait()
    veth.run("cookies=always", "--syn-offload", "on")   # there is room for the next, whatever the last has left
    veth.echo(2)
    assert veth.offloaded(2) == 2


def test_shield_has_it_too(veth):
    server = veth.start("/usr/bin/python3", "-c", SERVER.replace('("0.0.0.0", 80)', '("127.0.0.1", 8080)'))
    assert server.popen.stdout.readline() == b"listening\n"
    veth.start(veth.tern, "shield", "--link", "packet:v1", "--addr", THERE, "--name", veth.run_name, "--policy",
               "cookies=always", "--syn-offload", "on", "80=8080")
    wait_until(lambda: subprocess.run([veth.tern, "ss", "--json", "-s", "-p", veth.run_name], capture_output=True,
                                      timeout=WAIT, check=False).returncode, 0)
    veth.echo(5, 100000)
    assert veth.offloaded(5) == 5
