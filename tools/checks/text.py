# SPDX-License-Identifier: BSD-2-Clause
"""Licence lines, words that must not appear, the list of causes, and the two lists of dependencies."""

import re
from pathlib import Path

from . import tree

TAG = "SPDX-License-Identifier: BSD-2-Clause"

# Data in which a licence line has no place or would change the meaning; debian/ has debian/copyright.
_NO_TAG = (".json", ".jsonl", ".pcap", ".pcapng", ".tsv", ".csv", ".svg", ".png", ".bin", ".golden", ".dat")
_NO_TAG_FOLDERS = ("debian/", "tests/fuzz/corpus/")
_NO_TAG_NAMES = ("LICENSE",)

# Not allowed in C, with what to use instead.
BANNED = {
    "strcpy": "memcpy with a known length", "strncpy": "memcpy with a known length",
    "strcat": "snprintf", "strncat": "snprintf", "sprintf": "snprintf", "vsprintf": "vsnprintf",
    "gets": "getline", "strtok": "strtok_r", "atoi": "strtol with checks", "atol": "strtol with checks",
    "atof": "strtod with checks", "scanf": "a parser", "sscanf": "a parser", "alloca": "a bounded array",
    "rand": "base/prng", "srand": "base/prng", "gethostbyname": "getaddrinfo", "inet_ntoa": "inet_ntop",
    "inet_addr": "inet_pton", "tmpnam": "mkstemp", "mktemp": "mkstemp", "system": "posix_spawn",
}
# Paths of somebody's machine. (Written in two pieces so that this file does not name them.)
_MACHINE = re.compile(r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me)/\w")
_BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")


def _text(root, name):
    data = (Path(root) / name).read_bytes()
    return None if b"\0" in data else data.decode("utf-8", "replace")


def needs_tag(name):
    return not (name.endswith(_NO_TAG) or name.startswith(_NO_TAG_FOLDERS) or Path(name).name in _NO_TAG_NAMES)


def spdx(root):
    found = []
    for name in filter(needs_tag, tree.files(root)):
        text = _text(root, name)
        if text and TAG not in "\n".join(text.splitlines()[:4]):
            found.append(f"{name}:1: no '{TAG}' in its first lines: tools/lint.py spdx --fix adds it")
    return found


def spdx_line(name):
    if name.endswith((".c", ".h", ".def", ".map", ".css", ".inc")):
        return f"/* {TAG} */\n"
    if name.endswith((".md", ".html")):
        return f"<!-- {TAG} -->\n"
    if name.endswith((".js", ".pkt", ".go", ".pml")):
        return f"// {TAG}\n"
    if re.search(r"\.\d$", name):
        return f'.\\" {TAG}\n'
    return f"# {TAG}\n"


def spdx_fix(root):
    for finding in spdx(root):
        name = finding.split(":")[0]
        path = Path(root) / name
        lines = path.read_text().splitlines(keepends=True)
        lines.insert(1 if lines[0].startswith(("#!", "<!DOCTYPE", "<!doctype")) else 0, spdx_line(name))
        path.write_text("".join(lines))
        print(f"added the licence line to {name}")


def words(root):
    found = []
    for name in tree.files(root):
        text = _text(root, name)
        if text is None:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            match = _MACHINE.search(line)
            if match:
                found.append(f"{name}:{number}: '{match.group(0)}…' is a path of one machine: "
                             "write it relative to the repository")
        if name.endswith((".c", ".h")):
            code = tree.strip_comments(text, strings=True)
            for number, line in enumerate(code.splitlines(), 1):
                for match in _BANNED_CALL.finditer(line):
                    found.append(f"{name}:{number}: {match.group(1)}() is not used here: "
                                 f"{BANNED[match.group(1)]}")
    return found


def deps(root):
    """tools/packages.txt and docs/dependencies.md name the same Debian packages."""
    listed = {}
    for number, line in enumerate((Path(root) / "tools/packages.txt").read_text().splitlines(), 1):
        if not line or line.startswith(("#", "[")):
            continue
        cells = line.split(None, 1)
        listed.setdefault(cells[0], number)
        if len(cells) < 2:
            return [f"tools/packages.txt:{number}: {cells[0]} has no reason"]
    table = (Path(root) / "docs/dependencies.md").read_text()
    documented = {}
    for number, line in enumerate(table.splitlines(), 1):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("| `") and len(cells) >= 4:
            for package in re.findall(r"`([^`]+)`", cells[0]):
                documented[package] = number
            if not all(cells[:4]):
                return [f"docs/dependencies.md:{number}: an empty cell: package, when, licence, reason"]
    return ([f"tools/packages.txt:{listed[p]}: {p} is not in docs/dependencies.md"
             for p in sorted(set(listed) - set(documented))]
            + [f"docs/dependencies.md:{documented[p]}: {p} is not in tools/packages.txt"
               for p in sorted(set(documented) - set(listed))])
