/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/auth_seg.c: signing what is sent and judging what arrives (RFC 2385, RFC 5925 7.4 and 7.5).
 *
 * The judgement comes before anything else looks at a segment but the checksum, and its result is
 * silence: who does not have the key learns nothing, and no RST, challenge or acknowledgment goes
 * out [RFC5925:7.3]. Copying text behind the receive buffer's end may have happened before; it does
 * not count until the segment is taken.
 *
 * A TCP-AO traffic key needs both initial sequence numbers. Where no record has them they are read
 * out of the segment, if it can have them: the SYN itself, and the ACK that ends a handshake, whose
 * numbers stand one above both. Any other segment without a connection cannot be judged and is
 * dropped, and an answer to it is not sent: a peer that restarted is not reset by the other end
 * [RFC5925:7.7].
 */
#include "base/wipe.h"
#include "tcp/guard.h"

enum { SENT_DIR, RCVD_DIR };

static const struct tcp_key *key_ptr(const struct tcp *t, uint32_t idx)
{
    return (const struct tcp_key *)pool_at(&t->keys, idx);
}

/* ---- whose segment ---- */

static struct auth_end end_of_conn(const struct tcp *t, const struct tcp_conn *c)
{
    struct tcp_auth *a = auth_of(t, c);
    return (struct auth_end){.auth = a,
                             .tuple = &c->tuple,
                             .own = true,
                             .knows_remote = c->state != TERN_TCP_SYN_SENT,
                             .isn_local = c->snd.iss,
                             .isn_remote = c->rcv.irs,
                             .key = a != NULL ? a->cur : 0};
}

static struct auth_end end_of_tw(const struct tcp_tuple *tu, struct tcp_auth *a)
{
    return (struct auth_end){.auth = a,
                             .tuple = tu,
                             .own = true,
                             .knows_remote = true,
                             .isn_local = seq_of(a->isn_local),
                             .isn_remote = seq_of(a->isn_remote),
                             .key = a->cur};
}

static struct auth_end end_of_half(const struct tcp *t, const struct tcp_half *h,
                                   const struct tcp_tuple *tu)
{
    const struct tcp_listener *l = pool_at(&t->listeners, h->listener);
    struct auth_end e = {.auth = auth_of_listener(t, l),
                         .tuple = tu,
                         .knows_remote = true,
                         .isn_local = h->iss,
                         .isn_remote = h->irs};
    if (e.auth != NULL)
        e.key = auth_ao_key(t, e.auth, tu->raddr, tu->fam, h->ao_id, -1);
    return e;
}

static struct auth_end end_of_listener(const struct tcp *t, const struct tcp_listener *l,
                                       const struct tcp_tuple *tu)
{
    return (struct auth_end){.auth = auth_of_listener(t, l), .tuple = tu, .listens = true};
}

static unsigned end_kind(const struct tcp *t, const struct auth_end *e)
{
    return auth_kind(t, e->auth, e->tuple->raddr, e->tuple->fam);
}

/* ---- TCP-AO: traffic keys and sequence numbers ---- */

static struct ao_way way_of(const struct auth_end *e, unsigned dir, unsigned th)
{
    const struct tcp_tuple *tu = e->tuple;
    struct ao_way w = {.fam = tu->fam};
    bool out = dir == SENT_DIR;
    memcpy(w.src, out ? tu->laddr : tu->raddr, 16);
    memcpy(w.dst, out ? tu->raddr : tu->laddr, 16);
    w.sport = out ? tu->lport : tu->rport;
    w.dport = out ? tu->rport : tu->lport;
    w.src_isn = out ? e->isn_local : e->isn_remote;
    if ((th & (TERN_TH_SYN | TERN_TH_ACK)) != TERN_TH_SYN) /* [RFC5925:5.2] */
        w.dst_isn = out ? e->isn_remote : e->isn_local;
    return w;
}

static void traffic_key(const struct tcp *t, const struct auth_end *e, uint32_t key, unsigned dir,
                        const struct ao_way *w, unsigned th, uint8_t out[AO_KEY_LEN])
{
    const struct tcp_key *k = key_ptr(t, key);
    bool keep = e->own && e->knows_remote && !(th & TERN_TH_SYN);
    if (keep && e->auth->cache[dir].key == key) {
        memcpy(out, e->auth->cache[dir].traffic, AO_KEY_LEN);
        return;
    }
    ao_traffic_key(k, w, out);
    if (keep) {
        e->auth->cache[dir].key = key;
        memcpy(e->auth->cache[dir].traffic, out, AO_KEY_LEN);
    }
}

