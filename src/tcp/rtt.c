/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/rtt.c: RFC 6298: the retransmission timeout from round-trip samples. Microseconds. Karn's
 * rule (never sample a retransmitted segment) is the caller's: [RFC6298:3].
 */
#include "tcp/conn.h"

static uint32_t clamp(uint64_t us, const struct tern_config *cfg)
{
    if (us < cfg->rto_min_us)
        us = cfg->rto_min_us; /* [RFC6298:2.4] */
    return us > cfg->rto_max_us ? cfg->rto_max_us : (uint32_t)us;
}

void rtt_init(struct tcp_rtt *r, const struct tern_config *cfg)
{
    memset(r, 0, sizeof *r);
    r->rto_us = cfg->rto_initial_us; /* [RFC6298:2.1] */
}

void rtt_sample(struct tcp_rtt *r, uint32_t us, const struct tern_config *cfg)
{
    if (us == 0)
        us = 1;
    if (r->srtt_us == 0) { /* [RFC6298:2.2] */
        r->srtt_us = us;
        r->rttvar_us = us / 2;
    } else { /* [RFC6298:2.3], alpha 1/8, beta 1/4; the variance first */
        uint32_t d = r->srtt_us > us ? r->srtt_us - us : us - r->srtt_us;
        r->rttvar_us = (uint32_t)(((uint64_t)r->rttvar_us * 3 + d) / 4);
        r->srtt_us = (uint32_t)(((uint64_t)r->srtt_us * 7 + us) / 8);
        if (r->srtt_us == 0)
            r->srtt_us = 1;
    }
    uint64_t k = (uint64_t)r->rttvar_us * 4;
    if (k < 1000)
        k = 1000; /* the clock granularity G, taken as 1 ms [RFC6298:4] */
    if (profile_of(cfg)->rto_min_var && k < cfg->rto_min_us)
        k = cfg->rto_min_us;
    r->rto_us = clamp(r->srtt_us + k, cfg);
}

void rtt_take(struct tcp *t, struct tcp_conn *c, uint32_t us, struct tern_time now)
{
    rtt_sample(&c->rtt, us, t->cfg);
    struct tern_trace *r = trace_add(t->trace, now, TERN_TR_RTT, CAUSE_NONE);
    if (r == NULL)
        return;
    r->serial = c->serial;
    r->state = c->state;
    r->lport = c->tuple.lport;
    r->rport = c->tuple.rport;
    r->a = us;
    r->b = c->rtt.srtt_us;
    r->seq = c->rtt.rto_us;
}

void rtt_backoff(struct tcp_rtt *r, const struct tern_config *cfg)
{
    r->rto_us = clamp((uint64_t)r->rto_us * 2, cfg); /* [RFC6298:5.5] */
}
