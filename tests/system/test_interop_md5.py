# SPDX-License-Identifier: BSD-2-Clause
"""TCP-MD5 (RFC 2385) between tern and the Linux kernel over a TAP. tern is a program under `tern run`: the
same setsockopt() on both sides."""
import errno
import socket
import struct

import pytest

from lab import both_ways, send_and_receive, wait_until

TCP_MD5SIG = 14
KEY, OTHER = "correct-horse", "battery-staple"


@pytest.fixture
def signed(lab, ends):
    s = socket.socket()
    try:
        s.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG,
                     struct.pack("=HH4s120xBBHI80s", socket.AF_INET, 0, bytes([127, 0, 0, 1]), 0, 0, 1, 0, b"k"))
    except OSError as e:
        if e.errno == errno.ENOPROTOOPT:
            pytest.skip("this kernel has no CONFIG_TCP_MD5SIG")
        raise
    finally:
        s.close()
    return ends


def sockets(kernel, tern, tern_is):
    return (tern, kernel) if tern_is == "client" else (kernel, tern)


@pytest.mark.parametrize("ends", ["run"], indirect=True)
@pytest.mark.parametrize("tern_is", ["client", "server"])
def test_same_key(lab, signed, tern_is):
    """Handshake, a megabyte each way, and both FINs: every segment is signed and taken."""
    kernel, tern = signed()
    client, server = sockets(kernel, tern, tern_is)
    listener = server.do("listen", 7301, 16, client.addr, KEY)[0]
    server.ask("accept", listener)
    c = client.do("connect", server.addr, 7301, 0, server.addr, KEY)[0]
    s = server.answer()[0]
    send_and_receive(client, c, server, s, 1 << 20)
    send_and_receive(server, s, client, c, 1 << 20)
    both_ways(client, c, server, s, 100_000)
    client.do("shut", c)
    assert server.recv(s, 1)[1] == "eof"
    server.do("close", s)
    assert client.recv(c, 1)[1] == "eof"
    ext = lab.snmp()["TcpExt"]
    assert ext["TCPMD5NotFound"] == ext["TCPMD5Unexpected"] == ext["TCPMD5Failure"] == 0


@pytest.mark.parametrize("ends", ["run"], indirect=True)
@pytest.mark.parametrize("tern_is", ["client", "server"])
def test_other_key(lab, signed, tern_is):
    """The SYN is met with silence; the kernel counts it when it is the server."""
    kernel, tern = signed()
    client, server = sockets(kernel, tern, tern_is)
    server.do("listen", 7302, 16, client.addr, KEY)
    c = client.do("start", server.addr, 7302, 0, server.addr, OTHER)[0]
    if tern_is == "client":
        assert wait_until(lambda: lab.snmp()["TcpExt"]["TCPMD5Failure"] >= 2, True)
    else:
        assert wait_until(lambda: lab.snmp()["TcpExt"]["TCPSynRetrans"] >= 1, True)
    lab.agree("LISTEN" if tern_is == "client" else "SYN-SENT",
              "SYN-SENT" if tern_is == "client" else "LISTEN",
              kernel_at={"port": 7302, "local": tern_is == "client"},
              tern_at={"port": 7302, "local": tern_is == "server"})
    client.do("close", c)