/* The 64-bit number of a segment: near the last one in that direction, or its own beginning. */
static uint64_t extended(const struct auth_end *e, unsigned dir, struct seq s)
{
    uint64_t last = 0;
    if (e->own)
        last = dir == SENT_DIR ? e->auth->snd_ext : e->auth->rcv_ext;
    if (last == 0)
        last = dir == SENT_DIR ? e->isn_local.v : e->isn_remote.v;
    return ao_extend(last, s);
}

static void advance(uint64_t *ext, uint64_t now)
{
    if (now > *ext)
        *ext = now;
}

/* ---- arriving ---- */

/* Fills in what ISNs the segment itself tells; false when they cannot be known. */
static bool isns_from(struct auth_end *e, const struct tcp_seg *s)
{
    unsigned th = s->th & (TERN_TH_SYN | TERN_TH_ACK | TERN_TH_RST);
    if (th == TERN_TH_SYN) { /* whatever there was before: a new beginning */
        e->isn_remote = s->seq;
        return true;
    }
    if (e->listens) {
        if (th != TERN_TH_ACK) /* the end of a cookie's handshake, or nothing */
            return false;
        e->isn_remote = seq_sub(s->seq, 1);
        e->isn_local = seq_sub(s->ack, 1);
        return true;
    }
    if (e->knows_remote)
        return true;
    if (!(th & (TERN_TH_SYN | TERN_TH_RST))) /* in SYN-SENT */
        return false;
    e->isn_remote = s->seq;
    return true;
}

static unsigned check_md5(const struct tcp *t, const struct auth_end *e, const struct tcp_in *in)
{
    uint8_t want[16];
    const struct tcp_tuple *tu = e->tuple;
    if (in->s.opt.sign != TCP_SIGN_MD5)
        return CAUSE_DROP_MD5_MISSING;
    const struct tcp_key *k = auth_md5_key(t, e->auth, tu->raddr, tu->fam);
    md5sig_digest(k, tu->fam, tu->raddr, tu->laddr, in->pkt->p, in->s.hlen, in->pkt->n, want);
    bool right = same_secret(want, in->s.opt.sign_at + 2, sizeof want);
    wipe(want, sizeof want);
    return right ? IN_GO : (unsigned)CAUSE_DROP_MD5_MISMATCH;
}

/* The peer asks for another key of ours [RFC5925:7.5]. */
static void take_rnext(const struct tcp *t, const struct auth_end *e, uint8_t rnext)
{
    struct tcp_auth *a = e->auth;
    if (!e->own || (a->cur != 0 && key_ptr(t, a->cur)->send_id == rnext))
        return;
    uint32_t k = auth_ao_key(t, a, e->tuple->raddr, e->tuple->fam, rnext, -1);
    if (k != 0)
        a->cur = k;
}

static unsigned check_ao(const struct tcp *t, struct auth_end *e, const struct tcp_in *in)
{
    const struct tcp_seg *s = &in->s;
    const struct tcp_opts *o = &s->opt;
    uint8_t key[AO_KEY_LEN], want[AO_MAC_LEN];
    if (o->sign != TCP_SIGN_AO)
        return CAUSE_DROP_AO_MISSING;
    uint32_t k = auth_ao_key(t, e->auth, e->tuple->raddr, e->tuple->fam, -1, o->ao_key);
    if (k == 0)
        return CAUSE_DROP_AO_UNKNOWN;
    if (o->sign_len != 4 + AO_MAC_LEN || !isns_from(e, s))
        return CAUSE_DROP_AO_MISMATCH;
    struct ao_way w = way_of(e, RCVD_DIR, s->th);
    bool syn = (s->th & (TERN_TH_SYN | TERN_TH_ACK)) == TERN_TH_SYN;
    uint64_t ext = syn ? s->seq.v : extended(e, RCVD_DIR, s->seq);
    traffic_key(t, e, k, RCVD_DIR, &w, s->th, key);
    ao_mac(key_ptr(t, k), key, &w, (uint32_t)(ext >> 32), in->pkt->p, s->hlen, in->pkt->n,
           (unsigned)(o->sign_at - in->pkt->p), want);
    bool right = same_secret(want, o->sign_at + 4, sizeof want);
    wipe(key, sizeof key);
    struct tcp_key *used = pool_at(&t->keys, k);
    used->good += right;
    used->bad += !right;
    if (!right)
        return CAUSE_DROP_AO_MISMATCH;
    if (e->own && e->knows_remote && !syn)
        advance(&e->auth->rcv_ext, ext);
    take_rnext(t, e, o->ao_rnext);
    return IN_GO;
}

