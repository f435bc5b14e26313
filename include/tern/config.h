/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/config.h: one settings struct, validated once, when a stack is made.
 *
 * Every queue and table of a stack is sized here and never grows beyond it; what happens when a
 * limit is reached is said at the limit. A stack takes one block of memory from the caller
 * (tern_stack_size()); a hosted caller maps it with MAP_NORESERVE so that only touched pages cost.
 */
#ifndef TERN_CONFIG_H
#define TERN_CONFIG_H

#include <tern/types.h>

#define TERN_CONFIG_VERSION 1

/* Bits of tern_config.cpu: what the machine can do; libtern-io's tern_cpu_features() fills it. 0 is
 * always right, and slower. */
enum { TERN_CPU_AVX2 = 1 };

/* Congestion control: RFC 5681, RFC 9438 (the default), BBR version 3, and none at all (for
 * laboratories: only the peer's window limits the sender). */
enum tern_cc { TERN_CC_RENO = 0, TERN_CC_CUBIC, TERN_CC_BBR, TERN_CC_NONE, TERN_CC_COUNT };
/* "reno", "cubic", "bbr", "none"; NULL for a number that is none of them. */
TERN_API const char *tern_cc_name(unsigned cc);
/* The enum tern_cc of such a name, or -1. */
TERN_API int tern_cc_find(const char *name);

/* Whose habits where the standards leave a choice: this stack's own (the default), the letter of
 * the RFCs, and what Linux and FreeBSD do on the wire: order of a SYN's options, PSH, when to
 * acknowledge, Nagle's details. docs/features.md has the table. */
enum tern_profile {
    TERN_PROFILE_TERN = 0,
    TERN_PROFILE_RFC,
    TERN_PROFILE_LINUX,
    TERN_PROFILE_FREEBSD,
    TERN_PROFILE_COUNT
};
/* "tern", "rfc", "linux", "freebsd"; NULL for a number that is none of them. */
TERN_API const char *tern_profile_name(unsigned profile);
/* The enum tern_profile of such a name, or -1. */
TERN_API int tern_profile_find(const char *name);

#define TERN_UTO_MOST_S 1966020u /* 32767 minutes: the most that the option can say */

struct tern_config {
    uint32_t version; /* TERN_CONFIG_VERSION */
    uint32_t cpu;     /* TERN_CPU_* */
    uint8_t seed[32]; /* secret randomness: hash keys, ISNs [RFC6528], ports [RFC6056], IP IDs. The
                         same seed and the same inputs give the same run, to the last bit */

    /* Limits (counts). When full: */
    uint32_t max_conns;     /* full connections; connect: ENOBUFS, handshake's ACK: dropped */
    uint32_t max_half_open; /* SYN-RECEIVED records of all listeners; SYN: dropped */
    uint32_t max_time_wait; /* TIME-WAIT records; the oldest is forgotten */
    uint32_t max_listeners; /* listen: ENOBUFS */
    uint32_t max_udp;       /* UDP ports; open: ENOBUFS */
    uint32_t max_ifaces;    /* 1..8 */
    uint32_t max_neigh;     /* neighbour entries; the least recently used is replaced */
    uint32_t max_answers; /* RST and SYN-ACK frames waiting for the link, and again as many ICMP and
                             ARP frames; dropped */
    uint32_t max_ooo;     /* out-of-order intervals of all connections; segment: dropped */
    uint32_t max_conn_ooo; /* ... of one connection */
    uint32_t
        max_cc_blocks; /* connections with data in flight, now or within the last second, that have
                          SACK recovery and the congestion control's memory; 0 = max_conns. When
                          full: the longest idle one gives way, then plain NewReno */
    uint32_t max_extras; /* connections and listeners with options off their defaults or rare
                            features in use; 0 = one for each. When full: the option is refused with
                            ENOBUFS */
    uint32_t max_keys; /* MD5 and AO keys of all listeners and connections, each with copies of its
                          own; setting one: ENOBUFS, a new connection that needs them: dropped.
                          0 = none may be set */
    uint32_t max_sent; /* transmissions in flight of all connections; when full: coarser records,
                          then plain NewReno */
    uint32_t max_orphans; /* connections that the application has closed and the stack is finishing;
                             the next one closed is reset instead. 0 = max_conns */
    uint32_t max_prefix_half;  /* half-open records of one source prefix (/24, /56); cookie or drop,
                                  as  the listener's policy says. 0 = no limit */
    uint32_t max_prefix_conns; /* accepted connections of one source prefix; the handshake's ACK is
                                  dropped. 0 = no limit */
    uint32_t prefix_answers_per_s; /* SYN-ACKs and RSTs to one source prefix, as long as no
                                  handshake from there completes, and as many at once: this stack is
                                  no amplifier. Dropped. 0 = no limit */
    uint32_t flood_syns_per_s;     /* handshakes a second that nobody finishes: from here on it is a
                                      flood,     from a tenth on suspicious */
    uint64_t buf_bytes;     /* arena for send, receive, reassembly and datagram bytes: a power of
                               two >= 64 KB. When empty: no room to send, zero window to the peer */
    uint32_t trace_records; /* trace ring (struct tern_trace each), a power of two or 0 = no
                               tracing; when full the oldest are overwritten and counted */

