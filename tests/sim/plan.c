/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/plan.c: what a run will do, drawn from its seed. A profile is a small change to a common
 * plan: it fixes what it is about and leaves the rest to chance.
 */
#include "sim.h"

#include <string.h>

/* ---- chance ---- */

static uint32_t between(struct prng *r, uint32_t lo, uint32_t hi)
{
    return lo + prng_below(r, hi - lo + 1);
}

/* Small numbers as often as large ones. */
static uint32_t any_size(struct prng *r, uint32_t most)
{
    uint32_t bits = prng_below(r, 18);
    uint32_t n = prng_below(r, 1u << bits);
    return n < most ? n : most;
}

static bool one_in(struct prng *r, uint32_t n)
{
    return prng_below(r, n) == 0;
}

/* ---- the common plan ---- */

static void base_config(struct sim_plan *p, struct prng *r)
{
    struct tern_config *c = &p->cfg;
    tern_config_init(c);
    c->cpu = one_in(r, 2) ? tern_cpu_features() : 0;
    c->max_conns = 256;
    c->max_half_open = 256;
    c->max_time_wait = 256;
    c->max_listeners = 8;
    c->max_udp = 8;
    c->max_ifaces = 1;
    c->max_neigh = 16;
    c->max_answers = 256;
    c->max_ooo = 1024;
    c->max_sent = 4096;
    c->max_conn_ooo = 64;
    c->buf_bytes = 16u << 20;
    c->trace_records = 16384;
    c->syn_retries = 14;
    c->synack_retries = 11;
    c->rto_max_us = 60000000;
    c->fin_wait_2_ms = 60000;
    c->msl_ms = between(r, 1, 30) * 1000;
    c->timestamps = !one_in(r, 4);
    c->sack = !one_in(r, 4);
    c->wscale = !one_in(r, 4);
    c->nagle = !one_in(r, 3);
    struct prng aside = *r; /* the other choices stay what they were */
    c->profile = (uint8_t)prng_below(&aside, TERN_PROFILE_COUNT);
    c->sndbuf = 4096u << prng_below(r, 7);
    c->rcvbuf = 4096u << prng_below(r, 7);
}

static void base_side(struct sim_side *s, unsigned host, struct prng *r, uint32_t most)
{
    *s = (struct sim_side){
        .host = (uint8_t)host,
        .ending = END_SHUT,
        .tx_total = any_size(r, most),
        .wr_max = 1 + any_size(r, SIM_CALL_MAX - 1),
        .rd_max = 1 + any_size(r, SIM_CALL_MAX - 1),
        .no_copy = one_in(r, 3),
        .nodelay = one_in(r, 3),
        .cork = one_in(r, 5),
        .wait_closed = one_in(r, 3),
    };
    if (one_in(r, 4))
        s->wr_gap_us = any_size(r, 100000) + 1;
    if (one_in(r, 4)) {
        s->pause_every = 1 + any_size(r, 65536);
        s->pause_us = any_size(r, 100000) + 1;
    }
}

static void base_flows(struct sim_plan *p, struct prng *r, uint32_t n, uint32_t most)
{
    p->nflows = n;
    for (uint32_t i = 0; i < n; i++) {
        struct sim_flow_plan *f = &p->flow[i];
        unsigned from = prng_below(r, 2);
        memset(f, 0, sizeof *f);
        base_side(&f->side[0], from, r, most);
        base_side(&f->side[1], 1 - from, r, most);
        f->start_us = prng_below(r, 200000);
        /* A writer that closes at once, while nothing comes the other way, loses nothing. */
        if (one_in(r, 4)) {
            f->side[0].ending = END_CLOSE;
            f->side[1].tx_total = 0;
        }
    }
}

static void base_links(struct sim_plan *p, struct prng *r)
{
    p->mtu = 1500;
    p->batch = 1u << prng_below(r, 7);
    p->die_host = -1;
    p->fail_host = -1;
    p->backlog = 128;
    p->impaired = !one_in(r, 8);
    uint64_t delay = any_size(r, 50000);
    for (unsigned h = 0; h < 2; h++) {
        p->imp[h].seed = prng_next(r);
        p->imp[h].delay_us = delay + 1;
        p->imp[h].jitter_us = one_in(r, 2) ? any_size(r, 10000) : 0;
    }
    if (one_in(r, 3))
        p->tardy_us = any_size(r, 20000);
}

