# SPDX-License-Identifier: BSD-2-Clause
"""TCP Fast Open (RFC 7413) between tern and the Linux kernel over a TAP, tern as a program under `tern run`."""
import pytest

SYN_DATA = 32


@pytest.mark.parametrize("ends", ["run"], indirect=True)
@pytest.mark.parametrize("tern_is", ["client", "server"])
def test_second_connection_carries_data(lab, ends, tern_is):
    """The first connection fetches the cookie, the second has its data in the SYN."""
    lab.sh("sysctl", "-qw", "net.ipv4.tcp_fastopen=3")
    kernel, tern = ends()
    client, server = (tern, kernel) if tern_is == "client" else (kernel, tern)
    listener = server.do("fastlisten", 7401)[0]
    taken = []
    for seed in (1, 2, 3):
        client.ask("fastopen", server.addr, 7401, 900, seed)
        s = server.do("accept", listener)[0]
        c, first, digest = client.answer()
        assert int(first) == 900 # of a blocking call: all of it
        assert server.do("recv", s, 900)[1] == digest
        taken.append([int(end.do("option", sock, SYN_DATA)[0]) for end, sock in ((client, c), (server, s))])
        n, again = server.do("send", s, 5000, seed)
        got = client.do("recv", c, 5000)
        assert got[:2] == [n, again]
        client.do("close", c)
        server.do("recv", s, 0)
        server.do("close", s)
    assert taken == [[0, 0], [SYN_DATA, SYN_DATA], [SYN_DATA, SYN_DATA]]
    ext = lab.snmp()["TcpExt"]
    if tern_is == "client":
        assert ext["TCPFastOpenPassive"] == 2 and ext["TCPFastOpenPassiveFail"] == 0
    else:
        assert ext["TCPFastOpenActive"] == 2 and ext["TCPFastOpenActiveFail"] == 0


@pytest.mark.parametrize("ends", ["run"], indirect=True)
def test_a_server_that_has_forgotten(lab, ends):
    """The kernel gets another key: its cookie is refused, the data goes after the handshake, and the next one is good."""
    lab.sh("sysctl", "-qw", "net.ipv4.tcp_fastopen=3")
    kernel, tern = ends()
    listener = kernel.do("fastlisten", 7402)[0]
    taken = []
    for seed in range(4):
        if seed == 2:
            lab.sh("sysctl", "-qw", "net.ipv4.tcp_fastopen_key=00000001-00000002-00000003-00000004")
        tern.ask("fastopen", kernel.addr, 7402, 500, seed)
        s = kernel.do("accept", listener)[0]
        c, _, digest = tern.answer()
        assert kernel.do("recv", s, 500)[1] == digest
        taken.append(int(tern.do("option", c, SYN_DATA)[0]) != 0)
        tern.do("close", c)
        kernel.do("recv", s, 0)
        kernel.do("close", s)
    assert taken == [False, True, False, True]
