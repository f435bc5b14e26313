# SPDX-License-Identifier: BSD-2-Clause
"""Each check of tools/lint.py passes on a good tree and fails on the fault that it is there for."""

import subprocess
import sys
from pathlib import Path

import pytest
from checks import causes, layers, size, style, symbols, text, tree

TOOLS = Path(__file__).resolve().parent.parent
TREE_CHECKS = (layers.layers, layers.cycles, layers.headers, size.size, text.spdx, text.words, text.deps,
               causes.causes)


def only(findings, *parts):
    """Exactly one finding, and it says these parts."""
    assert len(findings) == 1, findings
    for part in parts:
        assert part in findings[0]


@pytest.mark.parametrize("check", TREE_CHECKS, ids=lambda c: c.__name__)
def test_a_good_tree_passes(project, check):
    if check is text.spdx:
        for name in (".clang-format", "tools/layers.toml"):
            assert text.TAG in (project.root / name).read_text()
    assert not check(project.root)


# --- layers --------------------------------------------------------------------------------------

def test_rib_includes_rib(project):
    project.write("src/udp/port.h", "#include <stdint.h>\n")
    project.write("src/tcp/bad.c", '#include "udp/port.h"\n')
    only(layers.layers(project.root), "src/tcp/bad.c:2", "tcp must not include udp")


def test_lower_layer_includes_upper(project):
    project.write("src/base/bad.c", '#include "stack/stack.h"\n')
    only(layers.layers(project.root), "base must not include stack")


def test_core_includes_stdio(project):
    project.write("src/tcp/bad.c", "#include <stdio.h>\n")
    only(layers.layers(project.root), "src/tcp/bad.c:2", "<stdio.h>")


def test_shell_may_include_stdio(project):
    project.write("src/run/good.c", "#include <stdio.h>\n")
    assert not layers.layers(project.root)


def test_immintrin_only_in_cksum(project):
    project.write("src/base/cksum_avx2.c", "#include <immintrin.h>\n")
    assert not layers.layers(project.root)
    project.write("src/base/hash.c", "#include <immintrin.h>\n")
    only(layers.layers(project.root), "src/base/hash.c")


def test_include_in_a_comment_does_not_count(project):
    project.write("src/tcp/good.c", '/*\n#include "stack/stack.h"\n*/\n')
    assert not layers.layers(project.root)


def test_include_without_its_folder(project):
    project.write("src/tcp/bad.c", '#include "conn.h"\n')
    only(layers.layers(project.root), 'write "tcp/conn.h"')


def test_unknown_room(project):
    project.write("src/misc/x.c", "int x;\n")
    only(layers.layers(project.root), "room 'misc'")


def test_unknown_public_header(project):
    project.write("src/tcp/bad.c", "#include <tern/secret.h>\n")
    only(layers.layers(project.root), "<tern/secret.h>")


def test_cycle(project):
    project.write("src/base/a.h", '#include "base/b.h"\n')
    project.write("src/base/b.h", '#include "base/a.h"\n')
    only(layers.cycles(project.root), "include cycle", "src/base/a.h", "src/base/b.h")


def test_header_that_needs_another_first(project):
    project.write("src/tcp/bad.h", "#ifndef B\n#define B\nuint32_t tcp_x(void);\n#endif\n")
    only(layers.headers(project.root), "src/tcp/bad.h", "uint32_t")


def test_header_without_guard(project):
    project.write("src/tcp/bad.h", "struct tcp_x {\n    int a;\n};\n")
    only(layers.headers(project.root), "redefinition")


# --- the linked core -----------------------------------------------------------------------------

def archive(project, code, *flags):
    source = project.write("obj/x.c", code)
    out = source.with_suffix(".o")
    subprocess.run(["gcc", "-O1", "-c", *flags, str(source), "-o", str(out)], check=True)
    lib = source.with_suffix(".a")
    subprocess.run(["ar", "rcs", str(lib), str(out)], check=True)
    return lib


def test_core_may_need_memcpy_and_the_hook(project):
    lib = archive(project, "#include <string.h>\nvoid tern_assert_fail(void);\n"
                  "void f(char *a, char *b, unsigned long n) { memcpy(a, b, n); tern_assert_fail(); }\n")
    assert not symbols.undefined(lib)


def test_core_needs_malloc(project):
    lib = archive(project, "void *malloc(unsigned long);\nvoid *f(void) { return malloc(77); }\n")
    only(symbols.undefined(lib), "must not need 'malloc'")


def test_core_archive_without_code(project):
    lib = archive(project, "struct x;\n")
    only(symbols.undefined(lib), "defines nothing")


def test_mutable_static(project):
    lib = archive(project, "static int calls;\nint f(void) { return ++calls; }\n")
    only(symbols.mutable(lib), "mutable static 'calls'")


