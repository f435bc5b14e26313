# SPDX-License-Identifier: BSD-2-Clause
"""tern and the Linux kernel over a TAP: half-close, refused, reset, and both directions of each."""
import pytest

from lab import Refused, pair

PORT = 7200


@pytest.fixture(params=["tern-client", "tern-server"])
def joined(request, ends):
    """(kernel, its socket, tern, its socket) of one connection, opened by either."""
    kernel, tern = ends()
    if request.param == "tern-client":
        t, k = pair(tern, kernel, PORT)
    else:
        k, t = pair(kernel, tern, PORT)
    return kernel, k, tern, t


def half_close(a, sa, b, sb):
    """a sends, and its FIN; b reads to the end, answers at length, and closes."""
    a.do("send", sa, 3000, 1)
    a.do("shut", sa)
    got, end = b.recv(sb, 0)
    assert got.count == 3000 and end == "eof"
    a.ask("recv", sa, 0)
    sent = b.send(sb, 300_000, 2)
    b.do("close", sb)
    count, sha, end = a.answer()
    assert (int(count), sha, end) == (*sent, "eof")
    a.do("close", sa)


def test_tern_half_closes(joined):
    kernel, k, tern, t = joined
    half_close(tern, t, kernel, k)


def test_the_kernel_half_closes(joined):
    kernel, k, tern, t = joined
    half_close(kernel, k, tern, t)


def test_names(joined):
    kernel, k, tern, t = joined
    mine, theirs = tern.do("names", t), kernel.do("names", k)
    assert mine == theirs[2:] + theirs[:2]
    assert mine[0] == tern.addr and mine[2] == kernel.addr


def test_refused(ends):
    kernel, tern = ends()
    assert tern.refused("connect", kernel.addr, PORT) == "ECONNREFUSED"
    assert kernel.refused("connect", tern.addr, PORT) == "ECONNREFUSED"


def test_refused_after_the_listener_has_gone(ends):
    kernel, tern = ends()
    for a, b in ((kernel, tern), (tern, kernel)):
        listener = b.listen(PORT)
        b.ask("accept", listener)
        a.connect(b, PORT)
        b.answer()
        b.do("close", listener)
        assert a.refused("connect", b.addr, PORT) == "ECONNREFUSED"


def test_tern_resets(joined):
    """abort() and SO_LINGER {1, 0}: the kernel's program sees ECONNRESET."""
    kernel, k, tern, t = joined
    tern.do("abort", t)
    assert kernel.refused("recv", k, 0) == "ECONNRESET"


def test_the_kernel_resets(joined):
    kernel, k, tern, t = joined
    kernel.do("abort", k)
    assert tern.refused("recv", t, 0) == "ECONNRESET"


def test_the_kernel_resets_a_reader(joined):
    """The program is already waiting in recv()."""
    kernel, k, tern, t = joined
    tern.ask("recv", t, 0)
    kernel.do("abort", k)
    with pytest.raises(Refused, match="ECONNRESET"):
        tern.answer()


def test_close_with_unread_data_resets(joined):
    """[RFC2525:2.17], both ways: the sender learns that its data was not read."""
    kernel, k, tern, t = joined
    kernel.do("send", k, 1000, 1)
    tern.recv(t, 1)  # the rest has arrived with it and stays unread
    tern.do("close", t)
    assert kernel.refused("recv", k, 0) == "ECONNRESET"


def test_the_kernel_closes_with_unread_data(joined):
    kernel, k, tern, t = joined
    tern.do("send", t, 1000, 1)
    kernel.recv(k, 1)
    kernel.do("close", k)
    assert tern.refused("recv", t, 0) == "ECONNRESET"


def test_orderly_end_leaves_nothing(lab, interop_peer):
    """After both FINs only TIME-WAIT is left, and after 2 MSL nothing; every buffer is given back."""
    from lab import wait_until
    kernel, tern = lab.kernel(), lab.peer(interop_peer, "--msl-ms", "200")
    t, k = pair(tern, kernel, PORT)
    tern.do("send", t, 100_000, 1)
    kernel.ask("recv", k, 0)
    tern.do("close", t)
    kernel.answer()
    kernel.do("close", k)
    rest = {"conns": 0, "half_open": 0, "time_wait": 0, "buf_bytes": 0}
    assert wait_until(tern.usage, rest) == rest
    c = tern.counters()
    assert c.get("drop-ip-checksum", 0) == 0 and c.get("drop-tcp-checksum", 0) == 0
