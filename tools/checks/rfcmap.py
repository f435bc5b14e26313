# SPDX-License-Identifier: BSD-2-Clause
"""Clauses of the standards -> the code that does them -> the tests that would fail without it.

The clauses are the rows of docs/spec/rfc9293_requirements.tsv (all that have an id) and those of
docs/spec/rfc_other_requirements.tsv whose column `part` says tcp. A tag in a comment names them:

    [RFC9293:MUST-13]   [RFC9293:MUST-24, 25]   [RFC9293:SHLD-10..12]   [RFC6298:5.4]
    [RFC5681:3.1#3]     the third row of that section, when the table has several
    [RFC9293:SHLD-3 / RFC5681:4.2#1, 2]

A tag counts where it stands: in a function, or in the comment in front of it. In a file's opening comment it counts for
nothing, except in a .pkt script, which is one test. A section of an RFC that is in no table may be named freely.

Clauses that tern does not do, and those that bind somebody else, are in docs/spec/exceptions.toml: each with the record
in docs/decisions that says why. docs/conformance.md is made from all this: tools/rfcmap writes it.
"""

import functools
import re
import tomllib
from pathlib import Path

from . import tree

CODE = ("src/",)
TESTS = ("tests/",)
SUFFIXES = (".c", ".h", ".py", ".pkt")
SPEC = "docs/spec/rfc9293_requirements.tsv"
OTHER = "docs/spec/rfc_other_requirements.tsv"
EXCEPTIONS = "docs/spec/exceptions.toml"
PAGE = "docs/conformance.md"
SHOWN = 4       # places in a cell of the page

_TAG = re.compile(r"\[(RFC\d+:[^\[\]\n]+)\]")
_ID = re.compile(r"(MUST|SHLD|MAY|REC)-(\d+)$")


# ---- the clauses ---------------------------------------------------------------------------------

def _table(path):
    lines = path.read_text().splitlines()
    head = lines[0].split("\t")
    return [dict(zip(head, line.split("\t"))) for line in lines[1:] if line.strip()]


def clauses(root):
    """{id: (level, text, section)} in the order of the tables."""
    root, found = Path(root), {}
    for row in _table(root / SPEC):
        if _ID.match(row["id"]):
            found["RFC9293:" + row["id"]] = (row["level"], row["requirement"], row["section"])
    for row in _table(root / OTHER):
        if row["part"] == "tcp":
            found[row["id"]] = (row["level"], row["requirement"], row["section"])
    return found


def exceptions(root):
    path = Path(root) / EXCEPTIONS
    return tomllib.loads(path.read_text()).get("exception", []) if path.is_file() else []


# ---- the tags ------------------------------------------------------------------------------------

def _numbers(last, item):
    """The names that one item of a list stands for: MUST-4..6, 7 (after MUST-4), 3.1#2, 3 (after 3.1#2)."""
    if match := re.match(r"(MUST|SHLD|MAY|REC)-(\d+)\.\.(?:\1-)?(\d+)$", item):
        return [f"{match[1]}-{n}" for n in range(int(match[2]), int(match[3]) + 1)]
    if item.isdigit() and last and (match := re.match(r"(.+[-#])\d+$", last)):
        return [match[1] + item]
    return [item]


def expand(tag):
    """The ids that a tag's inside names."""
    ids, rfc, last = [], "", ""
    for part in re.split(r"\s*[,/]\s*", tag.strip()):
        if match := re.match(r"(RFC\d+)(?::(.*))?$", part):
            rfc, last, part = match[1], "", match[2]
            if part is None:
                continue
        for name in _numbers(last, part):
            last = name
            ids.append(f"{rfc}:{name}")
    return ids


# ---- where a tag stands --------------------------------------------------------------------------

_NAME = re.compile(r"([A-Za-z_]\w*)\s*\(")
_SCRIPT = re.compile(r"\s*(?:async )?def (\w+)\(")


def _functions(lines):
    """[(name, first line, last line)] of a C file, counted from 0; project style: braces in column one."""
    found, begin = [], None
    for at, line in enumerate(lines):
        if line == "{" and begin is None:
            top = at - 1
            while top > 0 and (lines[top].startswith((" ", "\t")) or lines[top].strip() == ""):
                top -= 1
            if match := _NAME.search(lines[top]):
                row = re.match(r"[A-Z]+\((\w+)", lines[top])     # ROW(LISTEN_04, PASSIVE) of tests/matrix
                begin = (row[1] if row else match[1], top)
        elif line == "}" and begin is not None:
            found.append((*begin, at))
            begin = None
    return found


