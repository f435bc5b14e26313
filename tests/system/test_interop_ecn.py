# SPDX-License-Identifier: BSD-2-Clause
"""ECN (RFC 3168) between tern and the Linux kernel over a TAP, and marks on the way."""
import pytest

from lab import pair, send_and_receive

ECN, SEEN = 8, 16


def tern_socket(lab, port):
    """What `tern ss` knows of the connection."""
    return next(s for s in lab.tern_sockets() if port in (s["local"]["port"], s["remote"]["port"]) and s["state"] != "LISTEN")


@pytest.mark.parametrize("ends", ["run"], indirect=True)
@pytest.mark.parametrize("tern_is", ["client", "server"])
@pytest.mark.parametrize("asks", [True, False])
def test_negotiation(lab, ends, tern_is, asks):
    """Who asks gets it, as both accept it; without asking there is none."""
    lab.sh("sysctl", "-qw", f"net.ipv4.tcp_ecn={1 if asks else 2}")
    kernel, tern = ends("--ecn", "on" if asks else "accept")
    client, server = (tern, kernel) if tern_is == "client" else (kernel, tern)
    c, s = pair(client, server, 7501)
    send_and_receive(client, c, server, s, 300_000)
    send_and_receive(server, s, client, c, 300_000)
    for end, sock in ((client, c), (server, s)):
        assert int(end.do("option", sock, ECN)[0]) == (ECN if asks else 0)
        assert int(end.do("option", sock, SEEN)[0]) == (SEEN if asks else 0)
    assert ("ecn" in str(tern_socket(lab, 7501))) == asks


@pytest.mark.parametrize("ends", ["run"], indirect=True)
def test_marks_of_the_wire(lab, ends, tmp_path):
    """`tern run --ce`: marks on both ways; both ends slow down, and nothing is lost or sent again."""
    lab.sh("sysctl", "-qw", "net.ipv4.tcp_ecn=1")
    kernel, tern = ends("--ecn", "on", "--ce", "5%", "--seed", "1", "--events", tmp_path / "events")
    c, s = pair(tern, kernel, 7502)
    before = lab.snmp()
    send_and_receive(tern, c, kernel, s, 2_000_000)
    send_and_receive(kernel, s, tern, c, 2_000_000)
    after = lab.snmp()
    assert after["IpExt"]["InCEPkts"] > before["IpExt"]["InCEPkts"]
    assert after["Tcp"]["RetransSegs"] == before["Tcp"]["RetransSegs"]
    assert tern_socket(lab, 7502)["info"]["received_ce"] > 0
    tern.do("close", c)
    tern.end()
    assert '"ecn-reduced"' in (tmp_path / "events").read_text()
