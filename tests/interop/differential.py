#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same seeded segments to the Linux kernel and to tern, and what they answer side by side.

    tests/interop/differential.py --peer build/tests/interop/interop-peer --seeds 1-200
    tests/interop/differential.py --peer ... --seeds 17 -v      one dialogue, step by step
    tests/interop/differential.py --peer ... --seconds 600      new seeds for ten minutes

In a network namespace of its own (root): the kernel at one TAP, tern (tests/interop/peer.c) at another, and this
program behind both as the host they talk to, with its own Ethernet, IPv4 and TCP. A dialogue is drawn from its
seed alone: how the connection is opened (we connect or they do, in proper and improper ways), then segments at
random positions and calls of the application. All positions are relative (to RCV.NXT, to the window's edge, to
SND.NXT), so first numbers and window sizes do not matter.

Nothing is decided by time. After each step come pings, and what the stack had to say is complete when they are
answered; then a probe, two old octets, whose ACK (or RST) shows where the stack stands. Whether octets in order
are acknowledged at once or later is not compared, nor how data is cut into segments, nor repetitions.

docs/differential.md lists every difference that is allowed, with the reason; DIFFERENCES below has the same names.
"""

import argparse
import os
import random
import re
import select
import struct
import subprocess
import sys
import time
from pathlib import Path

from rawlink import ACK, FIN, MAC, M32, PATIENCE, PSH, RST, SYN, URG, US, Broken, Link, tcp

ROOT = Path(__file__).resolve().parents[2]
AGENT = ROOT / "tests/interop/agent.py"
KERNEL, TERN = "10.50.0.1", "10.50.0.2"
KTAP, TTAP = "t0", "t1"
LISTEN_PORTS = 7000
SHORTEST_TIMER, REPEATS = 0.03, 20  # below it no timer that changes an answer can have fired


class Program:
    """An application under control (agent.py and peer.c speak the same commands)."""

    def __init__(self, argv):
        self.popen = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.buffer = b""
        self.answer()

    def answer(self):
        until = time.monotonic() + PATIENCE
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            data = os.read(self.popen.stdout.fileno(), 65536) \
                if left > 0 and select.select([self.popen.stdout], [], [], left)[0] else b""
            if not data:
                raise Broken(f"{self.popen.args[-1]} gives no answer")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode().split()

    def do(self, *words):
        self.popen.stdin.write((" ".join(str(w) for w in words) + "\n").encode())
        return self.answer()

    def end(self):
        self.popen.stdin.close()
        try:
            self.popen.wait(5)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


# ---- one end of a dialogue ----

class End:
    """A stack, and the connection with it as the host behind the link sees it."""

    def __init__(self, link, program, name):
        self.link, self.program, self.name = link, program, name
        self.count = 0

    def begin(self, seed, active):
        self.active = active
        self.error = None
        self.listener = None
        # Ports of its own: nothing of another dialogue comes in between.
        self.count += 1
        self.us_port = 9000 + self.count % 20000 if active else 30000 + self.count % 30000
        self.port = None if active else LISTEN_PORTS + self.count % 1999
        if not active:
            self.listener = self.program.do("listen", self.port, 64)[1]
        self.iss = random.Random(seed).choice((1000, 0xffffff80, 0x7fffff80))
        self.nxt = self.iss         # our SND.NXT
        self.irs = None             # the stack's first number
        self.top = 0                # its SND.NXT, relative to irs
        self.acked = 0              # what we have acknowledged
        self.edge = 65535           # its window, from RCV.NXT
        self.rcv = None             # its RCV.NXT, relative to our iss; None: not known
        self.shift = 0
        self.ts = False
        self.tsval, self.tsecr = 1000, 0
        self.sock = None
        self.fin_seen = self.fin_sent = self.reborn = False
        self.last = 0               # flags of what we sent last

    def call(self, *words):
        """A call of the application; an error is part of what the stack says."""
        if None in words:
            self.error = "without a socket"
            return None
        answer = self.program.do(*words)
        if answer[0] == "err":
            self.error = answer[1]
        return answer[1] if answer[0] == "ok" and len(answer) > 1 else None

    def options(self, flags, extra=b""):
        out = extra
        if self.ts or extra and flags & SYN and b"\x08\x0a" in extra:
            self.tsval += 1
            out = extra.replace(b"\x08\x0a" + b"\0" * 8, b"")
            out += b"\1\1\x08\x0a" + struct.pack(">II", self.tsval, self.tsecr)
        return out

    def put(self, flags, seq, ack, data=b"", wnd=65535, options=b"", urg=0):
        """seq and ack relative to the first numbers."""
        seg = tcp(self.link.us, self.link.addr, self.us_port, self.port, self.iss + seq,
                  ((self.irs or 0) + ack) if flags & ACK else 0, flags, wnd, self.options(flags, options), data, urg)
        self.last = flags
        self.fin_sent |= flags & (FIN | ACK | SYN | RST) == FIN | ACK
        self.link.send(6, seg)

    def mine(self, segments):
        return [s for s in segments if s.dport == self.us_port and self.port in (None, s.sport)]

    def hear(self):
        """What the stack has to say, in words that do not depend on first numbers, cutting and repetition."""
        heard, new_data = [f"error {self.error}"] if self.error else [], 0
        self.error = None
        for s in self.mine(self.link.settle()):
            self.port = self.port or s.sport
            self.note_options(s)
            ack = (s.ack - self.iss) & M32
            if s.flags & SYN and self.irs is None:
                self.irs = s.seq
            rel = (s.seq - (self.irs or 0)) & M32
            if s.flags & RST:
                heard.append(f"RST seq {self.place(rel) if s.seq else 'zero'}" + (f" ack {self.signed(ack)}" if s.flags & ACK else ""))
                continue
            if s.flags & SYN:
                again = s.seq == self.irs and self.top > 0
                if again and (not s.flags & ACK or self.last & (SYN | ACK) != SYN):
                    continue    # a timer's
                if s.seq != self.irs:   # a new connection has taken over
                    self.reborn = True
                    self.acked = 0
                heard.append(("SYN-ACK ack " + str(self.signed(ack)) if s.flags & ACK else "SYN") + self.offers(s))
                self.top = max(self.top, 1)
                if s.flags & ACK:
                    self.learn(s, ack)
                continue
            self.learn(s, ack)
            end = (rel + s.len) & M32
            if s.len and end < 1 << 31 and end > self.top:
                new_data = end
                self.top = end
                if s.flags & FIN:
                    self.fin_seen = True
                    heard.append("FIN")
            elif not s.len:
                heard.append(f"ACK {self.signed(ack)} seq {self.place(rel)}")
        if new_data:
            heard.append(f"data to {new_data}")
        return heard

    @staticmethod
    def signed(value):
        return value - (1 << 32) if value >> 31 else value

    def place(self, rel):
        """A number of the stack's; 0 in a RST without a connection."""
        return "none" if self.irs is None else str(self.signed(rel))

    def learn(self, s, ack):
        self.rcv = ack
        self.edge = s.wnd << (0 if s.flags & SYN else self.shift)

    def note_options(self, s):
        if s.flags & SYN:
            self.shift = s.options[3][0] if 3 in s.options else 0
        # Before the handshake's end only the SYN-ACK's: Linux (6.14) takes no ACK that echoes anything newer, not even
        # the timestamp of an ACK of its own that came in between.
        if 8 in s.options and (s.flags & SYN or self.acked):
            self.tsecr = struct.unpack(">I", s.options[8][:4])[0]

    @staticmethod
    def offers(s):
        names = {2: "mss", 3: "wscale", 4: "sack", 8: "timestamps"}
        return " with " + "+".join(names.get(k, str(k)) for k in sorted(s.options)) if s.options else ""

    def probe(self):
        """Two octets that came long ago: the ACK says where the stack stands. (Not before the handshake's end: the
        probe would be part of it.)"""
        if self.acked == 0:
            return []
        self.put(ACK, self.rcv - 2, self.acked, b"??")
        return self.hear()


