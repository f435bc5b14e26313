/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/block.h: the transmission control block, its smaller relatives, and what they lie in. conn.h
 * has what the files of this folder do with them, and is what those include.
 *
 * Three records stand for a connection in its three ages: struct tcp_half while a passive open
 * waits for the handshake's last ACK, struct tcp_conn while there is anything to send or receive,
 * struct tcp_tw during TIME-WAIT. Only the middle one is large, and its buffers exist only while
 * they hold something.
 */
#ifndef TCP_BLOCK_H
#define TCP_BLOCK_H

#include "base/buddy.h"
#include "base/bytes.h"
#include "base/cksum.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/ranges.h"
#include "base/ring.h"
#include "base/seq.h"
#include "base/time.h"
#include "base/trace.h"
#include "base/wheel.h"
#include "tcp/auth.h"
#include "tcp/cc/cc.h"
#include "tcp/cookie.h"
#include "tcp/ecn.h"
#include "tcp/extra.h"
#include "tcp/fastopen.h"
#include "tcp/flood.h"
#include "tcp/offload.h"
#include "tcp/profile.h"
#include "tcp/sent.h"
#include "tcp/tally.h"
#include "tcp/tcp.h"
#include "wire/tcp.h"
#include <tern/iface.h>

/* The four numbers that name a connection; addresses as in memory, ports in host order. */
struct tcp_tuple {
    uint8_t laddr[16], raddr[16];
    uint16_t lport, rport;
    uint8_t fam;
    uint8_t iface; /* not part of the name: where its packets go */
};

/* Send sequence space, RFC 9293 3.3.1. Invariant: una <= rtx <= nxt; the send buffer begins at una
 * (at iss + 1 until the SYN is acknowledged). */
struct tcp_snd {
    struct seq una;      /* SND.UNA: oldest unacknowledged */
    struct seq nxt;      /* SND.NXT: one above the highest ever sent */
    struct seq rtx;      /* next to send again after a timeout; == nxt otherwise */
    struct seq wl1, wl2; /* SND.WL1, SND.WL2 */
    struct seq up;       /* SND.UP, if urg */
    struct seq iss;      /* ISS */
    struct seq recover;  /* [RFC6582]: nxt when the last loss was noticed */
    uint32_t wnd;        /* SND.WND, octets [RFC9293:REC-1] */
    uint32_t max_wnd;    /* Max(SND.WND) [RFC9293:3.8.6.2.1] */
    uint32_t limit;      /* send-buffer limit, octets */
    uint32_t persist_ms; /* when the peer's window shut */
    struct ring buf;     /* unacknowledged and unsent octets */
};

/* Receive sequence space. Invariant: nxt <= adv (the window's right edge never moves left). The
 * octets at nxt + n lie at offset buf.len + n. */
struct tcp_rcv {
    struct seq nxt;   /* RCV.NXT */
    struct seq adv;   /* right edge of the window as last offered: RCV.NXT + RCV.WND */
    struct seq acked; /* Last.ACK.sent [RFC7323:4.3] */
    struct seq irs;   /* IRS */
    struct seq up;    /* RCV.UP: the octet after the urgent one, if oob */
    struct seq fin;   /* where the peer's FIN stands, if fin_known */
    uint32_t limit;   /* receive-buffer limit, octets */
    uint32_t unacked; /* octets that arrived since the last ACK */
    struct ring buf;
    struct ranges ooo;
    uint32_t chal_ms; /* beginning of the second in which challenge ACKs are counted */
};

/* RFC 6298. */
struct tcp_rtt {
    uint32_t srtt_us, rttvar_us, rto_us; /* srtt 0 = no sample yet */
    struct seq timed;                    /* the segment being timed ends here */
    int64_t timed_ns;                    /* when it was sent; 0 = none is timed */
};

enum { TT_REXMT, TT_PERSIST, TT_DELACK, TT_KEEP, TT_USER, TT_FIN_WAIT_2, TT_COUNT };

struct tcp_conn {
    /* name */
    struct tcp_tuple tuple;
    uint8_t state; /* enum tern_tcp_state; written by tcp_enter() only */
    uint8_t ttl, tos;
    uint8_t dupacks;
    uint8_t snd_ws, rcv_ws; /* Snd.Wind.Shift, Rcv.Wind.Shift [RFC7323:2.3] */
    uint8_t rexmts;         /* retransmissions of snd.una, or probes, in a row */
    uint8_t cc_id;          /* enum tern_cc: which congestion control */
    uint16_t mss_top;       /* what mss would be if the path were no narrower than its ends */
    uint16_t mss;           /* SMSS without options: peer's MSS and our MTU */
    uint16_t listener;      /* index while waiting to be accepted; 0 = none */
    uint32_t serial, gen;
    uint32_t extra; /* index of the struct tcp_extra, 0 = none */
    uint32_t xmit;  /* index of the struct xmit, 0 = none: nothing was sent lately */
    uint32_t gone;  /* octets between snd.una and snd.nxt that are not in flight: SACKed, or lost */
    uint32_t tally; /* struct tally or what is parked of it (tally.h), 0 = no data has passed yet */

