# SPDX-License-Identifier: BSD-2-Clause
"""A network namespace in which the kernel's stack and tern's meet at a TAP device, or a TUN.

    kernel 10.50.0.1/24  t0 ═══ TAP ═══  10.50.0.2 tern

Both ends are programs driven by lines (tests/interop/agent.py and peer.c speak the same commands), so a test
is a short dialogue. All that a Lab starts or makes, Lab.close() ends and removes.
"""
import collections
import itertools
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
AGENT = str(ROOT / "tests/interop/agent.py")
KERNEL, TERN, DEV = "10.50.0.1", "10.50.0.2", "t0"
WAIT = 60  # seconds until an event that must come is given up

# The kernel's names of the states (ss -o) as RFC 9293 has them.
STATES = {"LISTEN": "LISTEN", "SYN-SENT": "SYN-SENT", "SYN-RECV": "SYN-RECEIVED", "ESTAB": "ESTABLISHED",
          "FIN-WAIT-1": "FIN-WAIT-1", "FIN-WAIT-2": "FIN-WAIT-2", "CLOSE-WAIT": "CLOSE-WAIT",
          "CLOSING": "CLOSING", "LAST-ACK": "LAST-ACK", "TIME-WAIT": "TIME-WAIT"}


class LabError(Exception):
    """This machine cannot give what the laboratory needs."""


class Refused(Exception):
    """A command was answered with "err NAME"; str() is NAME."""


Digest = collections.namedtuple("Digest", "count sha256")


