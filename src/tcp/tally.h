/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/tally.h: what a connection has done so far, for those who ask (TCP_INFO), and what its
 * buffers follow (autotune.c).
 *
 * A record is taken from a pool when the first data passes, either way, and kept until the
 * connection ends: its numbers must not go back to zero because a program paused. A connection
 * that never carried data has none. When no record is left the numbers stay zero and the buffers
 * as they are.
 */
#ifndef TCP_TALLY_H
#define TCP_TALLY_H

#include "base/seq.h"
#include <stdbool.h>
#include <tern/types.h>

struct tcp;
struct tcp_conn;
struct tcp_listener;
struct tcp_in;

/* What the sender is waiting for, while it has data. */
enum tally_why { WHY_IDLE, WHY_BUSY, WHY_WINDOW, WHY_BUFFER, WHY_COUNT };

/* Acknowledging, of profiles that adapt it (ack.c). */
struct tally_ack {
    uint32_t rx_ms;   /* when octets in order came last */
    uint16_t ato_ms;  /* how long an ACK may wait; 0 = nothing has come yet */
    uint8_t quick;    /* how many more are sent at once */
    bool interactive; /* we answer what comes: our data will carry the ACK */
    bool pushed;      /* PSH has come since the last ACK */
};

/* Where the send buffer's pieces end, of profiles that have them (profile.c). */
struct tally_bufs {
    struct seq tail;   /* the last piece begins here; those before it are full */
    struct seq pushed; /* the last PSH that writing has set stands before this */
    struct seq psh[8]; /* ends of pieces that were given one, the newest at psh_n - 1 */
    uint8_t psh_n;     /* counts on */
    bool valid;
};

struct tally {
    /* the receive window */
    uint32_t space;     /* octets that the application read in a round trip, at most */
    uint32_t mark;      /* ... had read when this round trip began, modulo 2^32 */
    int64_t mark_ns;    /* when it began; 0 = no data yet */
    uint32_t rtt_us;    /* round trip as the receiver sees it; 0 = no sample yet */
    uint32_t tsecr;     /* the last echo that was a sample */
    struct seq rtt_end; /* without echoes: the window offered at rtt_ns ends here */
    uint16_t big_acked; /* largest segment known to have arrived, octets of text */
    uint8_t why;        /* enum tally_why, since why_ns */
    int64_t rtt_ns;
    int64_t why_ns;

    uint64_t spent_us[WHY_COUNT]; /* WHY_IDLE is not counted */
    uint64_t bytes_rexmt;         /* octets sent again */
    uint32_t data_out, data_in;   /* segments with text */
    uint32_t delivered;           /* segments that arrived at the peer, as far as it has said */
    uint32_t reordered;           /* times that the path was seen to reorder */
    uint16_t reorder_segs;        /* by how many segments at most */
    struct tally_ack ack;
    struct tally_bufs bufs;
    uint32_t data_tx_ms, data_rx_ms; /* when text last went, came */
    uint32_t rto_ms, rto_from_ms;    /* spent in recoveries that a timeout began; since when */
    uint16_t rtos, rto_recoveries;
    bool in_rto;
};

/* tally.c */
/* The connection's record, taken if need be; NULL when none is left. */
struct tally *tally_take(struct tcp *t, struct tcp_conn *c);
/* NULL: there is none. */
struct tally *tally_of(const struct tcp *t, const struct tcp_conn *c);
void tally_give(struct tcp *t, struct tcp_conn *c);
/* The sender now waits for something else. */
void tally_why(struct tcp *t, struct tcp_conn *c, enum tally_why why, struct tern_time now);
/* Microseconds spent so, up to now. */
uint64_t tally_spent(const struct tally *a, enum tally_why why, struct tern_time now);
/* A segment with `len` octets of text, in `pieces`, has gone out. */
void tally_sent(struct tcp *t, struct tcp_conn *c, uint32_t len, uint32_t pieces, bool again,
                struct tern_time now);
/* `data` octets were acknowledged and are out of the send buffer. */
void tally_acked(struct tcp *t, struct tcp_conn *c, uint32_t data, struct tern_time now);
/* What an ACK showed to have arrived: `pieces` segments. */
void tally_news(struct tcp *t, struct tcp_conn *c, uint32_t pieces, struct tern_time now);
/* The retransmission timer ran out. */
void tally_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now);

/* autotune.c */
/* The limits of a new connection's buffers. */
void tune_init(const struct tcp *t, struct tcp_conn *c);
/* The limit with which such a buffer begins, if it may grow to `most`. */
uint32_t tune_first(const struct tcp *t, bool rcv, uint32_t most);
/* The same for a connection of this listener: which = 0 send, 1 receive. */
uint32_t tune_listener(const struct tcp *t, const struct tcp_listener *l, unsigned which);
/* The largest window that this connection may ever offer: what the window scale must do for. */
uint32_t tune_ceiling(const struct tcp *t, const struct tcp_conn *c);
/* A segment with text has arrived, whether or not it is news. */
void tune_rx(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, struct tern_time now);
/* The application has read. */
void tune_read(struct tcp *t, struct tcp_conn *c);
/* cwnd is more than a quarter of the send buffer's limit. */
void tune_send(struct tcp *t, struct tcp_conn *c);

#endif
