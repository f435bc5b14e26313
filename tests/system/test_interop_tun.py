# SPDX-License-Identifier: BSD-2-Clause
"""tern and the kernel at a TUN device: packets without Ethernet, no ARP, the same transport."""
from lab import TERN, both_ways, judge, pair, send_and_receive, tshark

LINK = "tun"
MB = 1 << 20
PORT = 7500


def test_bulk_both_ways(ends):
    kernel, tern = ends()
    for client, server, port in ((tern, kernel, PORT), (kernel, tern, PORT + 1)):
        cs, ss = pair(client, server, port)
        both_ways(client, cs, server, ss, 8 * MB)
        client.do("shut", cs)
        server.recv(ss, 0)
        server.do("close", ss)
        client.recv(cs, 0)
        client.do("close", cs)


def test_datagrams_echo_and_refusals(lab, ends):
    kernel, tern = ends()
    lab.sh("ping", "-n", "-c", "3", "-i", "0.05", TERN)
    k, t = kernel.do("udp", PORT)[0], tern.do("udp", PORT + 1)[0]
    kernel.ask("recvfrom", k)
    tern.do("sendto", t, kernel.addr, PORT, "0102")
    assert kernel.answer()[-1] == "0102"
    tern.ask("recvfrom", t)
    kernel.do("sendto", k, tern.addr, PORT + 1, "0304")
    assert tern.answer()[-1] == "0304"
    assert tern.refused("connect", kernel.addr, PORT + 4) == "ECONNREFUSED"
    assert kernel.refused("connect", tern.addr, PORT + 4) == "ECONNREFUSED"


def test_capture_is_of_packets(lab, ends, need):
    """The capture says LINKTYPE_RAW and tshark finds nothing wrong in it."""
    need("tshark")
    path = lab.folder / "tun.pcapng"
    kernel, tern = ends("--pcapng", path)
    ks, ts = pair(kernel, tern, PORT + 5)
    send_and_receive(kernel, ks, tern, ts, MB)
    send_and_receive(tern, ts, kernel, ks, MB)
    tern.popen.stdin.close()
    assert tern.wait() == 0, tern.stderr.decode()
    assert judge(path) == []
    protocols = {row[0] for row in tshark(path, "frame.protocols")}
    assert protocols and all(p.startswith("raw:ip") for p in protocols), protocols
