/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/profile.c: the table of habits, and those habits that are a few lines.
 *
 * "tern" is this stack's own choice. "rfc" takes the letter of the standards: the numbers that they
 * recommend. "linux" and "freebsd" act on the wire as those systems do by what can be
 * seen of them, so that a program, a test or a middlebox meets the behaviour that it is used to.
 */
#include "tcp/conn.h"

static const struct profile profiles[TERN_PROFILE_COUNT] = {
    [TERN_PROFILE_TERN] = {.syn_layout = TCP_LAYOUT_SACK_FIRST},
    [TERN_PROFILE_RFC] = {.syn_layout = TCP_LAYOUT_SACK_FIRST, .tlp_short = true},
    [TERN_PROFILE_LINUX] = {.syn_layout = TCP_LAYOUT_SACK_FIRST,
                            .quick_acks = 16,
                            .push_writes = true,
                            .bursts = true,
                            .grow_half = true,
                            .nagle_small = true,
                            .more_once = true,
                            .rto_min_var = true,
                            .lax_stamps = true,
                            .probe_empty = true,
                            .rtt_each = true,
                            .tlp_short = true,
                            .tlp_slack = true,
                            .buffers = true,
                            .loss_of_cwnd = true,
                            .cut_once = true,
                            .sack_whole = true,
                            .stamp_rst = true,
                            .bare_rst = true,
                            .plain_rst = true,
                            .path_mss = true,
                            .slow_window = true,
                            .check_echo = true,
                            .half_unreach = true,
                            .silent_unsent = true},
    [TERN_PROFILE_FREEBSD] = {.syn_layout = TCP_LAYOUT_SCALE_FIRST, .bare_rst = true},
};

const struct profile *profile_of(const struct tern_config *cfg)
{
    tern_assert(cfg->profile < TERN_PROFILE_COUNT);
    return &profiles[cfg->profile];
}

/* ---- PSH ---- */

/* Had the octet before `end` a PSH when it was sent first? */
static bool pushed_before(const struct tcp *t, const struct tcp_conn *c, struct seq end)
{
    const struct xmit *x = conn_tracked(t, c);
    if (x == NULL)
        return seq_eq(end, snd_fin(c)) && !c->tail_more;
    for (uint32_t i = x->lhead != 0 ? x->lhead : x->tail; i != 0; i = sent_at(t, i)->next) {
        const struct sent *s = sent_at(t, i);
        if (seq_ge(s->hi, end))
            return s->push && seq_eq(s->hi, end);
    }
    return false;
}

static bool pushed_seam(const struct tcp *t, const struct tcp_conn *c, struct seq end);

void profile_push(const struct tcp *t, const struct tcp_conn *c, uint32_t eff, struct tcp_plan *p)
{
    struct seq end = seq_add(p->seq, p->len);
    bool push = p->len > eff; /* the receiver's link hands a burst up at once */
    tern_assert(p->what == PLAN_DATA);
    if (p->rexmt)
        push = push || pushed_before(t, c, end);
    else if (seq_eq(end, snd_fin(c)))
        push = push || !c->tail_more || c->override; /* [RFC9293:MUST-60] */
    if (!p->rexmt)
        push = push || pushed_seam(t, c, end);
    push = push || (c->extra != 0 && record_ends(t, c, end));
    p->th &= (uint8_t)~TERN_TH_PSH;
    if (push && p->len != 0)
        p->th |= TERN_TH_PSH;
}

bool profile_no_small(const struct tcp *t, const struct tcp_conn *c)
{
    const struct xmit *x = t->pol->nagle_small ? conn_xmit(t, c) : NULL;
    return x != NULL && !(x->small && seq_gt(x->small_end, c->snd.una));
}

/* ---- super-segments ---- */

#define BURST_PER_S   1024u  /* bursts a second at the rate that the path takes */
#define BURST_NEAR_US 512u   /* a path this short takes whole super-segments; half at twice that */
#define BURST_MOST    65536u /* octets */

uint32_t profile_burst(const struct tcp *t, const struct tcp_conn *c, uint32_t most)
{
    const struct xmit *x = conn_xmit(t, c);
    uint32_t mss = c->cc.mss, srtt = c->rtt.srtt_us;
    uint32_t min_rtt = x != NULL ? rack_min_rtt_us(x) : srtt;
    if (mss == 0)
        return most;
    if (srtt == 0)
        srtt = 1;
    if (min_rtt == 0)
        min_rtt = srtt;
    uint64_t rate = (uint64_t)c->cc.cwnd * 1000000 / srtt;
    rate = c->cc.cwnd < c->cc.ssthresh / 2 ? rate * 2 : rate * 6 / 5;
    uint64_t n = rate / BURST_PER_S;
    if (min_rtt / BURST_NEAR_US < 17)
        n += BURST_MOST >> (min_rtt / BURST_NEAR_US);
    uint32_t least = t->cfg->burst_min;
    uint32_t segs = n / mss < least ? least : n > BURST_MOST ? BURST_MOST / mss : (uint32_t)n / mss;
    uint32_t half = c->cc.cwnd / mss / 2;
    if (segs > half)
        segs = half != 0 ? half : 1;
    return most < segs * mss ? most : segs * mss;
}

