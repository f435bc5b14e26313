# SPDX-License-Identifier: BSD-2-Clause
"""Forged SYNs on a device of a network namespace: forge.py DEVICE ADDRESS PORT MOST RATE SEED

Sends SYNs from random sources to ADDRESS:PORT, about RATE a second and never more than MOST, until its standard
input ends. Says "ok" when it has found the stack, and "ok N" (SYNs sent) at the end. The answers go wherever the
stack's routes say; nobody takes them. It refuses to run where a device other than the loopback and DEVICE is up, so
that it floods nothing but what the namespace holds.
"""
import os
import random
import select
import socket
import sys
import time

import rawlink

MSS = b"\2\4\5\xb4"


def alone(device):
    others = []
    for name in os.listdir("/sys/class/net"):
        if name in ("lo", device) or not os.path.isdir(f"/sys/class/net/{name}"):
            continue
        with open(f"/sys/class/net/{name}/flags", encoding="ascii") as f:
            if int(f.read(), 16) & 1:
                others.append(name)
    return others


def forged(rng, link, port):
    source = bytes((rng.randrange(11, 111), rng.randrange(256), rng.randrange(256), rng.randrange(1, 255)))
    syn = rawlink.tcp(source, link.addr, rng.randrange(1024, 65536), port, rng.getrandbits(32), 0, rawlink.SYN, 64240,
                      MSS)
    return link.mac + rawlink.MAC + b"\x08\x00" + rawlink.ip4(source, link.addr, 6, syn)


def main():
    device, address = sys.argv[1:3]
    port, most, rate, seed = map(int, sys.argv[3:7])
    socket.if_nametoindex(device)
    others = alone(device)
    if others:
        sys.exit(f"forge.py: {', '.join(others)}: up here too: only in a network namespace of its own")
    link = rawlink.Link(device, address, False)
    link.resolve()
    print("ok", flush=True)
    rng, sent, began = random.Random(seed), 0, time.monotonic()
    while sent < most and not select.select([sys.stdin], [], [], 0.002)[0]:
        due = min(most, int((time.monotonic() - began) * rate), sent + 200)
        while sent < due:
            link.write(forged(rng, link, port))
            sent += 1
    print("ok", sent, flush=True)


main()
