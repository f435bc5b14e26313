/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "see/snapshot.h"
#include <tern/loop.h>
#include <tern/socket.h>

static struct tern_sock listener;

static bool owner(void *ctx, struct tern_sock s, char *name, size_t len, int *pid)
{
    (void)ctx;
    if (s.id != listener.id)
        return false;
    assert_true(len > 6);
    memcpy(name, "nginx", 6);
    *pid = 42;
    return true;
}

/* A stack with a listener, as its control socket would tell of it. */
static void a_real_stack(void **state)
{
    (void)state;
    char why[TERN_WHY];
    struct tern_config cfg;
    tern_config_init(&cfg);
    tern_seed_from(cfg.seed, 1);
    struct tern_stack *st = tern_stack_new(&cfg, (struct tern_time){0}, why);
    assert_non_null(st);
    const struct tern_endpoint at = {.port = 8080};
    assert_int_equal(tern_tcp_listen(st, &at, 9, 0, &listener), 0);
    struct snapshot_stack stacks[] = {{.name = "guest", .st = st, .owner = owner},
                                      {.name = "again", .st = st}};
    struct snapshot sn = {
        .name = "web", .pid = 7, .program = "bad\xff", .stack = stacks, .nstack = 2};
    size_t len = 0;
    char *text = snapshot_text(&sn, (struct tern_time){0}, &len);
    assert_non_null(text);
    assert_int_equal(len, strlen(text));
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_integer_value(json_object_get(o, "version")), SNAPSHOT_VERSION);
    assert_string_equal(json_string_value(json_object_get(o, "program")), "?"); /* no UTF-8 */
    json_t *list = json_object_get(o, "stacks");
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *sockets = json_object_get(json_array_get(list, i), "sockets");
        assert_int_equal(json_array_size(sockets), 1);
        json_t *s = json_array_get(sockets, 0);
        assert_string_equal(json_string_value(json_object_get(s, "state")), "LISTEN");
        assert_int_equal(json_integer_value(json_object_get(s, "send_q")), 9);
        json_t *port = json_object_get(json_object_get(s, "local"), "port");
        assert_int_equal(json_integer_value(port), 8080);
        json_t *process = json_object_get(s, "process");
        assert_int_equal(process != NULL, i == 0); /* only the first knows owners */
        if (process)
            assert_int_equal(json_integer_value(json_object_get(process, "pid")), 42);
        json_t *syn = json_object_get(json_array_get(list, i), "syn");
        assert_true(json_is_false(json_object_get(syn, "offload")));
        assert_true(json_is_integer(json_object_get(syn, "offloaded")));
    }
    json_decref(o);
    free(text);
    tern_stack_free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_real_stack)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
