/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/packet.c: packets of a script: those that come in are built and given to the stack, those
 * that must go out are waited for and compared.
 *
 * One outbound line may stand for several segments in a row (`> P. 1:4001(4000)`), all of one size
 * but the last, unless --strict_segments forbids it: a script need not know how data is cut.
 */
#include "drill/run.h"

#include <stdlib.h>
#include <string.h>
#include <tern/socket.h>

#define LOOK_AHEAD_US                                                                              \
    200000000 /* how far a line looks for a packet that is late, to say how late */

void held_free(struct drill *d)
{
    while (d->held) {
        struct held *h = d->held;
        d->held = h->next;
        free(h->data);
        free(h);
    }
    d->held_tail = &d->held;
}

void drill_collect(struct drill *d)
{
    const struct vframe *f;
    if (!d->configured)
        return;
    vhost_pump(&d->vh);
    while ((f = vhost_frame(&d->vh)) != NULL) {
        struct held *h = calloc(1, sizeof *h);
        uint8_t *copy = malloc(f->len);
        if (!h || !copy)
            abort();
        memcpy(copy, f->data, f->len);
        *h = (struct held){.data = copy, .len = f->len, .time = f->time, .cause = f->cause};
        seen_read(&h->s, &d->conf, copy, f->len);
        *d->held_tail = h;
        d->held_tail = &h->next;
        vhost_drop(&d->vh);
    }
}

static void held_remove(struct drill *d, struct held *h)
{
    struct held **p = &d->held;
    while (*p != h)
        p = &(*p)->next;
    *p = h->next;
    if (!*p)
        d->held_tail = p;
    free(h->data);
    free(h);
}

/* ---- flows ---- */

struct flow *drill_flow(struct drill *d, uint16_t lport, uint16_t rport)
{
    for (unsigned i = 0; i < d->nflow; i++) {
        if (d->flow[i].lport == lport && d->flow[i].rport == rport)
            return &d->flow[i];
    }
    if (d->nflow == DRILL_FLOWS) {
        drill_fail(d, "a script may have %d connections", DRILL_FLOWS);
        return &d->flow[0];
    }
    struct flow *f = &d->flow[d->nflow++];
    *f = (struct flow){.lport = lport, .rport = rport, .last_win = 65535};
    return f;
}

struct flow *drill_flow_of_fd(struct drill *d, int live)
{
    struct tern_endpoint l, r;
    const struct vsock *s = vh_sock(&d->vh, live);
    if (!s || !s->h.id || tern_sockname(d->vh.st, s->h, &l) != 0 ||
        tern_peername(d->vh.st, s->h, &r) != 0)
        return NULL;
    return drill_flow(d, l.port, r.port);
}

/* The flow that a packet from the peer belongs to. */
static struct flow *flow_inbound(struct drill *d, const struct pkt *k)
{
    if (k->has_ports && k->proto != PKT_ICMP)
        d->cur = drill_flow(d, k->dport, k->sport);
    else if (!d->cur || (d->cur->closed && (k->th & (TERN_TH_SYN | TERN_TH_ACK)) == TERN_TH_SYN))
        d->cur = drill_flow(d, d->conf.bind_port, d->next_port++);
    return d->cur;
}

/* ---- in ---- */

static void packet_in(struct drill *d)
{
    static uint8_t buf[65536 + 128];
    const struct pkt *k = d->ev->pkt;
    struct flow *f = flow_inbound(d, k);
    uint32_t len = dflow_build(f, &d->conf, k, buf, sizeof buf);
    if (len == 0) {
        drill_fail(
            d, "this packet cannot be built: more than 65455 octets of payload, or 40 of options");
        return;
    }
    vhost_rx(&d->vh, buf, len);
    drill_collect(d);
}

/* ---- out ---- */

static bool right_flow(const struct drill *d, const struct pkt *want, const struct held *h)
{
    if (h->s.broken)
        return true;
    if (want->proto != h->s.k.proto)
        return want->proto != PKT_TCP || !d->cur;
    if (h->s.k.proto == PKT_ICMP)
        return true;
    if (want->has_ports)
        return h->s.k.sport == want->sport && h->s.k.dport == want->dport;
    if (!d->cur && want->proto == PKT_UDP)
        return true;
    if (d->cur && d->cur->lport == h->s.k.sport && d->cur->rport == h->s.k.dport)
        return true;
    /* a connection that the stack begins */
    return (h->s.k.th & TERN_TH_SYN) && !(h->s.k.th & TERN_TH_ACK);
}

static struct held *held_find(struct drill *d, const struct pkt *want)
{
    drill_collect(d);
    for (struct held *h = d->held; h; h = h->next) {
        if (right_flow(d, want, h))
            return h;
    }
    return NULL;
}

/* Lets time pass until a packet of the right flow is there, not beyond us. */
static struct held *held_wait(struct drill *d, const struct pkt *want, int64_t us)
{
    struct held *h = held_find(d, want);
    while (!h && !d->failed) {
        bool more = drill_step(d, us);
        h = held_find(d, want);
        if (!more)
            break;
    }
    return h;
}

static void compare_data(struct drill *d, const struct flow *f, const struct seen *s)
{
    uint32_t first = s->k.seq + ((s->k.th & TERN_TH_SYN) ? 1 : 0);
    for (uint32_t i = 0; i < s->k.len && !d->failed; i++) {
        uint32_t off = first + i - (f->isn + 1);
        if ((int32_t)off < 0)
            continue; /* the octet before the stream that some keepalives carry */
        if (off >= f->nsent)
            drill_fail(d, "payload: octet %u of the stream was never written by the script", off);
        else if (s->data[i] != f->sent[off])
            drill_fail(d, "payload: octet %u of the stream is 0x%02x, 0x%02x was written", off,
                       s->data[i], f->sent[off]);
    }
}

