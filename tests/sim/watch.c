/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/watch.c: reads every trace record of both stacks, and holds it against
 *   - the table of the RFC's transitions (tests/spec/tcp_transitions.tsv), with each record's old
 *     state being the one that the last record led to;
 *   - the sequence space: an acknowledgment never goes back; the right edge of the window offered
 *     never does [RFC9293:SHLD-14]; nothing is sent beyond the edge that the peer has offered, but
 *     for one octet of a window probe or a FIN;
 *   - TIME-WAIT: never shorter than 2 MSL [RFC9293:MUST-13], unless its cause says so.
 * The records' hash is the run's fingerprint.
 */
#include "sim.h"

#include "edges.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_BATCH 256

static void mix(struct sim_world *w, uint64_t v)
{
    w->hash = (w->hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    w->hash ^= w->hash >> 29;
}

static void hash_record(struct sim_world *w, unsigned h, const struct tern_trace *r)
{
    mix(w, (uint64_t)r->time.ns);
    mix(w, (uint64_t)r->serial << 32 | r->id);
    mix(w, (uint64_t)r->cause << 40 | (uint64_t)r->kind << 32 | (uint32_t)r->state << 24 |
               (uint32_t)r->aux8 << 16 | (uint32_t)r->th << 8 | h);
    mix(w, (uint64_t)r->seq << 32 | r->ack);
    mix(w, (uint64_t)r->len << 32 | r->wnd);
    mix(w, (uint64_t)r->a << 32 | r->b);
    mix(w, (uint64_t)r->tsval << 32 | r->tsecr);
    mix(w, (uint64_t)r->lport << 48 | (uint64_t)r->rport << 32 | (uint32_t)r->mss << 16 | r->gso);
}

static void print_flags(const struct tern_trace *r)
{
    static const char names[] = "FSRPAUEC";
    for (unsigned i = 0; i < 8; i++) {
        if (r->th & (1u << i))
            (void)putchar(names[i]);
    }
}

static void print_record(const struct sim_world *w, unsigned h, const struct tern_trace *r)
{
    static const char *const kinds[] = {"?",  "tx",  "rx",   "drop", "state", "arm", "fire", "stop",
                                        "cc", "rtt", "call", "open", "otx",   "orx", "link"};
    printf("%12.6f h%u #%-3u %-5s ", (double)(r->time.ns - w->epoch.ns) / 1e9, h, r->serial,
           r->kind < sizeof kinds / sizeof kinds[0] ? kinds[r->kind] : "?");
    if (r->kind == TERN_TR_STATE)
        printf("%s -> %s", tern_tcp_state_name(r->state), tern_tcp_state_name(r->aux8));
    else if (r->kind <= TERN_TR_DROP || r->kind == TERN_TR_LINK) {
        printf("%u>%u ", r->lport, r->rport);
        print_flags(r);
        printf(" seq %u ack %u len %u wnd %u id %u nsack %u gso %u", r->seq, r->ack, r->len, r->wnd,
               r->id, r->nsack, r->gso);
    } else
        printf("aux %u a %u b %u seq %u len %u", r->aux8, r->a, r->b, r->seq, r->len);
    printf(" (%s)\n", tern_cause_name(r->cause));
}

static struct watch_conn *conn_of(struct watch *wa, uint32_t serial)
{
    if (serial >= wa->n) {
        uint32_t n = serial + 64;
        struct watch_conn *c = realloc(wa->conn, n * sizeof *c);
        if (!c)
            abort();
        memset(c + wa->n, 0, (n - wa->n) * sizeof *c);
        wa->conn = c;
        wa->n = n;
    }
    return &wa->conn[serial];
}

static bool cause_is(const struct tern_trace *r, const char *name)
{
    return strcmp(tern_cause_name(r->cause), name) == 0;
}

static void watch_state(struct sim_world *w, unsigned h, struct watch_conn *c,
                        const struct tern_trace *r)
{
    if (r->state >= TERN_TCP_STATES || r->aux8 >= TERN_TCP_STATES ||
        !(spec_edges[r->state] >> r->aux8 & 1)) {
        sim_fail(w, "host %u #%u: %s -> %s (%s) is no edge of RFC 9293", h, r->serial,
                 tern_tcp_state_name(r->state), tern_tcp_state_name(r->aux8),
                 tern_cause_name(r->cause));
        return;
    }
    bool first = r->state == TERN_TCP_CLOSED || r->state == TERN_TCP_LISTEN;
    if (c->known ? c->state != r->state : !first)
        sim_fail(w, "host %u #%u: %s -> %s (%s), but it was in %s", h, r->serial,
                 tern_tcp_state_name(r->state), tern_tcp_state_name(r->aux8),
                 tern_cause_name(r->cause),
                 c->known ? tern_tcp_state_name(c->state) : "no state yet");
    c->known = true;
    c->state = r->aux8;
    if (r->aux8 == TERN_TCP_TIME_WAIT)
        c->tw_ns = r->time.ns;
    int64_t tw_min = (int64_t)w->plan->cfg.msl_ms * 2000000 - 2000000;
    if (r->state == TERN_TCP_TIME_WAIT && cause_is(r, "2msl-over") &&
        r->time.ns - c->tw_ns < tw_min)
        sim_fail(w, "host %u #%u: TIME-WAIT of %" PRId64 " ms, less than 2 MSL", h, r->serial,
                 (r->time.ns - c->tw_ns) / 1000000);
}

static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static uint32_t seg_end(const struct tern_trace *r)
{
    return r->seq + r->len + ((r->th & TERN_TH_SYN) != 0) + ((r->th & TERN_TH_FIN) != 0);
}

static void watch_tx(struct sim_world *w, unsigned h, struct watch_conn *c,
                     const struct tern_trace *r)
{
    if ((r->th & TERN_TH_RST) || r->state == TERN_TCP_TIME_WAIT || r->state == TERN_TCP_CLOSED)
        return;
    uint32_t end = seg_end(r);
    if (c->rx_seen && before(c->peer_edge + 1, end) && end != r->seq && !(r->th & TERN_TH_SYN))
        sim_fail(w, "host %u #%u: sent up to %u, and the peer's window ends at %u (%s)", h,
                 r->serial, end, c->peer_edge, tern_cause_name(r->cause));
    if (!(r->th & TERN_TH_ACK))
        return;
    if ((r->th & TERN_TH_SYN) && c->tx_seen) /* again: its window has 16 bits and no scale */
        return;
    uint32_t edge = r->ack + r->wnd;
    if (c->tx_seen && before(r->ack, c->ack))
        sim_fail(w, "host %u #%u: acknowledged %u after %u (%s)", h, r->serial, r->ack, c->ack,
                 tern_cause_name(r->cause));
    if (c->tx_seen && before(edge, c->adv_edge))
        sim_fail(w, "host %u #%u: the window's right edge went back from %u to %u (%s)", h,
                 r->serial, c->adv_edge, edge, tern_cause_name(r->cause));
    c->tx_seen = true;
    c->ack = r->ack;
    c->adv_edge = edge;
}

static void watch_rx(struct watch_conn *c, const struct tern_trace *r)
{
    c->tw_ns = c->state == TERN_TCP_TIME_WAIT ? c->tw_ns : 0;
    if (r->th & TERN_TH_RST)
        return;
    /* A SYN without ACK offers a window too: it begins after the SYN-ACK's own number, and is not
     * needed to judge what follows. */
    if (!(r->th & TERN_TH_ACK))
        return;
    uint32_t edge = r->ack + r->wnd;
    if (!c->rx_seen || before(c->peer_edge, edge))
        c->peer_edge = edge;
    c->rx_seen = true;
}

static bool is_repeat(unsigned cause)
{
    static const char *const names[] = {"rto",         "rto-go-back", "fast-retransmit",
                                        "partial-ack", "syn-rexmt",   "syn-ack-rexmt",
                                        "fin-rexmt",   "sack-rexmt",  "rack-lost"};
    const char *name = tern_cause_name(cause);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static void watch_record(struct sim_world *w, unsigned h, const struct tern_trace *r)
{
    if (w->verbose)
        print_record(w, h, r);
    hash_record(w, h, r);
    steps_note(w, h, r);
    w->records++;
    if (r->time.ns > w->now.ns)
        sim_fail(w, "host %u #%u: a record from the future", h, r->serial);
    if (r->kind == TERN_TR_SEG_TX && is_repeat(r->cause)) {
        w->retrans++;
        if (w->plan->profile == SIM_CLEAN && !w->plan->fail_take)
            sim_fail(w, "host %u #%u: sent again (%s), and nothing was lost or late", h, r->serial,
                     tern_cause_name(r->cause));
    }
    if (r->serial == 0 || r->serial > 1000000)
        return;
    struct watch_conn *c = conn_of(&w->host[h].watch, r->serial);
    if (r->kind == TERN_TR_STATE)
        watch_state(w, h, c, r);
    else if (r->kind == TERN_TR_SEG_TX)
        watch_tx(w, h, c, r);
    else if (r->kind == TERN_TR_SEG_RX ||
             (r->kind == TERN_TR_DROP && !cause_is(r, "drop-tcp-checksum")))
        watch_rx(c, r);
}

void watch_drain(struct sim_world *w, unsigned h)
{
    struct tern_trace rec[WATCH_BATCH];
    size_t n;
    do {
        uint64_t lost = 0;
        n = tern_trace_read(w->host[h].st, rec, WATCH_BATCH, &lost);
        if (lost)
            sim_fail(w, "host %u: %" PRIu64 " trace records were lost", h, lost);
        for (size_t i = 0; i < n && !w->why[0]; i++)
            watch_record(w, h, &rec[i]);
    } while (n == WATCH_BATCH && !w->why[0]);
}

void watch_note(void *ctx, const struct tern_trace *r)
{
    struct sim_world *w = ctx;
    if (w->verbose)
        print_record(w, 9, r);
    hash_record(w, 9, r);
}

void watch_inspect(struct sim_world *w, unsigned h)
{
    uint64_t cursor = 0;
    struct tern_info i;
    const struct tern_config *c = &w->plan->cfg;
    while (tern_inspect_next(w->host[h].st, &cursor, &i, w->now)) {
        if (i.kind != TERN_INFO_CONN)
            continue;
        bool open = i.state >= TERN_TCP_ESTABLISHED;
        if (before(i.snd_nxt, i.snd_una) || i.ooo > c->max_conn_ooo ||
            (open && (i.rto_us > c->rto_max_us || i.mss == 0 || i.cwnd == 0)))
            sim_fail(w, "host %u #%u: impossible: una %u nxt %u rto %u mss %u cwnd %u ooo %u", h,
                     i.serial, i.snd_una, i.snd_nxt, i.rto_us, i.mss, i.cwnd, i.ooo);
    }
    struct tern_usage u;
    tern_stack_usage(w->host[h].st, &u);
    if (u.conns > c->max_conns || u.half_open > c->max_half_open ||
        u.time_wait > c->max_time_wait || u.ooo > c->max_ooo || u.answers > 2 * c->max_answers ||
        u.buf_bytes > c->buf_bytes)
        sim_fail(w, "host %u: in use beyond a limit: conns %u half %u tw %u ooo %u answers %u", h,
                 u.conns, u.half_open, u.time_wait, u.ooo, u.answers);
}

void watch_rest(struct sim_world *w, unsigned h)
{
    const struct watch *wa = &w->host[h].watch;
    for (uint32_t s = 1; s < wa->n; s++) {
        const struct watch_conn *c = &wa->conn[s];
        /* A half-open connection that is forgotten goes back to LISTEN. */
        if (c->known && c->state != TERN_TCP_CLOSED && c->state != TERN_TCP_LISTEN)
            sim_fail(w, "host %u #%u: still in %s when nothing is in use", h, s,
                     tern_tcp_state_name(c->state));
    }
}

void watch_free(struct watch *wa)
{
    free(wa->conn);
    *wa = (struct watch){0};
}
