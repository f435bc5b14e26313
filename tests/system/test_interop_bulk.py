# SPDX-License-Identifier: BSD-2-Clause
"""tern and the Linux kernel over a TAP: bulk data each way, hash-checked, on a good link and a bad one."""
import pytest

from lab import both_ways, pair, send_and_receive

MB = 1 << 20
CLEAN = 100 * MB
BAD = 100 * MB
BAD_LINK = ("--lose", "1%", "--reorder", "0.01", "--seed", "7")


def no_errors(lab):
    """The kernel has found nothing wrong in what tern sent."""
    s = lab.snmp()
    assert s["Tcp"]["InErrs"] == 0 and s["Tcp"]["InCsumErrors"] == 0
    assert s["Ip"]["InHdrErrors"] == 0 and s["Ip"]["InDiscards"] == 0
    return s


@pytest.mark.parametrize("tern_is", ["client", "server"])
def test_100_mb_each_way(lab, ends, tern_is):
    kernel, tern = ends()
    if tern_is == "client":
        t, k = pair(tern, kernel, 7001)
    else:
        k, t = pair(kernel, tern, 7001)
    send_and_receive(tern, t, kernel, k, CLEAN)
    send_and_receive(kernel, k, tern, t, CLEAN)
    both_ways(kernel, k, tern, t, 10 * MB)
    s = no_errors(lab)
    # A tail probe may be due to a busy machine; a recovery means that tern reported a hole.
    assert s["TcpExt"]["TCPSackRecovery"] == 0 and s["TcpExt"]["TCPRenoRecovery"] == 0
    assert s["TcpExt"]["TCPOFOQueue"] == 0, "tern sent out of order"


@pytest.mark.parametrize("ends, tern_is", [("library", "server"), ("run", "client")],
                         indirect=["ends"])
def test_100_mb_on_a_bad_link(lab, ends, tern_is):
    """1 % loss and 1 % reordering in each direction: all arrives, in order, once."""
    kernel, tern = ends(*BAD_LINK)
    if tern_is == "client":
        t, k = pair(tern, kernel, 7002)
    else:
        k, t = pair(kernel, tern, 7002)
    send_and_receive(tern, t, kernel, k, BAD)
    send_and_receive(kernel, k, tern, t, BAD)
    both_ways(kernel, k, tern, t, 2 * MB)
    s = no_errors(lab)
    assert s["Tcp"]["RetransSegs"] > 0, "the kernel lost nothing: the link was not bad"