/* Adds the next segments to the packet while they go on where it ends. */
static void gather(struct drill *d, const struct flow *f, const struct pkt *want, struct pkt *got)
{
    uint32_t piece = got->len;
    while (!d->conf.strict_segments && got->len > 0 && got->len < want->len && !d->failed) {
        struct held *h = held_wait(d, want, d->want2_us + d->tolerance_us);
        if (!h || h->s.broken || h->s.k.seq - f->off != got->seq + got->len || h->s.k.len == 0 ||
            h->s.k.len > piece || got->len % piece != 0)
            return;
        got->len += h->s.k.len;
        got->th = (uint16_t)(h->s.k.th | (got->th & ~(uint16_t)(TERN_TH_PSH | TERN_TH_FIN)));
        got->win = h->s.k.win;
        compare_data(d, f, &h->s);
        held_remove(d, h);
    }
}

static void none_came(struct drill *d, const struct pkt *want, int64_t limit)
{
    pkt_print(want, d->expected, sizeof d->expected);
    struct held *late = held_wait(d, want, limit + LOOK_AHEAD_US);
    (void)snprintf(d->seen, sizeof d->seen, "nothing");
    if (late) {
        struct pkt k = late->s.k;
        if (d->cur)
            dflow_to_script(d->cur, &late->s.k, &k);
        k.has_ports = false;
        pkt_print(&k, d->seen, sizeof d->seen - 32);
        size_t n = strlen(d->seen);
        (void)snprintf(d->seen + n, sizeof d->seen - n, "   at %.6f s",
                       (double)(late->time.ns - d->zero.ns) / 1e9);
    }
    drill_fail(d, "no packet was sent up to %.6f s", (double)limit / 1e6);
}

static void say_seen(struct drill *d, const struct pkt *want, const struct pkt *got, int64_t at,
                     unsigned cause)
{
    struct pkt k = *got;
    k.has_ports = want->has_ports;
    pkt_print(want, d->expected, sizeof d->expected);
    pkt_print(&k, d->seen, sizeof d->seen - 64);
    size_t n = strlen(d->seen);
    (void)snprintf(d->seen + n, sizeof d->seen - n, "   at %.6f s (%s)", (double)at / 1e6,
                   tern_cause_name(cause));
}

static void compare(struct drill *d, const struct pkt *want, struct held *h)
{
    struct pkt got;
    char diff[256];
    enum when_kind when = d->ev->when.kind;
    int64_t at = (h->time.ns - d->zero.ns) / 1000;
    if (h->s.k.proto != PKT_ICMP)
        d->cur = drill_flow(d, h->s.k.sport, h->s.k.dport);
    struct flow *f = d->cur ? d->cur : drill_flow(d, d->conf.bind_port, d->next_port++);
    dflow_learn(f, want, &h->s);
    dflow_to_script(f, &h->s.k, &got);
    const char *broken = h->s.why;
    unsigned cause = h->cause;
    if (!broken && got.proto == PKT_TCP)
        compare_data(d, f, &h->s);
    held_remove(d, h);
    if (got.proto == PKT_TCP && want->proto == PKT_TCP)
        gather(d, f, want, &got);
    pkt_diff(&d->conf, f, want, &got, diff, sizeof diff);
    if (broken)
        drill_fail(d, "a broken packet was sent: %s", broken);
    else if (diff[0])
        drill_fail(d, "another packet was sent: %s", diff);
    else if (when != WHEN_ANY)
        (void)drill_check_time(d, "it was sent", at, d->want_us, d->want2_us);
    if (d->failed)
        say_seen(d, want, &got, at, cause);
    d->last_us = when == WHEN_ABS || when == WHEN_REL ? d->want_us : at;
}

static void packet_out(struct drill *d)
{
    const struct pkt *want = d->ev->pkt;
    int64_t limit = d->want2_us + d->tolerance_us;
    if (d->ev->when.kind == WHEN_ANY)
        limit = drill_now_us(d) + LOOK_AHEAD_US;
    struct held *h = held_wait(d, want, limit);
    if (d->failed)
        return;
    if (h)
        compare(d, want, h);
    else
        none_came(d, want, limit);
}

void drill_packet(struct drill *d)
{
    if (d->ev->pkt->out)
        packet_out(d);
    else
        packet_in(d);
}

/* Packets that nobody asked for, sent before the last event's instant: what is sent at that instant
 * (a FIN after a last close()) may be left out of a script. */
void drill_leftovers(struct drill *d)
{
    drill_collect(d);
    for (const struct held *h = d->held; h && !d->failed; h = h->next) {
        int64_t at = (h->time.ns - d->zero.ns) / 1000;
        struct pkt k = h->s.k;
        if (at >= d->last_us)
            continue;
        if (h->s.k.proto == PKT_TCP)
            dflow_to_script(drill_flow(d, h->s.k.sport, h->s.k.dport), &h->s.k, &k);
        (void)snprintf(d->expected, sizeof d->expected, "nothing");
        pkt_print(&k, d->seen, sizeof d->seen - 32);
        size_t n = strlen(d->seen);
        (void)snprintf(d->seen + n, sizeof d->seen - n, "   at %.6f s (%s)", (double)at / 1e6,
                       tern_cause_name(h->cause));
        drill_fail(d, "a packet was sent that no line expects");
    }
}