    /* what is so */
    bool used : 1;
    bool hashed : 1; /* in the 4-tuple table */
    bool orphan : 1; /* the application has closed its handle */
    bool ts_ok : 1, sack_ok : 1, ws_ok : 1;
    bool nodelay : 1, cork : 1, keepalive : 1, oobinline : 1, quickack : 1;
    bool syn_acked : 1;    /* the peer has acknowledged our SYN; snd.una may pass the ISS again */
    bool fin_wanted : 1;   /* CLOSE was called: FIN follows the data */
    bool fin_acked : 1;    /* ... and the peer has acknowledged it */
    bool fin_known : 1;    /* rcv.fin is valid */
    bool fin_rcvd : 1;     /* ... and everything before it has arrived */
    bool urg : 1;          /* snd.up is valid and not yet acknowledged */
    bool oob : 1;          /* rcv.up is valid and its octet not yet read or passed */
    bool oob_kept : 1;     /* oob_octet is the last urgent octet, which reading has passed over */
    bool recovery : 1;     /* in fast recovery */
    bool rto_recovery : 1; /* after a timeout, until snd.recover is acknowledged */
    bool syn_rexmt : 1;    /* the SYN was sent more than once */
    bool was_writable_no : 1; /* the application met a full buffer: owe it WRITABLE */
    bool no_memory : 1;       /* ... because the arena was empty: a timer owes it WRITABLE */
    bool more : 1;            /* the application has said that more follows (TERN_SEND_MORE) */
    bool override : 1;        /* the override timer fired: send in spite of Nagle and SWS */
    bool detached : 1;        /* TIME-WAIT lives on in a compact record; this is only the handle */
    bool prefix_counted : 1;  /* in the count of its source prefix's connections */
    bool orphan_counted : 1;  /* in tcp.orphans */
    bool cwnd_limited : 1;    /* cwnd held the sender back since the last ACK */
    bool flush : 1;           /* what is queued goes once in spite of CORK and Nagle */
    bool tail_more : 1;       /* the last write said that more follows: no PSH at its end */

    uint64_t user;

    /* what is owed to the link; 0 = nothing. Causes, so that what is sent can say why */
    uint16_t owe_ack;   /* cause of an immediate ACK [RFC5681:4.2#3] */
    uint16_t owe_syn;   /* SYN or SYN-ACK */
    uint16_t owe_rexmt; /* the segment at snd.una, once more */
    uint16_t owe_probe; /* a window or keep-alive probe */
    uint16_t rtx_cause; /* why snd.rtx < snd.nxt */

    uint16_t rcv_mss; /* RMSS: estimate of the peer's segment size */
    uint8_t persist_shift;
    uint8_t keep_probes; /* sent */
    uint8_t oob_octet;
    uint8_t
        sig_len; /* octets of options that the signature takes: 0, SIGN_MD5_ROOM, SIGN_AO_ROOM */

    struct tcp_snd snd;
    struct tcp_rcv rcv;
    struct tcp_rtt rtt;
    struct cc cc;

    /* timestamps and idle times */
    uint32_t ts_recent;    /* TS.Recent */
    uint32_t ts_recent_ms; /* when it was set, ms of the stack's clock [RFC7323:5.5] */
    uint32_t ts_off;       /* added to the clock in TSval [RFC7323:5.4] */
    uint32_t last_rx_ms, last_tx_ms;
    uint16_t chal_n;    /* challenge ACKs sent in the second that began at rcv.chal_ms */
    uint16_t events;    /* TERN_EV_* not yet given out */
    int8_t err;         /* pending error (enum tern_err) */
    int8_t soft_err;    /* last soft ICMP error */
    bool snd_tuned : 1; /* snd.limit follows cwnd: the application has not set it */
    bool rcv_tuned : 1; /* rcv.limit follows what the application reads in a round trip */

    struct wheel_node wheel;
    uint16_t cwv_s; /* since when cwnd is not validated: seconds of the stack's clock modulo 2^16; 0
                       = it is [RFC7661:4.3] */
    int64_t timer_ns[TT_COUNT]; /* 0 = not running */
    struct link ready_link;
    struct link
        event_link; /* on its listener's queue until it is accepted, on the event queue after */