static double chance_upto(struct prng *r, double most)
{
    return most * (double)(1 + prng_below(r, 1000)) / 1000;
}

static void impair_both(struct sim_plan *p, struct prng *r, double lose, double dup, double reorder,
                        double corrupt)
{
    p->impaired = true;
    for (unsigned h = 0; h < 2; h++) {
        p->imp[h].lose = lose > 0 ? chance_upto(r, lose) : 0;
        p->imp[h].duplicate = dup > 0 ? chance_upto(r, dup) : 0;
        p->imp[h].reorder = reorder > 0 ? chance_upto(r, reorder) : 0;
        p->imp[h].corrupt = corrupt > 0 ? chance_upto(r, corrupt) : 0;
    }
}

/* ---- profiles ---- */

static void small_buf(struct sim_plan *p, struct prng *r)
{
    p->cfg.sndbuf = 2048 + any_size(r, 4096); /* 2048 is the least that a stack takes */
    p->cfg.rcvbuf = 2048 + any_size(r, 4096);
    if (one_in(r, 3))
        impair_both(p, r, 0.05, 0.02, 0.05, 0);
}

static void tiny_pools(struct sim_plan *p, struct prng *r)
{
    struct tern_config *c = &p->cfg;
    base_flows(p, r, between(r, 8, 40), 20000);
    c->max_conns = between(r, 1, 12);
    c->max_half_open = between(r, 1, 4);
    c->max_time_wait = between(r, 1, 4);
    c->max_answers = between(r, 1, 4);
    c->max_ooo = between(r, 1, 8);
    c->max_sent = between(r, 1, 12);
    c->max_cc_blocks = between(r, 1, 4);
    c->max_conn_ooo = between(r, 1, 4);
    c->max_neigh = 1;
    c->buf_bytes = 65536u << prng_below(r, 3);
    impair_both(p, r, 0.05, 0.02, 0.1, 0);
    /* A RST may be one answer too many: then only a keep-alive finds that the peer is gone. */
    for (uint32_t i = 0; i < p->nflows; i++)
        p->flow[i].side[0].keepalive = p->flow[i].side[1].keepalive = true;
}

static void simopen(struct sim_plan *p, struct prng *r)
{
    p->impaired = true;
    for (uint32_t i = 0; i < p->nflows; i++)
        p->flow[i].simopen = true;
    for (unsigned h = 0; h < 2; h++)
        p->imp[h].delay_us += 1000;
    p->tardy_us = 0; /* both must have connected before the first SYN comes */
    if (one_in(r, 3))
        impair_both(p, r, 0.1, 0.05, 0.1, 0);
}

static void simclose(struct sim_plan *p, struct prng *r)
{
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_side *e = &p->flow[i].side[s];
            e->tx_total = one_in(r, 2) ? 0 : any_size(r, 3000);
            e->wr_gap_us = 0;
            e->pause_every = 0;
            e->ending = END_SHUT;
        }
    }
}

static void zero_window(struct sim_plan *p, struct prng *r)
{
    p->cfg.rcvbuf = 4096u << prng_below(r, 3);
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_side *e = &p->flow[i].side[s];
            e->pause_every = 4000 + any_size(r, 30000);
            e->pause_us = between(r, 1, 20) * 1000000;
        }
    }
    if (one_in(r, 3))
        impair_both(p, r, 0.1, 0, 0.05, 0);
}

static void half_close(struct sim_plan *p, struct prng *r)
{
    for (uint32_t i = 0; i < p->nflows; i++) {
        struct sim_flow_plan *f = &p->flow[i];
        unsigned s = prng_below(r, 2);
        f->side[0].ending = f->side[1].ending = END_SHUT;
        f->side[s].tx_after_eof = true;
        f->side[s].tx_total = 1 + any_size(r, 60000);
        f->side[s].wr_gap_us = 0;
    }
    if (one_in(r, 2))
        impair_both(p, r, 0.1, 0.05, 0.1, 0.02);
}

static void backlog(struct sim_plan *p, struct prng *r)
{
    base_flows(p, r, between(r, 8, 32), 3000);
    p->backlog = between(r, 1, 4);
    p->accept_gap_us = between(r, 1, 500) * 1000;
}

