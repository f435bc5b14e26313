/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * story.h: makes up the trace of two stacks, record by record, for the tests of what reads it.
 */
#ifndef STORY_H
#define STORY_H

#include "base/causes.h"
#include <string.h>
#include <tern/event.h>

#define GUEST_ISN   1000000000u
#define GATEWAY_ISN 4294967290u /* wraps within a few octets */

struct story {
    void (*tell)(void *ctx, unsigned stack, const struct tern_trace *r);
    void *ctx;
    int64_t us; /* the clock */
    uint32_t id[2];
    uint16_t port; /* the guest's */
    uint32_t serial[2];
    uint32_t nxt[2]; /* next relative sequence number of each end */
    uint8_t ecn;     /* of what is sent: codepoint | TERN_TR_AE */
    uint8_t mark;    /* 3: marked CE on the way */
    uint16_t uto;    /* user timeout option */
};

static inline struct tern_trace story_record(const struct story *s, unsigned stack, unsigned kind,
                                             unsigned cause)
{
    static const uint8_t addr[2][4] = {{10, 0, 2, 15}, {10, 0, 2, 2}};
    struct tern_trace r = {.time = {5000000000 + s->us * 1000},
                           .kind = (uint8_t)kind,
                           .cause = (uint16_t)cause,
                           .serial = s->serial[stack],
                           .gso = 1};
    const uint16_t port[2] = {s->port, 8000};
    r.laddr.fam = r.raddr.fam = TERN_AF_IP4;
    memcpy(r.laddr.b, addr[stack], 4);
    memcpy(r.raddr.b, addr[1 - stack], 4);
    r.lport = port[stack];
    r.rport = port[1 - stack];
    return r;
}

static inline void story_state(struct story *s, unsigned stack, unsigned from, unsigned to,
                               unsigned cause)
{
    struct tern_trace r = story_record(s, stack, TERN_TR_STATE, cause);
    r.state = (uint8_t)from;
    r.aux8 = (uint8_t)to;
    s->tell(s->ctx, stack, &r);
}

static inline void story_open(struct story *s, unsigned stack)
{
    struct tern_trace r = story_record(s, stack, TERN_TR_OPEN, CAUSE_NONE);
    s->tell(s->ctx, stack, &r);
}

static inline void story_timer(struct story *s, unsigned stack, unsigned timer, uint32_t us)
{
    struct tern_trace r = story_record(s, stack, TERN_TR_TIMER_ARM, CAUSE_TM_TIME_WAIT);
    r.aux8 = (uint8_t)timer;
    r.a = us;
    s->tell(s->ctx, stack, &r);
}

/* A segment leaves; seq and ack are relative. What was sent is returned for its arrival. */
static inline struct tern_trace story_tx_at(struct story *s, unsigned stack, unsigned th,
                                            uint32_t seq, uint32_t len, unsigned cause)
{
    static const uint32_t isn[2] = {GUEST_ISN, GATEWAY_ISN};
    struct tern_trace r = story_record(s, stack, TERN_TR_SEG_TX, cause);
    r.id = ++s->id[stack];
    r.th = (uint8_t)th;
    r.seq = isn[stack] + seq;
    r.ack = (th & TERN_TH_ACK) ? isn[1 - stack] + s->nxt[1 - stack] : 0;
    r.len = len;
    r.wnd = (th & TERN_TH_SYN) ? 65535 : 262144;
    r.mss = (th & TERN_TH_SYN) ? 1460 : 0;
    r.ecn = s->ecn;
    r.uto = s->uto;
    s->tell(s->ctx, stack, &r);
    return r;
}

static inline struct tern_trace story_tx(struct story *s, unsigned stack, unsigned th, uint32_t len,
                                         unsigned cause)
{
    struct tern_trace r = story_tx_at(s, stack, th, s->nxt[stack], len, cause);
    s->nxt[stack] += len + ((th & (TERN_TH_SYN | TERN_TH_FIN)) ? 1 : 0);
    return r;
}

/* It arrives at the other stack. */
static inline void story_rx(struct story *s, unsigned stack, const struct tern_trace *sent)
{
    struct tern_trace r = story_record(s, 1 - stack, TERN_TR_SEG_RX, CAUSE_RX_SEG);
    r.id = sent->id;
    r.th = sent->th;
    r.seq = sent->seq;
    r.ack = sent->ack;
    r.len = sent->len;
    r.wnd = sent->wnd;
    r.mss = sent->mss;
    r.ecn = sent->ecn | s->mark;
    r.uto = sent->uto;
    s->tell(s->ctx, 1 - stack, &r);
}