    uint64_t bytes_acked, bytes_rcvd;
    uint32_t segs_out, segs_in, retrans;
    uint32_t dsacks;               /* D-SACK blocks received */
    struct seq dsack_lo, dsack_hi; /* what arrived twice, to be reported; equal = nothing */
};

/* A half-open connection: at most 64 octets [RFC4987:3.6's SYN cache]. IPv4; an IPv6 record will
 * have its own pool. */
struct tcp_half {
    uint8_t laddr[4], raddr[4];
    uint16_t lport, rport;
    uint32_t hash;
    struct link link; /* on the list of its age, or of its kind */
    uint32_t serial, gen;
    struct seq iss, irs;
    uint32_t ts_recent;
    uint32_t due_ms; /* when the SYN-ACK is sent again */
    uint16_t listener;
    uint16_t mss;  /* the peer's */
    uint16_t wnd;  /* the SYN's window */
    uint8_t where; /* which list: enum half_list */
    uint8_t iface;
    uint8_t ws;     /* the peer's shift + 1, 0 = no option */
    uint8_t own_ws; /* our shift as the SYN-ACK announces it; the limit may change later */
    bool ts : 1, sack : 1, used : 1, resent : 1;
    bool deferred : 1; /* the handshake is complete, and its listener waits for data */
    bool again : 1;    /* the SYN-ACK was repeated for a repeated SYN: no round-trip sample */
    bool offered : 1;  /* the application has its handle: it must hear of the end */
    uint8_t
        tfo; /* kind of the option with which the SYN-ACK gives out a Fast Open cookie; 0 = none */
    uint8_t ecn;   /* what was agreed on: enum ecn_mode; | the SYN's ECN codepoint << 4 */
    uint8_t ao_id; /* signed with AO: SendID of the key that answers */
};

/* Levels 0..HALF_LEVELS-1 hold records whose SYN-ACK has been sent level+1 times: the timeout is
 * the same for all of one level, so each list is in order of time. */
#define HALF_LEVELS 12
enum half_list {
    HALF_HELD_NEW = HALF_LEVELS, /* to be offered to the application */
    HALF_HELD,                   /* offered, not decided */
    HALF_HELD_LATER,             /* to be offered when the SYN is repeated (listener `staged`) */
    HALF_GONE,                   /* offered, gone since: to be told */
    HALF_LISTS
};

/* TIME-WAIT: 40 octets, and 4 to 8 of the table that finds it. IPv4, as above. */
struct tcp_tw {
    uint8_t laddr[4], raddr[4];
    uint16_t lport, rport;
    uint32_t next; /* with the same place in the table; 0 = none */
    uint32_t serial;
    struct seq snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    uint32_t due_ms;
    uint16_t wnd; /* as it stood in our last segment */
    uint8_t iface;
    bool ts : 1, used : 1;
    bool sign : 1;  /* a struct tcp_auth has the keys */
    uint8_t ws : 4; /* our shift, for the trace: wnd stands as on the wire */
};
_Static_assert(sizeof(struct tcp_half) <= 64, "half-open record grew");
_Static_assert(sizeof(struct tcp_tw) <= 40, "TIME-WAIT record grew");
_Static_assert(sizeof(struct tcp_conn) <= 464, "connection grew"); /* decision 0016 */

/* All TIME-WAIT records: a ring in order of due_ms, and chains by the hash of the name. A record's
 * index is its place in the ring, from 1. */
struct tw_tab {
    struct tcp_tw *ring;
    uint32_t *head; /* mask + 1 of them */
    uint32_t max, mask;
    uint32_t first, span; /* places from the oldest record to the newest, holes included */
    uint32_t used;        /* records among them */
    uint32_t fresh;       /* places 1..fresh have been used at least once */
    struct pool_fault *fault;
};

struct tcp_listener {
    struct tern_addr addr; /* fam NONE = all */
    uint16_t port;
    bool used, hold, any;
    bool must_ask; /* hold, and no cookie may go out unasked */
    uint32_t gen, backlog, serial;
    uint32_t half; /* half-open records of this listener */
    uint64_t user;
    struct list accept; /* connections waiting */
    struct link event_link;
    struct tern_listener_policy pol;
    uint8_t cc;        /* inherited: enum tern_cc */
    uint32_t retried;  /* half-open records whose SYN-ACK was sent again */
    bool stage;        /* policy.staged: beyond a threshold */
    uint8_t cookie_ws; /* shift + 1 that all its cookies promise; 0 = none given out yet */
    int64_t cookie_ns; /* when the last was given out; 0 = never */
    int64_t opts[4];   /* inherited: sndbuf, rcvbuf, nodelay, keepalive */
    bool buf_set[2];   /* sndbuf, rcvbuf: by the application, else they are what may be reached */
    uint32_t extra;    /* inherited: index of the struct tcp_extra, 0 = none */
    struct fo_listener fo;
    struct offload_listener offload;
};

