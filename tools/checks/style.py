# SPDX-License-Identifier: BSD-2-Clause
"""clang-format and clang-tidy, at the version that is promised (14)."""

import hashlib
import json
import shutil
from pathlib import Path

from . import tree


def tool(name):
    """name-14 where it exists, else name; its output differs between versions."""
    return shutil.which(f"{name}-14") or shutil.which(name) or f"{name}-14"


def format_check(root, fix=False):
    names = tree.files(root, ".c", ".h")
    if not names:
        return []
    if fix:
        tree.run(tool("clang-format"), "-i", *names, cwd=root)

    def one(name):
        result = tree.run(tool("clang-format"), "--dry-run", "-Werror", name, cwd=root)
        if result.returncode == 0:
            return None
        first = result.stderr.splitlines()[0] if result.stderr else f"{name}:1: clang-format failed"
        return f"{first.split(': error')[0]}: not as .clang-format wants it: run `make format`"
    return [f for f in tree.parallel(one, names) if f]


def _key(root, entry, name):
    """A hash of all that clang-tidy's answer depends on: settings, command line, file and project headers."""
    digest = hashlib.sha256(entry["command"].encode())
    for config in tree.files(root, ".clang-tidy"):
        digest.update((Path(root) / config).read_bytes())
    words = [w for w in entry["command"].split() if w.startswith(("-I", "-D", "-std"))]
    out = tree.run("gcc", "-MM", *words, Path(root) / name, cwd=entry["directory"]).stdout
    for path in out.replace("\\\n", " ").split()[1:]:
        file = Path(entry["directory"], path)
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def _relative(root, folder, line):
    """clang-tidy's line with the file's path from the root, however the build folder wrote it."""
    path, rest = line.split(":", 1)
    full = Path(folder, path).resolve()
    return f"{full.relative_to(root)}:{rest}" if full.is_relative_to(root) else line


def tidy(root, build):
    """clang-tidy on each C file of the build; a clean file is remembered in BUILD/tidy-clean by its hash.

    Tests are left out: they are half of all files, would double the minutes of a fresh check, and are run
    under two compilers' warnings and two sanitizers anyway."""
    database = Path(build) / "compile_commands.json"
    if not database.is_file():
        return [f"{database}: missing: run `meson setup {build}` first"]
    root = Path(root).resolve()
    entries = {}
    for entry in json.loads(database.read_text()):
        path = Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(root) and path.is_file() and not path.is_relative_to(root / "tests"):
            entries.setdefault(str(path.relative_to(root)), entry)
    clean = Path(build) / "tidy-clean"
    clean.mkdir(exist_ok=True)

    def one(name):
        mark = clean / _key(root, entries[name], name)
        if mark.exists():
            return []
        result = tree.run(tool("clang-tidy"), "--quiet", "-p", build, name, cwd=root)
        found = [_relative(root, entries[name]["directory"], line) for line in result.stdout.splitlines()
                 if ": error:" in line or ": warning:" in line]
        if result.returncode and not found:
            found = [f"{name}:1: clang-tidy failed: {result.stderr.strip()[-300:]}"]
        if not found:
            mark.touch()
        return found
    return sorted({f for part in tree.parallel(one, sorted(entries)) for f in part})
