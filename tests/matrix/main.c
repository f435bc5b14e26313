/* SPDX-License-Identifier: BSD-2-Clause */
#define MATRIX_TABLE
#include "matrix.h"

unsigned matrix_icmp(struct rig *r, int err)
{
    return tcp_icmp(r->t, &r->local, &r->peer, rig_at(r).snd_una.v, err, false, 0, r->now);
}

static void run_way(const struct row *row, struct rig *r, bool active, bool ts)
{
    unsigned ways = row->handler->ways;
    rig_init(r);
    r->active = active;
    r->syn_ts = ts;
    if (!(ways & FRESH)) {
        rig_start(r);
        rig_reach(r, row->from);
    }
    if (ways & ORPHAN) {
        assert_int_equal(tcp_close(r->t, r->sock, r->now), TERN_OK);
        r->sock.id = 0;
        rig_silent(r);
        rig_in_state(r, row->from);
    }
    row->handler->run(r);
    rig_laws(r);
    if (rig_state(r) != row->next) {
        print_error("%s (%s, timestamps %s): state is %s, the table says %s\n", row->id,
                    active ? "active" : "passive", ts ? "on" : "off",
                    tern_tcp_state_name((enum tern_tcp_state)rig_state(r)),
                    tern_tcp_state_name((enum tern_tcp_state)row->next));
        fail();
    }
    rig_stop(r);
}

static void run_row(void **state)
{
    static struct rig rig;
    const struct row *row = *state;
    if (row->handler->skip != NULL) {
        print_message("# %s: %s\n", row->id, row->handler->skip);
        skip();
    }
    for (unsigned ts = 0; ts < 2; ts++) {
        if (row->handler->ways & ACTIVE)
            run_way(row, &rig, true, ts);
        if (row->handler->ways & PASSIVE)
            run_way(row, &rig, false, ts);
    }
}

int main(void)
{
    static struct CMUnitTest tests[MATRIX_ROWS];
    for (size_t i = 0; i < MATRIX_ROWS; i++) {
        tests[i].name = matrix[i].id;
        tests[i].test_func = run_row;
        tests[i].initial_state = (void *)(uintptr_t)&matrix[i];
    }
    return cmocka_run_group_tests_name("RFC 9293 state machine", tests, NULL, NULL);
}