static void count(struct tcp_auth *a, unsigned v)
{
    if (v == IN_GO)
        a->good++;
    else if (v == CAUSE_DROP_AO_UNKNOWN)
        a->unknown++;
    else if (v == CAUSE_DROP_MD5_MISSING || v == CAUSE_DROP_AO_MISSING)
        a->missing++;
    else
        a->bad++;
}

static unsigned check(const struct tcp *t, struct auth_end *e, const struct tcp_in *in)
{
    const struct tcp_opts *o = &in->s.opt;
    unsigned v = IN_GO;
    switch (end_kind(t, e)) {
    case TCP_SIGN_MD5:
        v = check_md5(t, e, in);
        break;
    case TCP_SIGN_AO:
        v = check_ao(t, e, in);
        break;
    default: /* AO without a key for it is taken for an unknown option [RFC5925:7.3] */
        if (e->auth != NULL && e->auth->required)
            return CAUSE_DROP_AO_MISSING;
        return o->sign == TCP_SIGN_MD5 ? (unsigned)CAUSE_DROP_MD5_UNEXPECTED : IN_GO;
    }
    count(e->auth, v);
    return v;
}

bool auth_wanted(const struct tcp *t, const struct tcp_in *in)
{
    return t->auths.used != 0 || in->s.opt.sign != TCP_SIGN_NONE;
}

unsigned auth_conn_in(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in)
{
    if (in->s.opt.sign == TCP_SIGN_BAD)
        return CAUSE_DROP_SIGN_BAD;
    struct auth_end e = end_of_conn(t, c);
    return check(t, &e, in);
}

unsigned auth_other_in(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_half *h,
                       const struct tcp_tw *w, const struct tcp_listener *l,
                       const struct tcp_in *in)
{
    struct auth_end e;
    bool syn = (in->s.th & (TERN_TH_SYN | TERN_TH_ACK | TERN_TH_RST)) == TERN_TH_SYN;
    struct tcp_auth *old = w != NULL ? auth_of_tw(t, w) : NULL;
    if (in->s.opt.sign == TCP_SIGN_BAD)
        return CAUSE_DROP_SIGN_BAD;
    if (h != NULL)
        e = end_of_half(t, h, tu);
    else if (old != NULL && !(syn && l != NULL)) /* a SYN is the listener's affair */
        e = end_of_tw(tu, old);
    else if (l != NULL && (w == NULL || syn))
        e = end_of_listener(t, l, tu);
    else
        return IN_GO;
    return check(t, &e, in);
}

uint8_t auth_choose(const struct tcp *t, const struct tcp_listener *l, const struct tcp_tuple *tu,
                    const struct tcp_in *in)
{
    const struct tcp_auth *a = t->auths.used != 0 ? auth_of_listener(t, l) : NULL;
    if (a == NULL || in->s.opt.sign != TCP_SIGN_AO)
        return 0;
    uint32_t k = auth_ao_key(t, a, tu->raddr, tu->fam, in->s.opt.ao_rnext, -1);
    if (k == 0)
        k = auth_ao_key(t, a, tu->raddr, tu->fam, -1, in->s.opt.ao_key);
    return k != 0 ? key_ptr(t, k)->send_id : 0;
}

bool auth_no_timestamps(const struct tcp *t, const struct tcp_listener *l,
                        const struct tcp_tuple *tu)
{
    return t->auths.used != 0 &&
           auth_kind(t, auth_of_listener(t, l), tu->raddr, tu->fam) == TCP_SIGN_MD5;
}

/* ---- leaving ---- */

void auth_end_opts(const struct tcp *t, const struct auth_end *e, unsigned kind, struct tcp_opts *o)
{
    o->sign = (uint8_t)kind;
    if (kind == TCP_SIGN_AO) {
        const struct tcp_key *k = key_ptr(t, e->key);
        o->ao_key = k->send_id;
        o->ao_rnext = k->recv_id;
        if (e->own && e->auth->rnext != 0)
            o->ao_rnext = key_ptr(t, e->auth->rnext)->recv_id;
    }
    /* The signature goes before what a segment can do without. */
    if (tcp_opts_len(o) > TCP_OPTS_MAX)
        o->accecn = 0;
    if (tcp_opts_len(o) > TCP_OPTS_MAX)
        o->tfo = 0;
    tern_assert(tcp_opts_len(o) <= TCP_OPTS_MAX);
}

