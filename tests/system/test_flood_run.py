# SPDX-License-Identifier: BSD-2-Clause
"""A server under `tern run` at a TAP is flooded with forged SYNs, in a namespace that holds nothing else: what the
operator sees in `tern ss -s`, as a metric and among the events, and what an honest client gets meanwhile."""
import json
import pathlib
import subprocess

import pytest

from lab import DEV, KERNEL, ROOT, TERN, WAIT, Driven, Process, wait_until

FORGE = str(ROOT / "tests/interop/forge.py")
MOST, RATE = 200000, 4000   # SYNs in all, and a second: four times config.flood_syns_per_s
SERVER = """
import socket
s = socket.create_server(("0.0.0.0", 80), backlog=64)
print("listening", flush=True)
while True:
    c = s.accept()[0]
    c.sendall(c.recv(100))
    c.close()
"""
CLIENT = f"""
import socket
with socket.create_connection(("{TERN}", 80), timeout={WAIT}) as s:
    s.sendall(b"honest")
    print(s.makefile().read())
"""


class Operator:
    """What somebody sees who looks at the run from outside."""

    def __init__(self, tern, name):
        self.tern, self.name = tern, name

    def ask(self, *words):
        return subprocess.run([self.tern, *words], check=True, capture_output=True, text=True, timeout=WAIT).stdout

    def syn(self):
        """(verdict, reasons) as `tern ss -s` prints them; no line at all: nobody has knocked."""
        for line in self.ask("ss", "-s", self.name).splitlines():
            if line.startswith("SYN:"):
                verdict, _, reasons = line[4:].strip().partition(" ")
                return verdict, reasons
        return None, ""

    def counts(self):
        stacks = json.loads(self.ask("ss", "--json", "-s", self.name))["runs"][0]["stacks"]
        return next(s["syn"] for s in stacks if s.get("syn"))

    def gauge(self):
        return [line.rsplit(" ", 1)[1] for line in self.ask("ss", "--prometheus", self.name).splitlines()
                if line.startswith("tern_syn_verdict{") and 'stack="guest"' in line]

    def verdict(self, want):
        seen = wait_until(lambda: self.syn()[0], want)
        assert seen == want, f"`tern ss -s` says {seen}, not {want}"


def verdicts(events):
    lines = [json.loads(line) for line in events.read_text().splitlines() if '"syn-verdict"' in line]
    return [(e["verdict"], e["reasons"]) for e in lines]


@pytest.mark.parametrize("policy", ["cookies=overflow", "cookies=always"])
def test_a_flood_is_told_from_normal(lab, tern, tmp_path, policy):
    events = pathlib.Path(tmp_path) / "events"
    server = lab.joined(Process(lab.run_argv(tern, "/usr/bin/python3", "-c", SERVER, options=(
        "--gw", KERNEL, "--policy", policy, "--events", str(events)))))
    assert server.popen.stdout.readline() == b"listening\n"
    operator = Operator(tern, lab.name)
    honest = lambda: lab.sh("/usr/bin/python3", "-c", CLIENT)
    assert honest() == "honest\n"
    assert operator.syn() == ("normal", "") and operator.gauge() == ["0"]

    forger = lab.start(Driven(lab.inside("/usr/bin/python3", FORGE, DEV, TERN, 80, MOST, RATE, 1), TERN))
    operator.verdict("flood")
    assert operator.gauge() == ["2"]
    for _ in range(5):
        assert honest() == "honest\n"
    assert forger.popen.poll() is None, "the flood ended too early: the clients were served without it"
    verdict, reasons = operator.syn()
    assert verdict == "flood" and "rate" in reasons and "unfinished" in reasons and "spread" in reasons
    assert "concentrated" not in reasons

    forger.popen.stdin.close()
    sent = int(forger.answer("end")[0])
    assert 0 < sent < MOST
    operator.verdict("normal")
    assert operator.gauge() == ["0"]
    assert operator.syn() == ("normal", "")
    assert honest() == "honest\n"
    seen = operator.counts()
    opened = [seen["outcomes"][k] for k in ("completed", "cookie-valid")]   # from records, and from cookies
    assert sum(opened) == 7 and (policy != "cookies=always" or opened[0] == 0)
    assert seen["outcomes"]["cookie-sent"] > 0 and seen["outcomes"]["cookie-bad"] == 0
    assert seen["half_open"] <= (0 if policy == "cookies=always" else 65)

    server.popen.terminate()
    server.wait()
    told = verdicts(events)
    assert [v for v, _ in told if v != "suspicious"] == ["flood", "normal"]
    assert {"rate", "unfinished"} <= set(next(r for v, r in told if v == "flood"))


def test_the_forger_floods_only_a_namespace_of_its_own(lab):
    lab.sh("ip", "tuntap", "add", "dev", "t1", "mode", "tap")
    lab.sh("ip", "link", "set", "t1", "up")
    done = subprocess.run(lab.inside("/usr/bin/python3", FORGE, DEV, TERN, 80, 10, 10, 1), capture_output=True,
                          text=True, timeout=WAIT, check=False)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr == "forge.py: t1: up here too: only in a network namespace of its own\n"