# ---- a dialogue: drawn from a seed, the same for both ----

SYN_OPTIONS = {"mss": b"\2\4\5\xb4", "sack": b"\4\2", "timestamps": b"\x08\x0a" + b"\0" * 8, "wscale": b"\3\3\2"}


class Dialogue:
    """Steps, as (words, function of an End). What a function needs to know it asks the end."""

    def __init__(self, seed):
        self.seed = seed
        self.r = random.Random(seed * 7919 + 1)
        self.active = self.r.random() < 0.3
        chosen = [o for o in SYN_OPTIONS if self.r.random() < 0.5]
        self.syn = b"".join(SYN_OPTIONS[o] for o in chosen)
        self.syn_names = "+".join(chosen) or "no options"
        self.ts = "timestamps" in chosen
        self.sent = 0
        self.steps = []
        self.open()
        if self.opened:
            for _ in range(self.r.randint(2, 9)):
                self.another()
        self.steps.append(("exact RST", lambda e: e.put(RST, e.rcv if e.rcv is not None else 1, 0)))

    def add(self, words, do):
        self.steps.append((words, do))

    # -- opening --

    def open(self):
        self.opened = True
        r = self.r
        if self.active:
            self.open_active()
            return
        self.add(f"SYN, {self.syn_names}", lambda e: e.put(SYN, 0, 0, options=self.syn))
        what = r.choice(["ack"] * 7 + ["ack+data", "ack+fin", "bad-ack", "rst", "syn-again", "rst-inexact", "no-ack", "old"])
        if what == "bad-ack":
            n = r.choice([-1, 0, 2, 5000, -100000])
            self.add(f"ACK of {n}", lambda e: e.put(ACK, 1, n))
        elif what == "rst":
            self.add("RST, exact", lambda e: e.put(RST, 1, 0))
            self.opened = False
            return
        elif what == "rst-inexact":
            self.add("RST, inside the window", lambda e: e.put(RST, 100, 0))
        elif what == "syn-again":
            self.add("the SYN again", lambda e: e.put(SYN, 0, 0, options=self.syn))
        elif what == "no-ack":
            self.add("data without ACK", lambda e: e.put(PSH, 1, 0, b"xy"))
        elif what == "old":
            self.add("ACK one octet before the window", lambda e: e.put(ACK, 0, 1))
        if what == "ack+data":
            self.sent = 50
            self.add("ACK with 50 octets", lambda e: (self.settled(e), e.put(ACK, 1, 1, b"a" * 50)))
        elif what == "ack+fin":
            self.sent = 1
            self.closed = True
            self.add("ACK with FIN", lambda e: (self.settled(e), e.put(ACK | FIN, 1, 1)))
        else:
            self.add("ACK", lambda e: (self.settled(e), e.put(ACK, 1, 1)))
        self.add("accept", lambda e: setattr(e, "sock", e.call("accept", e.listener)))

    def settled(self, e):
        """Both ends have seen the other's SYN."""
        e.ts = self.ts
        e.acked = 1

    def open_active(self):
        r = self.r

        def connect(e):
            e.sock = e.call("start", US, e.us_port)
        self.add("connect", connect)
        for _ in range(r.choice([0, 0, 1, 2])):
            what = r.choice(["bad-ack", "bad-syn-ack", "rst", "rst-bad", "fin", "data"])
            n = r.choice([0, 2, -1, 100000])
            act = {"bad-ack": lambda e, n=n: e.put(ACK, 0, n), "bad-syn-ack": lambda e, n=n: e.put(SYN | ACK, 0, n),
                   "rst": lambda e: e.put(RST, 0, 0), "rst-bad": lambda e, n=n: e.put(RST | ACK, 0, n),
                   "fin": lambda e: e.put(FIN, 0, 0), "data": lambda e: e.put(PSH, 0, 0, b"abc")}[what]
            self.add(f"in SYN-SENT: {what} {n}", act)
        what = r.choice(["syn-ack"] * 5 + ["refuse", "both"])
        if what == "refuse":
            self.add("RST+ACK of the SYN", lambda e: e.put(RST | ACK, 0, 1))
            self.opened = False
            return
        if what == "both":
            self.add("SYN (both open)", lambda e: e.put(SYN, 0, 0, options=self.syn))
            self.add("SYN-ACK (both open)", lambda e: (self.settled(e), e.put(SYN | ACK, 0, 1, options=self.syn)))
        else:
            self.add(f"SYN-ACK, {self.syn_names}", lambda e: (self.settled(e), e.put(SYN | ACK, 0, 1, options=self.syn)))

    closed = False      # we have sent our FIN
    app_closed = False
    app_shut = False

    # -- in the middle --

    def another(self):
        r = self.r
        kinds = [(6, self.in_order), (4, self.out_of_order), (3, self.overlap), (3, self.edge), (4, self.acks), (2, self.rst),
                 (2, self.syn_inside), (2, self.odd), (2, self.fin), (3, self.app_send), (2, self.app_end), (1, self.again)]
        r.choices([k for _, k in kinds], [w for w, _ in kinds])[0]()

    def in_order(self):
        n = self.r.choice([1, 10, 536, 1400])
        at = self.sent + 1
        if not self.closed:
            self.sent += n
            self.add(f"{n} octets", lambda e: e.put(ACK | PSH, at, e.acked, b"i" * n))

    def out_of_order(self):
        n, gap = self.r.choice([1, 100, 1000]), self.r.choice([1, 100, 3000])
        at = self.sent + 1 + gap
        if not self.closed:
            self.add(f"{n} octets behind a hole of {gap}", lambda e: e.put(ACK, at, e.acked, b"o" * n))
            if self.r.random() < 0.7:
                self.sent += gap + n
                self.add("what fills the hole", lambda e: e.put(ACK, at - gap, e.acked, b"o" * (gap if gap < 1400 else 1400)))
                if gap > 1400:
                    self.add("the rest of it", lambda e: e.put(ACK, at - gap + 1400, e.acked, b"o" * 1400))
                    self.add("and the last", lambda e: e.put(ACK, at - gap + 2800, e.acked, b"o" * (gap - 2800)))

    def overlap(self):
        back, n = self.r.choice([1, 5, 100]), self.r.choice([3, 50, 200])
        at = self.sent + 1 - back
        if not self.closed:
            new = max(0, n - back)
            self.sent += new
            self.add(f"{n} octets, {back} of them old", lambda e: e.put(ACK, at, e.acked, b"v" * n))

    def edge(self):
        """At the right edge of the window."""
        k, n = self.r.choice([-1, 0, 1, -10, 100000]), self.r.choice([0, 1, 20])
        self.add(f"{n} octets at the window's right edge {k:+}", lambda e: e.put(ACK, (e.rcv or 1) + e.edge + k, e.acked, b"e" * n))

    def acks(self):
        what = self.r.choice(["all", "all", "part", "old", "beyond", "far", "very-old"])
        value = {"all": lambda e: e.top, "part": lambda e: (e.acked + e.top) // 2, "old": lambda e: max(1, e.acked - 1),
                 "beyond": lambda e: e.top + 1, "far": lambda e: e.top + 1000000, "very-old": lambda e: -100000}[what]
        at = self.sent + 1 + self.closed

        def do(e):
            n = value(e)
            if what in ("all", "part"):
                e.acked = n
            e.put(ACK, at, n)
        self.add(f"ACK of {what}", do)

    def rst(self):
        k = self.r.choice([-1, 1, 100, -100000, "edge", "edge+1"])
        flags = self.r.choice([RST, RST | ACK])

        def do(e):
            at = e.edge - 1 if k == "edge" else e.edge if k == "edge+1" else k
            e.put(flags, (e.rcv or 1) + at, e.acked)
        self.add(f"RST at {k}{' with ACK' if flags & ACK else ''}", do)

    def syn_inside(self):
        k, flags = self.r.choice([-1, 0, 1, 500, 200000]), self.r.choice([SYN, SYN | ACK])
        self.add(f"{'SYN-ACK' if flags & ACK else 'SYN'} at {k}", lambda e: e.put(flags, (e.rcv or 1) + k, e.acked))

    def odd(self):
        flags = self.r.choice([0, PSH, URG, FIN, FIN | PSH | URG, SYN | FIN | ACK, SYN | RST, SYN | RST | ACK, FIN | RST])
        k = self.r.choice([-1, 3, 700]) if flags & RST else 0
        self.add(f"flags {flags:02x} at {k}", lambda e: e.put(flags, (e.rcv or 1) + k, e.acked, urg=1 if flags & URG else 0))

    def fin(self):
        if self.closed:
            self.add("the FIN again", lambda e: e.put(FIN | ACK, self.sent, e.acked))
            return
        at, n = self.sent + 1, self.r.choice([0, 0, 30])
        self.closed = True
        self.sent += n
        self.add(f"FIN after {n} octets", lambda e: e.put(FIN | ACK, at, e.acked, b"f" * n))

    def app_send(self):
        n = self.r.choice([1, 100, 500])
        if not (self.app_closed or self.app_shut):
            self.add(f"application sends {n}", lambda e: e.call("send", e.sock, n, 1))

    def app_end(self):
        what = self.r.choice(["shut", "close", "abort"])
        if self.app_closed or (what == "shut" and self.app_shut):
            return
        self.app_shut = True
        self.app_closed = what != "shut"

        def do(e):
            e.call(what, e.sock)
            if what != "shut":
                e.sock = None
        self.add(f"application: {what}", do)

    def again(self):
        at = self.sent + 1 - 30
        self.add("30 old octets", lambda e: e.put(ACK, at, e.acked, b"x" * 30))


