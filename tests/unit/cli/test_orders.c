/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../cli/orders.h"
#include "../../../cli/policy_text.h"
#include <tern/loop.h>
#include <tern/port.h>
#include <tern/socket.h>

struct bench {
    struct tern_stack *st;
    struct tern_sock l;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    char why[TERN_WHY];
    struct tern_config cfg;
    struct tern_endpoint at = {.port = 80};
    tern_config_init(&cfg);
    tern_seed_from(cfg.seed, 1);
    b->st = tern_stack_new(&cfg, (struct tern_time){0}, why);
    *state = b;
    return b->st != NULL && tern_tcp_listen(b->st, &at, 9, 0, &b->l) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    tern_stack_free(b->st);
    free(b);
    return 0;
}

static void expect(struct bench *b, const char *line, const char *answer)
{
    size_t len = 0;
    char *text = orders_run(&b->st, 1, (struct tern_time){0}, line, &len);
    assert_non_null(text);
    assert_int_equal(len, strlen(text));
    if (strncmp(text, answer, strlen(answer)) != 0)
        fail_msg("'%s' was answered with '%s', not '%s'", line, text, answer);
    free(text);
}

static void test_policy(void **state)
{
    struct bench *b = *state;
    struct tern_listener_policy p;
    expect(b, "policy :80", "ok\n*:80 cookies=overflow\n");
    expect(b, "policy :80 cookies=always,queue=5,timeout=2s,retries=3,prefix=7,staged=4/2,abort",
           "ok\n*:80 cookies=always,queue=5,timeout=2000ms,retries=3,prefix=7,staged=4/2,abort\n");
    assert_int_equal(tern_listener_policy_get(b->st, b->l, &p), 0);
    assert_int_equal(p.policy, TERN_SYN_COOKIES_ALWAYS);
    assert_true(p.queue == 5 && p.timeout_ms == 2000 && p.retries == 3 && p.prefix_half == 7 &&
                p.staged && p.staged_half == 4 && p.staged_retried == 2 && p.abort_on_overflow);
    expect(b, "policy :80 staged=off,abort=off,drop", "ok\n*:80 drop,queue=5");
    expect(b, "policy :80 nonsense", "error: 'nonsense': not a policy: ");
    expect(b, "policy :80 staged=5", "error: '5': not two thresholds");
    expect(b, "policy :80", "ok\n*:80 drop,queue=5"); /* an error changes nothing */
    expect(b, "policy :80 default", "ok\n*:80 cookies=overflow\n");
    expect(b, "policy :81", "error: port 81: nobody listens there");
    expect(b, "policy 80", "error: '80': not a port such as :80");
}

static void test_cookie(void **state)
{
    struct bench *b = *state;
    expect(b, "cookie 10.0.2.15:80 192.0.2.1:99 1 2",
           "ok\nslot 0, a new one every 64 s\nnot valid: ");
    expect(b, "cookie 10.0.2.15 192.0.2.1:99 1 2",
           "error: '10.0.2.15': not an address with a port");
    expect(b, "cookie 10.0.2.15:80 192.0.2.1:99 1", "error: two sequence numbers");
    expect(b, "cookie 10.0.2.15:80 192.0.2.1:99 1 x", "error: ");
    expect(b, "cookie", "error: 'cookie': not an order");
    expect(b, "dance :80", "error: 'dance': not an order");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cookie, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