def _declared(lines, at):
    """What the comment that ends at or behind line `at` is about: the next declaration's name, or None."""
    while at < len(lines) and "*/" not in lines[at]:
        if not lines[at].lstrip().startswith(("*", "/*", "//")) and "/*" not in lines[at]:
            break
        at += 1
    for line in lines[at:at + 1] + lines[at + 1:at + 4]:
        text = re.sub(r"^.*\*/|/\*.*", "", re.sub(r"/\*.*?\*/", "", line)).strip()
        if not text or text.startswith(("*", "//")):
            continue
        for pattern in (r"#define\s+(\w+)", r"(?:struct|enum|union)\s+(\w+)\s*\{", r"([A-Za-z_]\w*)\s*\(",
                        r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\])*\s*(?:=|;|:|,)"):
            if match := re.search(pattern, text):
                return match[1]
        return None
    return None


def _opening(lines):
    """The last line of a C file's opening comment (behind the licence line), or -1."""
    at = 1
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at >= len(lines) or not lines[at].startswith("/*"):
        return -1
    after = at
    while after < len(lines) and "*/" not in lines[after]:
        after += 1
    following = lines[after + 1].strip() if after + 1 < len(lines) else ""
    return after if not following or following.startswith("#") else -1


def _c_place(lines, functions, opening, at):
    """The name of what the tag at line `at` belongs to; None: nothing."""
    if at <= opening:
        return None
    for name, first, last in functions:
        if first <= at <= last:
            return name
    for name, first, _ in functions:
        gap = lines[at:first]
        if first > at and len(gap) < 40 and all(
                not g.strip() or g.lstrip().startswith(("/*", "*", "//")) or "*/" in g for g in gap):
            return name
    return _declared(lines, at)


def _py_place(lines, at):
    for back in range(at, -1, -1):
        if match := _SCRIPT.match(lines[back]):
            if len(lines[back]) - len(lines[back].lstrip()) <= len(lines[at]) - len(lines[at].lstrip()):
                return match[1]
    for line in lines[at:at + 6]:
        if match := _SCRIPT.match(line):
            return match[1]
    return None


@functools.cache
def _places(path, _stamp):
    """[(line from 1, name, [ids])] of a file; name None: the tag counts for nothing."""
    text = path.read_text(errors="replace")
    if "[RFC" not in text:
        return []
    lines = text.splitlines()
    c = path.suffix in (".c", ".h")
    functions, opening = (_functions(lines), _opening(lines)) if c else ([], -1)
    found = []
    for at, line in enumerate(lines):
        for match in _TAG.finditer(line):
            if path.suffix == ".pkt":
                name = path.stem
            elif path.suffix == ".py":
                name = _py_place(lines, at)
            else:
                name = _c_place(lines, functions, opening, at)
            found.append((at + 1, name, expand(match[1])))
    return found


def _listed(text, name):
    """Is a test function of a C file in a list of tests? (Its name stands there more than once.)"""
    return len(re.findall(rf"\b{name}\b", text)) > 1


def scan(root):
    """({id: [(file, line, name)]} of the code, the same of the tests, [findings])"""
    root = Path(root)
    code, tests, found = {}, {}, []
    for name in tree.files(root, *SUFFIXES):
        side = code if name.startswith(CODE) else tests if name.startswith(TESTS) else None
        if side is None or "/corpus/" in name:
            continue
        path = root / name
        stat = path.stat()
        text = None
        for line, place, ids in _places(path, (stat.st_mtime_ns, stat.st_size)):
            if place is None:
                continue
            if side is tests and place.startswith("test_") and name.endswith(".c"):
                text = text or path.read_text()
                if not _listed(text, place):
                    found.append(f"{name}:{line}: {place}: is in no list of tests")
                    continue
            for one in ids:
                side.setdefault(one, []).append((name, line, place))
    return code, tests, found


# ---- the page ------------------------------------------------------------------------------------