static void die(struct sim_plan *p, struct prng *r, bool reboot)
{
    p->die_host = (int)prng_below(r, 2);
    p->cut_us = 1000 + (one_in(r, 2) ? any_size(r, 130000) * 4 : prng_below(r, 1500000));
    if (reboot)
        p->reboot_us = p->cut_us + 1000 + prng_below(r, 2) * any_size(r, 100000) * 100;
    p->cfg.r2_retries = between(r, 3, 15);
    p->cfg.syn_retries = p->cfg.synack_retries = between(r, 3, 8);
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_side *e = &p->flow[i].side[s];
            e->keepalive = true;
            if (one_in(r, 2)) /* long enough to be cut in the middle */
                e->wr_gap_us = 20000 + prng_below(r, 20000);
        }
        p->flow[i].start_us *= 3;
    }
}

static void user_timeout(struct sim_plan *p, struct prng *r)
{
    p->impaired = true;
    p->cfg.uto_s = one_in(r, 2) ? between(r, 1, 3000) : 0;
    p->cut_us = 100000 + prng_below(r, 300000);
    p->uncut_us = p->cut_us + between(r, 1, 60) * 1000000;
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_side *e = &p->flow[i].side[s];
            e->uto_ms = between(r, 1, 20) * 1000;
            e->keepalive = true;
            if (one_in(r, 2)) {
                e->tx_total = 2000 + any_size(r, 60000);
                e->wr_gap_us = 20000;
                e->wr_max = 1 + e->tx_total / 20;
            }
        }
    }
}

static void aborts(struct sim_plan *p, struct prng *r)
{
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_side *e = &p->flow[i].side[s];
            e->ending = (uint8_t)prng_below(r, 4);
            e->end_us = any_size(r, 130000) * 4;
        }
    }
}

static void mtu_gso(struct sim_plan *p, struct prng *r, bool gso)
{
    static const uint16_t sizes[] = {576, 577, 700, 1006, 1280, 1492, 1500, 4352, 9000};
    p->mtu = one_in(r, 2) ? sizes[prng_below(r, 9)] : (uint16_t)between(r, 576, 9000);
    p->cfg.sndbuf = 65536u << prng_below(r, 3);
    p->cfg.rcvbuf = 65536u << prng_below(r, 3);
    p->cfg.uto_s = one_in(r, 2) ? between(r, 1, 3000) : 0; /* an option that some segments have */
    if (!gso)
        return;
    p->gso_max = one_in(r, 2) ? 65535 : between(r, p->mtu, 65535);
    p->impaired = one_in(r, 3); /* an impaired wire is told of no super-segments */
}

static void bulk(struct sim_plan *p, struct prng *r)
{
    base_flows(p, r, between(r, 1, 2), 1000);
    p->cfg.wscale = !one_in(r, 8);
    p->cfg.sndbuf = p->cfg.rcvbuf = 65536u << prng_below(r, 5);
    p->flow[0].side[0].ending = END_SHUT;
    p->flow[0].side[prng_below(r, 2)].tx_total = 1000000 + prng_below(r, 2000000);
    for (unsigned s = 0; s < 2; s++) {
        struct sim_side *e = &p->flow[0].side[s];
        e->wr_max = e->rd_max = 20000 + prng_below(r, 45000);
        e->wr_gap_us = e->pause_every = 0;
        e->tx_after_eof = false;
    }
    impair_both(p, r, one_in(r, 2) ? 0.01 : 0, 0.01, 0.02, 0);
    for (unsigned h = 0; h < 2; h++) {
        p->imp[h].delay_us = 1000 + prng_below(r, 100000);
        p->imp[h].rate_bps = between(r, 5, 1000) * 1000000ull;
    }
}

static void mixed(struct sim_plan *p, struct prng *r)
{
    aborts(p, r);
    for (uint32_t i = 0; i < p->nflows; i++) {
        if (one_in(r, 2))
            p->flow[i].side[prng_below(r, 2)].tx_after_eof = true;
        if (one_in(r, 4))
            p->flow[i].simopen = true;
        /* The RST of an abort may be lost. */
        p->flow[i].side[0].keepalive = p->flow[i].side[1].keepalive = true;
    }
    p->udp_count = prng_below(r, 10);
    p->mtu = (uint16_t)between(r, 576, 3000);
    if (one_in(r, 2))
        p->cfg.rcvbuf = 2048;
    impair_both(p, r, 0.1, 0.1, 0.2, 0.05);
}

