/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/event.h: what a stack tells: events for the application, and the trace for the curious.
 *
 * Events are few and coalesced: each socket has one node in one queue with a set of bits, so the
 * queue never overflows and an event means "look now", not "once per octet". The trace is a
 * bounded ring of fixed records, one for every segment, drop, timer and state change, each with
 * its cause; it costs nothing when config.trace_records is 0.
 */
#ifndef TERN_EVENT_H
#define TERN_EVENT_H

#include <tern/types.h>

struct tern_stack;

enum tern_ev {
    TERN_EV_CONNECTED = 1, /* an active open reached ESTABLISHED (or beyond) */
    TERN_EV_READABLE = 2,  /* data, or end of stream, can be read */
    TERN_EV_WRITABLE = 4,  /* room again after EAGAIN (or after CONNECTED) */
    TERN_EV_ACCEPT = 8,    /* a listener has a completed connection */
    TERN_EV_SYN = 16,      /* a TERN_LISTEN_HOLD listener offers a half-open connection: sock is
                              the half-open record, local/remote its ends */
    TERN_EV_PEER_FIN = 32, /* the peer has half-closed */
    TERN_EV_CLOSED = 64,   /* the connection is over: err = 0 after an orderly end (the handle stays
                              valid until tern_close), else the reason */
    TERN_EV_OOB = 128,     /* urgent data announced or arrived */
    TERN_EV_ECHO = 256,    /* see tern_echo_events() */
    TERN_EV_SENT_ALL =
        512, /* everything sent so far, FIN included if shut, has been acknowledged */
    TERN_EV_SYN_GONE = 1024, /* an offered half-open record is gone, accepted or not (peer's RST,
                                nobody acknowledged the SYN-ACK): forget it */
    TERN_EV_FLOOD = 4096, /* the verdict about SYNs has changed: err = enum tern_syn_verdict, user
                             and sock are 0; tern_syn_stats() tells more */
    TERN_EV_SOFT_ERROR = 8192, /* with TERN_OPT_ERROR_REPORTS: something is wrong, but nothing is
                                  over; TERN_OPT_SOFT_ERROR tells what */
};

struct tern_event {
    uint32_t bits; /* enum tern_ev, one or more */
    int32_t err;   /* with TERN_EV_CLOSED: enum tern_err */
    struct tern_sock sock;
    struct tern_sock listener;          /* with TERN_EV_SYN */
    uint64_t user;                      /* tern_setuser()'s number (for SYN: the listener's) */
    struct tern_endpoint local, remote; /* with TERN_EV_SYN; TERN_EV_ECHO: remote.port = id,
                                           local.port = seq */
};

/* Takes the next event; false when there is none. */
TERN_API bool tern_event_next(struct tern_stack *st, struct tern_event *ev);

/* ---- trace ---- */

enum tern_trace_kind {
    TERN_TR_SEG_TX = 1,    /* a TCP segment was handed to the link */
    TERN_TR_SEG_RX = 2,    /* a TCP segment arrived and was taken */
    TERN_TR_DROP = 3,      /* an arrived frame was dropped; segment fields if it got that far */
    TERN_TR_STATE = 4,     /* state -> aux8; */
    TERN_TR_TIMER_ARM = 5, /* aux8 = enum tern_timer, a = microseconds from now */
    TERN_TR_TIMER_FIRE = 6,
    TERN_TR_TIMER_STOP = 7,
    TERN_TR_CC = 8,    /* a = cwnd, b = ssthresh (octets) changed for a reason other than growth */
    TERN_TR_RTT = 9,   /* a = sample, b = srtt, seq = rto (microseconds) */
    TERN_TR_CALL = 10, /* the application's call: aux8 = enum tern_call */
    TERN_TR_OPEN = 11, /* first record of a serial: both endpoints in local/remote */
    TERN_TR_OTHER_TX = 12, /* a frame that is not TCP was sent (ARP, ICMP, UDP): len */
    TERN_TR_OTHER_RX = 13,
    TERN_TR_LINK = 14,  /* added by a link's impairment, not by a stack: id = the frame's, cause =
                           link-lost, link-duplicated, link-reordered, link-corrupted ... */
    TERN_TR_FLOOD = 15, /* the verdict about SYNs: aux8 = enum tern_syn_verdict, a = SYNs in the
                           last second, b = enum tern_syn_reason */
};

