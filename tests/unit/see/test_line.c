/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "see/line.h"

static char *drawn(struct line *l)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    line_end(l, f);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void columns_are_characters(void **state)
{
    (void)state;
    struct line l;
    assert_int_equal(line_width("a─►b"), 4);
    line_begin(&l, false);
    line_put(&l, "─►");
    assert_int_equal(l.cols, 2);
    line_to(&l, 5);
    line_put(&l, "x");
    line_to(&l, 3); /* already beyond */
    char *text = drawn(&l);
    assert_string_equal(text, "─►   x\n");
    free(text);
}

static void never_wider_than_the_page(void **state)
{
    (void)state;
    struct line l;
    line_begin(&l, false);
    line_fill(&l, "─", 250);
    assert_int_equal(l.cols, LINE_COLS);
    line_put(&l, "more");
    char *text = drawn(&l);
    text[strlen(text) - 1] = '\0';
    assert_int_equal(line_width(text), LINE_COLS);
    free(text);
}

static void cut_text_says_so(void **state)
{
    (void)state;
    struct line l;
    line_begin(&l, false);
    line_put_cut(&l, "abcdef", 4, "~");
    line_put(&l, "|");
    line_put_cut(&l, "abcd", 4, "~");
    char *text = drawn(&l);
    assert_string_equal(text, "abc~|abcd\n");
    free(text);
}

static void colour_takes_no_column(void **state)
{
    (void)state;
    struct line l;
    line_begin(&l, true);
    line_ink(&l, INK_RED);
    line_put(&l, "x");
    line_ink(&l, INK_NONE);
    assert_int_equal(l.cols, 1);
    char *text = drawn(&l);
    assert_string_equal(text, "\033[31mx\033[0m\n");
    free(text);
    line_begin(&l, false);
    line_ink(&l, INK_RED);
    text = drawn(&l);
    assert_string_equal(text, "\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_characters),
        cmocka_unit_test(never_wider_than_the_page),
        cmocka_unit_test(cut_text_says_so),
        cmocka_unit_test(colour_takes_no_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
