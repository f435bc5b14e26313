/* SPDX-License-Identifier: BSD-2-Clause */
#include "see/events.h"
#include "wire/tcp.h"

#include "base/causes.h"
#include "see/text.h"

#include <jansson.h>
#include <string.h>
#include <tern/inspect.h>
#include <time.h>

#define EVENTS_FLAGS (JSON_COMPACT | JSON_PRESERVE_ORDER)

static const char *const kind_names[] = {
    [0] = "unknown",
    [TERN_TR_SEG_TX] = "seg-tx",
    [TERN_TR_SEG_RX] = "seg-rx",
    [TERN_TR_DROP] = "drop",
    [TERN_TR_STATE] = "state",
    [TERN_TR_TIMER_ARM] = "timer-arm",
    [TERN_TR_TIMER_FIRE] = "timer-fire",
    [TERN_TR_TIMER_STOP] = "timer-stop",
    [TERN_TR_CC] = "cwnd",
    [TERN_TR_RTT] = "rtt",
    [TERN_TR_CALL] = "call",
    [TERN_TR_OPEN] = "open",
    [TERN_TR_OTHER_TX] = "other-tx",
    [TERN_TR_OTHER_RX] = "other-rx",
    [TERN_TR_LINK] = "link",
    [TERN_TR_FLOOD] = "syn-verdict",
};
static const char *const timer_names[TERN_TIMERS] = {
    [TERN_TIMER_REXMT] = "rexmt",
    [TERN_TIMER_PERSIST] = "persist",
    [TERN_TIMER_DELACK] = "delack",
    [TERN_TIMER_KEEP] = "keepalive",
    [TERN_TIMER_USER] = "user",
    [TERN_TIMER_FIN_WAIT_2] = "fin-wait-2",
    [TERN_TIMER_TIME_WAIT] = "time-wait",
    [TERN_TIMER_SYNACK] = "syn-ack",
    [TERN_TIMER_TLP] = "tlp",
    [TERN_TIMER_REO] = "reorder",
    [TERN_TIMER_PACE] = "pace",
};
static const char *const call_names[] = {
    [0] = "unknown",
    [TERN_CALL_LISTEN] = "listen",
    [TERN_CALL_CONNECT] = "connect",
    [TERN_CALL_ACCEPT] = "accept",
    [TERN_CALL_SEND] = "send",
    [TERN_CALL_RECV] = "recv",
    [TERN_CALL_SHUTDOWN] = "shutdown",
    [TERN_CALL_CLOSE] = "close",
    [TERN_CALL_ABORT] = "abort",
    [TERN_CALL_ANSWER] = "answer",
};

#define NAME_OF(table, i)                                                                          \
    ((i) < sizeof(table) / sizeof(table)[0] && (table)[i] ? (table)[i] : "unknown")

static void put_int(json_t *o, const char *key, int64_t v)
{
    (void)json_object_set_new(o, key, json_integer(v));
}

static void put_str(json_t *o, const char *key, const char *v)
{
    (void)json_object_set_new(o, key, json_string(v));
}

static void events_line(const struct events *ev, json_t *o)
{
    (void)json_dumpf(o, ev->f, EVENTS_FLAGS);
    (void)fputc('\n', ev->f);
    json_decref(o);
}

void events_begin(struct events *ev, FILE *f, struct tern_time zero, const char *name,
                  char *const *argv, const char *stack0, const char *stack1)
{
    *ev = (struct events){.f = f, .stack = {stack0, stack1}, .zero_ns = zero.ns};
    struct timespec now;
    struct tm tm;
    char when[40] = "";
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &tm)) {
        size_t n = strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(when + n, sizeof when - n, ".%06ldZ", now.tv_nsec / 1000);
    }
    json_t *o = json_object();
    put_str(o, "event", "start");
    put_int(o, "version", EVENTS_VERSION);
    put_str(o, "name", name);
    put_str(o, "wall", when);
    json_t *args = json_array();
    for (; argv && *argv; argv++) {
        json_t *arg = json_string(*argv); /* NULL when it is not UTF-8 */
        (void)json_array_append_new(args, arg ? arg : json_string("?"));
    }
    (void)json_object_set_new(o, "program", args);
    events_line(ev, o);
}

static void put_flags(json_t *o, unsigned th, unsigned ecn)
{
    static const char *const marks[] = {"", "ECT(1)", "ECT(0)", "CE"};
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    char text[48] = "";
    size_t at = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (th >> i & 1)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at ? "," : "", names[i]);
    }
    if (ecn & TERN_TR_AE)
        (void)snprintf(text + at, sizeof text - at, "%sAE", at ? "," : "");
    put_str(o, "flags", text);
    if (ecn & 3)
        put_str(o, "ecn", marks[ecn & 3]);
}