_HEAD = """<!-- SPDX-License-Identifier: BSD-2-Clause -->
<!-- Made by tools/rfcmap from docs/spec and the tags in src and tests: no hand edits. -->

# What tern does of the standards, line by line

Each clause with the code that does it and the tests that look at it. The clauses are in our own words; the
RFC's text decides. Tags in comments (`[RFC9293:MUST-13]`) make this page; `tools/rfcmap --check` fails when a clause
has no code, no test and no exception, when a tag names a clause that does not exist, and when this page is old.

"""


def _cell(places):
    shown, seen = [], set()
    for file, line, name in places:
        if (file, name) in seen:
            continue
        seen.add((file, name))
        base = file.removeprefix("src/").removeprefix("tests/")
        is_script = file.endswith(".pkt")
        shown.append(f"[{base}](../{file})" if is_script else f"[{base}:{line}](../{file}#L{line}) `{name}`")
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return "<br>".join(shown[:SHOWN]) + more


def _order(section):
    """Unit tests first, then scripts, then the rest: what is nearest to the clause is shown."""
    rank = {"unit": 0, "drill": 1, "threats": 2, "matrix": 3}
    return (rank.get(section[0].split("/")[1], 9), section[0], section[1])


def render(root):
    root = Path(root)
    code, tests, _ = scan(root)
    excused = {e["id"]: e for e in exceptions(root)}
    table = clauses(root)
    groups = {}
    for one in table:
        groups.setdefault(one.split(":")[0], []).append(one)
    excepted = sum(1 for one in table if one in excused)
    page = _HEAD + f"{len(table)} clauses; {len(table) - excepted} done and tested, {excepted} with a reason why not.\n"
    for rfc, ids in groups.items():
        page += f"\n## {rfc.replace('RFC', 'RFC ')}\n\n| Clause | | Code | Tests |\n|---|---|---|---|\n"
        for one in ids:
            level, text, section = table[one]
            name = one.split(":", 1)[1] if ":" in one else "all"
            if one.startswith("RFC9293:"):
                name += f" ({section})"
            else:
                name += f" {level}"
            text = text.replace("|", "\\|")
            if one in excused:
                e = excused[one]
                where = _cell(code.get(one, []))
                record = f"[{e['record'][:4]}](decisions/{e['record']})"
                page += f"| {name} | {text} | {where or '-'} | {record}: {e['reason']} |\n"
            else:
                page += (f"| {name} | {text} | {_cell(code.get(one, []))} | "
                         f"{_cell(sorted(tests.get(one, []), key=_order))} |\n")
    return page


# ---- the check -----------------------------------------------------------------------------------

def _dangling(table, side):
    sections = {one.split("#")[0] for one in table}
    known = {one for one in table}
    out = []
    for one, places in side.items():
        rfc, _, name = one.partition(":")
        wrong = (rfc == "RFC9293" and re.match(r"(MUST|SHLD|MAY|REC)", name)) or "#" in name
        if wrong and one not in known:
            hint = "has one row only: no #" if one.split("#")[0] in sections and "#" in name else "no such clause"
            out += [f"{file}:{line}: [{one}]: {hint}" for file, line, _ in places]
    return out


def check(root):
    """What is wrong; the page itself is not looked at."""
    root = Path(root)
    table = clauses(root)
    code, tests, found = scan(root)
    found += _dangling(table, code) + _dangling(table, tests)
    excused = {}
    for e in exceptions(root):
        one = e.get("id", "?")
        if not e.get("reason") or not (root / "docs/decisions" / e.get("record", "?")).is_file():
            found.append(f"{EXCEPTIONS}: {one}: needs a reason and a record that is a file of docs/decisions")
        if one not in table:
            found.append(f"{EXCEPTIONS}: {one}: no such clause")
        if one in excused:
            found.append(f"{EXCEPTIONS}: {one}: twice")
        excused[one] = e
    for one, (_, text, _) in table.items():
        lacks = [what for what, side in (("code", code), ("test", tests)) if not side.get(one)]
        if lacks and one not in excused:
            found.append(f"[{one}] {text} No tag in {' or '.join(lacks)}")
        if not lacks and one in excused:
            found.append(f"{EXCEPTIONS}: {one}: is not needed any more: code and test are tagged")
    return found


def rfcmap(root, fix=False):
    root = Path(root)
    found, page = check(root), root / PAGE
    if fix:
        page.write_text(render(root))
    elif not page.is_file() or page.read_text() != render(root):
        found.append(f"{PAGE}: is not what the tags say: tools/rfcmap writes it anew")
    return found