void auth_end_sign(struct tcp *t, const struct auth_end *e, unsigned kind, uint8_t *seg,
                   uint32_t hlen, uint32_t n)
{
    const struct tcp_tuple *tu = e->tuple;
    if (kind == TCP_SIGN_MD5) {
        const struct tcp_key *k = auth_md5_key(t, e->auth, tu->raddr, tu->fam);
        md5sig_digest(k, tu->fam, tu->laddr, tu->raddr, seg, hlen, n, seg + hlen - 16);
        return;
    }
    uint8_t key[AO_KEY_LEN], th = seg[13];
    struct ao_way w = way_of(e, SENT_DIR, th);
    uint64_t ext = extended(e, SENT_DIR, seq_of(be32_load(seg + 4)));
    traffic_key(t, e, e->key, SENT_DIR, &w, th, key);
    ao_mac(key_ptr(t, e->key), key, &w, (uint32_t)(ext >> 32), seg, hlen, n, hlen - SIGN_AO_ROOM,
           seg + hlen - AO_MAC_LEN);
    wipe(key, sizeof key);
    if (e->own)
        advance(&e->auth->snd_ext, ext);
}

static unsigned conn_sign_kind(const struct tcp_conn *c)
{
    return c->sig_len == SIGN_MD5_ROOM ? TCP_SIGN_MD5 : TCP_SIGN_AO;
}

void auth_conn_opts(const struct tcp *t, const struct tcp_conn *c, struct tcp_opts *o)
{
    struct auth_end e = end_of_conn(t, c);
    auth_end_opts(t, &e, conn_sign_kind(c), o);
}

void auth_conn_sign(struct tcp *t, struct tcp_conn *c, uint8_t *seg, uint32_t hlen, uint32_t n)
{
    struct auth_end e = end_of_conn(t, c);
    auth_end_sign(t, &e, conn_sign_kind(c), seg, hlen, n);
}

/* An answer of a listener: SYN-ACK of a cookie, or RST for a SYN. (RST for an ACK: nobody knows our
 * ISN.) */
static bool answer_isns(struct auth_end *e, const struct tcp_ans *a)
{
    if (!(a->th & TERN_TH_ACK))
        return false;
    e->isn_local = a->seq;
    e->isn_remote = seq_sub(a->ack, 1);
    return true;
}

static bool answer_end(struct tcp *t, const struct tcp_ans *a, struct auth_end *e)
{
    uint32_t hash = tuple_hash(t, &a->tuple);
    const struct tcp_conn *c = demux_conn(t, &a->tuple, hash);
    struct tern_addr to = {.fam = a->tuple.fam};
    memcpy(to.b, a->tuple.laddr, 16);
    if (c != NULL) {
        *e = end_of_conn(t, c);
        return true;
    }
    const struct tcp_half *h = demux_half(t, &a->tuple, hash);
    if (h != NULL) {
        *e = end_of_half(t, h, &a->tuple);
        return true;
    }
    const struct tcp_tw *w = demux_tw(t, &a->tuple, hash);
    struct tcp_auth *old = w != NULL ? auth_of_tw(t, w) : NULL;
    if (old != NULL) {
        *e = end_of_tw(&a->tuple, old);
        return true;
    }
    const struct tcp_listener *l = demux_listener(t, &to, a->tuple.lport);
    if (l == NULL || w != NULL)
        return false;
    *e = end_of_listener(t, l, &a->tuple);
    e->key =
        e->auth != NULL ? auth_ao_key(t, e->auth, a->tuple.raddr, a->tuple.fam, a->ao_id, -1) : 0;
    return true;
}

unsigned auth_answer(struct tcp *t, const struct tcp_ans *a, struct auth_end *e)
{
    if (!answer_end(t, a, e))
        return TCP_SIGN_NONE;
    unsigned kind = end_kind(t, e);
    if (kind != TCP_SIGN_AO)
        return kind;
    if (e->listens && !answer_isns(e, a))
        return SIGN_CANNOT;
    bool needs_remote = (a->th & (TERN_TH_SYN | TERN_TH_ACK)) != TERN_TH_SYN;
    if (e->key == 0 || (!e->listens && needs_remote && !e->knows_remote))
        return SIGN_CANNOT;
    return kind;
}