# ---- what may differ ----

# Each: name (a heading of docs/differential.md), which step, what the kernel says, what tern says (regular expressions).
ACK_WORD, RST_WORD = r"ACK \S+ seq \S+", r"RST seq \S+"
EDGE, ORPHAN = "window edges", "an orphan in FIN-WAIT-2"
DIFFERENCES = [
    (EDGE, r"right edge \+0$", r"", ACK_WORD),
    (EDGE, r"^RST at edge\+1|^flags \S[2-7] at -1( |$)", ACK_WORD, r""),
    (ORPHAN, r"^(RST|flags \S[4-7]) .*their FIN acknowledged", r"", ACK_WORD),
    (ORPHAN, r"^SYN.*their FIN acknowledged", RST_WORD, ACK_WORD),
    (ORPHAN, r"right edge \+(0|1|100000)", RST_WORD, ACK_WORD),
    ("RST one below the window after a FIN", r"^(RST|flags \S[4-7]) at -1.* / probe", RST_WORD, ACK_WORD),
    ("FIN below text that has arrived", r"FIN.* / probe", ACK_WORD, ACK_WORD),
    ("text beyond the peer's FIN", r"octets", r"", ACK_WORD),
    ("RST after the application has closed", r"octets|flags|FIN", RST_WORD, RST_WORD + r" ack \S+"),
    ("reset by the application in CLOSING or LAST-ACK", r"^application: (close|abort) \(both have sent FIN\)",
     RST_WORD + r" ack \S+", r""),
    ("options of the SYN-ACK when both open", r"^SYN \(both", r"SYN-ACK ack 1 .*", r"SYN-ACK ack 1 .*"),
    ("the crossing SYN-ACK", r"^SYN-ACK \(both", r"ACK 1 seq 1", r""),
]
# After these the two stand in different places: the dialogue ends.
FINAL = {ORPHAN, "RST one below the window after a FIN", "FIN below text that has arrived"}