static void storm(struct sim_plan *p, struct prng *r)
{
    impair_both(p, r, 0.1, 0.1, 0.3, 0.05);
    for (unsigned h = 0; h < 2; h++) {
        p->imp[h].rate_bps = between(r, 1, 100) * 1000000ull;
        p->imp[h].queue_bytes = between(r, 4, 40) * 1500;
    }
}

static void clean(struct sim_plan *p, struct prng *r)
{
    (void)r;
    p->tardy_us = 0; /* a late loop may make a timer fire that had no cause */
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++)
            p->flow[i].side[s].pause_us /= 2;
    }
    /* Of many SYNs that wait for ARP only a few are kept: the first flow asks for all. */
    for (uint32_t i = 0; i < p->nflows; i++)
        p->flow[i].start_us = i ? p->flow[i].start_us + 250000 : p->flow[i].start_us / 2;
    for (unsigned h = 0; h < 2; h++) {
        p->imp[h].delay_us = 1 + p->imp[h].delay_us / 2;
        p->imp[h].jitter_us = 0;
    }
}

static void urgent(struct sim_plan *p, struct prng *r)
{
    (void)r;
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++)
            p->flow[i].side[s].urgent = true;
    }
}

static void impaired(struct sim_plan *p, struct prng *r)
{
    static const double most[SIM_PROFILES][4] = {
        [SIM_LOSSY] = {0.2, 0, 0, 0},
        [SIM_REORDER] = {0, 0, 0.4, 0},
        [SIM_DUPLICATE] = {0.01, 0.5, 0, 0},
        [SIM_CORRUPT] = {0, 0, 0, 0.2},
    };
    const double *m = most[p->profile];
    impair_both(p, r, m[0], m[1], m[2], m[3]);
}

static void plain_die(struct sim_plan *p, struct prng *r)
{
    die(p, r, false);
}

static void reboot(struct sim_plan *p, struct prng *r)
{
    die(p, r, true);
}

static void many(struct sim_plan *p, struct prng *r)
{
    base_flows(p, r, between(r, 30, SIM_FLOWS), 2000);
}

static void udp(struct sim_plan *p, struct prng *r)
{
    p->udp_count = between(r, 1, 50);
}

static void mtu(struct sim_plan *p, struct prng *r)
{
    mtu_gso(p, r, false);
}

static void gso(struct sim_plan *p, struct prng *r)
{
    mtu_gso(p, r, true);
}

/* [RFC4821:7.7] */
static void black_hole(struct sim_plan *p, struct prng *r)
{
    p->impaired = true;
    p->mtu = one_in(r, 4) ? 9000 : 1500;
    p->cfg.mtu_probing = (uint8_t)between(r, 1, 2);
    p->cfg.sndbuf = p->cfg.rcvbuf = 65536u << prng_below(r, 4);
    p->flow[0].side[prng_below(r, 2)].tx_total = 100000 + prng_below(r, 400000);
    for (unsigned h = 0; h < 2; h++)
        p->imp[h].mtu = (uint16_t)between(r, 552, 1499);
    if (one_in(r, 3))
        impair_both(p, r, 0.02, 0, 0.05, 0);
}

static void loopback(struct sim_plan *p, struct prng *r)
{
    for (uint32_t i = 0; i < p->nflows; i++) {
        if (i == 0 || !one_in(r, 4))
            p->flow[i].side[1].host = p->flow[i].side[0].host;
    }
}

static void hold(struct sim_plan *p, struct prng *r)
{
    p->hold = true;
    p->hold_us = any_size(r, 100000) * 20;
    p->hold_refuses = one_in(r, 3);
    if (one_in(r, 3))
        impair_both(p, r, 0.1, 0.1, 0.1, 0);
}

static void fiddle(struct sim_plan *p, struct prng *r)
{
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++)
            p->flow[i].side[s].fiddle = true;
    }
    if (one_in(r, 3))
        impair_both(p, r, 0.1, 0.1, 0.1, 0);
}

static void wrap(struct sim_plan *p, struct prng *r)
{
    (void)r;
    p->wrap = true;
    p->tardy_us = 0;
}

