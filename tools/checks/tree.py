# SPDX-License-Identifier: BSD-2-Clause
"""What the checks share: the list of the project's files, C text without comments, running tools."""

import concurrent.futures
import os
import re
import shutil
import subprocess
from pathlib import Path

CORE_ROOMS = ("base", "wire", "net", "udp", "tcp", "stack", "api")


def files(root, *suffixes):
    """All files that git knows or would add, as sorted paths relative to root; without git, all files."""
    root = Path(root)
    listed = None
    if (root / ".git").exists() and shutil.which("git"):
        # safe.directory: root may check a clone that belongs to somebody else.
        listed = run("git", "-c", "safe.directory=*", "-C", root, "ls-files", "-co", "--exclude-standard", "-z")
    if listed and listed.returncode == 0:
        names = [n for n in listed.stdout.split("\0") if n]
    else:
        names = []
        for folder, subs, found in os.walk(root):
            subs[:] = [s for s in subs if s not in (".git", "build", "__pycache__", ".pytest_cache")]
            names += [str((Path(folder) / f).relative_to(root)) for f in found]
    return sorted({n for n in names
                   if (not suffixes or n.endswith(suffixes)) and (root / n).is_file()})


_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def strip_comments(text, strings=False):
    """C text with comments (and with strings=True string contents) blanked; line numbers stay."""
    def blank(match):
        found = match.group(0)
        if found[0] == "/":
            return re.sub(r"[^\n]", " ", found)
        return found[0] + found[0] if strings else found
    return _TOKENS.sub(blank, text)


def room_of(name):
    """The room of a project file: src/tcp/cc/reno.c -> tcp, include/tern/x.h -> tern, cli/main.c -> cli."""
    parts = name.split("/")
    if parts[0] in ("src", "include") and len(parts) > 2:
        return parts[1]
    return parts[0] if parts[0] == "cli" else None


def parallel(function, items):
    """function over items on all processors, results in order."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(function, items))


def run(*command, **options):
    options.setdefault("text", True)
    return subprocess.run([str(c) for c in command], capture_output=True, check=False, **options)
