/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/inspect.h: looking into a stack without changing it: what `tern ss` shows.
 */
#ifndef TERN_INSPECT_H
#define TERN_INSPECT_H

#include <tern/event.h>
#include <tern/types.h>

struct tern_stack;

enum tern_info_kind {
    TERN_INFO_LISTENER = 1,
    TERN_INFO_HALF_OPEN = 2, /* SYN-RECEIVED as a compact record */
    TERN_INFO_CONN = 3,
    TERN_INFO_TIME_WAIT = 4,
    TERN_INFO_UDP = 5,
};

struct tern_info {
    uint8_t kind;  /* enum tern_info_kind */
    uint8_t state; /* enum tern_tcp_state; CLOSED for UDP */
    bool orphan;   /* closed by the application, being finished by the stack */
    bool held;     /* half-open waiting for tern_tcp_answer() */
    uint32_t serial;
    struct tern_sock sock;
    uint64_t user;
    struct tern_endpoint local, remote;
    uint64_t rcvq, sndq;     /* octets readable; octets unacknowledged. A listener: connections
                                waiting to be accepted; the backlog */
    uint8_t timer;           /* enum tern_timer of the nearest timer */
    int64_t timer_us;        /* microseconds until it fires; -1 = none is running */
    uint32_t retries;        /* retransmissions of the oldest segment, or probes, so far */
    /* full connections only */
    uint32_t mss, rcv_mss, cwnd, ssthresh, snd_wnd, rcv_wnd; /* octets; ssthresh UINT32_MAX = unset */
    uint32_t srtt_us, rttvar_us, rto_us;
    uint32_t snd_una, snd_nxt, rcv_nxt, iss, irs;
    uint8_t snd_wscale, rcv_wscale;
    bool ts_ok, sack_ok, wscale_ok, nagle;
    uint64_t bytes_acked, bytes_received, segs_out, segs_in, retrans, dsack;
    uint32_t ooo;            /* out-of-order intervals held */
    const char *cc;          /* name of the congestion control */
};

/* Walks over everything: start with *cursor = 0; false at the end. Objects that appear or vanish
 * between calls may be missed, never shown twice. */
TERN_API bool tern_inspect_next(const struct tern_stack *st, uint64_t *cursor,
                                struct tern_info *out, struct tern_time now);
/* One socket by its handle: false when it is gone. */
TERN_API bool tern_inspect(const struct tern_stack *st, struct tern_sock s, struct tern_info *out,
                           struct tern_time now);

/* How often this cause was the reason of anything since the stack was made. */
TERN_API uint64_t tern_counter(const struct tern_stack *st, unsigned cause);

#endif
