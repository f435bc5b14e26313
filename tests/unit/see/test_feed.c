/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "see/feed.h"
#include "story.h"

/* Two rings of made-up records; the stacks' pointers are only names for them. */
static struct tern_trace ring[2][2048];
static size_t have[2], given[2];
static uint64_t lost_of[2];
static char names[2];

static size_t fake_read(struct tern_stack *st, struct tern_trace *out, size_t n, uint64_t *lost)
{
    unsigned s = (void *)st == (void *)&names[1];
    size_t k = have[s] - given[s] < n ? have[s] - given[s] : n;
    memcpy(out, &ring[s][given[s]], k * sizeof *out);
    given[s] += k;
    *lost = lost_of[s];
    lost_of[s] = 0;
    return k;
}

static void put(unsigned s, unsigned kind, uint32_t id, int64_t ns)
{
    ring[s][have[s]++] =
        (struct tern_trace){.time = {ns}, .kind = (uint8_t)kind, .id = id, .lport = 1, .rport = 2};
}

static char told[16384];
static uint64_t missed[2];

static void on_record(void *ctx, unsigned stack, const struct tern_trace *r)
{
    size_t n = strlen(told);
    const char *kind = r->kind == TERN_TR_SEG_TX ? "tx" : r->kind == TERN_TR_LINK ? "link" : "rx";
    (void)ctx;
    (void)snprintf(told + n, sizeof told - n, "%c:%s%u ", 'a' + (int)stack, kind, (unsigned)r->id);
}

static void on_missed(void *ctx, unsigned stack, uint64_t n)
{
    (void)ctx;
    missed[stack] += n;
}

static void start(struct feed *fd)
{
    memset(have, 0, sizeof have);
    memset(given, 0, sizeof given);
    memset(missed, 0, sizeof missed);
    told[0] = '\0';
    feed_init(fd, (struct tern_stack *)(void *)&names[0], (struct tern_stack *)(void *)&names[1]);
    fd->read = fake_read;
    feed_add_sink(fd, &(struct feed_sink){on_record, on_missed, NULL});
}

static void sent_before_arrived_at_one_instant(void **state)
{
    (void)state;
    static struct feed fd;
    start(&fd);
    put(0, TERN_TR_SEG_TX, 1, 5);
    put(0, TERN_TR_SEG_RX, 1, 5);
    put(0, TERN_TR_SEG_TX, 2, 5);
    put(1, TERN_TR_SEG_RX, 1, 5);
    put(1, TERN_TR_SEG_TX, 1, 5);
    put(1, TERN_TR_SEG_RX, 2, 5);
    feed_pull(&fd);
    assert_string_equal(told, "a:tx1 b:rx1 b:tx1 a:rx1 a:tx2 b:rx2 ");
}

static void by_the_clock_when_nothing_waits(void **state)
{
    (void)state;
    static struct feed fd;
    start(&fd);
    put(0, TERN_TR_SEG_TX, 1, 10);
    put(0, TERN_TR_SEG_TX, 2, 30);
    put(1, TERN_TR_SEG_TX, 1, 20);
    feed_pull(&fd);
    assert_string_equal(told, "a:tx1 b:tx1 a:tx2 ");
}

/* Both arrivals wait for records that were overwritten: the stream goes on all the same. */
static void lost_records_do_not_stop_it(void **state)
{
    (void)state;
    static struct feed fd;
    start(&fd);
    lost_of[1] = 17;
    put(0, TERN_TR_SEG_RX, 9, 10);
    put(1, TERN_TR_SEG_RX, 9, 5);
    feed_pull(&fd);
    assert_string_equal(told, "b:rx9 a:rx9 ");
    assert_int_equal(missed[0], 0);
    assert_int_equal(missed[1], 17);
}

static void a_note_comes_after_what_led_to_it(void **state)
{
    (void)state;
    static struct feed fd;
    start(&fd);
    put(0, TERN_TR_SEG_TX, 1, 5);
    struct tern_trace note = {.kind = TERN_TR_LINK, .id = 1};
    feed_note(&fd, &note);
    assert_string_equal(told, "a:tx1 a:link1 ");
}

static void more_than_a_batch(void **state)
{
    (void)state;
    static struct feed fd;
    start(&fd);
    for (uint32_t i = 1; i <= 1000; i++) {
        put(0, TERN_TR_SEG_TX, i, 5);
        put(1, TERN_TR_SEG_RX, i, 5);
    }
    feed_pull(&fd);
    unsigned sent = 0, arrived = 0;
    for (char *p = told; *p; p = strchr(p, ' ') + 1) {
        unsigned n = (unsigned)strtoul(p + 4, NULL, 10);
        if (p[2] == 't') {
            assert_int_equal(n, sent + 1);
            sent = n;
        } else {
            assert_int_equal(n, arrived + 1);
            arrived = n;
            assert_true(arrived <= sent);
        }
    }
    assert_int_equal(sent, 1000);
    assert_int_equal(arrived, 1000);
}

static void numbers_wrap(void **state)
{
    (void)state;
    static struct feed fd;
    start(&fd);
    put(0, TERN_TR_SEG_TX, UINT32_MAX, 5);
    put(0, TERN_TR_SEG_TX, 1, 5);
    put(1, TERN_TR_SEG_RX, UINT32_MAX, 5);
    put(1, TERN_TR_SEG_RX, 1, 5);
    feed_pull(&fd);
    assert_string_equal(told, "a:tx4294967295 a:tx1 b:rx4294967295 b:rx1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sent_before_arrived_at_one_instant),
        cmocka_unit_test(by_the_clock_when_nothing_waits),
        cmocka_unit_test(lost_records_do_not_stop_it),
        cmocka_unit_test(a_note_comes_after_what_led_to_it),
        cmocka_unit_test(more_than_a_batch),
        cmocka_unit_test(numbers_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