    /* TCP. Times in the unit of the name. */
    uint32_t sndbuf; /* octets; a connection's send-buffer limit at most */
    uint32_t rcvbuf; /* octets; receive-buffer limit at most, and the largest window */
    uint32_t sndbuf_init, rcvbuf_init; /* octets; with autotune: what the limits begin with, if the
                                          application does not set them. 64 KB, 128 KB */
    uint32_t msl_ms;         /* maximum segment lifetime; TIME-WAIT lasts 2 of them. Default 30 s;
                                the RFC's is 120 s [RFC9293:MUST-13] */
    uint32_t rto_initial_us; /* 1 s [RFC6298:2.1] */
    uint32_t rto_min_us;     /* default 200 ms, as deployed stacks do; the RFC says 1 s
                                [RFC6298:2.4] */
    uint32_t rto_max_us;     /* 60 s or more [RFC6298:2.5] */
    uint32_t r1_retries;     /* R1: retransmissions before the route is suspected, >= 3
                                [RFC9293:SHLD-10] */
    uint32_t r2_retries;     /* R2: retransmissions of data before giving up; 15 is > 100 s */
    uint32_t syn_retries;    /* of an active open; 7 with backoff from 1 s is > 3 min
                                [RFC9293:MUST-23] */
    uint32_t synack_retries; /* of a half-open record */
    uint32_t delack_us;      /* delayed ACK, < 500 ms [RFC9293:SHLD-18] */
    uint32_t persist_max_us; /* zero-window probe interval's ceiling */
    uint32_t persist_give_up_ms; /* how long a peer may keep the window shut and still answer probes
                                    before the connection may be aborted under pressure or after
                                    close() [RFC6429]; 0 = for ever */
    uint32_t fin_wait_2_ms;      /* an orphan's stay in FIN-WAIT-2; 0 = for ever */
    uint32_t keep_idle_ms, keep_intvl_ms, keep_count; /* defaults when keepalive is switched on;
                                                        >= 2 h [RFC9293:MUST-28] */
    uint32_t challenge_per_s;  /* challenge ACKs a connection sends a second [RFC5961:7] */
    uint16_t port_lo, port_hi; /* ephemeral ports [RFC6056] */
    uint16_t mss_max;          /* ceiling of the MSS we announce; 0 = from the MTU */
    uint32_t fastopen; /* TCP Fast Open [RFC7413], bits: 1 client, 2 server (each listener asks for
                          it: TERN_OPT_FASTOPEN), 4 client sends data without a cookie, 0x200 server
                          takes data without a cookie, 0x400 every listener. Default 3 */
    uint32_t fastopen_blackhole_ms; /* after a SYN with data was lost and a plain one was not: how
                                       long that server gets plain SYNs. 1 h [RFC7413:4.1.3.1] */
    uint8_t ecn; /* 0 off; 1 classic ECN [RFC3168] offered and accepted; 2 accepted (default);
                    3 AccECN [RFC9768] offered and accepted; 4 AccECN accepted, classic offered;
                    5 AccECN accepted, nothing offered. Whoever accepts AccECN accepts classic */
    uint8_t cc;  /* enum tern_cc */
    uint8_t syn_policy;  /* enum tern_syn_policy of new listeners (tern/socket.h) */
    uint8_t ttl;         /* default time to live, 64 */
    uint8_t mtu_probing; /* search for the path MTU [RFC4821]: 0 never, 1 (default) when large
                            segments vanish, 2 always */
    bool timestamps, sack, wscale; /* offer and accept these options */
    bool rfc1337;                  /* a RST in TIME-WAIT is ignored [RFC1337:3 F1] */
    bool rfc5961;                  /* challenge ACKs instead of RFC 9293's plain acceptance */
    bool autotune;                 /* buffer limits follow what path and application do */
    bool slow_start_after_idle; /* idle for an RTO: cwnd falls back [RFC5681:4.1]; else it is kept
                                   for five minutes [RFC7661:4.4.3] */
    uint8_t profile;            /* enum tern_profile */
    uint32_t burst_min;         /* segments of a super-segment at least, of profiles that size them
                                   by the rate; 2 */
    uint32_t uto_s; /* seconds; TERN_OPT_UTO_S of new connections, 0 (default) = no user timeout
                       option [RFC5482] */
    uint32_t uto_lower_s, uto_upper_s; /* seconds; bounds of the user timeout that it leads to:
                                          100 s [RFC5482:3], an hour */
    uint32_t notsent_lowat; /* octets; TERN_OPT_NOTSENT_LOWAT of new connections, 0 = none */
    bool nagle;             /* default of new connections [RFC9293:SHLD-7] */
};

/* Sets every field to its documented default; the seed stays zero (the caller must fill it). */
TERN_API void tern_config_init(struct tern_config *cfg);

/* Sets `profile`, and the numbers that it implies (buffers, timeouts, retries, ports, congestion
 * control); what is set afterwards stays. An unknown number changes nothing. */
TERN_API void tern_config_profile(struct tern_config *cfg, enum tern_profile profile);

/* NULL when the settings can be used, else a static sentence naming the field and its range. */
TERN_API const char *tern_config_check(const struct tern_config *cfg);

#endif
