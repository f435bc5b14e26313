#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The project's own checks of its source; each prints what is wrong, where, and how to fix it.

    tools/lint.py                  all of them
    tools/lint.py layers size      some of them
    tools/lint.py --list           their names
    tools/lint.py format --fix     mend what can be mended (format, spdx)
    tools/lint.py --json FILE      also write {name: [findings]}

symbols, mutable, exports and tidy look at a finished build (--build, default build).
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from checks import causes, layers, rfcmap, size, style, symbols, text, threats  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def _core(build):
    return Path(build) / "src/libtern-core.a"


def _exports(build):
    libraries = [p for p in sorted((Path(build) / "src").glob("libtern*"))
                 if p.name in ("libtern.so", "libtern.a", "libtern-io.so", "libtern-io.a")]
    if not libraries:
        return [f"{build}/src: no library: run `ninja -C {build}` first"]
    return [f for p in libraries for f in symbols.exports(p)]


def _on_core(function):
    def check(build):
        if not _core(build).is_file():
            return [f"{_core(build)}: missing: run `ninja -C {build}` first"]
        return function(_core(build).resolve())
    return check


# name: (what it proves, function of the build directory)
CHECKS = {
    "layers": ("rooms include only what tools/layers.toml allows", lambda b: layers.layers(ROOT)),
    "cycles": ("no include cycle", lambda b: layers.cycles(ROOT)),
    "headers": ("every header compiles alone", lambda b: layers.headers(ROOT)),
    "symbols": ("the core needs mem* and the assert hook only", _on_core(symbols.undefined)),
    "mutable": ("the core has no mutable statics", _on_core(symbols.mutable)),
    "exports": ("the libraries show tern_* only", _exports),
    "size": ("functions, files and complexity within tools/ratchet.toml", lambda b: size.size(ROOT)),
    "spdx": ("every file has its licence line", lambda b: text.spdx(ROOT)),
    "words": ("no banned function, no path of one machine", lambda b: text.words(ROOT)),
    "causes": ("every cause has a source, a text and a use", lambda b: causes.causes(ROOT)),
    "threats": ("each attack on TCP has its test; docs/security.md", lambda b: threats.threats(ROOT)),
    "rfcmap": ("each clause has code and test, or a reason; docs/conformance.md", lambda b: rfcmap.rfcmap(ROOT)),
    "deps": ("packages.txt and dependencies.md agree", lambda b: text.deps(ROOT)),
    "format": ("clang-format", lambda b: style.format_check(ROOT)),
    "tidy": ("clang-tidy", lambda b: style.tidy(ROOT, b)),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="CHECK")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.list:
        for name, (what, _) in CHECKS.items():
            print(f"{name:9} {what}")
        return 0
    unknown = [n for n in args.names if n not in CHECKS]
    if unknown:
        parser.error(f"no check named {', '.join(unknown)}: tools/lint.py --list names them")
    if args.fix:
        if "format" in args.names:
            style.format_check(ROOT, fix=True)
        if "spdx" in args.names:
            text.spdx_fix(ROOT)
        if "threats" in args.names:
            threats.threats(ROOT, fix=True)
        if "rfcmap" in args.names:
            rfcmap.rfcmap(ROOT, fix=True)
    results = {}
    for name in args.names or CHECKS:
        begin = time.monotonic()
        try:
            findings = CHECKS[name][1](args.build)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            findings = [f"tools/lint.py {name}: {type(error).__name__}: {error}"]
        results[name] = findings
        mark = "FAIL" if findings else "ok"
        print(f"{mark:4} {name:9} {CHECKS[name][0]} ({time.monotonic() - begin:.1f} s)", flush=True)
        for finding in findings[:40]:
            print(f"     {finding}")
        if len(findings) > 40:
            print(f"     … and {len(findings) - 40} more")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    return 1 if any(results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
