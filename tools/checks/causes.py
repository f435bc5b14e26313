# SPDX-License-Identifier: BSD-2-Clause
"""src/base/causes.def: each cause has a source (an RFC clause, or "tern"), a text, and a place that uses it."""

import re
from pathlib import Path

from . import tree

# CAUSE(ID, "name", "source", "text"); strings may be glued from pieces.
_STRING = r'((?:"(?:\\.|[^"\\])*"\s*)+)'
_ROW = re.compile(rf"^[ \t]*CAUSE\(\s*(\w+)\s*,\s*{_STRING},\s*{_STRING},\s*{_STRING}\)", re.M)
_LINE = re.compile(r"^[ \t]*\w+\(", re.M)
_SOURCE = re.compile(r"^(?:tern|(?:RFC ?\d+[^;,]*)(?:[;,] ?RFC ?\d+[^;,]*)*)$")


def _value(text):
    return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', text))


def causes(root):
    root = Path(root)
    path = root / "src/base/causes.def"
    if not path.is_file():
        return ["src/base/causes.def: missing"]
    text = tree.strip_comments(path.read_text())
    rows = list(_ROW.finditer(text))
    found = []
    if len(rows) != len(_LINE.findall(text)):
        found.append(f"src/base/causes.def: {len(_LINE.findall(text))} rows, only {len(rows)} readable as "
                     'CAUSE(ID, "name", "source", "text")')
    if not rows:
        return found or ["src/base/causes.def: no causes in it"]
    used = set()
    for name in tree.files(root, ".c", ".h"):
        if name.startswith("src/"):
            used |= set(re.findall(r"\w+", tree.strip_comments((root / name).read_text(), strings=True)))
    seen, labels = {}, set()
    for row in rows:
        name, source, words = row[1], _value(row[3]), _value(row[4])
        label = _value(row[2])
        where = f"src/base/causes.def:{text.count(chr(10), 0, row.start(1)) + 1}"
        if name in seen:
            found.append(f"{where}: {name} is listed twice")
        if label in labels:
            found.append(f'{where}: {name}: the name "{label}" is taken')
        seen[name] = where
        labels.add(label)
        if not _SOURCE.match(source):
            found.append(f'{where}: {name}: source "{source}" is neither an RFC clause nor "tern"')
        if len(words) < 8:
            found.append(f"{where}: {name}: no text that explains it")
        if f"CAUSE_{name}" not in used:
            found.append(f"{where}: CAUSE_{name} is used nowhere in src/: use it or remove it")
    return found
