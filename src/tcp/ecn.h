/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/ecn.h: explicit congestion notification: routers mark packets instead of dropping them.
 * Classic feedback [RFC3168] and accurate feedback [RFC9768]; ecn.c says how they work.
 */
#ifndef TCP_ECN_H
#define TCP_ECN_H

#include "base/seq.h"
#include <stdbool.h>
#include <stdint.h>
#include <tern/config.h>
#include <tern/types.h>

struct tcp;
struct tcp_ans;
struct tcp_conn;
struct tcp_in;
struct tcp_out;
struct tcp_plan;
struct tcp_seg;

enum ecn_mode { ECN_NONE, ECN_CLASSIC, ECN_ACC };

/* Codepoints of the IP header [RFC3168:5]. */
enum { IP_NOT_ECT = 0, IP_ECT1 = 1, IP_ECT0 = 2, IP_CE = 3 };

struct ecn_conn {
    uint8_t mode;  /* enum ecn_mode */
    bool mute;     /* what we send is not ECN-capable: the path does not keep the signals */
    bool seen;     /* an ECN-capable packet has come from the peer */
    bool ece;      /* the segment under way through input brought congestion news */
    bool reducing; /* cwnd was reduced for data up to `high`: not again for it */
    bool hold;     /* marked with a window of one segment: nothing new until the timer runs out */
    struct seq high;

    /* classic */
    bool echo;    /* ECE on every ACK until the peer's CWR [RFC3168:6.1.3] */
    bool cwr_due; /* CWR on the next new data [RFC3168:6.1.2] */

    /* accurate: what the peer sent, and what it says of ours. Packets count from 5; octets of ECT
     * from 1 [RFC9768:3.2.1] */
    bool third;   /* client: the next segment is the handshake's third, and tells of the SYN-ACK */
    bool first;   /* server: that segment has not come yet */
    bool opt_any; /* an option has come */
    bool opt_bad; /* ... and the first of them had been zeroed */
    uint8_t syn_ip;  /* codepoint of the peer's SYN or SYN-ACK */
    uint8_t last_ip; /* ... and of its last data */
    uint32_t r_cep, r_ceb, r_e0b, r_e1b;
    uint32_t s_cep, s_ceb;

    uint32_t received_ce, delivered_ce; /* packets: marked ones that came; ours that arrived so */
};

/* The most that a listener agrees to: enum ecn_mode. */
uint8_t ecn_most(const struct tern_config *cfg);
/* What a listener agrees to on a SYN: enum ecn_mode | codepoint of the SYN << 4. */
uint8_t ecn_listen(const struct tcp *t, const struct tcp_in *in);
/* Does a SYN that comes again ask for the other kind of feedback than the first one? */
bool ecn_mixes(const struct tcp *t, uint8_t agreed, const struct tcp_seg *s);
/* The control bits (and option) of a SYN-ACK that says so. */
void ecn_answer(uint8_t agreed, struct tcp_ans *a);
/* A passive open's connection takes over what was agreed. False when no record is left. */
bool ecn_accept(struct tcp *t, struct tcp_conn *c, uint8_t agreed);
/* The SYN-ACK of our SYN has come. */
void ecn_syn_acked(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in);
/* An acceptable segment: what it says about the path, both ways; before snd.una moves. */
void ecn_rx(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, struct tern_time now);
/* Control bits, option and IP codepoint of a segment that is being built. */
void ecn_tx(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
            struct tcp_seg *s);
/* It has gone out. */
void ecn_sent(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s);
/* CWR goes on one segment: no super-segment now. */
bool ecn_single(const struct tcp *t, const struct tcp_conn *c);
/* A mark came with a window of one segment: nothing new may be sent before the retransmission timer
 * runs out, which runs even if nothing is in flight [RFC3168:6.1.2#3]. */
bool ecn_held(const struct tcp *t, const struct tcp_conn *c);
/* It has run out. */
void ecn_release(struct tcp *t, struct tcp_conn *c);
/* Did the segment under way bring congestion news? */
bool ecn_news(const struct tcp *t, const struct tcp_conn *c);

#endif