def test_constant_tables_are_not_mutable(project):
    lib = archive(project, 'const char *const t[] = {"a", "b"};\n'
                  "const int n[] = {1};\n", "-fPIC")
    assert not symbols.mutable(lib)


@pytest.mark.parametrize("name, good", [("tern_f", True), ("f", False)])
def test_exports(project, name, good):
    source = project.write("obj/x.c", f"int {name}(void) {{ return 1; }}\n")
    lib = project.root / "obj/libtern.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-nostdlib", str(source), "-o", str(lib)], check=True)
    findings = symbols.exports(lib)
    if good:
        assert not findings
    else:
        only(findings, "exports 'f'")


def test_sealed_archive_hides_what_is_hidden(project):
    lib = archive(project, "__attribute__((visibility(\"default\"))) int tern_f(void) { return 1; }\n"
                  "int inner(void) { return 2; }\n", "-fvisibility=hidden")
    only(symbols.exports(lib), "exports 'inner'")
    sealed = project.root / "obj/sealed.a"
    subprocess.run([str(TOOLS / "seal-archive"), str(sealed), str(lib)], check=True)
    assert not symbols.exports(sealed)


def test_sealed_archive_hides_helpers(project):
    helper = archive(project, "__attribute__((visibility(\"default\"))) int tern_h(void) { return 1; }\n")
    helper = helper.rename(helper.with_name("helper.a"))
    user = archive(project, "int tern_h(void);\nint tern_f(void) { return tern_h(); }\n")
    sealed = project.root / "obj/sealed.a"
    subprocess.run([str(TOOLS / "seal-archive"), str(sealed), str(user), "--hide", str(helper)], check=True)
    out = subprocess.run(["nm", str(sealed)], capture_output=True, text=True, check=True).stdout
    assert " T tern_f" in out
    assert " t tern_h" in out


def test_library_that_exports_nothing(project):
    lib = archive(project, "static int g(void) { return 1; }\nstatic int (*const p)(void) = g;\n")
    only(symbols.exports(lib), "exports nothing")


# --- sizes ---------------------------------------------------------------------------------------

def function(name, lines=0, ifs=0):
    body = "    x++;\n" * lines + "    if (x)\n        x++;\n" * ifs
    return f"int {name}(int x);\nint {name}(int x)\n{{\n{body}    return x;\n}}\n"


def test_long_function(project):
    project.write("src/tcp/long.c", function("tcp_long", lines=70))
    only(size.size(project.root), "function_lines", "src/tcp/long.c:tcp_long", "limit 70")


def test_complex_function(project):
    project.write("src/tcp/deep.c", function("tcp_deep", ifs=15))
    only(size.size(project.root), "complexity of src/tcp/deep.c:tcp_deep is 16")


def test_long_file(project):
    project.write("src/tcp/long.c", "\n" * 700)
    only(size.size(project.root), "file_lines of src/tcp/long.c is 701")


def ratchet(project, value):
    with (project.root / "tools/ratchet.toml").open("a") as file:
        file.write(f'[complexity]\n"src/tcp/deep.c:tcp_deep" = {value}\n')


def test_ratchet_lets_the_present_figure_pass(project):
    project.write("src/tcp/deep.c", function("tcp_deep", ifs=19))
    ratchet(project, 20)
    assert not size.size(project.root)


@pytest.mark.parametrize("ifs, says", [(20, "is 21, limit 20"), (18, "lower the entry"), (3, "remove the entry")])
def test_ratchet_only_falls(project, ifs, says):
    project.write("src/tcp/deep.c", function("tcp_deep", ifs=ifs))
    ratchet(project, 20)
    only(size.size(project.root), says)


def test_ratchet_entry_without_function(project):
    ratchet(project, 20)
    only(size.size(project.root), "does not exist")


# --- text ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["src/tcp/x.c", "docs/x.md", "tools/x", "tests/x.py", "docs/man/tern.1"])
def test_no_licence_line(project, name):
    project.write(name, "int x;\n", tag=False)
    only(text.spdx(project.root), name)
    text.spdx_fix(project.root)
    assert not text.spdx(project.root)


def test_licence_line_goes_below_the_interpreter(project):
    path = project.write("tools/x", "#!/bin/sh\ntrue\n")
    text.spdx_fix(project.root)
    assert path.read_text().startswith("#!/bin/sh\n# SPDX")


@pytest.mark.parametrize("call", ["strcpy(a, b)", "sprintf(a, b)", "gets(a)", "atoi(a)", "rand ()"])
def test_banned_function(project, call):
    project.write("src/run/bad.c", f"void f(void)\n{{\n    {call};\n}}\n")
    only(text.words(project.root), "src/run/bad.c:4", call.split("(")[0].strip())