/* ---- the send buffer ---- */

#define DEFER_PART  3u    /* of the window: so much is worth a super-segment */
#define BUFFER_COST 1280u /* octets that a buffer costs beyond its text */

/* Text is kept in buffers of the largest super-segment; one that is begun is filled. 0 = not so. */
static uint32_t buffer_size(const struct tcp *t, const struct tcp_conn *c)
{
    uint32_t n = c->snd.max_wnd / 2 < BURST_MOST ? c->snd.max_wnd / 2 : BURST_MOST - 1;
    if (!t->pol->buffers || c->cc.mss == 0 || n < c->cc.mss)
        return 0;
    return n - n % c->cc.mss;
}

uint32_t profile_lowat(const struct tcp *t, const struct tcp_conn *c, uint32_t lowat)
{
    uint32_t size = buffer_size(t, c);
    if (size == 0 || lowat > INT32_MAX)
        return lowat;
    return (lowat + size - 1) / size * size;
}

uint32_t profile_sndbuf(const struct tcp *t, const struct tcp_conn *c, uint32_t unsent)
{
    uint32_t size = buffer_size(t, c), limit = c->snd.limit, flight = c->snd.buf.len - unsent;
    if (size == 0)
        return limit;
    uint64_t cost = flight != 0 ? flight + (uint64_t)BUFFER_COST * ((flight + size - 1) / size) : 0;
    if (cost >= limit)
        return flight;
    uint64_t each = size + BUFFER_COST, most = flight + (limit - cost + each - 1) / each * size;
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

/* Where the last piece begins when SND.NXT stands where it does: what is left of one that has gone
 * in part is a piece of its own. */
static struct seq tail_of(const struct tcp_conn *c, const struct tally_bufs *b, struct seq end)
{
    if (!b->valid || seq_ge(c->snd.nxt, end))
        return end;
    return seq_max(b->tail, c->snd.nxt);
}

uint32_t profile_fill(const struct tcp *t, const struct tcp_conn *c)
{
    static const struct tally_bufs none;
    const struct tally *a = tally_of(t, c);
    uint32_t size = buffer_size(t, c);
    if (size == 0)
        return UINT32_MAX;
    struct seq end = snd_fin(c);
    uint32_t used = (uint32_t)seq_diff(end, tail_of(c, a != NULL ? &a->bufs : &none, end));
    return used < size ? size - used : size;
}

void profile_wrote(struct tcp *t, struct tcp_conn *c, uint32_t n)
{
    uint32_t size = buffer_size(t, c);
    struct tally *a = size != 0 ? tally_take(t, c) : NULL;
    if (a == NULL)
        return;
    struct tally_bufs *b = &a->bufs;
    struct seq end = snd_fin(c), old = seq_sub(end, n);
    if (!b->valid)
        b->pushed = old;
    b->tail = tail_of(c, b, old);
    b->valid = true;
    while ((uint32_t)seq_diff(end, b->tail) >= size) { /* full */
        struct seq full = seq_add(b->tail, size);
        if ((uint32_t)seq_diff(full, b->pushed) > c->snd.max_wnd / 2) {
            b->psh[b->psh_n++ % 8] = full;
            b->pushed = full;
        }
        if (seq_eq(full, end))
            break;
        b->tail = full;
    }
    if (!c->tail_more)
        b->pushed = end;
}

uint32_t profile_seam(const struct tcp *t, const struct tcp_conn *c, uint32_t eff)
{
    const struct tally *a = tally_of(t, c);
    uint32_t size = buffer_size(t, c);
    if (size == 0 || a == NULL || !a->bufs.valid || seq_ge(c->snd.nxt, a->bufs.tail))
        return UINT32_MAX;
    uint32_t n = (uint32_t)seq_diff(a->bufs.tail, c->snd.nxt) % size;
    n = n != 0 ? n : size;
    return n >= eff && n % eff == 0 ? n : UINT32_MAX;
}

/* Did writing put a PSH there? */
static bool pushed_seam(const struct tcp *t, const struct tcp_conn *c, struct seq end)
{
    const struct tally *a = t->pol->buffers ? tally_of(t, c) : NULL;
    for (unsigned i = 0; a != NULL && a->bufs.valid && i < 8 && i < a->bufs.psh_n; i++)
        if (seq_eq(a->bufs.psh[i], end))
            return true;
    return false;
}

bool profile_defers(const struct tcp *t, const struct tcp_conn *c, uint32_t room,
                    struct tern_time now)
{
    const struct xmit *x = conn_tracked(t, c);
    uint32_t wnd = c->snd.wnd < c->cc.cwnd ? c->snd.wnd : c->cc.cwnd;
    if (!t->pol->bursts || x == NULL || c->recovery || c->rto_recovery ||
        room >= profile_burst(t, c, UINT32_MAX) || room >= wnd / DEFER_PART)
        return false;
    if (c->last_tx_ms != tcp_ms(t, now)) /* not in a train of segments */
        return false;
    return now.ns - sent_at(t, x->head)->at_ns >= (int64_t)(c->rtt.srtt_us / 2) * 1000;
}
