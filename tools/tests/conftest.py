# SPDX-License-Identifier: BSD-2-Clause
"""A tiny project in a temporary folder on which each check passes; tests then break one thing."""

import shutil
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOOLS))

TAG = "/* SPDX-License-Identifier: BSD-2-Clause */\n"


class Tree:
    def __init__(self, root):
        self.root = root

    def write(self, name, text, tag=True):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((TAG if tag and name.endswith((".c", ".h", ".def")) else "") + text)
        return path


@pytest.fixture
def project(tmp_path):
    tree = Tree(tmp_path)
    for name in ("layers.toml", "ratchet.toml"):
        tree.write(f"tools/{name}", (TOOLS / name).read_text())
    tree.write("tools/ratchet.toml", "# SPDX-License-Identifier: BSD-2-Clause\n[limits]\n"
               "function_lines = 70\nfile_lines = 700\ncomplexity = 15\n")
    shutil.copy(TOOLS.parent / ".clang-format", tmp_path)
    shutil.copy(TOOLS.parent / ".clang-tidy", tmp_path)
    tree.write("include/tern/types.h", "#ifndef TERN_TYPES_H\n#define TERN_TYPES_H\n#include <stdint.h>\n"
               "#define TERN_API __attribute__((visibility(\"default\")))\n#endif\n")
    tree.write("src/base/time.h", "#ifndef BASE_TIME_H\n#define BASE_TIME_H\n#include <tern/types.h>\n"
               "static inline uint32_t time_twice(uint32_t t)\n{\n    return t * 2;\n}\n#endif\n")
    tree.write("src/base/time.c", "#include <string.h>\n\n#include \"base/time.h\"\n")
    tree.write("src/base/causes.def", 'CAUSE(RTO, "rto", "RFC6298:5.4", "the retransmission timer ran out")\n')
    tree.write("src/tcp/rtt.c", "#include \"base/time.h\"\nint tcp_why(void);\nint tcp_why(void)\n{\n"
               "    return CAUSE_RTO;\n}\n")
    tree.write("tools/packages.txt", "# SPDX-License-Identifier: BSD-2-Clause\n[build]\ngcc   the compiler\n")
    tree.write("docs/dependencies.md", "<!-- SPDX-License-Identifier: BSD-2-Clause -->\n"
               "| package | when | licence | reason |\n|---|---|---|---|\n| `gcc` | build | GPL | compiles |\n")
    return tree
