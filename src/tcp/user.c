/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/user.c: SEND and RECEIVE (RFC 9293 3.10.2, 3.10.3), with and without a copy, and the urgent
 * octet.
 *
 * The urgent octet stays in the receive buffer at its place; reading stops before it, and passes
 * over it unless the application wants it in line. recv_oob() looks at it in the buffer.
 */
#include "tcp/conn.h"

/* The pending error, given once. */
static int take_err(struct tcp_conn *c)
{
    int err = c->err;
    c->err = 0;
    return err;
}

/* ---- sending ---- */

static int may_send(struct tcp_conn *c)
{
    if (c->err != 0)
        return take_err(c);
    if (c->state == TERN_TCP_CLOSED || c->fin_wanted || c->state == TERN_TCP_TIME_WAIT)
        return TERN_EPIPE;
    return TERN_OK;
}

static uint32_t lowat_of(const struct tcp *t, const struct tcp_conn *c)
{
    uint32_t own = extra_of(t, c)->notsent_lowat;
    return own != 0 ? own : t->cfg->notsent_lowat;
}

static uint32_t unsent_of(const struct tcp_conn *c)
{
    int32_t n = seq_diff(snd_fin(c), seq_max(c->snd.nxt, snd_base(c)));
    return n > 0 ? (uint32_t)n : 0; /* < 0: the FIN is sent */
}

void user_writable(struct tcp *t, struct tcp_conn *c)
{
    uint32_t lowat = lowat_of(t, c), limit = c->snd.limit;
    if (!c->was_writable_no || c->snd.buf.len > (t->pol->buffers ? limit - limit / 3 : limit / 2) ||
        (lowat != 0 && unsent_of(c) >= lowat - lowat / 2))
        return;
    c->was_writable_no = false;
    event_raise(t, c, TERN_EV_WRITABLE);
}

/* How many octets more may be written. */
static uint32_t send_room(const struct tcp *t, const struct tcp_conn *c, uint32_t most)
{
    uint32_t used = c->snd.buf.len, unsent = unsent_of(c);
    uint32_t room = most > used ? most - used : 0;
    uint32_t lowat = profile_lowat(t, c, lowat_of(t, c));
    uint32_t below = lowat > unsent ? lowat - unsent : 0;
    return lowat != 0 && room > below ? below : room;
}

int tcp_send_space(struct tcp *t, struct tern_sock s, size_t want, uint8_t **ptr, size_t *len)
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL || c->listener != 0)
        return TERN_EBADF;
    int err = may_send(c);
    if (err != TERN_OK)
        return err;
    uint32_t used = c->snd.buf.len;
    uint32_t most = profile_sndbuf(t, c, unsent_of(c)), room = send_room(t, c, most);
    uint32_t n = want < room ? (uint32_t)want : room;
    if (n == 0 && want != 0) {
        c->was_writable_no = true;
        if (t->pol->push_writes) /* the write ends here */
            c->more = c->tail_more = false;
        return TERN_EAGAIN;
    }
    while (!ring_reserve(&c->snd.buf, t->arena, used + n, most, used)) {
        if (c->snd.buf.cap > used) { /* no more memory: what there is */
            n = c->snd.buf.cap - used;
            break;
        }
        if (n <= BUDDY_MIN) {
            timer_memory(t, c, (struct tern_time){t->now_ns});
            return TERN_EAGAIN;
        }
        n /= 2;
    }
    uint8_t *p = ring_span(&c->snd.buf, used, &n);
    *ptr = p;
    *len = n;
    return TERN_OK;
}

static void committed(struct tcp *t, struct tcp_conn *c, size_t n, uint32_t flags,
                      struct tern_time now)
{
    ring_commit(&c->snd.buf, (uint32_t)n);
    if (flags & TERN_SEND_OOB) {
        c->snd.up = snd_fin(c); /* the octet after the last one [RFC9293:MUST-62] */
        /* [RFC9293:MUST-30] [RFC9293:MUST-31] */
        c->urg = true;
    }
    if (flags & TERN_SEND_EOR)
        record_end(t, c, snd_fin(c));
    c->more = c->tail_more = flags & TERN_SEND_MORE;
    profile_wrote(t, c, (uint32_t)n);
    note_call(t, c, TERN_CALL_SEND, (uint32_t)n, now);
    tcp_ready(t, c);
}

int tcp_send_commit(struct tcp *t, struct tern_sock s, size_t n, uint32_t flags,
                    struct tern_time now)
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return TERN_EBADF;
    if (n > c->snd.buf.cap - c->snd.buf.len)
        return TERN_EINVAL;
    tcp_at(t, now);
    committed(t, c, n, flags, now);
    return TERN_OK;
}

