/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/extra.c: the pool of tcp/extra.h. */
#include "tcp/conn.h"

uint32_t extra_count(const struct tern_config *cfg)
{
    uint32_t all = cfg->max_conns + cfg->max_listeners;
    return cfg->max_extras != 0 ? cfg->max_extras : all;
}

void extra_defaults(struct tcp_extra *e, const struct tern_config *cfg)
{
    memset(e, 0, sizeof *e);
    e->keep_idle_ms = cfg->keep_idle_ms;
    e->keep_intvl_ms = cfg->keep_intvl_ms;
    e->keep_cnt = (uint8_t)cfg->keep_count;
    e->rcvlowat = 1;
    e->syn_retries = (int16_t)cfg->syn_retries;
    e->uto.adv_s = cfg->uto_s;
    e->uto.due = cfg->uto_s != 0; /* of connections */
}

static const struct tcp_extra *read_at(const struct tcp *t, uint32_t idx)
{
    return idx != 0 ? (const struct tcp_extra *)pool_at(&t->extras, idx) : &t->extra_default;
}

static struct tcp_extra *take(struct tcp *t, uint32_t *idx, const struct tcp_extra *from)
{
    if (*idx == 0) {
        uint32_t fresh = pool_take(&t->extras);
        if (fresh == 0)
            return NULL;
        memcpy(pool_at(&t->extras, fresh), from, sizeof *from);
        *idx = fresh;
    }
    return (struct tcp_extra *)pool_at(&t->extras, *idx);
}

const struct tcp_extra *extra_of(const struct tcp *t, const struct tcp_conn *c)
{
    return read_at(t, c->extra);
}

const struct tcp_extra *extra_of_listener(const struct tcp *t, const struct tcp_listener *l)
{
    return read_at(t, l->extra);
}

struct tcp_extra *extra_take(struct tcp *t, struct tcp_conn *c)
{
    tern_assert(c->used);
    return take(t, &c->extra, &t->extra_default);
}

struct tcp_extra *extra_take_listener(struct tcp *t, struct tcp_listener *l)
{
    tern_assert(l->used);
    return take(t, &l->extra, &t->extra_default);
}

struct tcp_extra *extra_own(const struct tcp *t, const struct tcp_conn *c)
{
    return c->extra != 0 ? (struct tcp_extra *)pool_at(&t->extras, c->extra) : NULL;
}

bool extra_inherit(struct tcp *t, struct tcp_conn *c, const struct tcp_listener *l)
{
    tern_assert(c->extra == 0);
    if (l->extra == 0 && t->cfg->uto_s == 0)
        return true;
    struct tcp_extra *e = take(t, &c->extra, read_at(t, l->extra));
    if (e == NULL)
        return false;
    e->uto.due = e->uto.adv_s != 0;
    if (auth_copy(t, e->auth, &c->tuple, &e->auth)) /* not the listener's own */
        return true;
    e->auth = 0;
    extra_give(t, &c->extra);
    return false;
}

/* ---- options ---- */

struct extra_rule {
    uint8_t opt, size;
    uint16_t off;
    int32_t lo, hi;
};
#define RULE(opt, field, lo, hi)                                                                   \
    {                                                                                              \
        opt, sizeof(((struct tcp_extra *)0)->field), offsetof(struct tcp_extra, field), lo, hi     \
    }
static const struct extra_rule rules[] = {
    RULE(TERN_OPT_KEEPIDLE_MS, keep_idle_ms, 1, INT32_MAX),
    RULE(TERN_OPT_KEEPINTVL_MS, keep_intvl_ms, 1, INT32_MAX),
    RULE(TERN_OPT_KEEPCNT, keep_cnt, 1, 127),
    RULE(TERN_OPT_USER_TIMEOUT_MS, user_timeout_ms, -1, INT32_MAX),
    RULE(TERN_OPT_ERROR_REPORTS, error_reports, 0, 1),
    RULE(TERN_OPT_DEFER_ACCEPT_MS, defer_ms, 0, INT32_MAX),
    RULE(TERN_OPT_NOTSENT_LOWAT, notsent_lowat, -1, INT32_MAX),
    RULE(TERN_OPT_RCVLOWAT, rcvlowat, 1, INT32_MAX),
    RULE(TERN_OPT_LINGER2_MS, linger2_ms, -1, INT32_MAX),
    RULE(TERN_OPT_UTO_S, uto.adv_s, 0, TERN_UTO_MOST_S),
    RULE(TERN_OPT_SYN_COUNT, syn_retries, -1, 127),
    RULE(TERN_OPT_WINDOW_CLAMP, window_clamp, 0, INT32_MAX),
    RULE(TERN_OPT_MAY_FRAGMENT, may_fragment, 0, 1),
    RULE(TERN_OPT_IGNORE_PMTU, ignore_pmtu, 0, 1),
    RULE(TERN_OPT_RECVTOS, recv_tos, 0, 1),
};

static const struct extra_rule *rule_of(enum tern_opt opt)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].opt == opt)
            return &rules[i];
    return NULL;
}

bool extra_has(enum tern_opt opt)
{
    return rule_of(opt) != NULL;
}

int extra_set(struct tcp_extra *e, enum tern_opt opt, int64_t v)
{
    const struct extra_rule *r = rule_of(opt);
    tern_assert(r != NULL);
    if (v < r->lo || v > r->hi || (opt == TERN_OPT_SYN_COUNT && v == 0))
        return TERN_EINVAL;
    uint8_t *p = (uint8_t *)e + r->off;
    uint16_t half = (uint16_t)v;
    uint32_t word = (uint32_t)v;
    if (r->size == 1)
        *p = (uint8_t)v;
    else
        memcpy(p, r->size == 2 ? (const void *)&half : &word, r->size);
    return TERN_OK;
}

int64_t extra_get(const struct tcp_extra *e, enum tern_opt opt)
{
    const struct extra_rule *r = rule_of(opt);
    tern_assert(r != NULL);
    const uint8_t *p = (const uint8_t *)e + r->off;
    uint16_t half;
    uint32_t word;
    if (r->size == 1)
        return *p;
    if (r->size == 2) {
        memcpy(&half, p, sizeof half);
        return (int16_t)half;
    }
    memcpy(&word, p, sizeof word);
    return (int32_t)word; /* no rule goes beyond; some go below 0 */
}

void extra_give(struct tcp *t, uint32_t *idx)
{
    if (*idx == 0)
        return;
    auth_give(t, &((struct tcp_extra *)pool_at(&t->extras, *idx))->auth);
    pool_give(&t->extras, *idx);
    *idx = 0;
}
