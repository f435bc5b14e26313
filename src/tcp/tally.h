/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/tally.h: what a connection has done so far, for those who ask (TCP_INFO), and what its
 * buffers follow (autotune.c).
 *
 * A record is taken from a pool when the first data passes, either way. Its numbers must not go
 * back to zero because a program paused, but a connection at rest must be small: after a second
 * they are put away (park.c), and fetched when data passes again. A connection that never carried
 * data has none. When no record is left nothing is counted and the buffers stay as they are.
 */
#ifndef TCP_TALLY_H
#define TCP_TALLY_H

#include "base/list.h"
#include "base/seq.h"
#include "base/time.h"
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

/* What has been counted since the connection began, and outlives its pauses (park.c). */
struct tally_sum {
    uint64_t spent_us[WHY_COUNT - 1]; /* in enum tally_why - 1, without the one since why_ns */
    uint64_t bytes_rexmt;             /* octets sent again */
    uint32_t data_out, data_in;       /* segments with text */
    uint32_t delivered;               /* segments that have arrived, as far as the peer has said */
    uint32_t reordered;               /* times that the path was seen to reorder */
    uint32_t data_tx_ms, data_rx_ms;  /* when text last went, came */
    uint32_t rto_ms;                  /* spent in recoveries that a timeout began */
    uint16_t rtos, rto_recoveries;
    uint16_t reorder_segs; /* by how many segments at most */
    uint16_t big_acked;    /* largest segment known to have arrived, octets of text */
};

struct tally {
    struct tally_sum sum;

    /* the receive window */
    uint32_t space;     /* octets that the application read in a round trip, at most */
    uint32_t mark;      /* ... had read when this round trip began, modulo 2^32 */
    int64_t mark_ns;    /* when it began; 0 = no data yet */
    uint32_t rtt_us;    /* round trip as the receiver sees it; 0 = no sample yet */
    uint32_t tsecr;     /* the last echo that was a sample */
    struct seq rtt_end; /* without echoes: the window offered at rtt_ns ends here */
    uint8_t why;        /* enum tally_why, since why_ns */
    bool in_rto;        /* in such a recovery, since rto_from_ms */
    int64_t rtt_ns;
    int64_t why_ns;
    uint32_t rto_from_ms;
    struct tally_ack ack;
    struct tally_bufs bufs;

    /* park.c */
    uint32_t conn; /* index of the owner */
    uint32_t look_ms;
    struct link order;
};

/* ---- park.c ---- */

#define PARK_SMALL 24u /* octets of a parked record, if it fits */

/* A parked record that does not. */
struct tally_rest {
    struct tally_sum sum;
    struct tally_ack ack;
};

/* struct tcp_conn's `tally`: an index, and of which pool. */
#define TALLY_REST  (UINT32_C(1) << 30)
#define TALLY_SMALL (UINT32_C(2) << 30)
#define TALLY_INDEX (TALLY_REST - 1)

/* Puts away the records of connections that have been at rest for a second. */
void park_tick(struct tcp *t, struct tern_time now);
/* When park_tick() is to be called, at the latest. */
struct tern_time park_deadline(const struct tcp *t);
/* The connection has a record from now on. */
void park_begin(struct tcp *t, struct tcp_conn *c, struct tally *a);
/* Fetches what is parked into a fresh record. */
void park_fetch(struct tcp *t, struct tcp_conn *c, struct tally *a);
/* Gives all back: the connection ends. */
void park_end(struct tcp *t, struct tcp_conn *c);
/* What is parked; false if nothing is. */
bool park_read(const struct tcp *t, const struct tcp_conn *c, struct tally_rest *out);
/* The coding of a small record: true if it fits. */
bool park_pack(const struct tally_sum *s, uint8_t p[PARK_SMALL]);
void park_unpack(const uint8_t p[PARK_SMALL], struct tally_sum *s);

/* ---- tally.c ---- */

/* tally_take() and tally_of() are in conn.h: the connection's record, taken if need be, NULL when
 * none is left; and the same for those who only read or change one that is there: NULL while it is
 * parked, too. */
struct tally *tally_make(struct tcp *t, struct tcp_conn *c);
/* What has been counted so far, and what the sender waits for now; false: nothing yet. */
bool tally_read(const struct tcp *t, const struct tcp_conn *c, struct tally_sum *out,
                struct tern_time now);
/* The sender now waits for something else. */
void tally_why(struct tally *a, enum tally_why why, struct tern_time now);
/* `data` octets were acknowledged and are out of the send buffer. */
void tally_acked(struct tcp *t, struct tcp_conn *c, uint32_t data, struct tern_time now);
/* What an ACK showed to have arrived: `pieces` segments. */
void tally_news(struct tcp *t, struct tcp_conn *c, uint32_t pieces, struct tern_time now);
/* The connection is closed: nothing is waited for any more. */
void tally_over(struct tcp *t, struct tcp_conn *c, struct tern_time now);
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