int64_t tcp_send(struct tcp *t, struct tern_sock s, const void *buf, size_t len, uint32_t flags,
                 struct tern_time now)
{
    size_t done = 0;
    struct tcp_conn *c = conn_get(t, s);
    uint32_t fill = c != NULL ? profile_fill(t, c) : UINT32_MAX;
    if (len > fill) { /* what is full goes out first */
        len = fill;
        flags = (flags & ~(uint32_t)(TERN_SEND_OOB | TERN_SEND_EOR)) | TERN_SEND_MORE;
    }
    while (done < len) {
        uint8_t *p;
        size_t n;
        int err = tcp_send_space(t, s, len - done, &p, &n);
        if (err != TERN_OK)
            return done != 0 ? (int64_t)done : err;
        memcpy(p, (const uint8_t *)buf + done, n);
        done += n;
        bool last = done == len;
        tcp_send_commit(t, s, n, last ? flags : flags & ~(uint32_t)(TERN_SEND_OOB | TERN_SEND_EOR),
                        now);
    }
    return (int64_t)done;
}

/* ---- receiving ---- */

/* How many octets may be read before the urgent one: all of them when there is none in the way. */
static uint32_t before_oob(struct tcp_conn *c)
{
    uint32_t len = c->rcv.buf.len;
    if (!c->oob || c->oobinline)
        return len;
    struct seq first = seq_sub(c->rcv.nxt, len + (c->fin_rcvd ? 1 : 0));
    int32_t at = seq_diff(seq_sub(c->rcv.up, 1), first);
    if (at < 0) { /* it was passed already */
        c->oob = false;
        return len;
    }
    return (uint32_t)at < len ? (uint32_t)at : len;
}

static void consume(struct tcp *t, struct tcp_conn *c, uint32_t n)
{
    ring_drop(&c->rcv.buf, n);
    if (c->rcv.ooo.count == 0)
        ring_release_if_empty(&c->rcv.buf, t->arena);
    tune_read(t, c);
    window_read(t, c);
    ack_read(t, c);
}

/* Passes over an urgent octet that stands first, if it is not wanted in line. */
static void pass_oob(struct tcp *t, struct tcp_conn *c)
{
    if (c->oob && !c->oobinline && c->rcv.buf.len != 0 && before_oob(c) == 0 && c->oob) {
        c->oob = false;
        ring_read(&c->rcv.buf, 0, &c->oob_octet, 1);
        c->oob_kept = true;
        consume(t, c, 1);
    }
}

void user_readable(struct tcp *t, struct tcp_conn *c)
{
    if (c->rcv.buf.len != 0 && (c->extra == 0 || c->rcv.buf.len >= extra_of(t, c)->rcvlowat))
        event_raise(t, c, TERN_EV_READABLE);
}

int tcp_recv_data(struct tcp *t, struct tern_sock s, const uint8_t **ptr, size_t *len)
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL || c->listener != 0)
        return TERN_EBADF;
    pass_oob(t, c);
    uint32_t n = before_oob(c);
    if (n != 0) {
        *ptr = ring_span(&c->rcv.buf, 0, &n);
        *len = n;
        return 1;
    }
    *len = 0;
    if (c->err != 0)
        return take_err(c);
    if (c->fin_rcvd || c->state == TERN_TCP_CLOSED)
        return 0;
    return c->state == TERN_TCP_SYN_SENT ? TERN_ENOTCONN : TERN_EAGAIN;
}

int tcp_recv_consume(struct tcp *t, struct tern_sock s, size_t n, struct tern_time now)
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return TERN_EBADF;
    if (n > before_oob(c))
        return TERN_EINVAL;
    tcp_at(t, now);
    if (n == 0)
        return TERN_OK;
    note_call(t, c, TERN_CALL_RECV, (uint32_t)n, now);
    consume(t, c, (uint32_t)n);
    return TERN_OK;
}

int64_t tcp_recv(struct tcp *t, struct tern_sock s, void *buf, size_t len, struct tern_time now)
{
    size_t done = 0;
    while (done < len) {
        const uint8_t *p = NULL;
        size_t n = 0;
        struct tcp_conn *c = conn_get(t, s);
        /* Reading stops before an urgent octet; and a pending error is the next call's: asking for
         * it would take it. */
        if (done != 0 && before_oob(c) == 0)
            break;
        int r = tcp_recv_data(t, s, &p, &n);
        if (r <= 0)
            return done != 0 ? (int64_t)done : r;
        tern_assert(p != NULL && n != 0);
        if (n > len - done)
            n = len - done;
        memcpy((uint8_t *)buf + done, p, n);
        done += n;
        tcp_recv_consume(t, s, n, now);
    }
    return (int64_t)done;
}

int tcp_recv_oob(struct tcp *t, struct tern_sock s, uint8_t *octet) /* [RFC9293:MUST-33] */
{
    struct tcp_conn *c = conn_get(t, s);
    if (c == NULL)
        return TERN_EBADF;
    if (c->oobinline)
        return TERN_EINVAL;
    uint32_t at = before_oob(c);
    if (!c->oob) {
        *octet = c->oob_octet;
        return c->oob_kept ? 1 : TERN_EINVAL;
    }
    if (at >= c->rcv.buf.len)
        return TERN_EAGAIN;
    ring_read(&c->rcv.buf, at, octet, 1);
    return 1;
}
