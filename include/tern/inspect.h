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
    bool cookie;   /* half-open only in the peer's memory: one of the last cookies given out */
    uint8_t timer; /* enum tern_timer of the nearest timer */
    uint32_t serial;
    struct tern_sock sock;
    uint64_t user;
    struct tern_endpoint local, remote;
    uint64_t rcvq, sndq; /* octets readable; octets unacknowledged. A listener: connections
                            waiting to be accepted; the backlog */
    int64_t timer_us;    /* microseconds until it fires; -1 = none is running */
    uint32_t age_ms;     /* half-open: since the SYN, or since the application's answer */
    uint32_t retries;    /* retransmissions of the oldest segment, or probes, so far */
    /* full connections only */
    uint32_t mss, rcv_mss, cwnd, ssthresh, snd_wnd,
        rcv_wnd; /* octets; ssthresh UINT32_MAX = unset */
    uint32_t srtt_us, rttvar_us, rto_us;
    uint32_t snd_una, snd_nxt, rcv_nxt, iss, irs;
    uint8_t snd_wscale, rcv_wscale;
    bool ts_ok, sack_ok, wscale_ok, nagle;
    uint8_t signed_by;        /* 0 nothing, 1 MD5, 2 TCP-AO; never the key */
    uint8_t ao_key, ao_rnext; /* TCP-AO: SendID in use, RecvID asked for */
    uint64_t bytes_acked, bytes_received, segs_out, segs_in, retrans, dsack;
    /* loss recovery; zero while nothing was sent for a second */
    uint32_t flight, sacked,
        lost;              /* octets believed in the network; SACKed; lost and not sent again */
    uint32_t min_rtt_us;   /* least round trip of the last 5 to 10 s */
    uint64_t delivered;    /* octets delivered since the connection last was idle for a second */
    uint64_t delivery_bps; /* last delivery-rate sample, octets a second */
    uint64_t pacing_bps;   /* octets a second, 0 = unpaced */
    bool recovery, rto_recovery; /* in fast recovery; in slow start after a timeout */
    bool reordering;             /* the path was seen to reorder */
    bool app_limited;            /* the application sends less than the path takes */
    uint32_t ooo;                /* out-of-order intervals held */
    const char *cc;              /* name of the congestion control */
    /* since the connection began; zero before the first data */
    uint64_t bytes_sent;         /* octets of text, those sent again counted each time */
    uint64_t bytes_rexmt;        /* ... sent again */
    uint64_t busy_us;            /* with data unacknowledged or unsent: all of this time, */
    uint64_t rwnd_us, sndbuf_us; /* ... held back by the peer's window, by our send buffer */
    uint32_t data_out, data_in;  /* segments with text */
    uint32_t delivered_segs;     /* segments that the peer has said it got */
    uint32_t reordered;          /* times that the path was seen to reorder */
    uint32_t reorder_segs;       /* by how many segments at most */
    uint32_t rto_total;          /* retransmission timeouts */
    uint32_t rto_recoveries;     /* ... recoveries that began with one, */
    uint32_t rto_ms;             /* ... and took so long */
    uint32_t data_tx_ms, data_rx_ms, ack_rx_ms; /* ago: text went, text came, an ACK came */
    /* sizes, octets, and times */
    uint32_t path_mtu;   /* an IP packet that the path is believed to carry */
    uint32_t adv_mss;    /* text in the segments that the peer may send */
    uint32_t rcv_limit;  /* receive-buffer limit; it may grow */
    uint32_t snd_limit;  /* send-buffer limit */
    uint32_t not_sent;   /* queued and never sent */
    uint32_t rcv_space;  /* most that the application read in a round trip */
    uint32_t rcv_rtt_us; /* round trip as the receiver sees it; 0 = nothing came, or too little */
    uint32_t again;      /* in flight and sent more than once */
    uint32_t ato_us;     /* delayed-acknowledgment time */
    uint8_t backoff;     /* times that the retransmission timeout was doubled */
    uint8_t probes;      /* window or keep-alive probes without an answer */
    uint8_t ecn;         /* 0 = not agreed on, 1 = classic [RFC3168], 2 = accurate [RFC9768] */
    bool ecn_seen;       /* a packet that is ECN-capable has come from the peer */
    bool syn_data;       /* data of a SYN was taken, by either end [RFC7413] */
    uint32_t received_ce, delivered_ce; /* packets marked CE: that came; of ours that arrived so */
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

