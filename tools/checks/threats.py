# SPDX-License-Identifier: BSD-2-Clause
"""docs/spec/threats.tsv: each attack that touches TCP has a test in tests/threats, and docs/security.md lists them.

A test of row D07 is called test_d07_...; the comment in front of it begins with "D07:" and says what the defence
is, which limit it has and where it comes from; a row may have several such tests. docs/security.md is made from
these by tools/lint.py threats --fix, down to its mark; what follows the mark is written by hand and stays.
"""

import re
from pathlib import Path

CLASSES = ("off-path", "state", "dos")

# Rows of those classes in which TCP has no part.
ELSEWHERE = {
    "A24": "DNS client: not part of this stack",
    "C15": "UDP and the ICMP rate limit: tests/unit/net/test_icmp.c",
    "C26": "ICMP echo to broadcast: tests/unit/net/test_icmp.c, test_ip4_rx.c",
    "D18": "ARP cache: tests/unit/net/test_neigh.c",
    "D19": "IPv6 neighbour discovery: no IPv6 yet",
    "D20": "router advertisements and multicast groups: not built",
    "D21": "ICMP echo flood: tests/unit/net/test_icmp.c, tests/unit/stack/test_answer.c",
}

_COMMENT = r"/\*(?:[^*]|\*(?!/))*\*/"
_TEST = re.compile(r"/\* ([A-Z]\d\d): ((?:[^*]|\*(?!/))*)\*/\s*(?:" + _COMMENT + r"\s*)*static void (test_\w+)\(")
_NAMED = re.compile(r"^static void (test_([a-z]\d\d)_\w+)\(", re.MULTILINE)
MARK = "<!-- From here on by hand. -->\n"
_HEAD = """<!-- SPDX-License-Identifier: BSD-2-Clause -->
<!-- Made by `tools/lint.py threats --fix` from docs/spec/threats.tsv and the comments in tests/threats. -->

# Attacks on TCP, and what stands against them

Every row of the classes off-path, state and dos of [spec/threats.tsv](spec/threats.tsv) that touches TCP has a test
of that name in `tests/threats/`: a whole TCP on a bench with a virtual clock, and a peer that sends what it likes.
The names of the limits are those of `struct tern_config` and `struct tern_listener_policy`.
What a listener does under a SYN flood is told in [flood-defence.md](flood-defence.md).

| Row | Attack | Test | Defence |
|---|---|---|---|
"""


def _rows(root):
    rows = {}
    for line in (root / "docs/spec/threats.tsv").read_text().splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) >= 3 and cells[1] in CLASSES:
            rows[cells[0]] = cells[2]
    return rows


def _tests(root):
    """{row: [(file, name, defence, is it run), ...]}, and complaints about tests that name no row."""
    tests, found = {}, []
    for path in sorted((root / "tests/threats").glob("test_*.c")):
        text = path.read_text()
        told = {}
        for row, defence, name in _TEST.findall(text):
            told[name] = row
            defence = " ".join(re.sub(r"\n \*", "\n", defence).split())
            tests.setdefault(row, []).append((path.name, name, defence, f"RIG_TEST({name})" in text))
        found += [f"tests/threats/{path.name}: {name}: no comment \"{row.upper()}: ...\" in front of it says what the "
                  "defence is" for name, row in _NAMED.findall(text) if name not in told]
    return tests, found


def render(root):
    root = Path(root)
    rows, (tests, _) = _rows(root), _tests(root)
    out = _HEAD
    for row, attack in sorted(rows.items()):
        for file, name, defence, _ in tests.get(row, ()):
            out += f"| {row} | {attack} | `{file}` `{name}` | {defence} |\n".replace("||", "\\|\\|")
    out += "\nRows of these classes in which TCP has no part:\n\n"
    for row, why in ELSEWHERE.items():
        out += f"- {row} {rows.get(row, '')}: {why}\n"
    page = root / "docs/security.md"
    _, mark, by_hand = page.read_text().partition(MARK) if page.is_file() else ("", "", "")
    return out + (f"\n{mark}{by_hand}" if mark else "")


def _of_row(row, tests):
    for file, name, _, listed in tests:
        if not name.startswith(f"test_{row.lower()}_"):
            yield f"tests/threats/{file}: {name}: must be called test_{row.lower()}_..."
        if not listed:
            yield f"tests/threats/{file}: {name}: is in no list of tests: add RIG_TEST({name})"


def threats(root, fix=False):
    root = Path(root)
    rows, (tests, found) = _rows(root), _tests(root)
    for row in sorted(rows):
        if row in ELSEWHERE:
            continue
        if row not in tests:
            found.append(f"docs/spec/threats.tsv: {row} {rows[row]}: no test test_{row.lower()}_... with a comment "
                         f'"{row}: ..." in tests/threats')
        found += _of_row(row, tests.get(row, ()))
    found += [f"tests/threats: {row}: no such row of class {', '.join(CLASSES)} in docs/spec/threats.tsv"
              for row in tests if row not in rows]
    found += [f"tools/checks/threats.py: {row}: named in ELSEWHERE, but no such row in docs/spec/threats.tsv"
              for row in ELSEWHERE if row not in rows]
    page = root / "docs/security.md"
    if fix:
        page.write_text(render(root))
    elif not page.is_file() or page.read_text() != render(root):
        found.append("docs/security.md: not what the tests say: tools/lint.py threats --fix writes it anew")
    return found
