/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/conn.h: the transmission control block and its smaller relatives, and what the files of this
 * folder offer to each other.
 *
 * Three records stand for a connection in its three ages: struct tcp_half while a passive open
 * waits for the handshake's last ACK, struct tcp_conn while there is anything to send or receive,
 * struct tcp_tw during TIME-WAIT. Only the middle one is large, and its buffers exist only while
 * they hold something.
 */
#ifndef TCP_CONN_H
#define TCP_CONN_H

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
    return (struct tcp_conn *)(void *)t->conns.base + (idx - 1); /* pool_at(), its size known */
}
static inline uint32_t conn_idx(const struct tcp *t, const struct tcp_conn *c)
{
    return (uint32_t)(c - (const struct tcp_conn *)(void *)t->conns.base) + 1;
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
    return (struct sent *)(void *)t->sents.base + (idx - 1);
}
static inline struct xmit *conn_xmit(const struct tcp *t, const struct tcp_conn *c)
{
    return c->xmit != 0 ? (struct xmit *)(void *)t->xmits.base + (c->xmit - 1) : NULL;
}
/* See tally.h. */
static inline struct tally *tally_of(const struct tcp *t, const struct tcp_conn *c)
{
    if (c->tally - 1 >= TALLY_INDEX) /* 0, or parked */
        return NULL;
    return (struct tally *)(void *)t->tallies.base + (c->tally - 1);
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

#include "tcp/note.inl"
#include "tcp/plan.inl"

/* state.c */
void tcp_enter(struct tcp *t, struct tcp_conn *c, unsigned state, unsigned cause,
               struct tern_time now);
/* The state that a new control block takes over from a compact record: not a change. */
void tcp_adopt(struct tcp_conn *c, unsigned state);
bool tcp_edge_legal(unsigned from, unsigned to);
void tcp_note_state(struct tcp *t, const struct tcp_tuple *tu, uint32_t serial, unsigned from,
                    unsigned to, unsigned cause, struct tern_time now);
/* Ends a connection: CLOSED, err to the application, everything released; freed when it is an
 * orphan. */
void tcp_die(struct tcp *t, struct tcp_conn *c, int err, unsigned cause, struct tern_time now);

/* demux.c */
uint32_t tuple_hash(const struct tcp *t, const struct tcp_tuple *tu);
bool tuple_eq(const struct tcp_tuple *a, const struct tcp_tuple *b);
struct tcp_conn *demux_conn(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash);
struct tcp_half *demux_half(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash);
struct tcp_tw *demux_tw(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash);
struct tcp_listener *demux_listener(const struct tcp *t, const struct tern_addr *addr,
                                    uint16_t port);
struct tcp_conn *conn_new(struct tcp *t, const struct tcp_tuple *tu, uint32_t hash,
                          struct tern_time now);
void conn_unhash(struct tcp *t, struct tcp_conn *c);
void conn_free(struct tcp *t, struct tcp_conn *c);
struct tcp_conn *conn_get(struct tcp *t, struct tern_sock s); /* NULL if stale */
struct tern_sock conn_sock(const struct tcp *t, const struct tcp_conn *c);

/* input.c and in_*.c: RFC 9293 3.10.7. A verdict is IN_GO or the cause that ends processing. */
#define IN_GO 0u
unsigned tcp_input(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
/* Steps 5 to 8 alone: for the ACK that has just turned a half-open record into a connection. */
unsigned tcp_input_from_ack(struct tcp *t, struct tcp_conn *c, struct tcp_in *in,
                            struct tern_time now);
unsigned in_closed(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_in *in,
                   struct tern_time now);
unsigned in_listen(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu, uint32_t hash,
                   struct tcp_in *in, struct tern_time now);
unsigned in_half(struct tcp *t, struct tcp_half *h, const struct tcp_tuple *tu, struct tcp_in *in,
                 struct tern_time now);
unsigned in_timewait(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu, struct tcp_in *in,
                     struct tern_time now);
unsigned in_synsent(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
unsigned in_check(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
unsigned in_ack(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
unsigned in_text(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
/* Of step 7: `n` octets, from the segment on, have become next in order, and lie in the buffer. */
void in_taken(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, uint32_t n,
              struct tern_time now);
/* Our FIN is acknowledged and the peer's has not come: FIN-WAIT-2, for an orphan with its timer. */
void in_fin_wait_2(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void in_fin(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
void in_urgent(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in);
/* Is any octet of [seq, seq+len) (len counts SYN and FIN) in a window of wnd at nxt? Table 6. */
bool in_acceptable(struct seq seq, uint32_t len, struct seq nxt, uint32_t wnd);
/* A challenge or out-of-window ACK, if the connection has not sent too many. */
void in_challenge(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now);

/* syncache.c */
struct tcp_half *half_new(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                          uint32_t hash, const struct tcp_in *in, struct seq iss,
                          struct tern_time now);
void half_send(struct tcp *t, struct tcp_half *h, unsigned cause, struct tern_time now);
void half_drop(struct tcp *t, struct tcp_half *h, unsigned cause, struct tern_time now);
void half_tick(struct tcp *t, struct tern_time now);
struct tern_time half_deadline(const struct tcp *t);
void half_tuple(const struct tcp_half *h, struct tcp_tuple *tu);
/* Takes a decided or promoted record away without a state change of its own. */
void half_free(struct tcp *t, struct tcp_half *h);
struct tcp_half *half_get(struct tcp *t, struct tern_sock s);

/* What one tick does of each kind at most; the rest is still due and comes with the next. */
#define TICK_BUDGET 8192u

/* timewait.c */
void tw_enter(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now);
void tw_drop(struct tcp *t, struct tcp_tw *w, unsigned cause, struct tern_time now);
void tw_tick(struct tcp *t, struct tern_time now);
struct tern_time tw_deadline(const struct tcp *t);
void tw_tuple(const struct tcp_tw *w, struct tcp_tuple *tu);
void tw_init(struct tw_tab *tab, void *ring, void *head, uint32_t max, struct pool_fault *fault);
/* Octets of tw_init()'s head. */
size_t tw_head_size(uint32_t max);

/* answer.c: segments without a connection */
void ans_push(struct tcp *t, const struct tcp_ans *a);
/* The same without a copy: room for an answer, its octets undefined; NULL (and counted) if there is
 * none. Then it must be queued. */
struct tcp_ans *ans_take(struct tcp *t);
void ans_queue(struct tcp *t, struct tcp_ans *a);
/* RST of a connection with <SND.NXT>, as ABORT sends it [RFC9293:3.10.5]. */
void ans_conn_rst(struct tcp *t, const struct tcp_conn *c, unsigned cause);
void ans_rst(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_in *in, uint32_t serial,
             unsigned state, unsigned cause);
bool ans_tx(struct tcp *t, unsigned iface, uint8_t *buf, uint32_t cap, uint32_t id,
            struct tcp_out *out, struct tern_time now);

/* window.c */
/* Octets from rcv.nxt to offer now: a multiple of the window scale, never less than offered before.
 */
uint32_t window_offer(const struct tcp *t, const struct tcp_conn *c);
void window_read(struct tcp *t, struct tcp_conn *c); /* the application has read */
uint8_t window_shift(uint32_t limit);

/* timer.c */
void timer_arm(struct tcp *t, struct tcp_conn *c, unsigned which, struct tern_time at,
               unsigned cause, struct tern_time now);
void timer_halt(struct tcp *t, struct tcp_conn *c, unsigned which, unsigned cause,
                struct tern_time now);
static inline bool timer_on(const struct tcp_conn *c, unsigned which)
{
    return c->timer_ns[which] != 0; /* enum TT_, not those of struct xmit */
}
/* Mostly it does not run. */
static inline void timer_stop(struct tcp *t, struct tcp_conn *c, unsigned which, unsigned cause,
                              struct tern_time now)
{
    if (which >= TT_COUNT || timer_on(c, which))
        timer_halt(t, c, which, cause, now);
}
/* When a timer runs out, in ns; 0 = it is not running. And its enum tern_timer. */
int64_t timer_due(const struct tcp *t, const struct tcp_conn *c, unsigned which);
unsigned timer_public(unsigned which);
void timer_rexmt_update(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now);
/* The arena had no room for what the application wants to send: asks it again soon, whatever else
 * may or may not happen on this connection. */
void timer_memory(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* An orphan in FIN-WAIT-2 stays so long. */
void timer_fin_wait_2(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void timer_keep_restart(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void tcp_timeout(struct tcp *t, struct tcp_conn *c, unsigned which, struct tern_time now);

/* rtt.c */
void rtt_init(struct tcp_rtt *r, const struct tern_config *cfg);
void rtt_sample(struct tcp_rtt *r, uint32_t us, const struct tern_config *cfg);
void rtt_backoff(struct tcp_rtt *r, const struct tern_config *cfg);
/* A sample of this connection: into the RTO, and into the trace. */
void rtt_take(struct tcp *t, struct tcp_conn *c, uint32_t us, struct tern_time now);

/* recovery.c: what the files of sent.h find out becomes decisions */
/* Before anything of an ACK is taken. */
void recovery_begin(const struct tcp_conn *c, const struct tcp_seg *s, struct news *n);
/* An acceptable ACK that moved snd.una (`fresh`), carries SACK blocks or is a duplicate (`dup`);
 * snd.una and the records are up to date. */
void recovery_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s, struct news *n,
                  bool dup, struct tern_time now);
void recovery_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* The reordering timer: what RACK holds for lost by now. */
void recovery_reo(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* Everything outstanding is to be sent again, from snd.una on. */
void recovery_go_back(struct tcp *t, struct tcp_conn *c, unsigned cause);

/* newreno.c: the same for connections whose flight has no records */
void newreno_ack(struct tcp *t, struct tcp_conn *c, const struct news *n, struct tern_time now);
void newreno_dupack(struct tcp *t, struct tcp_conn *c, struct tern_time now);

/* soft.c: what is wrong and ends nothing */
void soft_error(struct tcp *t, struct tcp_conn *c, int err);
void soft_r1(struct tcp *t, struct tcp_conn *c); /* after a retransmission: is R1 reached? */
int soft_take(struct tcp_conn *c);               /* the last one, positive, and forgets it */

/* isn.c */
/* The ports as they are hashed, after the addresses (both IPv4). */
static inline uint64_t isn_ports(const struct tcp_tuple *tu)
{
    return (uint64_t)tu->lport << 16 | tu->rport;
}
struct seq isn_of(const struct tcp *t, const struct tcp_tuple *tu, struct tern_time now);
uint32_t ts_offset_of(const struct tcp *t, const struct tcp_tuple *tu);
uint16_t port_choose(struct tcp *t, struct tcp_tuple *tu); /* 0 = none is free */

/* user.c */
/* The application met a full buffer, and there is room again: tells it. */
void user_writable(struct tcp *t, struct tcp_conn *c);
/* Is there as much to read as it wants to hear of? */
void user_readable(struct tcp *t, struct tcp_conn *c);

/* event.c */
void event_raise(struct tcp *t, struct tcp_conn *c, unsigned bits);
void event_listener(struct tcp *t, struct tcp_listener *l);
struct tcp_listener *listener_get(struct tcp *t, struct tern_sock s);

#include "tcp/opts.inl"

#endif /* ---- record.c ---- */

/* A segment must end in front of `at`. */
void record_end(struct tcp *t, struct tcp_conn *c, struct seq at);
/* How many of the n octets from `from` on may share a segment. */
uint32_t record_room(const struct tcp *t, const struct tcp_conn *c, struct seq from, uint32_t n);
bool record_ends(const struct tcp *t, const struct tcp_conn *c, struct seq at);