def allowed(step, kernel, tern):
    for name, where, k, t in DIFFERENCES:
        if re.search(where, step) and re.fullmatch(k, " | ".join(kernel)) and re.fullmatch(t, " | ".join(tern)):
            return name
    return None


def different(said, ignore_acks):
    """Each word once; what is acknowledged now or later is seen by the probe."""
    return list(dict.fromkeys(w for w in said if not (ignore_acks and w.startswith("ACK"))))


# ---- running ----

class Result:
    def __init__(self):
        self.dialogues = self.steps = self.again = 0
        self.used = {}
        self.bad = []


def one_step(end, do):
    """What the stack answers, and where it stands then."""
    before = end.rcv
    end.last = 0
    do(end)
    said = end.hear()
    where = end.probe()
    return different(said, end.rcv != before), different(where, False)


def hold(dialogue, ends):
    """(history, differences that are allowed, the one that is not or None)."""
    history, used = [], []
    for end in ends:
        end.begin(dialogue.seed, dialogue.active)
    for words, do in dialogue.steps:
        answers = [one_step(end, do) for end in ends]
        history.append((words, answers))
        if all(end.fin_seen and end.fin_sent for end in ends):
            words += " (both have sent FIN)"
        elif all(end.fin_seen and end.acked == end.top for end in ends):
            words += " (their FIN acknowledged)"
        for part in (0, 1):
            kernel, tern = answers[0][part], answers[1][part]
            if kernel == tern:
                continue
            name = allowed(words + (" / probe" if part else ""), kernel, tern)
            if name is None:
                return history, used, (words, "probe" if part else "answer", kernel, tern)
            used.append(name)
            if name in FINAL:
                return history, used, None
        if any(end.reborn for end in ends):
            break
    return history, used, None


