# SPDX-License-Identifier: BSD-2-Clause
"""tshark as the referee of what tern sends and of the captures that tern writes."""
import subprocess

import pytest

from lab import TERN, both_ways, judge, pair, send_and_receive, tshark, wait_until

MB = 1 << 20
PORT = 7400


@pytest.fixture(autouse=True)
def tools(need):
    need("tshark", "tcpdump")


def dialogue(lab, kernel, tern):
    """A little of everything that a capture should show."""
    lab.sh("ping", "-n", "-c", "2", "-i", "0.05", TERN)
    k, t = kernel.do("udp", PORT)[0], tern.do("udp", PORT + 1)[0]
    kernel.ask("recvfrom", k)
    tern.do("sendto", t, kernel.addr, PORT, "0102")
    kernel.answer()
    tern.ask("recvfrom", t)
    kernel.do("sendto", k, tern.addr, PORT + 1, "0304")
    tern.answer()
    ts, ks = pair(tern, kernel, PORT + 2)
    send_and_receive(tern, ts, kernel, ks, 2 * MB)
    send_and_receive(kernel, ks, tern, ts, 2 * MB)
    tern.do("shut", ts)
    kernel.recv(ks, 0)
    kernel.do("close", ks)
    tern.recv(ts, 0)
    tern.do("close", ts)
    ks, ts = pair(kernel, tern, PORT + 3)
    both_ways(kernel, ks, tern, ts, 1 * MB)
    kernel.do("abort", ks)
    assert tern.refused("recv", ts, 0) == "ECONNRESET"
    tern.do("close", ts)
    assert tern.refused("connect", kernel.addr, PORT + 4) == "ECONNREFUSED"
    assert kernel.refused("connect", tern.addr, PORT + 4) == "ECONNREFUSED"


def finish(tern):
    """Ends tern in good order, so that its capture is complete."""
    tern.popen.stdin.close()
    assert tern.wait() == 0, tern.stderr.decode()


def test_capture_of_tern(lab, ends):
    path = lab.folder / "tern.pcapng"
    kernel, tern = ends("--pcapng", path)
    dialogue(lab, kernel, tern)
    finish(tern)
    assert judge(path) == []
    seen = {p for row in tshark(path, "frame.protocols") for p in row[0].split(":")}
    assert {"arp", "icmp", "udp", "tcp"} <= seen
    comments = tshark(path, "frame.comment", filter=f"ip.src == {TERN} && tcp")
    assert all(row[0] for row in comments), "a segment of tern's without its cause"


def test_capture_of_the_kernel(lab, ends):
    """Super-segments and unfinished checksums cross the TAP, as between any two Linux machines with offload."""
    capture = lab.capture()
    kernel, tern = ends()
    dialogue(lab, kernel, tern)
    finish(tern)
    assert judge(capture.stop(), sums=False) == []


def test_every_checksum_on_a_plain_link(lab, interop_peer):
    """Without offload at tern's end every one of its checksums is complete: tshark and the kernel check them."""
    capture = lab.capture(longest=2000)
    kernel, tern = lab.kernel(), lab.peer(interop_peer, "--plain")
    dialogue(lab, kernel, tern)
    finish(tern)
    path = capture.stop()
    mine = tshark(path, "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
                  "icmp.checksum.status", "frame.len", filter=f"ip.src == {TERN}")
    assert len(mine) > 1000
    for ip, tcp, udp, icmp, length in mine:
        assert ip == "1" and "1" in (tcp, udp, icmp) and int(length) <= 1514
    assert judge(path, sums=False) == []
    s = lab.snmp()
    assert s["Tcp"]["InCsumErrors"] == s["Udp"]["InCsumErrors"] == s["Icmp"]["InCsumErrors"] == 0


def test_capture_of_a_bad_link(lab, ends):
    """Losses give retransmissions and nothing worse."""
    path = lab.folder / "bad.pcapng"
    kernel, tern = ends("--pcapng", path, "--lose", "2%", "--reorder", "0.02", "--seed", "3")
    t, k = pair(tern, kernel, PORT)
    both_ways(tern, t, kernel, k, 1 * MB)
    finish(tern)
    assert judge(path, losses=True) == []
    assert tshark(path, "frame.number", filter="tcp.analysis.retransmission"), "nothing was lost?"


def test_the_referee_sees_a_fault(lab, interop_peer):
    """A damaged octet in the capture is found, so an empty list means something."""
    path = lab.folder / "tern.pcapng"
    kernel, tern = lab.kernel(), lab.peer(interop_peer, "--pcapng", path)
    t, k = pair(tern, kernel, PORT)
    send_and_receive(tern, t, kernel, k, 5000)
    finish(tern)
    assert judge(path) == []
    data = bytearray(path.read_bytes())
    at = data.rindex(b"\x08\x00\x45\x00") + 14 + 20 + 4  # in the last packet's sequence number
    data[at] ^= 0x55
    bad = lab.folder / "bad.pcapng"
    bad.write_bytes(data)
    assert any("checksum" in c for c in judge(bad))


def test_pcapng_can_be_read_while_it_grows(lab, interop_peer):
    """When tern has nothing to do, all packets so far are in the file; an abrupt end takes nothing back."""
    path = lab.folder / "tern.pcapng"
    kernel, tern = lab.kernel(), lab.peer(interop_peer, "--pcapng", path)
    t, k = pair(tern, kernel, PORT)
    send_and_receive(tern, t, kernel, k, 5000)

    def readable():
        done = subprocess.run(["tshark", "-r", str(path), "-n"], capture_output=True, text=True)
        return done.returncode == 0 and "Len=0" in done.stdout and "SYN" in done.stdout
    assert wait_until(readable, True)
    tern.popen.kill()
    tern.wait()
    assert readable()
