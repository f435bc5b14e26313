/* SPDX-License-Identifier: BSD-2-Clause */
#include "see/snapshot.h"

#include "see/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"unknown", "listener",  "half-open",
                                         "conn",    "time-wait", "udp"};
/* As ss(8) calls them, where it has a name. */
static const char *const timer_names[TERN_TIMERS] = {
    [TERN_TIMER_REXMT] = "on",
    [TERN_TIMER_PERSIST] = "persist",
    [TERN_TIMER_DELACK] = "delack",
    [TERN_TIMER_KEEP] = "keepalive",
    [TERN_TIMER_USER] = "user",
    [TERN_TIMER_FIN_WAIT_2] = "finwait2",
    [TERN_TIMER_TIME_WAIT] = "timewait",
    [TERN_TIMER_SYNACK] = "on",
    [TERN_TIMER_TLP] = "tlp",
    [TERN_TIMER_REO] = "reorder",
    [TERN_TIMER_PACE] = "pace",
};

static void set_int(json_t *o, const char *key, uint64_t v)
{
    (void)json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void set_bool(json_t *o, const char *key, bool v)
{
    (void)json_object_set_new(o, key, json_boolean(v));
}

static json_t *endpoint_json(const struct tern_endpoint *e)
{
    char buf[TEXT_ENDPOINT];
    json_t *o = json_object();
    (void)json_object_set_new(o, "addr", json_string(text_addr(buf, &e->addr)));
    set_int(o, "port", e->port);
    return o;
}

static void details_tally(json_t *o, const struct tern_info *i)
{
    set_int(o, "pmtu", i->path_mtu);
    set_int(o, "adv_mss", i->adv_mss);
    set_int(o, "rcv_limit", i->rcv_limit);
    set_int(o, "snd_limit", i->snd_limit);
    set_int(o, "not_sent", i->not_sent);
    set_int(o, "rcv_space", i->rcv_space);
    set_int(o, "rcv_rtt_us", i->rcv_rtt_us);
    set_int(o, "data_segs_out", i->data_out);
    set_int(o, "data_segs_in", i->data_in);
    set_int(o, "delivered_segs", i->delivered_segs);
    set_int(o, "bytes_sent", i->bytes_sent);
    set_int(o, "bytes_retrans", i->bytes_rexmt);
    set_int(o, "reordered", i->reordered);
    set_int(o, "busy_us", i->busy_us);
    set_int(o, "rwnd_limited_us", i->rwnd_us);
    set_int(o, "sndbuf_limited_us", i->sndbuf_us);
    set_int(o, "rto_total", i->rto_total);
    set_int(o, "last_sent_ms", i->data_tx_ms);
    set_int(o, "last_received_ms", i->data_rx_ms);
    set_int(o, "last_ack_ms", i->ack_rx_ms);
}

static json_t *details_json(const struct tern_info *i)
{
    json_t *o = json_object();
    if (i->cc)
        (void)json_object_set_new(o, "cc", json_string(i->cc));
    set_int(o, "mss", i->mss);
    set_int(o, "rcv_mss", i->rcv_mss);
    set_int(o, "cwnd", i->cwnd);
    if (i->ssthresh != UINT32_MAX)
        set_int(o, "ssthresh", i->ssthresh);
    set_int(o, "snd_wnd", i->snd_wnd);
    set_int(o, "rcv_wnd", i->rcv_wnd);
    set_int(o, "srtt_us", i->srtt_us);
    set_int(o, "rttvar_us", i->rttvar_us);
    set_int(o, "rto_us", i->rto_us);
    set_int(o, "snd_una", i->snd_una);
    set_int(o, "snd_nxt", i->snd_nxt);
    set_int(o, "rcv_nxt", i->rcv_nxt);
    set_int(o, "iss", i->iss);
    set_int(o, "irs", i->irs);
    if (i->wscale_ok) {
        set_int(o, "snd_wscale", i->snd_wscale);
        set_int(o, "rcv_wscale", i->rcv_wscale);
    }
    set_bool(o, "timestamps", i->ts_ok);
    set_bool(o, "sack", i->sack_ok);
    if (i->ecn != 0) {
        (void)json_object_set_new(o, "ecn", json_string(i->ecn == 2 ? "accurate" : "classic"));
        set_bool(o, "ecn_seen", i->ecn_seen);
        set_int(o, "received_ce", i->received_ce);
        set_int(o, "delivered_ce", i->delivered_ce);
    }
    if (i->syn_data)
        set_bool(o, "fastopen", true);
    if (i->signed_by != 0)
        (void)json_object_set_new(o, "signed", json_string(i->signed_by == 1 ? "md5" : "ao"));
    if (i->signed_by == 2) {
        set_int(o, "ao_key", i->ao_key);
        set_int(o, "ao_rnext", i->ao_rnext);
    }
    set_bool(o, "nagle", i->nagle);
    set_int(o, "bytes_acked", i->bytes_acked);
    set_int(o, "bytes_received", i->bytes_received);
    set_int(o, "segs_out", i->segs_out);
    set_int(o, "segs_in", i->segs_in);
    set_int(o, "retrans", i->retrans);
    set_int(o, "dsack", i->dsack);
    set_int(o, "flight", i->flight);
    set_int(o, "sacked", i->sacked);
    set_int(o, "lost", i->lost);
    set_int(o, "min_rtt_us", i->min_rtt_us);
    set_int(o, "delivered", i->delivered);
    set_int(o, "delivery_bps", i->delivery_bps);
    set_int(o, "pacing_bps", i->pacing_bps);
    set_bool(o, "reordering", i->reordering);
    set_bool(o, "app_limited", i->app_limited);
    details_tally(o, i);
    set_int(o, "out_of_order", i->ooo);
    return o;
}

json_t *snapshot_socket(const struct tern_info *i, const char *process, int pid)
{
    json_t *o = json_object();
    unsigned kind = i->kind < sizeof kind_names / sizeof kind_names[0] ? i->kind : 0;
    (void)json_object_set_new(o, "proto", json_string(kind == TERN_INFO_UDP ? "udp" : "tcp"));
    (void)json_object_set_new(o, "kind", json_string(kind_names[kind]));
    const char *state = tern_tcp_state_name((enum tern_tcp_state)i->state);
    if (kind == TERN_INFO_UDP)
        state = i->remote.port ? "ESTABLISHED" : "CLOSED";
    (void)json_object_set_new(o, "state", json_string(state));
    (void)json_object_set_new(o, "local", endpoint_json(&i->local));
    (void)json_object_set_new(o, "remote", endpoint_json(&i->remote));
    set_int(o, "recv_q", i->rcvq);
    set_int(o, "send_q", i->sndq);
    set_int(o, "serial", i->serial);
    set_bool(o, "orphan", i->orphan);
    set_bool(o, "held", i->held);
    if (process && *process) {
        json_t *p = json_object();
        json_t *name = json_string(process); /* NULL when it is not UTF-8 */
        (void)json_object_set_new(p, "name", name ? name : json_string("?"));
        (void)json_object_set_new(p, "pid", json_integer(pid));
        (void)json_object_set_new(o, "process", p);
    }
    if (i->timer_us >= 0 && i->timer < TERN_TIMERS) {
        json_t *t = json_object();
        (void)json_object_set_new(t, "kind", json_string(timer_names[i->timer]));
        set_int(t, "us", (uint64_t)i->timer_us);
        set_int(t, "retries", i->retries);
        (void)json_object_set_new(o, "timer", t);
    }
    if (kind == TERN_INFO_HALF_OPEN) {
        set_int(o, "age_ms", i->age_ms);
        set_int(o, "retries", i->retries);
        set_bool(o, "cookie", i->cookie);
    }
    if (kind == TERN_INFO_CONN)
        (void)json_object_set_new(o, "info", details_json(i));
    return o;
}

/* What the listeners went through. */
static json_t *syn_json(const struct tern_syn_stats *st)
{
    json_t *o = json_object(), *reasons = json_array(), *flags = json_object();
    json_t *outcomes = json_object(), *top = json_array();
    (void)json_object_set_new(o, "verdict", json_string(tern_syn_verdict_name(st->verdict)));
    set_int(o, "verdict_number", st->verdict);
    for (unsigned bit = 1; bit <= TERN_SYN_CONCENTRATED; bit <<= 1) {
        const char *name = tern_syn_reason_name(bit);
        if (st->reasons & bit)
            (void)json_array_append_new(reasons, json_string(name));
        set_int(flags, name, (st->reasons & bit) != 0);
    }
    (void)json_object_set_new(o, "reasons", reasons);
    (void)json_object_set_new(o, "reason_flags", flags);
    set_int(o, "per_second", st->syns);
    set_int(o, "completed", st->completed);
    set_int(o, "retransmitted", st->rexmts);
    set_int(o, "overflows", st->overflows);
    set_int(o, "entropy_mbit", st->entropy_mbit);
    set_int(o, "total", st->total);
    set_int(o, "half_open", st->half_open);
    set_int(o, "half_open_max", st->half_open_max);
    set_bool(o, "offload", st->offload);
    set_int(o, "offloaded", st->offloaded);
    for (unsigned i = 0; i < TERN_SYN_OUTCOMES; i++)
        set_int(outcomes, tern_syn_outcome_name(i), st->outcome[i]);
    (void)json_object_set_new(o, "outcomes", outcomes);
    for (unsigned i = 0; i < st->ntop; i++) {
        char buf[TEXT_ENDPOINT];
        json_t *p = json_object();
        (void)json_object_set_new(p, "prefix", json_string(text_addr(buf, &st->top[i].prefix)));
        set_int(p, "length", st->top[i].prefix.fam == TERN_AF_IP6 ? 56 : 24);
        set_int(p, "syns", st->top[i].syns);
        (void)json_array_append_new(top, p);
    }
    (void)json_object_set_new(o, "top", top);
    return o;
}

/* The causes that were one at least once. */
static json_t *counters_json(const struct tern_stack *st)
{
    json_t *o = json_object();
    for (unsigned c = 1; c < tern_cause_count(); c++) {
        uint64_t n = tern_counter(st, c);
        if (n)
            set_int(o, tern_cause_name(c), n);
    }
    return o;
}

static json_t *stack_json(const struct snapshot_stack *s, struct tern_time now)
{
    json_t *o = json_object(), *list = json_array();
    uint64_t cursor = 0;
    struct tern_info info;
    (void)json_object_set_new(o, "name", json_string(s->name));
    memset(&info, 0, sizeof info);
    while (tern_inspect_next(s->st, &cursor, &info, now)) {
        char process[64] = "";
        int pid = 0;
        bool owned = s->owner && s->owner(s->ctx, info.sock, process, sizeof process, &pid);
        (void)json_array_append_new(list, snapshot_socket(&info, owned ? process : NULL, pid));
        memset(&info, 0, sizeof info);
    }
    (void)json_object_set_new(o, "sockets", list);
    struct tern_syn_stats syn;
    tern_syn_stats(s->st, &syn, now);
    (void)json_object_set_new(o, "syn", syn_json(&syn));
    (void)json_object_set_new(o, "counters", counters_json(s->st));
    return o;
}

char *snapshot_text(const struct snapshot *sn, struct tern_time now, size_t *len)
{
    json_t *o = json_object(), *stacks = json_array();
    json_t *program = json_string(sn->program);
    set_int(o, "version", SNAPSHOT_VERSION);
    (void)json_object_set_new(o, "name", json_string(sn->name));
    (void)json_object_set_new(o, "pid", json_integer(sn->pid));
    (void)json_object_set_new(o, "program", program ? program : json_string("?"));
    for (unsigned i = 0; i < sn->nstack; i++)
        (void)json_array_append_new(stacks, stack_json(&sn->stack[i], now));
    (void)json_object_set_new(o, "stacks", stacks);
    char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(o);
    *len = text ? strlen(text) : 0;
    return text;
}