def play(seed, ends, result, verbose):
    """One dialogue. When the machine stood still, timers may have come in between (a retransmission timeout also makes
    the congestion window small): a dialogue that differs and took longer than any timer is held again."""
    for _ in range(REPEATS):
        begin = time.monotonic()
        history, used, differ = hold(Dialogue(seed), ends)
        finish(ends)
        if not differ or time.monotonic() - begin < SHORTEST_TIMER:
            break
        result.again += 1
    result.dialogues += 1
    result.steps += len(history)
    for name in used:
        result.used[name] = result.used.get(name, 0) + 1
    if verbose or differ:
        show(seed, history)
    if differ:
        result.bad.append((seed, *differ))


def show(seed, history):
    print(f"seed {seed}:")
    for words, answers in history:
        print(f"  {words}")
        for name, (said, where) in zip(("kernel", "tern"), answers):
            print(f"      {name:7} {' | '.join(said) or '-'}   [{' | '.join(where) or '-'}]")


def finish(ends):
    """Nothing of this dialogue is left: the application closes, and a RST ends what is still there."""
    for end in ends:
        end.hear()
        if end.sock is not None:
            end.program.do("abort", end.sock)
        if end.port is not None and end.rcv is not None:
            end.hear()
            end.put(RST, end.rcv, 0)
        end.link.settle()
        if end.listener is not None:
            end.program.do("close", end.listener)


