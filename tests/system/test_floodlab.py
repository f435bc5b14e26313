# SPDX-License-Identifier: BSD-2-Clause
"""`tern flood-lab` at small rates: what a policy does is counted, never timed, on the virtual clock."""
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

WAIT = 120
SMALL = ("--rate", "20000", "--seconds", "1", "--honest", "40")


def lab(tern, *args, status=0):
    done = subprocess.run([tern, "flood-lab", *args], capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def rows(tern, *args):
    doc = json.loads(lab(tern, *SMALL, "--json", *args).stdout)
    return doc, {r["policy"]: r for r in doc["rows"]}


def test_policies_on_the_virtual_clock(tern):
    doc, row = rows(tern, "--virtual")
    assert (doc["attack"], doc["rate"], len(row)) == ("syn", 20000, 7)
    for r in row.values():
        assert r["honest_tried"] == 40 and r["forged"] > 19900
    for cookies in ("cookies=overflow", "cookies=always"):
        assert row[cookies]["honest_done"] == 40
        assert row[cookies]["syn_acks"] >= row[cookies]["forged"]
    # 1025 records, 20000 SYNs a second: without cookies the table is full after the first few clients.
    assert row["drop"]["honest_done"] < 10
    assert row["drop"]["syn_acks"] < row["drop"]["forged"] / 4
    assert row["drop-oldest"]["honest_done"] == 40


def test_the_same_again(tern):
    args = ("--virtual", "--policy", "drop", "--policy", "cookies=always", "--seed", "7")
    counted = ("policy", "forged", "honest_done", "syn_acks", "answers", "median_ms", "p99_ms")
    a, b = ([{k: r[k] for k in counted} for r in rows(tern, *args)[0]["rows"]] for _ in range(2))
    assert a == b


@pytest.mark.parametrize("attack", ["syn-same", "ack", "syn-ack", "rst"])
def test_other_floods_hurt_nobody(tern, attack):
    _, row = rows(tern, "--virtual", "--policy", "cookies=overflow", "--attack", attack)
    assert row["cookies=overflow"]["honest_done"] == 40
    if attack != "syn-same":
        assert row["cookies=overflow"]["syn_acks"] == 0
    if attack == "rst":
        assert row["cookies=overflow"]["answers"] == 0


def test_one_source_hurts_only_its_own_network(tern):
    """The clients are outside of the forger's /24: what its prefix may have is all that it gets, whatever the policy,
    and the owner of the forged address hears no more than prefix_answers_per_s (10000) from us."""
    doc, row = rows(tern, "--virtual", "--attack", "syn-same")
    assert (doc["attack"], len(row)) == ("syn-same", 7)
    for name, r in row.items():
        assert r["honest_done"] == r["honest_tried"] == 40, name
        assert 0 < r["syn_acks"] <= 12000 < r["forged"], name
        if not name.startswith("cookies"):
            assert r["syn_acks"] <= 2 * 1024 + 40, name     # max_prefix_half records, each sent again once by then


@pytest.mark.parametrize("attack", ["stall", "zero-window"])
def test_a_forger_that_connects(tern, attack):
    done = lab(tern, "--virtual", "--rate", "500", "--seconds", "1", "--honest", "40", "--json", "--policy",
               "cookies=overflow", "--attack", attack)
    row = json.loads(done.stdout)["rows"][0]
    assert row["honest_done"] == 40 and row["syn_acks"] >= row["forged"]


def test_table_and_svg(tern, tmp_path):
    svg = tmp_path / "x.svg"
    out = lab(tern, *SMALL, "--virtual", "--policy", "cookies=always", "--svg", str(svg)).stdout
    head, columns, row = out.splitlines()
    assert "seed 1, virtual clock" in head and "SYN-ACKs" in columns
    assert row.split()[0] == "cookies=always" and "40/40" in row
    texts = [e.text for e in xml.etree.ElementTree.parse(svg).iter() if e.tag.endswith("text")]
    assert "cookies=always" in texts and any(t.startswith("100.0 %") for t in texts)


def test_the_kernel_as_the_reference(tern):
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    before = os.listdir("/sys/class/net")
    doc = json.loads(lab(tern, "--rate", "2000", "--seconds", "1", "--honest", "20", "--link", "tun", "--json").stdout)
    if any("/dev/net/tun" in r.get("not_run", "") for r in doc["rows"]):
        pytest.skip("no /dev/net/tun")
    row = {r["policy"]: r for r in doc["rows"]}
    assert row["kernel, tcp_syncookies=2"]["honest_done"] == 20
    assert row["kernel, tcp_syncookies=2"]["syn_acks"] > 0
    assert row["kernel, spoilt frames"]["syn_acks"] == 0
    assert os.listdir("/sys/class/net") == before


LINK = {"link, dropped", "link, read", "link, read and sent back"}
KERNEL = {f"veth, tcp_syncookies={n}" for n in range(3)} | {"veth, nft SYNPROXY"}
NGINX = """
daemon off; worker_processes 1; pid {0}/pid; error_log {0}/errors;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {0}/b; proxy_temp_path {0}/p; fastcgi_temp_path {0}/f;
  uwsgi_temp_path {0}/u; scgi_temp_path {0}/s; server {{ listen 80; return 200 ok; }} }}
"""


def veth_rows(tern, *args, status=0):
    """One second over a veth at a rate that every machine reaches; what it costs is looked at by nobody here."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if not {0, 1} <= os.sched_getaffinity(0):
        pytest.skip("two CPUs are needed, one for the victim and one for the forger")
    for program in ("ip", "nft"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: tools/deps check")
    done = lab(tern, "--link", "veth", "--rate", "5000", "--seconds", "1", "--honest", "20", "--json", *args,
               status=status)
    return {r["policy"]: r for r in json.loads(done.stdout)["rows"]}


def check_offload(name, r):
    """A machine on which no program can be loaded is one on which the stack answers all, which it says."""
    if "syn-offload=off" in name or not r["syn_offload"]:
        assert r["syns_offloaded"] == 0 and not r["syn_offload"], name
    elif "cookies=always" in name:
        assert r["syns_offloaded"] >= 0.9 * r["arrived"], name
    else:
        assert 0 < r["syns_offloaded"] < r["arrived"] + r["honest_tried"], name


def check_veth(row, ours, kernel, link=frozenset()):
    assert set(row) == link | kernel | ours
    for name, r in row.items():
        assert "not_run" not in r, (name, r)
        assert 0 < r["arrived"] <= r["forged"] <= 5000, name
        assert ("machine_slab_grown" in r) == (name in kernel) != ("memory_grown" in r), name
        # Of what the link costs at the least, when both are known (a CPU that others used, too, says nothing).
        assert ("cpu_ns_beyond_link" in r) == (name != "link, dropped" and "cpu_ns_per_frame" in r and
                                               "cpu_ns_per_frame" in row.get("link, dropped", ())), name
        if "cpu_ns_beyond_link" in r:
            assert r["cpu_ns_beyond_link"] == pytest.approx(r["cpu_ns_per_frame"] -
                                                            row["link, dropped"]["cpu_ns_per_frame"]), name
        assert ("syns_offloaded" in r) == ("syn_offload" in r) == (name in ours), name
    for name in ours:
        check_offload(name, row[name])
    served = ours | kernel - {"veth, tcp_syncookies=0"}
    for name in served:
        assert row[name]["honest_done"] == row[name]["honest_tried"] == 20, name
        assert row[name]["syn_acks"] >= row[name]["arrived"] * 0.9, name


def test_over_a_veth(tern):
    """Who is attacked answers each SYN, be it the stack or its program at the device; of a link alone only
    the row that sends back does."""
    before = os.listdir("/sys/class/net")
    victims = ("link", "run", "run=off", "kernel", "synproxy")
    row = veth_rows(tern, "--policy", "cookies=always", *(w for v in victims for w in ("--victim", v)))
    ours = {f"tern run, cookies=always{off}" for off in ("", ", syn-offload=off")}
    check_veth(row, ours, KERNEL, LINK)
    for nobody in ("link, dropped", "link, read"):
        assert row[nobody]["syn_acks"] < 100 and row[nobody]["honest_tried"] == 0
    assert row["link, read and sent back"]["syn_acks"] >= row["link, read and sent back"]["arrived"] * 0.9
    assert os.listdir("/sys/class/net") == before


def test_over_a_veth_of_the_softirq(tern):
    """Its frames come one by one; the rows that are chosen are the only ones."""
    row = veth_rows(tern, "--receive", "softirq", "--policy", "cookies=overflow", "--victim", "run", "--victim",
                    "kernel=1")
    check_veth(row, {"tern run, cookies=overflow"}, {"veth, tcp_syncookies=1"})


def test_with_and_without_the_program_at_the_device(tern):
    """The usual policies, of which the rows without it have one."""
    row = veth_rows(tern, "--victim", "shield", "--victim", "shield=off")
    usual = ("cookies=overflow", "cookies=always", "cookies=always, syn-offload=off")
    ours = {f"tern shield, {which}" for which in usual}
    check_veth(row, ours, set())
    if not any(r["syn_offload"] for r in row.values()):
        pytest.skip("no program can be loaded at a device of this machine: the stack answered all")


def left_over(word):
    """Command lines of processes with this word in them."""
    seen = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line and int(pid) != os.getpid():
            seen.append(line)
    return seen


@pytest.mark.parametrize("server", ["nginx", "python"])
def test_an_unmodified_server_over_a_veth(tern, tmp_path, server):
    if server == "nginx":
        if not shutil.which("nginx"):
            pytest.skip("nginx is not installed: tools/deps check")
        tmp_path.joinpath("conf").write_text(NGINX.format(tmp_path))
        command = f"exec nginx -c {tmp_path}/conf"
    else:
        command = f"exec /usr/bin/python3 -m http.server --bind 0.0.0.0 --directory {tmp_path} 80"
    victims = ("run", "shield") if server == "nginx" else ("run", "kernel=2")
    row = veth_rows(tern, "--policy", "cookies=always", "--server", command,
                    *(w for v in victims for w in ("--victim", v)))
    assert len(row) == 2
    for name, r in row.items():
        assert r.get("honest_done") == 20, (name, r)
    assert left_over(str(tmp_path)) == []


def test_a_server_that_does_not_start_is_named(tern):
    row = veth_rows(tern, "--policy", "cookies=always", "--server", "echo no such thing >&2; exit 3", "--victim", "run",
                    "--victim", "kernel=2", status=1)
    assert row["tern run, cookies=always"]["not_run"] == "the server has ended: no such thing"
    assert row["veth, tcp_syncookies=2"]["not_run"] == "the server has ended: no such thing"


@pytest.mark.parametrize("args, complaint", [
    (["--rate", "0"], "--rate: '0': not a whole number from 1"),
    (["--attack", "teardrop"], "--attack: not one of syn"),
    (["--link", "tap:t0"], "--link: wire, tun, veth or all"),
    (["--virtual", "--link", "tun"], "--virtual: the kernel's clock"),
    (["--receive", "hope"], "--receive: thread or softirq"),
    (["--victim", "kernel=3"], "--victim: one of link, link=dropped, run, run=off, shield, shield=off, kernel,"),
    (["10.1.1.1"], "there is no address to be given"),
    (["--policy", "hope"], "'hope': not a policy"),
])
def test_mistakes(tern, args, complaint):
    done = lab(tern, *args, status=2)
    assert complaint in done.stderr and not done.stdout
