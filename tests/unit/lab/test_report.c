/* SPDX-License-Identifier: BSD-2-Clause */
/* What the table and the JSON say of a row, and what they leave out because nobody knows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/lab.h"

#include <jansson.h>
#include <math.h>

static const struct lab_config cfg = {.rate = 500, .seconds = 2, .honest = 10, .seed = 1};
static const struct lab_row rows[] = {
    {.name = "link, dropped",
     .forged = 1000,
     .taken = 900,
     .cpu_ns = 800,
     .beyond_ns = NAN,
     .offloaded = -1,
     .memory = LAB_OWN},
    {.name = "tern shield, cookies=always, syn-offload=off",
     .forged = 1000,
     .taken = 1000,
     .syn_acks = 1010,
     .tried = 20,
     .done = 19,
     .cpu_ns = 1700,
     .beyond_ns = 900,
     .offloaded = 0,
     .memory = LAB_OWN},
    {.name = "tern run",
     .forged = 1000,
     .taken = 1000,
     .syn_acks = 1011,
     .tried = 20,
     .done = 20,
     .cpu_ns = 900,
     .beyond_ns = 100,
     .offload = true,
     .offloaded = 997,
     .memory = LAB_OWN},
    {.name = "none", .failed = true, .why = "no CPU", .offloaded = -1},
};
#define NROW 4u

/* What `fn` writes, to be freed. */
static char *said(int (*fn)(FILE *f, const struct lab_config *c, const struct lab_row *r,
                            unsigned n))
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    assert_int_equal(fn(f, &cfg, rows, NROW), 0);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void the_table_has_its_columns_below_each_other(void **state)
{
    char *text = said(lab_table), *line[NROW + 2], *save = NULL;
    unsigned n = 0;
    (void)state;
    for (unsigned i = 0; i < NROW + 2; i++)
        line[i] = text;
    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        assert_true(n < NROW + 2);
        line[n++] = l;
    }
    assert_int_equal(n, NROW + 2);
    assert_non_null(strstr(line[1], " at device"));
    for (unsigned i = 2; i < NROW + 1; i++)
        assert_int_equal(strlen(line[i]), strlen(line[1]));
    assert_string_equal(strrchr(line[2], ' '), " -"); /* there is nobody to be asked */
    assert_string_equal(strrchr(line[3], ' '), " -"); /* it does not answer there */
    assert_string_equal(strrchr(line[4], ' '), " 997");
    assert_non_null(strstr(line[5], "not run: no CPU"));
    free(text);
}

static void json_leaves_out_what_is_not_known(void **state)
{
    char *text = said(lab_json);
    json_t *doc = json_loads(text, 0, NULL), *list = json_object_get(doc, "rows");
    const json_t *link = json_array_get(list, 0), *off = json_array_get(list, 1),
                 *run = json_array_get(list, 2), *none = json_array_get(list, 3);
    (void)state;
    assert_int_equal(json_array_size(list), NROW);
    assert_true(json_real_value(json_object_get(link, "cpu_ns_per_frame")) == 800);
    assert_null(json_object_get(link, "cpu_ns_beyond_link"));
    assert_null(json_object_get(link, "syn_offload"));
    assert_null(json_object_get(link, "syns_offloaded"));
    assert_true(json_real_value(json_object_get(off, "cpu_ns_beyond_link")) == 900);
    assert_true(json_is_false(json_object_get(off, "syn_offload")));
    assert_int_equal(json_integer_value(json_object_get(off, "honest_done")), 19);
    assert_true(json_is_integer(json_object_get(off, "syns_offloaded")));
    assert_int_equal(json_integer_value(json_object_get(off, "syns_offloaded")), 0);
    assert_true(json_is_true(json_object_get(run, "syn_offload")));
    assert_int_equal(json_integer_value(json_object_get(run, "syns_offloaded")), 997);
    assert_int_equal(json_integer_value(json_object_get(run, "syn_acks")), 1011);
    assert_int_equal(json_object_size(none), 2);
    assert_string_equal(json_string_value(json_object_get(none, "not_run")), "no CPU");
    json_decref(doc);
    free(text);
}

static void the_picture_says_who_was_asked(void **state)
{
    (void)state;
    char *text = said(lab_svg);
    assert_non_null(strstr(text, ">no server, 800 ns a frame<"));
    assert_non_null(strstr(text, ">95.0 %, p99 0.00 ms, 1700 ns a frame<"));
    assert_non_null(strstr(text, ">not run<"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_has_its_columns_below_each_other),
        cmocka_unit_test(json_leaves_out_what_is_not_known),
        cmocka_unit_test(the_picture_says_who_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
