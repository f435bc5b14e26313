/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "see/events.h"
#include "story.h"

static char *text;
static size_t size;
static struct events ev;

static void start(void)
{
    char *argv[] = {"curl", "-s", NULL};
    events_begin(&ev, open_memstream(&text, &size), (struct tern_time){5000000000}, "web", argv,
                 "guest", "gateway");
}

/* All lines as an array. */
static json_t *finish(void)
{
    json_t *all = json_array();
    assert_int_equal(fclose(ev.f), 0);
    char *save = NULL;
    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        json_t *o = json_loads(l, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(o))
            fail_msg("not an object: %s", l);
        (void)json_array_append_new(all, o);
    }
    free(text);
    return all;
}

static void assert_str(json_t *o, const char *key, const char *want)
{
    const char *got = json_string_value(json_object_get(o, key));
    if (!got)
        fail_msg("no \"%s\"", key);
    assert_string_equal(got, want);
}

static void assert_num(json_t *o, const char *key, json_int_t want)
{
    assert_true(json_is_integer(json_object_get(o, key)));
    assert_int_equal(json_integer_value(json_object_get(o, key)), want);
}

static void first_line_tells_the_version(void **state)
{
    (void)state;
    start();
    json_t *all = finish(), *o = json_array_get(all, 0);
    assert_str(o, "event", "start");
    assert_num(o, "version", EVENTS_VERSION);
    assert_str(o, "name", "web");
    assert_int_equal(json_array_size(json_object_get(o, "program")), 2);
    assert_int_equal(strlen(json_string_value(json_object_get(o, "wall"))), 27);
    json_decref(all);
}

static void a_handshake(void **state)
{
    (void)state;
    struct story s = {.tell = events_record, .ctx = &ev, .port = 49152, .serial = {3, 4}};
    start();
    story_handshake(&s, 5);
    json_t *all = finish();
    assert_int_equal(json_array_size(all), 13);
    json_t *o = json_array_get(all, 2);
    assert_str(o, "event", "state");
    assert_str(o, "stack", "guest");
    assert_str(o, "state", "CLOSED");
    assert_str(o, "to", "SYN-SENT");
    assert_str(o, "cause", "active-open");
    assert_num(o, "conn", 3);
    assert_num(o, "ns", 0);
    o = json_array_get(all, 3);
    assert_str(o, "event", "seg-tx");
    assert_str(o, "local", "10.0.2.15:49152");
    assert_str(o, "remote", "10.0.2.2:8000");
    assert_str(o, "flags", "SYN");
    assert_num(o, "frame", 1);
    assert_num(o, "seq", GUEST_ISN);
    assert_num(o, "mss", 1460);
    assert_num(o, "win", 65535);
    assert_null(json_object_get(o, "ack"));
    o = json_array_get(all, 5);
    assert_str(o, "event", "seg-rx");
    assert_str(o, "stack", "gateway");
    assert_num(o, "ns", 5000);
    o = json_array_get(all, 7);
    assert_str(o, "flags", "SYN,ACK");
    assert_num(o, "ack", GUEST_ISN + 1);
    json_decref(all);
}

/* Every kind has a name, and its own fields. */
static void every_kind(void **state)
{
    (void)state;
    static const char *const names[] = {
        "seg-tx", "seg-rx", "drop", "state", "timer-arm", "timer-fire", "timer-stop",
        "cwnd",   "rtt",    "call", "open",  "other-tx",  "other-rx",   "link"};
    static const char *const fields[] = {"seq",   "seq",   "seq",  "to",      "in_us",
                                         "timer", "timer", "cwnd", "srtt_us", "call",
                                         "local", "len",   "len",  "seq"};
    struct story s = {.port = 1, .serial = {1, 1}};
    start();
    for (unsigned k = TERN_TR_SEG_TX; k <= TERN_TR_LINK; k++) {
        struct tern_trace r = story_record(&s, 0, k, CAUSE_NONE);
        r.aux8 = 1;
        events_record(&ev, 0, &r);
    }
    events_missed(&ev, 1, 5);
    json_t *all = finish();
    for (unsigned k = 0; k < 14; k++) {
        json_t *o = json_array_get(all, k + 1);
        assert_str(o, "event", names[k]);
        if (!json_object_get(o, fields[k]))
            fail_msg("%s has no %s", names[k], fields[k]);
    }
    assert_null(json_object_get(json_array_get(all, 14), "stack")); /* a link is of neither */
    assert_str(json_array_get(all, 15), "event", "missed");
    assert_num(json_array_get(all, 15), "records", 5);
    json_decref(all);
}

static void options_only_where_they_are(void **state)
{
    (void)state;
    struct story s = {.port = 1, .serial = {1, 1}};
    start();
    struct tern_trace r = story_record(&s, 0, TERN_TR_SEG_TX, CAUSE_TX_SYN);
    r.wscale = 1;
    r.nsack = 0x80;
    r.tsval = 7;
    r.gso = 45;
    r.a = 14600;
    events_record(&ev, 0, &r);
    r.wscale = r.nsack = 0;
    r.tsval = r.a = 0;
    r.gso = 1;
    events_record(&ev, 0, &r);
    json_t *all = finish(), *o = json_array_get(all, 1);
    assert_num(o, "wscale", 0);
    assert_true(json_is_true(json_object_get(o, "sack_permitted")));
    assert_num(o, "tsval", 7);
    assert_num(o, "pieces", 45);
    assert_num(o, "cwnd", 14600);
    o = json_array_get(all, 2);
    static const char *const absent[] = {"wscale", "sack_permitted", "tsval",
                                         "pieces", "cwnd",           "mss"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_null(json_object_get(o, absent[i]));
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_line_tells_the_version),
        cmocka_unit_test(a_handshake),
        cmocka_unit_test(every_kind),
        cmocka_unit_test(options_only_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
