# SPDX-License-Identifier: BSD-2-Clause
"""Who includes whom: rooms against tools/layers.toml, system headers of the core, include cycles,
and every header compiles alone (and twice)."""

import fnmatch
import re
import tomllib
from pathlib import Path

from . import tree

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)


def includes(root, name):
    """(line, "<" or '"', path) of each #include in a file."""
    text = (Path(root) / name).read_text(encoding="utf-8", errors="replace")
    text = tree.strip_comments(text)
    return [(text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)) for m in _INCLUDE.finditer(text)]


def _c_files(root):
    return [n for n in tree.files(root, ".c", ".h", ".def", ".inc") if tree.room_of(n)]


def _target(root, name, kind, path):
    """The project file that an #include names, or None for a system header."""
    if kind == "<":
        return "include/" + path if path.startswith("tern/") else None
    if (Path(root) / "src" / path).is_file():
        return "src/" + path
    return str(Path(name).parent / path)


def layers(root):
    rules = tomllib.loads((Path(root) / "tools/layers.toml").read_text())
    rooms = rules["rooms"]
    found = []
    for name in _c_files(root):
        room = tree.room_of(name)
        if room not in rooms:
            found.append(f"{name}:1: room '{room}' is not in tools/layers.toml: add it there")
            continue
        system = set(rules["core_system"])
        for pattern, extra in rules.get("core_system_extra", {}).items():
            if fnmatch.fnmatch(name, pattern):
                system |= set(extra)
        for line, kind, path in includes(root, name):
            where = f"{name}:{line}"
            if kind == "<" and not path.startswith("tern/"):
                if rooms[room].get("core") and path not in system:
                    found.append(f"{where}: the core must not include <{path}>: "
                                 f"only {', '.join(sorted(system))}")
                continue
            if kind == "<":
                if not (Path(root) / "include" / path).is_file():
                    found.append(f"{where}: <{path}> is not a public header of include/tern")
                continue
            if "/" not in path and room != "cli":
                found.append(f'{where}: write "{room}/{path}", from src/')
                continue
            other = path.split("/")[0] if "/" in path else room
            if other not in (room, *rooms[room]["may"]):
                found.append(f"{where}: {room} must not include {other} ({path}): tools/layers.toml")
    return found


def cycles(root):
    graph = {n: [] for n in _c_files(root)}
    for name in graph:
        for _, kind, path in includes(root, name):
            target = _target(root, name, kind, path)
            if target in graph:
                graph[name].append(target)
    found, state = [], {}

    def visit(name, path):
        state[name] = "open"
        for target in graph[name]:
            if state.get(target) == "open":
                loop = [*path[path.index(target):], target] if target in path else [name, target]
                found.append(f"{name}:1: include cycle: {' -> '.join(loop)}")
            elif target not in state:
                visit(target, [*path, target])
        state[name] = "done"

    for name in graph:
        if name not in state:
            visit(name, [name])
    return found


def headers(root, compiler="gcc"):
    """Each header alone, and a second time after itself, with the strict warnings."""
    def one(name):
        core = tree.room_of(name) in (*tree.CORE_ROOMS, "tern")
        path = name.split("/", 1)[1] if name.startswith(("src/", "include/")) else name
        line = f"#include <{path}>\n" if name.startswith("include/") else f'#include "{path}"\n'
        result = tree.run(compiler, "-std=c17", "-fsyntax-only", "-Wall", "-Wextra", "-Wstrict-prototypes",
                          "-Wmissing-prototypes", "-Wundef", "-Werror", "-Wno-unused-function",
                          *([] if core else ["-D_GNU_SOURCE"]), "-Iinclude", "-Isrc", "-I.", "-x", "c", "-",
                          input=line + line, cwd=root)
        if result.returncode == 0:
            return None
        first = next((s for s in result.stderr.splitlines() if "error" in s), result.stderr.strip())
        return f"{name}:1: does not compile alone: {first.strip()}"
    names = [n for n in tree.files(root, ".h") if tree.room_of(n)]
    return [f for f in tree.parallel(one, names) if f]