/* ---- the listener under flood ---- */

enum tern_syn_verdict { TERN_SYN_NORMAL = 0, TERN_SYN_SUSPICIOUS = 1, TERN_SYN_FLOOD = 2 };

/* Why a verdict is not normal: bits. */
enum tern_syn_reason {
    TERN_SYN_RATE = 1,       /* more unfinished handshakes a second than config.flood_syns_per_s */
    TERN_SYN_UNFINISHED = 2, /* fewer than half of the SYNs became connections */
    TERN_SYN_OVERFLOW = 4,   /* a limit of half-open connections was met */
    TERN_SYN_TABLE = 8,      /* the table of half-open records is more than half full */
    TERN_SYN_RETRIES = 16,   /* many SYN-ACKs had to be sent again */
    TERN_SYN_SPREAD = 32,    /* the sources are spread as if they were drawn at random */
    TERN_SYN_CONCENTRATED = 64, /* one prefix sends most of the SYNs */
};

/* What became of SYNs and of the ACKs that answer a SYN-ACK. */
enum tern_syn_outcome {
    TERN_SYN_CACHED = 0, /* a half-open record was made */
    TERN_SYN_COOKIE_SENT,
    TERN_SYN_COOKIE_VALID,  /* ... and came back: a connection */
    TERN_SYN_COOKIE_BAD,    /* an ACK that is no cookie of ours, or too old */
    TERN_SYN_DROP_LISTENER, /* the listener's limit of half-open records */
    TERN_SYN_DROP_GLOBAL,   /* the stack's: config.max_half_open */
    TERN_SYN_DROP_PREFIX,   /* the source prefix's: config.max_prefix_half */
    TERN_SYN_DROP_RATE,     /* answers to the source prefix: config.prefix_answers_per_s */
    TERN_SYN_DROP_ACCEPT,   /* the accept queue is full */
    TERN_SYN_EVICTED,       /* a record made room for a newer one */
    TERN_SYN_COMPLETED,     /* a half-open record became a connection */
    TERN_SYN_TIMED_OUT,
    TERN_SYN_RESET,
    TERN_SYN_REXMT, /* SYN-ACKs sent again */
    TERN_SYN_OUTCOMES,
};

#define TERN_SYN_TOP 16u

struct tern_syn_stats {
    uint8_t verdict;  /* enum tern_syn_verdict */
    uint16_t reasons; /* enum tern_syn_reason */
    /* of the last whole second */
    uint32_t syns, completed, rexmts;
    uint32_t overflows; /* SYNs that met a limit */
    uint32_t
        entropy_mbit; /* of the sources, in thousandths of a bit: 0 = one source, 8000 = random */
    uint32_t ntop;    /* prefixes (/24, /56) that sent most of the recent SYNs, largest first; */
    struct {
        struct tern_addr prefix;
        uint32_t syns; /* decaying: halved every second */
    } top[TERN_SYN_TOP];
    /* since the stack was made */
    uint64_t total; /* SYNs that reached a listener */
    uint64_t outcome[TERN_SYN_OUTCOMES];
    uint32_t half_open, half_open_max;
    uint64_t offloaded; /* SYNs answered outside (tern/syn_offload.h): also in total and outcome */
    bool offload;       /* somebody outside may do that */
};
TERN_API void tern_syn_stats(struct tern_stack *st, struct tern_syn_stats *out,
                             struct tern_time now);
/* "normal", "cookie-sent", "rate": never NULL. */
TERN_API const char *tern_syn_verdict_name(unsigned verdict);
TERN_API const char *tern_syn_outcome_name(unsigned outcome);
TERN_API const char *tern_syn_reason_name(unsigned bit); /* one bit */

/* What a cookie says: iss is the SYN-ACK's sequence number, irs the SYN's. */
struct tern_cookie_info {
    bool valid;
    uint16_t mss;     /* octets, if valid */
    uint8_t index;    /* of the MSS, 0..7 */
    uint8_t age;      /* 0: made in the present slot; 1: in the one before */
    uint32_t slot;    /* present slot of time, from 0 */
    uint32_t left_ms; /* until it expires */
    const char *why;  /* if not valid; a sentence */
};
TERN_API void tern_cookie_decode(struct tern_stack *st, const struct tern_endpoint *local,
                                 const struct tern_endpoint *remote, uint32_t irs, uint32_t iss,
                                 struct tern_cookie_info *out, struct tern_time now);

#endif
