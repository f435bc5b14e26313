/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * matrix/oracle.h: what RFC 9293 3.10.7 says about one arriving segment, with RFC 5961, 6191, 1337.
 *
 * Written from the documents and not from src/tcp: all positions are plain signed distances
 * (SEG.SEQ from RCV.NXT, SEG.ACK from SND.NXT), so that no arithmetic modulo 2^32 is in it. Where
 * the documents leave a choice, or a decision record has taken one, the field says so.
 */
#ifndef MATRIX_ORACLE_H
#define MATRIX_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

struct oracle_in {
    unsigned state; /* enum tern_tcp_state */
    bool active;    /* SYN-RECEIVED after an active open */
    bool fin_sent;
    int64_t una, iss; /* from SND.NXT: not above 0 */
    int64_t wnd;      /* RCV.WND */
    bool syn, ack, fin, rst;
    int64_t seq; /* SEG.SEQ - RCV.NXT */
    int64_t no;  /* SEG.ACK - SND.NXT */
    int64_t len; /* octets of text */
};

enum oracle_reply {
    REPLY_NONE,
    REPLY_ACK,       /* <SND.NXT, RCV.NXT, ACK> */
    REPLY_ACK_LATER, /* the same, at once or within the delayed-ACK time [RFC9293:MUST-58] */
    REPLY_MAYBE_ACK, /* the same or nothing: the documents allow both */
    REPLY_RST,       /* <SEG.ACK, RST> */
    REPLY_RST_ACK,   /* <0, SEG.SEQ + SEG.LEN, RST+ACK> */
    REPLY_SYN_ACK,   /* <ISS, RCV.NXT, SYN+ACK> */
};

struct oracle_out {
    enum oracle_reply reply;
    unsigned next; /* state */
    int64_t taken; /* octets of text that are next in order */
    bool fin;      /* RCV.NXT advances over the FIN */
};

struct oracle_out oracle(const struct oracle_in *in);

#endif
