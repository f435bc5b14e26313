# SPDX-License-Identifier: BSD-2-Clause
"""TCP-AO for programs: Linux's interface, both ends under `tern run`."""
import json

import pytest

from run_lab import build_c, run


@pytest.mark.parametrize("peer", ["10.0.2.15", "127.0.0.1"])
def test_both_ends(tern, tmp_path, peer):
    events = tmp_path / "events"
    done = run(tern, "run", "--events", events, "--", build_c(tmp_path, "ao"), peer)
    assert done.stdout == b"ok\n"
    dropped = [e for e in map(json.loads, events.read_text().splitlines()) if e.get("cause", "").startswith("drop-ao-")]
    assert {"drop-ao-missing", "drop-ao-mismatch"} <= {e["cause"] for e in dropped}
    assert "secret" not in events.read_text()
