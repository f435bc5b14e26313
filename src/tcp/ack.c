/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/ack.c: acknowledgments that adapt, for profiles with quick_acks.
 *
 * When data begins, and again after a pause or anything out of order, a number of segments is
 * acknowledged at once: the sender is in slow start then and lives on ACKs. Later, more than
 * one full segment is acknowledged at once [RFC9293:SHLD-19], or earlier when the application has
 * read all of it; otherwise after a time that follows the distance of arrivals, between 40 and 200
 * ms [RFC9293:SHLD-18]. A connection that answers what it receives ("interactive") does not
 * acknowledge quickly: its next data segment carries the ACK.
 *
 * The state is in struct tally, which a connection has once data has passed.
 */
#include "tcp/conn.h"

#define ATO_LEAST_MS 40u
#define ATO_MOST_MS  200u
#define ATO_SLOW_MS  500u /* [RFC9293:MUST-40] */

static void refill(const struct tcp *t, const struct tcp_conn *c, struct tally_ack *k)
{
    uint32_t window = (uint32_t)seq_diff(c->rcv.adv, c->rcv.acked);
    uint32_t n = c->rcv_mss != 0 ? window / (2u * c->rcv_mss) : 0;
    if (n == 0)
        n = 2;
    if (n > t->pol->quick_acks)
        n = t->pol->quick_acks;
    if (n > k->quick)
        k->quick = (uint8_t)n;
}

static void arrived(const struct tcp *t, const struct tcp_conn *c, struct tally_ack *k,
                    uint32_t now_ms)
{
    uint32_t gap = now_ms - k->rx_ms, rto = c->rtt.rto_us / 1000, ato = k->ato_ms;
    if (ato == 0) {
        refill(t, c, k);
        ato = ATO_LEAST_MS;
    } else if (gap <= ATO_LEAST_MS / 2) {
        ato = ato / 2 + ATO_LEAST_MS / 2;
    } else if (gap < ato) {
        ato = ato / 2 + gap;
        ato = ato > rto ? rto : ato;
    } else if (gap > rto) {
        refill(t, c, k);
    }
    k->ato_ms = (uint16_t)(ato < UINT16_MAX ? ato : UINT16_MAX);
    k->rx_ms = now_ms;
}

/* How long the ACK may wait. */
static uint32_t wait_ms(const struct tcp_conn *c, const struct tally_ack *k)
{
    uint32_t ato = k->ato_ms, most = k->interactive || k->pushed ? ATO_MOST_MS : ATO_SLOW_MS;
    if (ato <= ATO_LEAST_MS)
        return ATO_LEAST_MS;
    uint32_t rtt = c->rtt.srtt_us / 1000;
    if (rtt != 0 && rtt < most)
        most = rtt < ATO_LEAST_MS ? ATO_LEAST_MS : rtt;
    ato = ato < most ? ato : most;
    return ato < ATO_MOST_MS ? ato : ATO_MOST_MS;
}

void ack_data(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, struct tern_time now)
{
    struct tally *a = tally_take(t, c);
    static const struct tally_ack none = {.ato_ms = ATO_LEAST_MS};
    struct tally_ack spare = none, *k = a != NULL ? &a->ack : &spare;
    arrived(t, c, k, tcp_ms(t, now));
    if (in->s.th & TERN_TH_PSH)
        k->pushed = true;
    if (c->owe_ack == 0 && k->quick != 0 && !k->interactive)
        c->owe_ack = CAUSE_TX_ACK_NOW;
    if (c->owe_ack == 0 && c->rcv.unacked > c->rcv_mss)
        c->owe_ack = CAUSE_TX_ACK_EVERY_SECOND; /* [RFC9293:SHLD-19] */
    if (c->owe_ack != 0)
        tcp_ready(t, c);
    else if (!timer_on(c, TT_DELACK)) /* [RFC5681:4.2#1] */
        timer_arm(t, c, TT_DELACK, time_add_ms(now, wait_ms(c, k)), CAUSE_TM_DELACK, now);
}

void ack_quick(struct tcp *t, struct tcp_conn *c)
{
    struct tally *a = t->pol->quick_acks != 0 ? tally_of(t, c) : NULL;
    if (a == NULL)
        return;
    refill(t, c, &a->ack);
    a->ack.interactive = false;
    a->ack.ato_ms = ATO_LEAST_MS;
}

void ack_opened(struct tcp *t, struct tcp_conn *c, struct tern_time now)
{
    bool waits = c->snd.buf.len > (uint32_t)seq_diff(c->snd.nxt, snd_base(c));
    struct tally *a = t->pol->quick_acks != 0 && waits ? tally_take(t, c) : NULL;
    if (a == NULL)
        return;
    a->ack.rx_ms = tcp_ms(t, now);
    ack_quick(t, c);
}

void ack_sent(struct tcp *t, struct tcp_conn *c, bool data, struct tern_time now)
{
    struct tally *a = t->pol->quick_acks != 0 ? tally_of(t, c) : NULL;
    if (a == NULL)
        return;
    struct tally_ack *k = &a->ack;
    if (k->quick != 0 && c->rcv.unacked != 0 && --k->quick == 0)
        k->ato_ms = ATO_LEAST_MS;
    k->pushed = false;
    if (data && tcp_ms(t, now) - k->rx_ms < k->ato_ms)
        k->interactive = true;
}

void ack_read(struct tcp *t, struct tcp_conn *c)
{
    const struct tally *a = t->pol->quick_acks != 0 ? tally_of(t, c) : NULL;
    if (a == NULL || c->owe_ack != 0 || !timer_on(c, TT_DELACK))
        return;
    bool all = c->rcv.buf.len == 0 && a->ack.pushed && !a->ack.interactive;
    if (!all && c->rcv.unacked <= c->rcv_mss)
        return;
    c->owe_ack = CAUSE_TX_ACK_NOW;
    tcp_ready(t, c);
}

int ack_set(struct tcp *t, struct tcp_conn *c, bool quick)
{
    struct tally *a = tally_take(t, c);
    if (a == NULL)
        return TERN_ENOBUFS;
    a->ack.interactive = !quick;
    return TERN_OK;
}

bool ack_get(const struct tcp *t, const struct tcp_conn *c)
{
    const struct tally *a = tally_of(t, c);
    struct tally_rest r;
    if (a != NULL)
        return !a->ack.interactive;
    return !park_read(t, c, &r) || !r.ack.interactive;
}
