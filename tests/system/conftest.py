# SPDX-License-Identifier: BSD-2-Clause
"""What all system tests share: where the build is, and network namespaces that vanish with the test.

TERN_BUILD names another build directory than build/. A wait is always for an event and bounded; no test
decides anything by how long something took.
"""
import os
import pathlib
import shutil
import signal

import pytest

from lab import Lab, LabError

# A shell ignores SIGINT for what it starts in the background, nohup ignores SIGHUP, and programs inherit that: those of
# the tests must not, whoever runs the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TERN_BUILD", ROOT / "build")).resolve()


def built(relative):
    path = BUILD / relative
    if not path.exists():
        pytest.fail(f"{path} is not there: run `make` first (or set TERN_BUILD)")
    return str(path)


@pytest.fixture(scope="session")
def tern():
    """The command."""
    return built("tern")


@pytest.fixture(scope="session")
def interop_peer():
    """tests/interop/peer.c."""
    return built("tests/interop/interop-peer")


@pytest.fixture
def need():
    """need("tshark"): skips the test, with the reason, when a program is missing."""
    def check(*programs):
        for p in programs:
            if not shutil.which(p):
                pytest.skip(f"{p} is not installed (tools/deps check installs it)")
    return check


@pytest.fixture
def lab(tmp_path, request):
    """A network namespace with a TAP device, and everything that was started in it. A module whose LINK is "tun"
    gets a TUN device."""
    if os.geteuid() != 0:
        pytest.skip("a network namespace with a TAP device needs root")
    try:
        made = Lab(tmp_path, getattr(request.module, "LINK", "tap"))
    except LabError as e:
        pytest.skip(str(e))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(params=["library", "run"])
def ends(request, lab, tern):
    """ends(options...) -> (kernel, tern): the kernel's sockets, and tern at the TAP: once as a library
    (tests/interop/peer.c), once as an ordinary program under `tern run`."""
    lab.tern_command = tern

    def make(*options):
        kernel = lab.kernel()
        if request.param == "library":
            return kernel, lab.peer(request.getfixturevalue("interop_peer"), *options)
        return kernel, lab.run(tern, *options)
    return make
