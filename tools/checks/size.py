# SPDX-License-Identifier: BSD-2-Clause
"""The size ratchet: lines of a function, complexity, lines of a file; exceptions in tools/ratchet.toml."""

import re
import tomllib
from pathlib import Path

from . import tree

_ROW = re.compile(r"^(\d+)\t(\d+)\t(\d+)\t(\d+)\t(\d+)\t(.+?)\((\d+)\): (.+)$")


def measure(root, names):
    """(file, line, function, lines, complexity) of every function of the C files, by pmccabe."""
    if not names:
        return []
    out = tree.run("pmccabe", *names, cwd=root).stdout
    rows = (_ROW.match(line) for line in out.splitlines())
    return [(m[6], int(m[7]), m[8], int(m[5]), int(m[1])) for m in rows if m]


def compare(kind, limit, figures, allowed):
    """figures: {key: (where, value)}. Findings for what exceeds its limit or its entry, and for stale entries."""
    found = []
    for key, (where, value) in sorted(figures.items()):
        entry = allowed.get(key)
        if value > (limit if entry is None else max(entry, limit)):
            found.append(f"{where}: {kind} of {key} is {value}, limit {entry or limit}: split it")
        elif entry is not None and value <= limit:
            found.append(f"tools/ratchet.toml: [{kind}] {key} is {value}, within the limit: remove the entry")
        elif entry is not None and value < entry:
            found.append(f"tools/ratchet.toml: [{kind}] {key} fell to {value}: lower the entry from {entry}")
    for key in sorted(set(allowed) - set(figures)):
        found.append(f"tools/ratchet.toml: [{kind}] {key} does not exist any more: remove the entry")
    return found


def size(root):
    ratchet = tomllib.loads((Path(root) / "tools/ratchet.toml").read_text())
    limits = ratchet["limits"]
    functions = measure(root, tree.files(root, ".c", ".h"))
    lines = {f"{f}:{fn}": (f"{f}:{ln}", n) for f, ln, fn, n, _ in functions}
    complexity = {f"{f}:{fn}": (f"{f}:{ln}", c) for f, ln, fn, _, c in functions}
    sources = [n for n in tree.files(root) if n.endswith((".c", ".h", ".py", ".js")) or _is_script(root, n)]
    length = {n: (n, (Path(root) / n).read_bytes().count(b"\n")) for n in sources}
    return (compare("function_lines", limits["function_lines"], lines, ratchet.get("function_lines", {}))
            + compare("complexity", limits["complexity"], complexity, ratchet.get("complexity", {}))
            + compare("file_lines", limits["file_lines"], length, ratchet.get("file_lines", {})))


def _is_script(root, name):
    with (Path(root) / name).open("rb") as file:
        return "." not in Path(name).name and file.read(2) == b"#!"