@pytest.mark.parametrize("line", ["/* strcpy(a, b) */", 'f("gets(a)");', "my_gets(a);", "x->rand(1);"])
def test_not_a_banned_function(project, line):
    project.write("src/run/good.c", line + "\n")
    assert not text.words(project.root)


@pytest.mark.parametrize("folder", ["wo" "rk", "ro" "ot", "ho" "me"])
def test_machine_path(project, folder):
    project.write("docs/x.md", f"see /{folder}/someone/notes\n")
    only(text.words(project.root), "docs/x.md:1", "one machine")


def test_package_without_documentation(project):
    with (project.root / "tools/packages.txt").open("a") as file:
        file.write("nmap   probes\n")
    only(text.deps(project.root), "nmap is not in docs/dependencies.md")


def test_package_without_reason(project):
    with (project.root / "tools/packages.txt").open("a") as file:
        file.write("nmap\n")
    only(text.deps(project.root), "nmap has no reason")


def test_documented_package_that_is_not_installed(project):
    with (project.root / "docs/dependencies.md").open("a") as file:
        file.write("| `nmap` | check | NPSL | probes |\n")
    only(text.deps(project.root), "nmap is not in tools/packages.txt")


# --- causes --------------------------------------------------------------------------------------

@pytest.mark.parametrize("row, says", [
    ('CAUSE(UNUSED, "unused", "tern", "nobody says this")', "used nowhere"),
    ('CAUSE(RTO, "rto2", "tern", "the same again, twice")', "listed twice"),
    ('CAUSE(RTO2, "rto", "tern", "the same name again")', 'the name "rto" is taken'),
    ('CAUSE(RTO2, "rto2", "somewhere", "a source unknown")', "neither an RFC clause"),
    ('CAUSE(RTO2, "rto2", "tern", "")', "no text"),
    ("CAUSE(RTO2, rto2)", "only 1 readable"),
])
def test_bad_cause(project, row, says):
    with (project.root / "src/base/causes.def").open("a") as file:
        file.write(row + "\n")
    project.write("src/tcp/use.c", "int tcp_x = CAUSE_RTO2; /* CAUSE_UNUSED */\n")
    only(causes.causes(project.root), says)


def test_no_list_of_causes(project):
    (project.root / "src/base/causes.def").unlink()
    only(causes.causes(project.root), "missing")


# --- style ---------------------------------------------------------------------------------------

def test_format(project):
    path = project.write("src/tcp/ugly.c", "int  tcp_x( void ){return 1;}\n")
    only(style.format_check(project.root), "src/tcp/ugly.c:2", "make format")
    assert not style.format_check(project.root, fix=True)
    assert "int tcp_x(void)\n{" in path.read_text()


@pytest.mark.parametrize("code, says", [
    ("int tcp_x(int a)\n{\n    if (a = 1)\n        return 2;\n    return 3;\n}\n", "clang-diagnostic-parentheses"),
    ("#define TWICE(x) x * 2\nint tcp_x = TWICE(3);\n", "bugprone-macro-parentheses"),
    ("int tcp_x(int a);\nint tcp_x(int a)\n{\n    int *p = 0;\n    if (a > 3)\n        p = &a;\n"
     "    return *p;\n}\n", "clang-analyzer-core.NullDereference"),
])
def test_tidy(project, code, says):
    source = project.write("src/tcp/odd.c", code)
    build = project.root / "build"
    build.mkdir()
    (build / "compile_commands.json").write_text(
        f'[{{"directory": "{build}", "command": "cc -std=c17 -Wall -c ../src/tcp/odd.c", '
        '"file": "../src/tcp/odd.c"}]')
    findings = style.tidy(project.root, build)
    assert any(f.startswith("src/tcp/odd.c:") and says in f for f in findings), findings
    source.write_text("int tcp_x(void);\nint tcp_x(void)\n{\n    return 1;\n}\n")
    assert not style.tidy(project.root, build)
    assert not style.tidy(project.root, build)      # remembered as clean …
    source.write_text(code)
    assert style.tidy(project.root, build)          # … until it changes


def test_tidy_without_a_build(project):
    only(style.tidy(project.root, project.root / "build"), "missing", "meson setup")


# --- what is shared ------------------------------------------------------------------------------

def test_strip_comments_keeps_lines_and_strings():
    code = 'a /* x\n y */ b // z\n"/* no */" \'"\' c'
    bare = tree.strip_comments(code)
    assert bare.count("\n") == code.count("\n")
    assert "x" not in bare and "z" not in bare and '"/* no */"' in bare
    assert "no" not in tree.strip_comments(code, strings=True)


def test_lint_refuses_an_unknown_check():
    result = subprocess.run([sys.executable, str(TOOLS / "lint.py"), "nonsense"], capture_output=True, text=True,
                            check=False)
    assert result.returncode == 2
    assert "no check named nonsense" in result.stderr
