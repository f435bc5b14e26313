# SPDX-License-Identifier: BSD-2-Clause
"""ARP, ICMP and UDP between tern and the Linux kernel over a TAP."""
import re

import pytest

from lab import DEV, KERNEL, TERN, Process, both_ways, pair, wait_until

PORT = 7300


def test_ping(lab, ends, need):
    need("ping")
    ends()
    for size in (0, 56, 1472):
        out = lab.sh("ping", "-n", "-c", "3", "-i", "0.05", "-s", size, TERN)
        assert "3 received" in out, out


def test_arp_asked_by_the_kernel(lab, ends, need):
    need("ping")
    ends()
    lab.sh("ip", "neigh", "flush", "dev", DEV)
    lab.sh("ping", "-n", "-c", "1", TERN)
    assert re.search(TERN + r" lladdr [0-9a-f:]{17} (REACHABLE|DELAY|STALE|PROBE)",
                     lab.sh("ip", "neigh", "show", "dev", DEV))


def test_arp_asked_by_tern(lab, ends):
    """The kernel's address is not known to tern before its SYN: it asks, and the SYN waits for the answer."""
    kernel, tern = ends()
    kernel.listen(PORT)
    tern.connect(kernel, PORT)


def test_arp_announcement(lab, ends, need):
    """The kernel learns tern's new station from the announcement at start, without asking."""
    need("ip")
    lab.sh("ip", "neigh", "replace", TERN, "lladdr", "02:00:00:00:00:99", "nud", "stale", "dev", DEV)
    ends()

    def known():
        return "02:00:00:00:00:99" not in lab.sh("ip", "neigh", "show", "dev", DEV)
    assert wait_until(known, True)


@pytest.mark.parametrize("size", [0, 1, 512, 1472])
def test_udp_both_ways(ends, size):
    kernel, tern = ends()
    data = bytes(i * 7 & 255 for i in range(size)).hex()
    k, t = kernel.do("udp", PORT)[0], tern.do("udp", PORT + 1)[0]
    for a, sa, b, sb, to in ((tern, t, kernel, k, PORT), (kernel, k, tern, t, PORT + 1)):
        b.ask("recvfrom", sb)
        a.do("sendto", sa, b.addr, to, data)
        addr, port, *got = b.answer()
        assert (addr, int(port)) == (a.addr, PORT + 1 if a is tern else PORT)
        assert "".join(got) == data


def test_udp_port_unreachable(lab, ends):
    """A datagram for a port that is not open: tern answers with ICMP, the kernel counts it."""
    kernel, _ = ends()
    k = kernel.do("udp", PORT)[0]
    kernel.do("sendto", k, TERN, PORT + 9, "00")
    assert wait_until(lambda: lab.snmp()["Icmp"]["InDestUnreachs"], 1) == 1
    assert lab.snmp()["Icmp"]["InErrors"] == 0 and lab.snmp()["Icmp"]["InCsumErrors"] == 0


def test_no_such_neighbour(lab, ends):
    """Nobody has the address: an error after the ARP requests, not a hang."""
    _, tern = ends()
    assert tern.refused("connect", KERNEL[:-1] + "77", PORT) == "EHOSTUNREACH"


def name_server(side):
    """Answers one query for an A record with 192.0.2.7."""
    s = side.do("udp", 53)[0]
    side.ask("recvfrom", s)

    def answer():
        addr, port, text = side.answer()
        query = bytes.fromhex(text)
        end = query.index(b"\0", 12) + 5  # the name, its type and class
        record = bytes.fromhex("c00c 0001 0001 0000003c 0004 c0000207")
        reply = query[:2] + bytes.fromhex("8580 0001 0001 0000 0000") + query[12:end] + record
        side.do("sendto", s, addr, port, reply.hex())
    return answer


DIG = ("dig", "+short", "+tries=1", "+time=20", "+noedns", "example.test")


def test_dig_of_the_kernel(lab, ends, need):
    need("dig")
    _, tern = ends()
    answer = name_server(tern)
    dig = lab.start(Process(lab.inside(*DIG, "@" + TERN)))
    answer()
    assert dig.popen.stdout.read() == b"192.0.2.7\n"
    assert dig.wait() == 0


def test_dig_under_tern(lab, tern, need):
    need("dig")
    answer = name_server(lab.kernel())
    dig = lab.start(Process(lab.run_argv(tern, *DIG, "@" + KERNEL)))
    answer()
    assert dig.popen.stdout.read() == b"192.0.2.7\n", dig.stderr
    assert dig.wait() == 0


def test_the_link_goes_down_and_comes_back(lab, ends):
    """What is sent meanwhile is sent again."""
    kernel, tern = ends()
    t, k = pair(tern, kernel, PORT)
    both_ways(tern, t, kernel, k, 1000)
    lab.sh("ip", "link", "set", DEV, "down")
    for side, sock in ((tern, t), (kernel, k)):
        side.ask("both", sock, 300_000, 5)
    assert wait_until(lambda: any(s["timer"]["retries"] > 0 for s in lab.tern_sockets() if "timer" in s), True)
    lab.sh("ip", "link", "set", DEV, "up")
    assert tern.answer()[0] == kernel.answer()[0] == "300000"
