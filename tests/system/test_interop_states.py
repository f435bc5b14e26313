# SPDX-License-Identifier: BSD-2-Clause
"""The kernel's `ss` and `tern ss` show matching states at every stage of handshake and teardown.

A wall (nft) inside the kernel drops one kind of segment and so holds a connection at a stage for as long as
both sides are asked; taking it down lets a retransmission go on to the next stage.
"""
import pytest

from lab import pair

SYN, SYN_ACK, FIN = ("tcp flags & (syn|ack) == syn", "tcp flags & (syn|ack) == (syn|ack)",
                     "tcp flags & fin == fin")
ALL_TCP = "ip protocol tcp"
NO_SYN = "tcp flags & syn == 0x0"

PORT = 7100


@pytest.fixture
def stages(lab, ends, need):
    need("nft", "ss")
    return ends


def held_client(lab, kernel, tern):
    """tern is the client; the port is the kernel's."""
    return {"kernel_at": {"port": PORT, "local": True}, "tern_at": {"port": PORT}}


def held_server(lab, kernel, tern):
    return {"kernel_at": {"port": PORT}, "tern_at": {"port": PORT, "local": True}}


def test_handshake_of_tern(lab, stages):
    kernel, tern = stages()
    at = held_client(lab, kernel, tern)
    kernel.listen(PORT)
    lab.wall(inp=SYN)
    c = tern.do("start", kernel.addr, PORT)[0]
    lab.agree("LISTEN", "SYN-SENT", **at)
    lab.wall(out=SYN_ACK)
    lab.agree("SYN-RECEIVED", "SYN-SENT", **at)
    lab.wall(inp=NO_SYN)
    lab.agree("SYN-RECEIVED", "ESTABLISHED", **at)
    lab.wall()
    lab.agree("ESTABLISHED", "ESTABLISHED", **at)
    assert tern.do("finish", c) == [c]


def test_handshake_of_the_kernel(lab, stages):
    kernel, tern = stages()
    at = held_server(lab, kernel, tern)
    tern.listen(PORT)
    lab.wall(out=SYN)
    c = kernel.do("start", tern.addr, PORT)[0]
    lab.agree("SYN-SENT", "LISTEN", **at)
    lab.wall(inp=SYN_ACK)
    lab.agree("SYN-SENT", "SYN-RECEIVED", **at)
    lab.wall(out=NO_SYN)
    lab.agree("ESTABLISHED", "SYN-RECEIVED", **at)
    lab.wall()
    lab.agree("ESTABLISHED", "ESTABLISHED", **at)
    assert kernel.do("finish", c) == [c]


def test_tern_closes_first(lab, stages):
    kernel, tern = stages()
    at = held_client(lab, kernel, tern)
    t, k = pair(tern, kernel, PORT)
    lab.agree("ESTABLISHED", "ESTABLISHED", **at)
    lab.wall(inp=FIN)
    tern.do("shut", t)
    lab.agree("ESTABLISHED", "FIN-WAIT-1", **at)
    lab.wall(out=ALL_TCP)
    lab.agree("CLOSE-WAIT", "FIN-WAIT-1", **at)
    lab.wall()
    lab.agree("CLOSE-WAIT", "FIN-WAIT-2", **at)
    lab.wall(out=FIN)
    kernel.do("close", k)
    lab.agree("LAST-ACK", "FIN-WAIT-2", **at)
    lab.wall(inp=ALL_TCP)
    lab.agree("LAST-ACK", "TIME-WAIT", **at)
    lab.wall()
    lab.agree("CLOSED", "TIME-WAIT", **at)
    assert tern.recv(t, 0)[1] == "eof"


def test_the_kernel_closes_first(lab, stages):
    kernel, tern = stages()
    at = held_server(lab, kernel, tern)
    k, t = pair(kernel, tern, PORT)
    lab.agree("ESTABLISHED", "ESTABLISHED", **at)
    lab.wall(out=FIN)
    kernel.do("shut", k)
    lab.agree("FIN-WAIT-1", "ESTABLISHED", **at)
    lab.wall(inp=ALL_TCP)
    lab.agree("FIN-WAIT-1", "CLOSE-WAIT", **at)
    lab.wall()
    lab.agree("FIN-WAIT-2", "CLOSE-WAIT", **at)
    lab.wall(inp=FIN)
    tern.do("close", t)
    lab.agree("FIN-WAIT-2", "LAST-ACK", **at)
    lab.wall(out=ALL_TCP)
    lab.agree("TIME-WAIT", "LAST-ACK", **at)
    lab.wall()
    lab.agree("TIME-WAIT", "CLOSED", **at)


def test_both_close_at_once(lab, stages):
    """The wall decides who learns of the other's FIN before its own is acknowledged: CLOSING."""
    kernel, tern = stages()
    at = held_client(lab, kernel, tern)
    t, k = pair(tern, kernel, PORT)
    lab.wall(inp=ALL_TCP, out=ALL_TCP)
    tern.do("shut", t)
    kernel.do("shut", k)
    lab.agree("FIN-WAIT-1", "FIN-WAIT-1", **at)
    lab.wall(inp=ALL_TCP)
    lab.agree("FIN-WAIT-1", "CLOSING", **at)
    lab.wall()
    lab.agree("TIME-WAIT", "TIME-WAIT", **at)


def test_both_close_at_once_the_other_way(lab, stages):
    kernel, tern = stages()
    at = held_server(lab, kernel, tern)
    k, t = pair(kernel, tern, PORT)
    lab.wall(inp=ALL_TCP, out=ALL_TCP)
    tern.do("shut", t)
    kernel.do("shut", k)
    lab.agree("FIN-WAIT-1", "FIN-WAIT-1", **at)
    lab.wall(out=ALL_TCP)
    lab.agree("CLOSING", "FIN-WAIT-1", **at)
    lab.wall()
    lab.agree("TIME-WAIT", "TIME-WAIT", **at)


@pytest.mark.parametrize("first", ["tern", "kernel"])
def test_both_open_at_once(lab, stages, first):
    """Neither listens: the one whose SYN comes through first puts the other into SYN-RECEIVED."""
    kernel, tern = stages()
    lab.wall(inp=ALL_TCP, out=ALL_TCP)
    t = tern.do("start", kernel.addr, PORT, PORT + 1)[0]
    k = kernel.do("start", tern.addr, PORT + 1, PORT)[0]
    at = {"kernel_at": {"port": PORT, "local": True}, "tern_at": {"port": PORT}}
    lab.agree("SYN-SENT", "SYN-SENT", **at)
    if first == "tern":
        lab.wall(out=ALL_TCP)
        lab.agree("SYN-RECEIVED", "SYN-SENT", **at)
    else:
        lab.wall(inp=ALL_TCP)
        lab.agree("SYN-SENT", "SYN-RECEIVED", **at)
    lab.wall()
    lab.agree("ESTABLISHED", "ESTABLISHED", **at)
    tern.do("finish", t)
    kernel.do("finish", k)
    kernel.ask("both", k, 5000, 1)
    assert tern.do("both", t, 5000, 2)[0] == "5000"
    assert kernel.answer()[0] == "5000"
