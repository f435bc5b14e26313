# SPDX-License-Identifier: BSD-2-Clause
"""tools/lint.py threats: the table of attacks, the tests and docs/security.md agree, in both directions."""

import pytest
from checks import threats

TABLE = """id\tclass\tname\trefs
C11\toff-path\tforged ICMP\tRFC 5927
D01\tdos\tSYN flood\tRFC 4987
B01\tfragments\tteardrop\t-
"""
TESTS = """/* C11: it is
 * ignored. */
/* [RFC5927:4] */
static void test_c11_icmp(void **state)
{
}

/* D01: max_half_open bounds the records. */
static void test_d01_flood(void **state)
{
}

/* D01: and cookies need none. */
static void test_d01_cookies(void **state)
{
}

static const struct CMUnitTest tests[] = {RIG_TEST(test_c11_icmp), RIG_TEST(test_d01_flood),
                                          RIG_TEST(test_d01_cookies)};
"""


@pytest.fixture
def tree(project, monkeypatch):
    monkeypatch.setattr(threats, "ELSEWHERE", {})
    project.write("docs/spec/threats.tsv", TABLE)
    project.write("tests/threats/test_all.c", TESTS)
    threats.threats(project.root, fix=True)
    assert not threats.threats(project.root)
    return project


def complaint(tree, table=TABLE, tests=TESTS):
    tree.write("docs/spec/threats.tsv", table)
    tree.write("tests/threats/test_all.c", tests)
    return "\n".join(threats.threats(tree.root, fix=True))


def test_the_page(tree):
    page = (tree.root / "docs/security.md").read_text()
    assert "| C11 | forged ICMP | `test_all.c` `test_c11_icmp` | it is ignored. |\n" in page
    assert page.count("| D01 | SYN flood |") == 2 and "teardrop" not in page


def test_the_page_is_old(tree):
    tree.write("tests/threats/test_all.c", TESTS.replace("bounds", "limits"))
    assert "docs/security.md: not what the tests say" in "\n".join(threats.threats(tree.root))


def test_what_is_written_by_hand_stays(tree):
    page = tree.root / "docs/security.md"
    page.write_text(page.read_text() + "\n" + threats.MARK + "\nMore.\n")
    assert not threats.threats(tree.root)
    assert not complaint(tree, tests=TESTS.replace("bounds", "limits"))
    assert "limits the records" in page.read_text() and page.read_text().endswith(threats.MARK + "\nMore.\n")


def test_an_attack_without_a_test(tree):
    assert "D02 reflection: no test test_d02_..." in complaint(tree, TABLE + "D02\tdos\treflection\t-\n")


def test_a_test_without_an_attack(tree):
    assert "tests/threats: C11: no such row" in complaint(tree, TABLE.replace("C11\toff-path", "C11\tinfoleak"))


def test_a_test_that_says_no_defence(tree):
    assert 'test_d01_cookies: no comment "D01: ..."' in complaint(tree, tests=TESTS.replace("/* D01: and", "/* And"))


def test_a_test_that_is_never_run(tree):
    assert "test_d01_flood: is in no list" in complaint(tree, tests=TESTS.replace("RIG_TEST(test_d01_flood), ", "")
                                                        .replace("RIG_TEST(test_d01_flood),", ""))


def test_a_test_of_another_name(tree):
    assert "must be called test_d01_..." in complaint(tree, tests=TESTS.replace("test_d01_flood", "test_flood"))


def test_an_exception_for_nothing(tree, monkeypatch):
    monkeypatch.setattr(threats, "ELSEWHERE", {"D99": "nowhere"})
    assert "D99: named in ELSEWHERE" in complaint(tree)