static const struct {
    const char *name;
    void (*apply)(struct sim_plan *p, struct prng *r);
} profiles[SIM_PROFILES] = {
    [SIM_CLEAN] = {"clean", clean},
    [SIM_LOSSY] = {"lossy", impaired},
    [SIM_REORDER] = {"reorder", impaired},
    [SIM_DUPLICATE] = {"duplicate", impaired},
    [SIM_CORRUPT] = {"corrupt", impaired},
    [SIM_STORM] = {"storm", storm},
    [SIM_SMALL_BUF] = {"small-buffers", small_buf},
    [SIM_TINY_POOLS] = {"tiny-pools", tiny_pools},
    [SIM_SIMOPEN] = {"simultaneous-open", simopen},
    [SIM_SIMCLOSE] = {"simultaneous-close", simclose},
    [SIM_ZERO_WINDOW] = {"zero-window", zero_window},
    [SIM_HALF_CLOSE] = {"half-close", half_close},
    [SIM_MANY] = {"many", many},
    [SIM_BACKLOG] = {"backlog", backlog},
    [SIM_DIE] = {"die", plain_die},
    [SIM_REBOOT] = {"reboot", reboot},
    [SIM_UTO] = {"user-timeout", user_timeout},
    [SIM_UDP_MIX] = {"udp", udp},
    [SIM_MTU] = {"mtu", mtu},
    [SIM_GSO] = {"gso", gso},
    [SIM_BLACK_HOLE] = {"black-hole", black_hole},
    [SIM_ABORT] = {"abort", aborts},
    [SIM_URGENT] = {"urgent", urgent},
    [SIM_WRAP] = {"wrap", wrap},
    [SIM_BULK] = {"bulk", bulk},
    [SIM_LOOPBACK] = {"loopback", loopback},
    [SIM_HOLD] = {"hold", hold},
    [SIM_FIDDLE] = {"fiddle", fiddle},
    [SIM_MIXED] = {"mixed", mixed},
};

const char *sim_profile_name(unsigned p)
{
    return p < SIM_PROFILES ? profiles[p].name : NULL;
}

static void at_least(uint32_t *n, uint32_t total, uint32_t parts)
{
    if (total / *n > parts)
        *n = 1 + total / parts;
}

/* A stream octet by octet is one call each, and a reader that pauses after each keeps the window
 * shut for longer than any sender would wait: neither must take for ever. */
static void plan_bound(struct sim_plan *p)
{
    for (uint32_t i = 0; i < p->nflows; i++) {
        for (unsigned s = 0; s < 2; s++) {
            struct sim_side *me = &p->flow[i].side[s];
            uint32_t in = p->flow[i].side[1 - s].tx_total;
            at_least(&me->wr_max, me->tx_total, me->wr_gap_us ? 100 : 2000);
            at_least(&me->rd_max, in, 2000);
            if (me->pause_every)
                at_least(&me->pause_every, in, 20);
        }
    }
}

void sim_plan_make(struct sim_plan *p, enum sim_profile profile, uint64_t seed)
{
    struct prng r;
    memset(p, 0, sizeof *p);
    p->seed = seed;
    p->profile = profile;
    prng_init(&r, seed * SIM_PROFILES + (uint64_t)profile);
    base_config(p, &r);
    base_links(p, &r);
    base_flows(p, &r, between(&r, 1, 6), 100000);
    profiles[profile].apply(p, &r);
    plan_bound(p);
}

/* ---- what may be expected ---- */

bool sim_plan_gentle(const struct sim_plan *p)
{
    switch (p->profile) {
    case SIM_TINY_POOLS:
    case SIM_DIE:
    case SIM_REBOOT:
    case SIM_UTO:
        return false;
    case SIM_HOLD:
        return !p->hold_refuses;
    default:
        return p->fail_take == 0 || !p->fail_persist; /* one failure is one segment's loss */
    }
}

static bool leaves_nothing(const struct sim_side *s, const struct sim_side *peer)
{
    return s->ending == END_SHUT || (s->ending == END_CLOSE && peer->tx_total == 0);
}

bool sim_flow_strict(const struct sim_plan *p, uint32_t f)
{
    const struct sim_side *s = p->flow[f].side;
    if (!sim_plan_gentle(p))
        return false;
    /* Two ends that both wait for the other's end of stream wait for ever: no plan says so. */
    return leaves_nothing(&s[0], &s[1]) && leaves_nothing(&s[1], &s[0]);
}
