# SPDX-License-Identifier: BSD-2-Clause
"""tools/rfcmap finds what has no code, no test or no reason, and makes the page from what there is."""

import pytest
from checks import rfcmap

SPEC = ("id\tlevel\trequirement\tsection\nMUST-1\tMUST\tThe first.\t3.1\n"
        "MAY-2\tMAY\tThe other.\t3.2\n(none)-1\tMUST\tNot asked for.\t3\n")
OTHER = ("id\tpart\trfc\tsection\tlevel\trequirement\nRFC77:2#1\ttcp\t77\t2\tMUST\tOne of two.\n"
         "RFC77:2#2\ttcp\t77\t2\tMUST\tTwo of two.\nRFC88:1\t-\t88\t1\tMUST\tNot TCP.\n")
CODE = """#include "x.h"

int first(void)
{
    return 1; /* [RFC9293:MUST-1] */
}

/* [RFC77:2#1, 2] both of them. */
int second(void)
{
    return 2;
}
"""
TEST = """static void test_all(void **state) /* [RFC9293:MUST-1] [RFC77:2#1] */
{
}

/* [RFC77:2#2] */
static void test_more(void **state)
{
}

int main(void)
{
    RIG_TEST(test_all), RIG_TEST(test_more);
}
"""
EXCEPTION = '[[exception]]\nid = "RFC9293:MAY-2"\nrecord = "0001-why.md"\nreason = "nobody needs it"\n'


@pytest.fixture
def mapped(project):
    project.write("docs/spec/rfc9293_requirements.tsv", SPEC)
    project.write("docs/spec/rfc_other_requirements.tsv", OTHER)
    project.write("docs/spec/exceptions.toml", EXCEPTION)
    project.write("docs/decisions/0001-why.md", "why\n")
    project.write("src/tcp/a.c", CODE)
    project.write("tests/unit/test_a.c", TEST)
    rfcmap.rfcmap(project.root, fix=True)
    return project


def only(found, *parts):
    assert len(found) == 1, found
    for part in parts:
        assert part in found[0]


def test_a_good_tree_passes(mapped):
    assert rfcmap.rfcmap(mapped.root) == []
    page = (mapped.root / rfcmap.PAGE).read_text()
    assert "4 clauses; 3 done and tested, 1 with a reason why not" in page
    assert "[tcp/a.c:6](../src/tcp/a.c#L6) `first`" in page
    assert "`second`" in page and "`test_more`" in page
    assert "[0001](decisions/0001-why.md): nobody needs it" in page


@pytest.mark.parametrize("tag, ids", [
    ("RFC9293:MUST-1, 3", ["RFC9293:MUST-1", "RFC9293:MUST-3"]),
    ("RFC9293:SHLD-2..4", ["RFC9293:SHLD-2", "RFC9293:SHLD-3", "RFC9293:SHLD-4"]),
    ("RFC9293:SHLD-3 / RFC2525:2.17", ["RFC9293:SHLD-3", "RFC2525:2.17"]),
    ("RFC77:2#1, 2", ["RFC77:2#1", "RFC77:2#2"]),
    ("RFC6298:5.2", ["RFC6298:5.2"]),
])
def test_lists_and_ranges(tag, ids):
    assert rfcmap.expand(tag) == ids


def test_no_code(mapped):
    mapped.write("src/tcp/a.c", CODE.replace(" /* [RFC9293:MUST-1] */", ""))
    only(rfcmap.check(mapped.root), "RFC9293:MUST-1", "No tag in code")


def test_no_test(mapped):
    mapped.write("tests/unit/test_a.c", TEST.replace("[RFC77:2#1]", ""))
    only(rfcmap.check(mapped.root), "RFC77:2#1", "No tag in test")


def test_a_test_that_never_runs(mapped):
    mapped.write("tests/unit/test_a.c", TEST.replace("RIG_TEST(test_all), ", ""))
    found = rfcmap.check(mapped.root)
    assert any("test_all: is in no list of tests" in f for f in found)
    assert any("RFC9293:MUST-1" in f and "No tag in test" in f for f in found)


def test_the_opening_comment_counts_for_nothing(mapped):
    mapped.write("src/tcp/a.c", "/* a.c: all of it [RFC9293:MUST-1]. */\n" + CODE.replace("[RFC9293:MUST-1]", "one"))
    only(rfcmap.check(mapped.root), "RFC9293:MUST-1", "No tag in code")


def test_a_tag_of_no_clause(mapped):
    mapped.write("src/tcp/b.c", "int b(void)\n{\n    return 0; /* [RFC9293:MUST-7] [RFC77:2#9] [RFC4711:1] */\n}\n")
    found = rfcmap.check(mapped.root)
    assert len(found) == 2, found
    assert "src/tcp/b.c:4: [RFC9293:MUST-7]: no such clause" in found
    assert "src/tcp/b.c:4: [RFC77:2#9]: no such clause" in found or "RFC77:2#9" in found[1]


def test_scripts_and_fields_and_rows(mapped):
    mapped.write("tests/unit/test_a.c", TEST.replace("[RFC9293:MUST-1] ", "").replace("[RFC77:2#1]", ""))
    mapped.write("tests/drill/a.pkt", "// [RFC9293:MUST-1]\n")
    mapped.write("tests/matrix/rows.c", "ROW(OPEN_01, ACTIVE) /* [RFC77:2#1] */\n{\n}\n")
    mapped.write("src/tcp/c.h", "struct c {\n    int a; /* [RFC77:2#1] */\n};\n")
    assert rfcmap.check(mapped.root) == []
    _, tests, _ = rfcmap.scan(mapped.root)
    assert tests["RFC9293:MUST-1"] == [("tests/drill/a.pkt", 1, "a")]
    assert tests["RFC77:2#1"][0][2] == "OPEN_01"


def test_an_exception_that_is_not_needed(mapped):
    mapped.write("src/tcp/b.c", "int b(void)\n{\n    return 0; /* [RFC9293:MAY-2] */\n}\n")
    assert rfcmap.check(mapped.root) == []      # code alone does not suffice
    mapped.write("tests/drill/a.pkt", "// [RFC9293:MAY-2]\n")
    only(rfcmap.check(mapped.root), "RFC9293:MAY-2", "is not needed any more")


def test_an_exception_without_record(mapped):
    mapped.write("docs/spec/exceptions.toml", EXCEPTION.replace("0001-why", "0002-none"))
    only(rfcmap.check(mapped.root), "RFC9293:MAY-2", "record")
    mapped.write("docs/spec/exceptions.toml", EXCEPTION + EXCEPTION.replace("MAY-2", "MAY-9"))
    only(rfcmap.check(mapped.root), "RFC9293:MAY-9", "no such clause")


def test_an_old_page(mapped):
    mapped.write("src/tcp/a.c", "\n" + CODE)
    only(rfcmap.rfcmap(mapped.root), "docs/conformance.md")
