/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/profile.h: whose habits a stack has, where the RFCs leave a choice (config.profile).
 *
 * Everything that a profile decides is a field of struct profile, and all profiles are one table in
 * profile.c. The code asks for the habit, never for the name. What is a plain number (timeouts,
 * buffers, ports) is not here: tern_config_profile() sets those fields of the settings.
 */
#ifndef TCP_PROFILE_H
#define TCP_PROFILE_H

#include "base/time.h"
#include <stdbool.h>
#include <stdint.h>
#include <tern/config.h>

struct tcp;
struct tcp_conn;
struct tcp_in;
struct tcp_plan;

struct profile {
    uint8_t syn_layout; /* enum tcp_layout: order of a SYN's options */
    uint8_t quick_acks; /* most segments that are acknowledged at once when data begins; 0: the
                           second full segment is, and the delayed-ACK time does not adapt */
    bool push_writes;  /* PSH ends a write or a super-segment, and a retransmission has the PSH that
                          its octets had; else whatever empties the queue, and each repetition */
    bool bursts;       /* super-segments are what the rate sends in a millisecond, and never
                          more than half of cwnd */
    bool grow_half;    /* in slow start half a window in use is enough for cwnd to grow */
    bool nagle_small;  /* Nagle's rule looks at unacknowledged small segments only */
    bool more_once;    /* an ACK sends what TERN_SEND_MORE held back */
    bool rto_min_var;  /* the least RTO is a margin above the smoothed round trip */
    bool lax_stamps;   /* a segment without timestamps is taken though they were agreed on */
    bool probe_empty;  /* a window probe repeats the octet before SND.UNA, with nothing in it */
    bool rtt_each;     /* every ACK is a round-trip sample for the RTO, not one a round trip */
    bool tlp_short;    /* a tail loss probe comes after two short round trips, however short */
    bool tlp_slack;    /* ... and two ticks of that system's clock */
    bool buffers;      /* the send buffer is filled in pieces of the largest super-segment, and has
                          room again at two thirds */
    bool loss_of_cwnd; /* a loss reduces cwnd itself, used or not, and not what was in flight */
    bool cut_once;     /* neither the loss of a retransmission nor a mark at two segments lowers the
                          window any further */
    bool sack_whole;   /* a SACK block counts for the whole segments in it */
    bool stamp_rst;    /* the RST of a connection carries timestamps [RFC7323:3.2] */
    bool bare_rst;     /* the RST that answers a segment carries none [RFC7323:5.2] */
    bool plain_rst;    /* the RST that answers data after close() is that of a stranger: numbered by
                          the segment's ACK, with none of its own */
    bool path_mss;     /* the MSS of a SYN is what the path is known to carry, not only the link */
    bool slow_window;  /* the window begins with 64 KB and grows by twice what comes, not more */
    bool check_echo;   /* a SYN-ACK that echoes what our SYN did not say is refused */
    bool half_unreach; /* an ICMP unreachable ends a half-open connection */
    bool silent_unsent; /* an ACK of what was never sent is not answered while ESTABLISHED */
};

/* profile.c */
const struct profile *profile_of(const struct tern_config *cfg);
/* PSH as the profile sets it; the plan is data, complete but for that. */
void profile_push(const struct tcp *t, const struct tcp_conn *c, uint32_t eff, struct tcp_plan *p);
/* Is no segment below the MSS in flight, in a profile where Nagle's rule asks for that? */
bool profile_no_small(const struct tcp *t, const struct tcp_conn *c);
/* Octets that the send buffer takes. */
uint32_t profile_sndbuf(const struct tcp *t, const struct tcp_conn *c, uint32_t unsent);
/* How much may wait unsent, of NOTSENT_LOWAT: what is begun of a super-segment is filled. */
uint32_t profile_lowat(const struct tcp *t, const struct tcp_conn *c, uint32_t lowat);
/* n octets were written behind the send buffer's end. */
void profile_wrote(struct tcp *t, struct tcp_conn *c, uint32_t n);
/* How many octets fill the last piece of the send buffer; UINT32_MAX = there are no pieces. */
uint32_t profile_fill(const struct tcp *t, const struct tcp_conn *c);
/* How far the piece reaches in which SND.NXT stands; UINT32_MAX = as far as there is data. */
uint32_t profile_seam(const struct tcp *t, const struct tcp_conn *c, uint32_t eff);
/* The windows have so little room that it is left for the ACK that is about to come: a
 * super-segment may be made of it then. */
bool profile_defers(const struct tcp *t, const struct tcp_conn *c, uint32_t room,
                    struct tern_time now);
/* The most payload octets of a super-segment. */
uint32_t profile_burst(const struct tcp *t, const struct tcp_conn *c, uint32_t most);

/* ack.c: profiles with quick_acks */
/* The next octets in order have come: acknowledges them now, or when the time is up. */
void ack_data(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, struct tern_time now);
/* Something came out of order, or twice: quick acknowledgments again. */
void ack_quick(struct tcp *t, struct tcp_conn *c);
/* The SYN-ACK has come: what the application wrote meanwhile is its answer. */
void ack_opened(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* A segment with an ACK is about to go; `data` = it has text. */
void ack_sent(struct tcp *t, struct tcp_conn *c, bool data, struct tern_time now);
/* The application has read. */
void ack_read(struct tcp *t, struct tcp_conn *c);
/* TERN_OPT_QUICKACK. TERN_ENOBUFS when there is no record for it. */
int ack_set(struct tcp *t, struct tcp_conn *c, bool quick);
bool ack_get(const struct tcp *t, const struct tcp_conn *c);

#endif
