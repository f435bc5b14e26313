#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the seeds of fuzz_stack into tests/fuzz/corpus/fuzz_stack: one for each TCP state, opened both ways, and
some for what lies beside TCP. An octet each; the operations are fuzz_stack.c's."""

from pathlib import Path

(LISTEN, CONNECT, ACCEPT, SEND, RECV, SHUTDOWN, CLOSE, ABORT, SETOPT, GETOPT, SEG, SYN, RAW, TIME, PULL, ANSWER, UDP,
 FAIL, TICK, LOOK, ICMP, NEXT, NO_COPY) = range(23)
FIN, S, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
PLAIN, FULL = 64 | 0, 64 | 2 | 4 | 8    # settings: without and with options


def seg(th, seq=0, ack=0, length=0, wnd=255, habits=0, flow=0):
    return [SEG, flow, th, seq & 255, ack & 255, length, wnd, habits]


def sent(*more):
    return [PULL, *more]


PASSIVE = [LISTEN, 0, 0x40, SYN, 0, 1, 0, PULL, *seg(ACK), ACCEPT, 0]     # handle 0 listens, handle 1 is open
ACTIVE = [CONNECT, 0, 1, PULL, *seg(S | ACK, length=0), PULL]             # handle 0 is open
SIMULTANEOUS = [CONNECT, 0, 1, PULL, *seg(S), PULL, *seg(ACK, seq=0)]

STATES = {
    "listen": [LISTEN, 0, 0x40],
    "syn-sent": [CONNECT, 0, 1, PULL, NEXT, PULL],
    "syn-sent-refused": [CONNECT, 0, 1, PULL, *seg(RST | ACK)],
    "syn-received": [LISTEN, 0, 0x40, SYN, 0, 1, 0, PULL, NEXT, PULL],
    "syn-received-active": SIMULTANEOUS[:-8],
    "established": PASSIVE,
    "established-active": ACTIVE,
    "established-data": PASSIVE + [SEND, 1, 100, 0, PULL, *seg(ACK, length=30), RECV, 1, 200, PULL, NEXT, PULL],
    "out-of-order": PASSIVE + seg(ACK, seq=48, length=3) + sent() + seg(ACK, seq=96, length=2) + sent()
    + seg(ACK, length=3) + sent() + [RECV, 1, 255],
    "fin-wait-1": PASSIVE + [SEND, 1, 10, 0, SHUTDOWN, 1, PULL],
    "fin-wait-2": PASSIVE + [SHUTDOWN, 1, PULL, *seg(ACK)],
    "fin-wait-2-orphan": PASSIVE + [CLOSE, 1, PULL, *seg(ACK), NEXT],
    "close-wait": PASSIVE + seg(FIN | ACK) + [PULL, SEND, 1, 10, 0, PULL],
    "closing": PASSIVE + [SHUTDOWN, 1, PULL, *seg(FIN | ACK, ack=-1), PULL],
    "last-ack": PASSIVE + seg(FIN | ACK) + [PULL, SHUTDOWN, 1, PULL],
    "time-wait": ACTIVE + [SHUTDOWN, 0, PULL, *seg(FIN | ACK), PULL, *seg(FIN | ACK, seq=-1), PULL],
    "time-wait-again": PASSIVE + [CLOSE, 1, PULL, *seg(FIN | ACK), PULL, TIME, 20, SYN, 0, 1, 64, PULL, *seg(ACK)],
    "closed": PASSIVE + [ABORT, 1, PULL, *seg(ACK, length=2), PULL],
    "simultaneous-open": SIMULTANEOUS,
    "zero-window": PASSIVE + [SEND, 1, 200, 0, PULL, *seg(ACK, wnd=0), PULL, NEXT, PULL, *seg(ACK, wnd=0), NEXT, PULL,
                              *seg(ACK, wnd=9), PULL],
    "lost": PASSIVE + [SEND, 1, 250, 0, PULL, NEXT, PULL, NEXT, PULL, *seg(ACK)],
    "dup-acks": PASSIVE + [SEND, 1, 250, 0, PULL, *(seg(ACK, ack=-64) * 4), PULL, *seg(ACK)],
    "keepalive": PASSIVE + [SETOPT, 1, 3, 1, NEXT, PULL, NEXT, PULL, *seg(ACK, seq=-1), NEXT, PULL],
    "urgent": PASSIVE + [SEND, 1, 5, 2, PULL, *seg(ACK | URG, length=2, habits=8), LOOK, 1, RECV, 1, 20],
    "rst-challenge": PASSIVE + seg(RST, seq=5) + sent() + seg(RST),
    "old-timestamp": PASSIVE + [TIME, 24, *seg(ACK, length=2), PULL, *seg(ACK, length=2, habits=2), PULL],
    "super": PASSIVE + seg(ACK, length=200, habits=16) + [PULL, RECV, 1, 255],
    "no-copy": PASSIVE + seg(ACK, length=20) + [NO_COPY, 1, 10, 1, NO_COPY, 1, 30, 0, PULL],
    "held": [LISTEN, 0, 0x41, SYN, 0, 1, 0, TICK, ANSWER, 0, PULL, *seg(ACK), ACCEPT, 0, SYN, 0, 2, 0, TICK, ANSWER, 1,
             PULL],
    "any-port": [LISTEN, 0, 0x42, SYN, 1, 1, 0, PULL, *seg(ACK), ACCEPT, 0],
    "backlog": [LISTEN, 0, 0x00, SYN, 0, 1, 0, SYN, 0, 2, 0, SYN, 0, 3, 0, PULL, *seg(ACK), *seg(ACK, flow=1), NEXT,
                PULL],
    "icmp": ACTIVE + [SEND, 0, 60, 0, PULL, ICMP, 0, 1, 0, ICMP, 0, 4, 0, PULL, ICMP, 0, 3, 0],
    "icmp-syn-sent": [CONNECT, 0, 1, PULL, ICMP, 0, 3, 0],
    "udp": [UDP, 0, 0, 0, UDP, 4, 0, 9, UDP, 3, 0, 20, UDP, 1, 0, 0, UDP, 2, 0, 8, PULL, UDP, 16, 1, 0],
    "raw": [RAW, 28, 0x45, 1, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 8, 0, 0, 0, 0, 7, 0, 1, PULL],
    "no-memory": [LISTEN, 0, 0x40, FAIL, 65, SYN, 0, 1, 0, PULL, FAIL, 0, SYN, 0, 1, 0, PULL, FAIL, 1, *seg(ACK), PULL,
                  *seg(ACK), ACCEPT, 0, FAIL, 1, SEND, 1, 20, 0, NEXT, SEND, 1, 20, 0, PULL],
}


def main():
    folder = Path(__file__).resolve().parent / "corpus/fuzz_stack"
    folder.mkdir(parents=True, exist_ok=True)
    for name, ops in STATES.items():
        (folder / name).write_bytes(bytes([FULL, *ops]))
    for name in ("established", "time-wait", "syn-received", "icmp"):
        (folder / f"{name}-plain").write_bytes(bytes([PLAIN, *STATES[name]]))
        (folder / f"{name}-ether").write_bytes(bytes([FULL | 128, *STATES[name]]))


if __name__ == "__main__":
    main()