static inline void story_drop(struct story *s, unsigned stack, const struct tern_trace *sent,
                              unsigned cause)
{
    struct tern_trace r = story_record(s, 1 - stack, TERN_TR_DROP, cause);
    r.id = sent->id;
    r.th = sent->th;
    r.seq = sent->seq;
    r.ack = sent->ack;
    r.len = sent->len;
    s->tell(s->ctx, 1 - stack, &r);
}

static inline void story_link(struct story *s, unsigned stack, const struct tern_trace *sent,
                              unsigned cause)
{
    struct tern_trace r = *sent;
    r.kind = TERN_TR_LINK;
    r.cause = (uint16_t)cause;
    r.serial = 0;
    r.time.ns = 5000000000 + s->us * 1000;
    s->tell(s->ctx, stack, &r);
}

/* It leaves and arrives after `us`. */
static inline void story_seg(struct story *s, unsigned stack, unsigned th, uint32_t len,
                             unsigned cause, int64_t us)
{
    struct tern_trace r = story_tx(s, stack, th, len, cause);
    s->us += us;
    story_rx(s, stack, &r);
}

/* Three segments; `us` each way. */
static inline void story_handshake(struct story *s, int64_t us)
{
    story_open(s, 0);
    story_state(s, 0, TERN_TCP_CLOSED, TERN_TCP_SYN_SENT, CAUSE_ST_ACTIVE_OPEN);
    struct tern_trace syn = story_tx(s, 0, TERN_TH_SYN, 0, CAUSE_TX_SYN);
    s->us += us;
    story_open(s, 1);
    story_rx(s, 0, &syn);
    story_state(s, 1, TERN_TCP_LISTEN, TERN_TCP_SYN_RECEIVED, CAUSE_ST_SYN);
    s->us += 400;
    story_seg(s, 1, TERN_TH_SYN | TERN_TH_ACK, 0, CAUSE_TX_SYN_ACK, us);
    story_state(s, 0, TERN_TCP_SYN_SENT, TERN_TCP_ESTABLISHED, CAUSE_ST_SYN_ACKED);
    story_seg(s, 0, TERN_TH_ACK, 0, CAUSE_TX_HANDSHAKE_ACK, us);
    story_state(s, 1, TERN_TCP_SYN_RECEIVED, TERN_TCP_ESTABLISHED, CAUSE_ST_HANDSHAKE_DONE);
}

/* Four segments, the guest first; `us` each way. */
static inline void story_close(struct story *s, int64_t us)
{
    story_state(s, 0, TERN_TCP_ESTABLISHED, TERN_TCP_FIN_WAIT_1, CAUSE_ST_CLOSE);
    story_seg(s, 0, TERN_TH_FIN | TERN_TH_ACK, 0, CAUSE_TX_FIN, us);
    story_state(s, 1, TERN_TCP_ESTABLISHED, TERN_TCP_CLOSE_WAIT, CAUSE_ST_PEER_FIN);
    story_seg(s, 1, TERN_TH_ACK, 0, CAUSE_TX_ACK_FIN, us);
    story_state(s, 0, TERN_TCP_FIN_WAIT_1, TERN_TCP_FIN_WAIT_2, CAUSE_ST_FIN_ACKED);
    s->us += 300;
    story_state(s, 1, TERN_TCP_CLOSE_WAIT, TERN_TCP_LAST_ACK, CAUSE_ST_CLOSE_PASSIVE);
    story_seg(s, 1, TERN_TH_FIN | TERN_TH_ACK, 0, CAUSE_TX_FIN, us);
    story_state(s, 0, TERN_TCP_FIN_WAIT_2, TERN_TCP_TIME_WAIT, CAUSE_ST_PEER_FIN);
    story_timer(s, 0, TERN_TIMER_TIME_WAIT, 60000000);
    story_seg(s, 0, TERN_TH_ACK, 0, CAUSE_TX_ACK_FIN, us);
    story_state(s, 1, TERN_TCP_LAST_ACK, TERN_TCP_CLOSED, CAUSE_ST_LAST_ACK);
}

#endif