static void put_segment(json_t *o, const struct tern_trace *r)
{
    put_int(o, "frame", r->id);
    put_flags(o, r->th, r->ecn);
    put_int(o, "seq", r->seq);
    if (r->th & TERN_TH_ACK)
        put_int(o, "ack", r->ack);
    put_int(o, "len", r->len);
    put_int(o, "win", r->wnd);
    if (r->mss)
        put_int(o, "mss", r->mss);
    if (r->wscale)
        put_int(o, "wscale", r->wscale - 1);
    if (r->nsack & 0x80)
        (void)json_object_set_new(o, "sack_permitted", json_true());
    if (r->nsack & 0x7f)
        put_int(o, "sack_blocks", r->nsack & 0x7f);
    if (r->tsval || r->tsecr) {
        put_int(o, "tsval", r->tsval);
        put_int(o, "tsecr", r->tsecr);
    }
    if (r->uto)
        put_int(o, "user_timeout_s", tcp_uto_s(r->uto));
    if (r->gso > 1)
        put_int(o, "pieces", r->gso);
    if (r->kind == TERN_TR_SEG_TX && r->a) {
        put_int(o, "cwnd", r->a);
        put_int(o, "flight", r->b);
    }
}

static void put_reasons(json_t *o, unsigned reasons)
{
    json_t *list = json_array();
    for (unsigned bit = 1; bit <= TERN_SYN_CONCENTRATED; bit <<= 1) {
        if (reasons & bit)
            (void)json_array_append_new(list, json_string(tern_syn_reason_name(bit)));
    }
    (void)json_object_set_new(o, "reasons", list);
}

static void put_kind(json_t *o, const struct tern_trace *r)
{
    switch (r->kind) {
    case TERN_TR_SEG_TX:
    case TERN_TR_SEG_RX:
    case TERN_TR_DROP:
    case TERN_TR_LINK:
        if (r->lport || r->rport)
            put_segment(o, r);
        else if (r->id)
            put_int(o, "frame", r->id);
        break;
    case TERN_TR_STATE:
        put_str(o, "to", tern_tcp_state_name((enum tern_tcp_state)r->aux8));
        break;
    case TERN_TR_TIMER_ARM:
        put_str(o, "timer", NAME_OF(timer_names, r->aux8));
        put_int(o, "in_us", r->a);
        break;
    case TERN_TR_TIMER_FIRE:
    case TERN_TR_TIMER_STOP:
        put_str(o, "timer", NAME_OF(timer_names, r->aux8));
        break;
    case TERN_TR_CC:
        put_int(o, "cwnd", r->a);
        if (r->b != UINT32_MAX)
            put_int(o, "ssthresh", r->b);
        break;
    case TERN_TR_RTT:
        put_int(o, "sample_us", r->a);
        put_int(o, "srtt_us", r->b);
        put_int(o, "rto_us", r->seq);
        break;
    case TERN_TR_CALL:
        put_str(o, "call", NAME_OF(call_names, r->aux8));
        put_int(o, "len", r->len);
        break;
    case TERN_TR_FLOOD:
        put_str(o, "verdict", tern_syn_verdict_name(r->aux8));
        put_int(o, "syns", r->a);
        put_reasons(o, r->b);
        break;
    case TERN_TR_OTHER_TX:
    case TERN_TR_OTHER_RX:
        put_int(o, "frame", r->id);
        put_int(o, "len", r->len);
        break;
    default:
        break;
    }
}

static void put_endpoint(json_t *o, const char *key, const struct tern_addr *a, uint16_t port)
{
    char buf[TEXT_ENDPOINT];
    struct tern_endpoint e = {.addr = *a, .port = port};
    if (a->fam != TERN_AF_NONE || port != 0)
        put_str(o, key, text_endpoint(buf, &e, true));
}

void events_record(void *ctx, unsigned stack, const struct tern_trace *r)
{
    struct events *ev = ctx;
    json_t *o = json_object();
    put_int(o, "ns", r->time.ns - ev->zero_ns);
    put_str(o, "event", NAME_OF(kind_names, r->kind));
    if (r->kind != TERN_TR_LINK)
        put_str(o, "stack", ev->stack[stack]);
    if (r->serial)
        put_int(o, "conn", r->serial);
    put_endpoint(o, "local", &r->laddr, r->lport);
    put_endpoint(o, "remote", &r->raddr, r->rport);
    if (r->serial && r->kind != TERN_TR_LINK)
        put_str(o, "state", tern_tcp_state_name((enum tern_tcp_state)r->state));
    put_kind(o, r);
    if (r->cause != CAUSE_NONE)
        put_str(o, "cause", tern_cause_name(r->cause));
    events_line(ev, o);
}

void events_missed(void *ctx, unsigned stack, uint64_t n)
{
    struct events *ev = ctx;
    json_t *o = json_object();
    put_str(o, "event", "missed");
    put_str(o, "stack", ev->stack[stack]);
    put_int(o, "records", (int64_t)n);
    events_line(ev, o);
}
