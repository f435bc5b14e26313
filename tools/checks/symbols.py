# SPDX-License-Identifier: BSD-2-Clause
"""What the linked core needs and shows: undefined symbols, mutable data, exported names."""

import re
import tempfile
from pathlib import Path

from . import tree

CORE_MAY_NEED = {"memcpy", "memmove", "memset", "memcmp", "tern_assert_fail"}
# Position-independent code may refer to it; the linker makes it, nobody supplies it.
LINKER_MAKES = {"_GLOBAL_OFFSET_TABLE_"}
_WRITABLE = re.compile(r"^\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM\*")


def _core_object(archive, folder):
    out = Path(folder) / "core.o"
    result = tree.run("ld", "-r", "-o", out, "--whole-archive", archive)
    if result.returncode:
        raise RuntimeError(f"ld -r {archive}: {result.stderr.strip()}")
    return out


def undefined(archive):
    """Symbols that the core as one object leaves open, beyond those it may."""
    with tempfile.TemporaryDirectory() as folder:
        core = _core_object(archive, folder)
        if not tree.run("nm", "-g", "--defined-only", core).stdout.strip():
            return [f"{archive}: defines nothing: it cannot be the core"]
        out = tree.run("nm", "-u", core).stdout
    names = {line.split()[-1] for line in out.splitlines() if line.strip()}
    return [f"{archive}: the core must not need '{n}': only {', '.join(sorted(CORE_MAY_NEED))}"
            for n in sorted(names - CORE_MAY_NEED - LINKER_MAKES)]


def mutable(archive):
    """Objects in writable sections: the core keeps no state outside what its caller gave it."""
    with tempfile.TemporaryDirectory() as folder:
        out = tree.run("nm", "-f", "sysv", _core_object(archive, folder)).stdout
    found = []
    for line in out.splitlines():
        cells = [c.strip() for c in line.split("|")]
        if len(cells) == 7 and cells[3] == "OBJECT" and _WRITABLE.search(cells[6]):
            found.append(f"{archive}: mutable static '{cells[0]}' in {cells[6]}: "
                         "make it const or move it into a struct that the caller owns")
    return found


def exports(library):
    """Names that an installed library shows although they are not tern_*."""
    dynamic = ["-D"] if ".so" in Path(library).name else ["-g"]
    result = tree.run("nm", *dynamic, "--defined-only", library)
    if result.returncode:
        return [f"{library}: {result.stderr.strip()}"]
    names = {line.split()[-1] for line in result.stdout.splitlines() if len(line.split()) == 3}
    found = [f"{library}: exports '{n}': only tern_* may be seen (visibility, src/tern.map)"
             for n in sorted(names) if not n.startswith("tern_")]
    if not names:
        found.append(f"{library}: exports nothing: mark the public functions TERN_API")
    return found
