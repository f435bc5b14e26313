# SPDX-License-Identifier: BSD-2-Clause
"""The same program on the kernel's sockets and under `tern run` says the same, line by line."""
import pytest

from run_lab import build_c, run


@pytest.mark.parametrize("flags", [(), ("-static",)], ids=["dynamic", "static"])
@pytest.mark.parametrize("program", ["tcp_same", "udp_same"])
def test_same(tern, tmp_path, program, flags):
    path = build_c(tmp_path, program, *flags)
    kernel = run(path).stdout.decode().splitlines()
    ours = run(tern, "run", "--", path).stdout.decode().splitlines()
    assert len(kernel) > 30
    assert ours == kernel


@pytest.mark.parametrize("program", ["tcp_same", "udp_same"])
def test_same_on_an_older_kernel(tern, tmp_path, program):
    """Linux 5.14 to 5.18 as far as the launcher can see: tests/programs/old_kernel.c."""
    path = build_c(tmp_path, program)
    kernel = run(path).stdout.decode().splitlines()
    old = run(build_c(tmp_path, "old_kernel"), tern, "run", "--", path)
    assert old.stdout.decode().splitlines() == kernel


def test_signals_rain(tern, tmp_path):
    """Signals every 100 us, with SA_RESTART: the program sees nothing of them. (Not on older kernels: see notify.c.)"""
    storm = build_c(tmp_path, "alarm_storm")
    assert run(tern, "run", "--", storm).stdout == run(storm).stdout


def test_same_under_strace(tern, tmp_path, need):
    need("strace")
    path = build_c(tmp_path, "tcp_same")
    kernel = run(path).stdout.decode().splitlines()
    ours = run(tern, "run", "--", "strace", "-f", "-o", tmp_path / "trace", path).stdout.decode().splitlines()
    assert ours == kernel


def test_same_over_a_bad_wire(tern, tmp_path):
    """Addresses of the run itself never cross the wire: its impairments do not touch them."""
    path = build_c(tmp_path, "udp_same")
    kernel = run(path).stdout.decode().splitlines()
    ours = run(tern, "run", "--lose", "50%", "--seed", "1", "--", path).stdout.decode().splitlines()
    assert ours == kernel