class Process:
    """A child with its standard error kept, ended by its own pid."""

    def __init__(self, argv, **more):
        self.argv = argv
        self.popen = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, bufsize=0, **more)
        self.stderr = b""
        self.reader = threading.Thread(target=self._read_stderr, daemon=True)
        self.reader.start()

    def _read_stderr(self):
        for line in self.popen.stderr:
            self.stderr += line

    def wait(self, timeout=WAIT):
        status = self.popen.wait(timeout)
        self.reader.join(5)
        return status

    def end(self):
        """Closes its input, then asks, then kills."""
        p = self.popen
        if not p.stdin.closed:
            p.stdin.close()
        for sig, patience in ((None, 5), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if sig and p.poll() is None:
                p.send_signal(sig)
            try:
                p.wait(patience)
                break
            except subprocess.TimeoutExpired:
                pass
        self.reader.join(5)
        p.stdout.close()


class Driven(Process):
    """A program that answers each command line with one line."""

    def __init__(self, argv, addr, **more):
        super().__init__(argv, **more)
        self.addr = addr
        self.buffer = b""
        self.asked = []
        try:
            self.answer("start")
        except BaseException:
            self.end()
            raise

    def ask(self, *words):
        line = " ".join(str(w) for w in words)
        self.asked.append(line)
        self.popen.stdin.write(line.encode() + b"\n")

    def answer(self, what=None, timeout=WAIT):
        """The words after "ok"; Refused after "err"."""
        end = time.monotonic() + timeout
        what = what or (self.asked[-1] if self.asked else "?")
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.popen.stdout], [], [], left)[0]
            data = os.read(self.popen.stdout.fileno(), 65536) if ready else b""
            if not data:
                self.reader.join(1)
                what = what[:80]
                why = "ended" if ready else f"gave no answer in {timeout} s"
                raise AssertionError(f"{self.argv[-1]} {why} at `{what}`: {self.stderr.decode()}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        word, *rest = line.decode().split() or [""]
        if word == "err":
            raise Refused(" ".join(rest))
        assert word == "ok", f"{self.argv[-1]} said {line!r} to `{what}`"
        return rest

    def do(self, *words):
        self.ask(*words)
        return self.answer()

    def refused(self, *words):
        """The error's name; a failure if the command succeeds."""
        try:
            done = self.do(*words)
        except Refused as e:
            return str(e).split()[0]
        raise AssertionError(f"`{' '.join(map(str, words))}` succeeded: {done}")

    # The commands, with their answers as values.

    def listen(self, port, backlog=16):
        return self.do("listen", port, backlog)[0]

    def accept(self, listener):
        return self.do("accept", listener)[0]

    def connect(self, peer, port, lport=0):
        return self.do("connect", peer.addr, port, lport)[0]

    def send(self, sock, n, seed=1):
        count, sha = self.do("send", sock, n, seed)
        return Digest(int(count), sha)

    def recv(self, sock, n):
        count, sha, end = self.do("recv", sock, n)
        return Digest(int(count), sha), end

    def usage(self):
        return dict(zip(("conns", "half_open", "time_wait", "buf_bytes"), map(int, self.do("usage"))))

    def counters(self):
        return {k: int(v) for k, v in (word.split("=") for word in self.do("counters"))}


def send_and_receive(sender, s, receiver, r, n, seed=1):
    """n octets from one to the other, both hashed; fails unless they are equal."""
    receiver.ask("recv", r, n)
    sent = sender.send(s, n, seed)
    count, sha, _ = receiver.answer()
    assert (int(count), sha) == sent, "what arrived is not what was sent"


def both_ways(a, sa, b, sb, n):
    """n octets each way at the same time."""
    a.ask("both", sa, n, 11)
    b.ask("both", sb, n, 22)
    a_out, a_in = (lambda w: (w[:2], w[2:]))(a.answer())
    b_out, b_in = (lambda w: (w[:2], w[2:]))(b.answer())
    assert a_out == b_in and b_out == a_in, "what arrived is not what was sent"
    assert int(a_in[0]) == int(b_in[0]) == n


def pair(client, server, port, lport=0):
    """A connection: the client's and the server's socket."""
    listener = server.listen(port)
    server.ask("accept", listener)
    c = client.connect(server, port, lport)
    s = server.answer()[0]
    server.do("close", listener)
    return c, s


class Lab:
    numbers = itertools.count(1)

    def __init__(self, folder, mode="tap"):
        self.folder = folder
        self.link = f"{mode}:{DEV}"
        self.ns = f"tern-{os.getpid()}-{next(self.numbers)}"
        self.started = []
        self.tern_command = None
        if not os.path.exists("/dev/net/tun"):
            raise LabError("/dev/net/tun is not there: modprobe tun")
        made = subprocess.run(["ip", "netns", "add", self.ns], capture_output=True, text=True)
        if made.returncode != 0:
            raise LabError(f"ip netns add: {made.stderr.strip()}")
        try:
            self.sh("ip", "link", "set", "lo", "up")
            self.sh("ip", "tuntap", "add", "dev", DEV, "mode", mode, "vnet_hdr")
            self.sh("ip", "addr", "add", KERNEL + "/24", "dev", DEV)
            self.sh("ip", "link", "set", DEV, "up")
            # Tail loss probes repeat a segment after 2 RTT, some microseconds here: on a busy machine that
            # says nothing about tern.
            self.sh("sh", "-c", "echo 0 >/proc/sys/net/ipv4/tcp_early_retrans")
        except subprocess.CalledProcessError as e:
            self.close()
            raise LabError(f"{' '.join(e.cmd)}: {e.stderr.strip()}") from e

    def close(self):
        for p in self.started: # both ends at once: neither has to wait for the other's FIN
            p.popen.stdin.close()
        for p in reversed(self.started):
            p.end()
        self.started = []
        subprocess.run(["ip", "netns", "del", self.ns], check=False, capture_output=True)

    def inside(self, *argv):
        return ["ip", "netns", "exec", self.ns, *map(str, argv)]

    def sh(self, *argv):
        """Runs a command in the namespace; its output."""
        return subprocess.run(self.inside(*argv), check=True, capture_output=True, text=True,
                              timeout=WAIT).stdout

    def start(self, process):
        self.started.append(process)
        return process

    # ---- the two ends ----

    def kernel(self):
        return self.start(Driven(self.inside("/usr/bin/python3", AGENT), KERNEL))

    def peer(self, program, *options):
        """tern's library at the device."""
        self.name = f"lab{os.getpid()}x{len(self.started)}"
        return self.joined(Driven(self.inside(
            program, "--link", self.link, "--addr", TERN + "/24", "--name", self.name,
            *options), TERN))

    def run(self, program, *options):
        """The agent under `tern run` at the device."""
        return self.joined(Driven(self.run_argv(program, "/usr/bin/python3", AGENT, options=options), TERN))

    def joined(self, process):
        """Waits until the kernel has noticed that somebody is at the device: before, it sends nothing."""
        self.start(process)

        def up():
            link = json.loads(self.sh("ip", "-j", "link", "show", DEV))[0]
            return link["operstate"] == "UP" and link["qdisc"] != "noop"
        assert wait_until(up, True), f"{DEV} did not come up"
        return process

    def run_argv(self, program, *argv, options=()):
        """The command line that runs argv under `tern run` at the device."""
        self.name = f"lab{os.getpid()}x{len(self.started)}"
        return self.inside(program, "run", "--link", self.link, "--addr", TERN + "/24", "--name",
                           self.name, *options, "--", *argv)

    # ---- what both say about the connection ----

    def kernel_state(self, port, local=False):
        """The state of the kernel's connection with `port` at the far (or local) end; CLOSED if none."""
        side = "sport" if local else "dport"
        out = self.sh("ss", "-Htan", f"( {side} = :{port} )")
        states = [STATES[line.split()[0]] for line in out.splitlines()]
        states = [s for s in states if s != "LISTEN"] or states
        return states[0] if states else "CLOSED"

    def tern_sockets(self):
        out = subprocess.run([self.tern_command, "ss", "--json", "-a", self.name], check=True,
                             capture_output=True, text=True, timeout=WAIT).stdout
        return [s for run in json.loads(out)["runs"] for stack in run["stacks"]
                for s in stack["sockets"] if s["proto"] == "tcp"]

    def tern_state(self, port, local=False):
        side = "local" if local else "remote"
        states = [s["state"] for s in self.tern_sockets() if s[side]["port"] == port]
        states = [s for s in states if s != "LISTEN"] or states
        return states[0] if states else "CLOSED"

    def agree(self, kernel, tern, kernel_at, tern_at):
        """Waits until `ss` and `tern ss` show these states of one connection. CLOSED: there is none (a
        listener may still be there)."""
        def look():
            seen = [self.kernel_state(**kernel_at), self.tern_state(**tern_at)]
            return tuple(want if (want, now) == ("CLOSED", "LISTEN") else now
                         for want, now in zip((kernel, tern), seen))
        seen = wait_until(look, (kernel, tern))
        assert seen == (kernel, tern), f"kernel and tern show {seen}, not {(kernel, tern)}"

    def snmp(self):
        """The kernel's counters: {"Tcp": {"InErrs": 0, ...}, ...}."""
        out = {}
        lines = self.sh("cat", "/proc/net/snmp", "/proc/net/netstat").splitlines()
        for names, values in zip(lines[::2], lines[1::2]):
            head, *keys = names.split()
            out.setdefault(head.rstrip(":"), {}).update(zip(keys, map(int, values.split()[1:])))
        return out

    # ---- a wall ----

    def wall(self, **rules):
        """Drops what the kernel receives (inp=) or sends (out=) and what matches an nft expression; all
        earlier rules are gone. Without arguments: no wall."""
        text = "add table ip lab; flush table ip lab; "
        for hook, name in (("input", "inp"), ("output", "out")):
            text += f"add chain ip lab {name} {{ type filter hook {hook} priority 0; }}; "
            if name in rules:
                text += f"add rule ip lab {name} {rules[name]} drop; "
        self.sh("nft", text)

    # ---- captures ----

    def capture(self, longest=66000):
        """tcpdump on the TAP, until .stop(). Each place in its buffer is as large as the longest frame."""
        return self.start(Capture(self, self.folder / f"kernel-{len(self.started)}.pcap", longest))


def wait_until(look, want, timeout=WAIT):
    """Looks until it sees what is wanted; returns what was seen last."""
    end = time.monotonic() + timeout
    seen = look()
    while seen != want and time.monotonic() < end:
        time.sleep(0.02)
        seen = look()
    return seen


class Capture(Process):
    def __init__(self, lab, path, longest):
        self.path = path
        super().__init__(lab.inside("tcpdump", "-i", DEV, "-n", "-U", "-B", "65536",
                                    "-s", longest, "--immediate-mode", "-w", path))
        if not wait_until(lambda: b"listening on" in self.stderr, True):
            raise AssertionError(f"tcpdump did not start: {self.stderr.decode()}")

    def stop(self):
        """Ends the capture; the file."""
        self.popen.send_signal(signal.SIGINT)
        self.wait()
        dropped = re.search(rb"(\d+) packets? dropped by kernel", self.stderr)
        assert dropped and dropped[1] == b"0", f"the capture has holes: {self.stderr.decode()}"
        return self.path


def tshark(path, *fields, filter=None, sums=True):
    """Rows of fields of a capture; with `sums` every checksum is verified."""
    argv = ["tshark", "-r", str(path), "-n", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;"]
    # What the segments carry is the tests' own pattern. By a port's number, ours or a random one, tshark would take it
    # for some protocol now and then, and find faults in that.
    argv += ["-d", "tcp.port==1-65535,data"]
    for proto in ("ip", "tcp", "udp"):
        argv += ["-o", f"{proto}.check_checksum:{str(sums).upper()}"]
    if filter:
        argv += ["-Y", filter]
    for f in fields:
        argv += ["-e", f]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == 0, f"tshark: {done.stderr}"
    return [line.split("\t") for line in done.stdout.splitlines()]


BAD = "0"  # *.checksum.status: 0 bad, 1 good, 2 unverified, 3 not present
ERROR = 0x800000  # expert severity
# What tshark calls a sequence problem. Window updates, full and shut windows and keepalives are none.
SEQUENCE = ("retransmission", "out_of_order", "lost_segment", "ack_lost_segment", "duplicate_ack", "reused_ports")
FINDINGS = ("frame.number", "_ws.expert.message", "_ws.malformed", "_ws.expert.severity", "ip.checksum.status",
            "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status")


def judge(path, sums=True, losses=False):
    """tshark's verdict on a capture: the complaints, as text.

    sums: every checksum is expected to be complete. losses: retransmissions, duplicate ACKs, holes
    and other consequences of a bad link are expected."""
    complaints = []
    rows = tshark(path, *FINDINGS, *("tcp.analysis." + s for s in SEQUENCE), sums=sums)
    assert rows, f"{path}: the capture is empty"
    for number, message, malformed, severity, *rest in rows:
        status, sequence = rest[:4], rest[4:]
        if malformed or any(int(s) >= ERROR for s in severity.split(";") if s):
            complaints.append(f"frame {number}: malformed: {message}")
        if sums and any(BAD in s.split(";") for s in status):
            complaints.append(f"frame {number}: bad checksum: {message}")
        if not losses:
            complaints += [f"frame {number}: {s}" for s, seen in zip(SEQUENCE, sequence) if seen]
    return complaints