#define ANS_RAW     40 /* a SYN-ACK with MSS, SACK, timestamps and window scale */
#define ANS_RAW_MAX 60 /* the same, signed */

/* A segment without a connection waiting for the link: RST, SYN-ACK, ACK of TIME-WAIT. */
struct tcp_ans {
    struct tcp_tuple tuple;
    struct link link;
    uint32_t serial;
    struct seq seq, ack;
    uint32_t tsval, tsecr;
    uint16_t wnd, cause, mss;
    uint16_t uto; /* of a SYN-ACK, as on the wire; 0 = none */
    uint8_t th;
    uint8_t ws; /* shift + 1: of the option on a SYN, else of wnd, for the trace; 0 = none */
    bool ts : 1, sack : 1;
    uint8_t state;
    bool ae;
    bool accecn; /* with the counters of AccECN as they begin */
    uint8_t tfo; /* kind of the option with tfo_cookie; 0 = none */
    uint8_t tfo_cookie[FO_COOKIE];
    uint8_t layout;  /* of a SYN-ACK's options: enum tcp_layout */
    uint8_t raw_len; /* not 0: the segment is built already, and of the rest only tuple, cause,
                        serial and state are filled in */
    uint8_t ao_id;   /* SYN-ACK of a cookie, as in struct tcp_half */
    uint8_t raw[ANS_RAW_MAX];
};

struct tcp_if {
    uint16_t mtu;
    uint32_t gso_max;
    bool tx_csum;
    struct list ready; /* connections that may have something to send */
    struct list ans;
    uint32_t burst; /* segments that the head of `ready` has sent in a row */
};

struct tcp {
    const struct tern_config *cfg;
    struct buddy *arena;
    struct trace *trace;
    const struct cksum_ops *cks;
    const struct profile *pol;
    struct tw_tab tws;
    struct pool auths, keys;
    uint32_t auth_next; /* keys of the connection that the next tcp_connect() makes */
    struct pool conns, halves, listeners, anss, ooo, xmits, sents, extras, tallies, rests, smalls;
    struct tcp_extra extra_default; /* what connections without a record of their own read */
    struct map conn_map, half_map, listen_map;
    struct wheel wheel;
    struct list half_list[HALF_LISTS];
    struct list conn_events, listen_events;
    struct list xmit_idle;  /* blocks without anything in flight, in order of idle_ms */
    struct list tally_list; /* records in use, in order of look_ms */
    uint32_t park_ms;       /* when its head is looked at */
    uint32_t park_wake_ms,
        park_wait_ms; /* ... by a stack that sleeps; and how long it waits then */
    struct tcp_if iface[TCP_IFACES];
    struct hash_key key_demux, key_isn, key_port, key_ts, key_prefix;
    struct cookie_jar jar;
    struct prefix_tab *prefix;
    struct tern_offload_bucket (*bucket)[BUCKET_WAYS]; /* prefix->bucket, or those of offload */
    struct tern_syn_offload *offload;                  /* NULL: nobody gives out our cookies */
    struct pmtu_cache pmtu;
    struct detect detect;
    struct fo_stack fo;
    uint32_t orphans;   /* connections that the application has closed */
    uint32_t last_conn; /* the connection of the last segment: tried first */
    uint32_t any_listener;
    uint32_t serial;
    uint32_t port_offset; /* [RFC6056:3.3.3] counter */
    uint32_t gen;
    uint32_t tw_acks, tw_acks_ms;
    int64_t boot_ns;
    int64_t now_ns;  /* the latest instant seen: tcp_at() */
    uint32_t now_ms; /* the same on the 32-bit clock */
    bool no_habits;  /* the profile has none of those that shape data (train.c) */
    struct offload off;
};

/* The instant of a millisecond of the stack's 32-bit clock that is within 24 days of the present.
 */
static inline struct tern_time ms_instant(const struct tcp *t, uint32_t ms)
{
    int64_t now_ms = (t->now_ns - t->boot_ns) / 1000000;
    return (struct tern_time){t->boot_ns + (now_ms + (int32_t)(ms - (uint32_t)now_ms)) * 1000000};
}