enum tern_timer {
    TERN_TIMER_REXMT = 0,
    TERN_TIMER_PERSIST = 1,
    TERN_TIMER_DELACK = 2,
    TERN_TIMER_KEEP = 3,
    TERN_TIMER_USER = 4,
    TERN_TIMER_FIN_WAIT_2 = 5,
    TERN_TIMER_TIME_WAIT = 6,
    TERN_TIMER_SYNACK = 7,
    TERN_TIMER_TLP = 8,   /* tail loss probe */
    TERN_TIMER_REO = 9,   /* RACK's reordering window */
    TERN_TIMER_PACE = 10, /* the next segment at the pacing rate */
    TERN_TIMERS = 11,
};

enum tern_call {
    TERN_CALL_LISTEN = 1,
    TERN_CALL_CONNECT,
    TERN_CALL_ACCEPT,
    TERN_CALL_SEND,
    TERN_CALL_RECV,
    TERN_CALL_SHUTDOWN,
    TERN_CALL_CLOSE,
    TERN_CALL_ABORT,
    TERN_CALL_ANSWER,
};

/* TCP control bits as on the wire (RFC 9293 3.1). */
enum {
    TERN_TH_FIN = 1,
    TERN_TH_SYN = 2,
    TERN_TH_RST = 4,
    TERN_TH_PSH = 8,
    TERN_TH_ACK = 16,
    TERN_TH_URG = 32,
    TERN_TH_ECE = 64,
    TERN_TH_CWR = 128,
};

enum { TERN_TR_AE = 4 }; /* the ninth control bit, AE [RFC9768:3.1] */

struct tern_trace {
    struct tern_time time;
    uint32_t serial; /* the connection's number in its stack, from 1; 0 = no connection. A half-open
                        record, its connection and its TIME-WAIT record share one */
    uint32_t id;     /* SEG_TX/SEG_RX/DROP/LINK: tern_frame.id */
    uint16_t cause;
    uint8_t kind;      /* enum tern_trace_kind */
    uint8_t state;     /* enum tern_tcp_state before (STATE) or at (others) this record */
    uint8_t aux8;      /* STATE: the new state; TIMER: which; CALL: which */
    uint8_t th;        /* segments: control bits */
    uint8_t ecn;       /* segments: the IP packet's ECN codepoint (3 = marked CE) | TERN_TR_AE */
    uint16_t mss;      /* segments with SYN: the MSS option, 0 = none */
    uint16_t uto;      /* segments: the user timeout option as on the wire, 0 = none */
    uint32_t seq, ack; /* segments: as on the wire */
    uint32_t len;      /* segments: payload octets; CALL: octets */
    uint32_t wnd;      /* segments: window in octets, scaled */
    uint32_t a, b;     /* kind-specific. SEG_TX: a = cwnd, b = flight. SEG_RX/TX with SACK blocks:
                          see sack0; */
    uint32_t tsval, tsecr; /* segments: timestamps option, 0 = none */
    uint16_t lport, rport; /* host order: our port and the peer's */
    uint8_t wscale;        /* segments with SYN: shift + 1, 0 = none */
    uint8_t nsack;         /* segments: number of SACK blocks (| 0x80 = SACK permitted on a SYN) */
    uint16_t gso;          /* segments: number of wire segments in this super-segment, 1 = plain */
    struct tern_addr laddr, raddr; /* our address and the peer's */
};

/* Copies up to n of the oldest unread records and marks them read; *lost (may be NULL) gets the
 * number overwritten unread since the last call. Returns how many. */
TERN_API size_t tern_trace_read(struct tern_stack *st, struct tern_trace *out, size_t n,
                                uint64_t *lost);

#endif