def inside(args):
    kernel_link = Link(KTAP, KERNEL, True)
    subprocess.run(["ip", "link", "set", KTAP, "up"], check=True)
    subprocess.run(["ip", "neigh", "replace", US, "lladdr", MAC.hex(":"), "dev", KTAP, "nud", "permanent"], check=True)
    tern = Program([args.peer, "--link", "tap:" + TTAP, "--addr", TERN + "/24", "--plain"])
    kernel = Program(["/usr/bin/python3", AGENT])
    tern_link = Link(TTAP, TERN, False)
    kernel_link.resolve()
    tern_link.resolve()
    ends = [End(kernel_link, kernel, "kernel"), End(tern_link, tern, "tern")]
    result, stop = Result(), time.monotonic() + args.seconds if args.seconds else None
    first, last = args.seeds
    seed = first
    try:
        while time.monotonic() < stop if stop else seed <= last:
            play(seed, ends, result, args.verbose)
            seed += 1
            if len(result.bad) >= args.most:
                break
    finally:
        tern.end()
        kernel.end()
    for seed, words, part, k, t in result.bad:
        print(f"not ok - seed {seed}: {part} to `{words}`: kernel {' | '.join(k) or 'nothing'}; tern {' | '.join(t) or 'nothing'}")
    for name, count in sorted(result.used.items()):
        print(f"# {count} times: {name}")
    if result.again:
        print(f"# {result.again} times: held again, because a timer may have come in between")
    unused = {d[0] for d in DIFFERENCES} - set(result.used)
    if args.all_used and unused:
        print(f"not ok - allowed and not seen: {', '.join(sorted(unused))}: remove it, here and in docs/differential.md")
        return 1
    print(f"{'not ok' if result.bad else 'ok'} - {result.dialogues} dialogues, {result.steps} steps, {len(result.bad)} differences")
    return 1 if result.bad else 0


def outside(argv):
    """Runs this program again in a namespace of its own, which goes when it has ended."""
    name = f"tern-diff-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        print(f"a network namespace is needed: ip netns add: {made.stderr.strip()}", file=sys.stderr)
        return 2
    enter = ["ip", "netns", "exec", name]
    setup = [
        f"ip link set lo up; ip tuntap add dev {KTAP} mode tap; ip addr add {KERNEL}/24 dev {KTAP}",
        f"ip tuntap add dev {TTAP} mode tap vnet_hdr; ip link set {TTAP} addrgenmode none; ip link set {TTAP} up",
        # What depends on time, off: the second ACK within half a second, the probe after two round trips.
        "echo 0 >/proc/sys/net/ipv4/tcp_invalid_ratelimit; echo 0 >/proc/sys/net/ipv4/tcp_early_retrans",
        f"echo 1 >/proc/sys/net/ipv6/conf/{KTAP}/disable_ipv6; echo 1 >/proc/sys/net/ipv4/tcp_rfc1337",
    ]
    try:
        for line in setup:
            subprocess.run([*enter, "sh", "-ec", line], check=True)
        return subprocess.run([*enter, "/usr/bin/python3", __file__, "--inside", *argv], check=False).returncode
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


def seeds(text):
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, metavar="PROGRAM", help="build/tests/interop/interop-peer")
    parser.add_argument("--seeds", type=seeds, default=(1, 100), metavar="A-B")
    parser.add_argument("--seconds", type=float, default=0, help="go on for so long, from the first seed")
    parser.add_argument("--most", type=int, default=5, help="stop after so many differences")
    parser.add_argument("--all-used", action="store_true", help="an allowed difference that is not seen fails")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-v", action="store_true", dest="verbose")
    args = parser.parse_args()
    if not args.inside:
        return outside(sys.argv[1:])
    try:
        return inside(args)
    except Broken as broken:
        print(f"not ok - the laboratory: {broken}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