static inline uint32_t tcp_ms(const struct tcp *t, struct tern_time now)
{
    if (__builtin_expect(now.ns == t->now_ns, 1))
        return t->now_ms;
    return (uint32_t)((now.ns - t->boot_ns) / 1000000);
}
/* Every call with an instant begins with this. */
static inline void tcp_at(struct tcp *t, struct tern_time now)
{
    if (now.ns == t->now_ns)
        return;
    t->now_ns = now.ns;
    t->now_ms = (uint32_t)((now.ns - t->boot_ns) / 1000000);
}
/* a is before or at b, on the 32-bit millisecond clock (within 24 days). */
static inline bool ms_due(uint32_t due, uint32_t now)
{
    return (int32_t)(now - due) >= 0;
}
static inline struct tcp_conn *conn_at(const struct tcp *t, uint32_t idx)
{
    return POOL_AT(struct tcp_conn, &t->conns, idx);
}
static inline uint32_t conn_idx(const struct tcp *t, const struct tcp_conn *c)
{
    return (uint32_t)(c - POOL_AT(const struct tcp_conn, &t->conns, 1)) + 1;
}
/* The first sequence number of the send buffer. */
static inline struct seq snd_base(const struct tcp_conn *c)
{
    return c->syn_acked ? c->snd.una : seq_add(c->snd.iss, 1);
}
/* Where our FIN stands (or will stand). */
static inline struct seq snd_fin(const struct tcp_conn *c)
{
    return seq_add(snd_base(c), c->snd.buf.len);
}
static inline bool fin_sent(const struct tcp_conn *c)
{
    return c->fin_acked || (c->fin_wanted && seq_gt(c->snd.nxt, snd_fin(c)));
}
/* Octets in flight as the sender must count them (RFC 6675's pipe): without records, after a
 * timeout, what lies beyond rtx is taken for lost. */
static inline uint32_t snd_flight(const struct tcp_conn *c)
{
    return (uint32_t)seq_diff(c->snd.rtx, c->snd.una) - c->gone; /* [RFC6675:4#2] [RFC9937:6.2#3] */
}
static inline struct sent *sent_at(const struct tcp *t, uint32_t idx)
{
    return POOL_AT(struct sent, &t->sents, idx);
}
static inline struct xmit *conn_xmit(const struct tcp *t, const struct tcp_conn *c)
{
    return c->xmit != 0 ? POOL_AT(struct xmit, &t->xmits, c->xmit) : NULL;
}
/* See tally.h. */
static inline struct tally *tally_of(const struct tcp *t, const struct tcp_conn *c)
{
    if (c->tally - 1 >= TALLY_INDEX) /* 0, or parked */
        return NULL;
    return POOL_AT(struct tally, &t->tallies, c->tally);
}
static inline struct tally *tally_take(struct tcp *t, struct tcp_conn *c)
{
    struct tally *a = tally_of(t, c);
    return a != NULL ? a : tally_make(t, c);
}
/* A segment with `len` octets of text, in `pieces`, has gone out. */
static inline void tally_sent(struct tcp *t, struct tcp_conn *c, uint32_t len, uint32_t pieces,
                              bool again, struct tern_time now)
{
    struct tally *a = tally_take(t, c);
    if (a == NULL)
        return;
    a->sum.data_out += pieces;
    a->sum.data_tx_ms = tcp_ms(t, now);
    if (again)
        a->sum.bytes_rexmt += len;
    if (a->why != WHY_BUSY)
        tally_why(a, WHY_BUSY, now);
}
/* The block, if everything in flight has its record. */
static inline struct xmit *conn_tracked(const struct tcp *t, const struct tcp_conn *c)
{
    struct xmit *x = conn_xmit(t, c);
    return x != NULL && !x->blind && x->head != 0 ? x : NULL;
}
static inline const struct cc_ops *conn_cc(const struct tcp *t, const struct tcp_conn *c)
{
    (void)t;
    return cc_ops_of(c->cc_id);
}
static inline bool state_synchronized(unsigned s)
{
    return s >= TERN_TCP_ESTABLISHED;
}
/* State in which the peer may still send data. */
static inline bool state_receives(unsigned s)
{
    return s == TERN_TCP_ESTABLISHED || s == TERN_TCP_FIN_WAIT_1 || s == TERN_TCP_FIN_WAIT_2;
}

/* Octets of the options that every segment carries. */
static inline unsigned conn_fixed_opts(const struct tcp_conn *c)
{
    return (c->ts_ok ? 12u : 0u) + c->sig_len;
}

/* The segment under way through input, with what was found out about it. */
struct tcp_in {
    struct tcp_seg s;
    const struct tcp_pkt *pkt;
    bool copied;     /* payload already lies behind the receive buffer's end */
    uint16_t pieces; /* wire segments in this (super-)segment */
};

#endif
