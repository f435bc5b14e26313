/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/rig.h: one TCP object on a bench: a virtual clock, a scripted peer, and the wire in between.
 *
 * The peer has no state machine: a test injects whatever segment it likes, with numbers relative to
 * the connection (from RCV.NXT and from SND.NXT), and reads what came out. rig_reach() brings the
 * connection to any of the eleven states.
 */
#ifndef TCP_RIG_H
#define TCP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/conn.h"
#include "unit/support/ip.h"

#define FIN TERN_TH_FIN
#define SYN TERN_TH_SYN
#define RST TERN_TH_RST
#define PSH TERN_TH_PSH
#define ACK TERN_TH_ACK
#define URG TERN_TH_URG

#define RIG_OUTS  64
#define RIG_ARENA (1u << 20)
#define RIG_PORT  80    /* ours when passive */
#define RIG_PEER  40000 /* the peer's */

struct rig_out {
    struct tcp_seg seg; /* data points into buf */
    struct tcp_out out;
    uint8_t buf[2048];
};

struct rig {
    struct tern_config cfg;
    struct buddy arena;
    struct trace trace;
    struct pool_fault fault;
    struct tcp *t;
    struct tern_time now;

    bool active;           /* how rig_reach() opens */
    bool hold;             /* listen with TERN_LISTEN_HOLD */
    struct tern_sock lis;  /* 0 = no listener */
    struct tern_sock sock; /* the connection's handle, 0 = none or not accepted yet */
    struct tern_endpoint local, peer;
    struct tcp_tuple tuple;

    /* the peer */
    struct seq peer_iss;
    uint32_t wnd; /* window field of what it sends */
    uint16_t urg;
    uint8_t tos;                   /* of its packets */
    uint16_t uto;                  /* user timeout option of its segments, 0 = none */
    bool no_ts;                    /* leaves out the timestamps that were agreed on */
    int32_t ts_skew;               /* added to its timestamp clock */
    bool syn_ts, syn_ws, syn_sack; /* options of its SYN */
    uint16_t syn_mss;
    uint8_t ws;
    uint16_t gso_size;
    bool bad_csum;
    unsigned verdict; /* of the last segment injected */

    struct rig_out out[RIG_OUTS]; /* of the last rig_pull() */
    unsigned n;
};

/* Fills in settings and the peer's habits; a test may change both before rig_start(). */
void rig_init(struct rig *r);
void rig_start(struct rig *r);
/* Frees the memory; asserts nothing. */
void rig_stop(struct rig *r);
/* cmocka fixtures: *state is a struct rig, started with the defaults. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* What the tuple is now: the state of the connection or compact record, else LISTEN with a
 * listener, else CLOSED. */
unsigned rig_state(struct rig *r);
struct tcp_conn *rig_conn(struct rig *r); /* asserts that there is one */
struct tcp_conn *rig_find(struct rig *r); /* NULL if there is none with its network side alive */
struct tcp_half *rig_half(struct rig *r);
struct tcp_tw *rig_tw(struct rig *r);

/* Where the connection stands, whatever record holds it. */
struct rig_at {
    struct seq snd_una, snd_nxt, rcv_nxt;
    uint32_t rcv_wnd;
    bool ts;
    uint32_t ts_recent;
};
struct rig_at rig_at(struct rig *r);

void rig_listen(struct rig *r, uint32_t backlog);
int rig_connect(struct rig *r);
void rig_accept(struct rig *r);
/* Brings a fresh rig to a state, all output taken. r->active chooses the way. Afterwards nothing is
 * in flight from us but what the state itself means (SYN, FIN). */
void rig_reach(struct rig *r, unsigned state);

/* A segment from the peer: seq counts from RCV.NXT, ack from SND.NXT. Returns the verdict. Its
 * payload is a function of the sequence number, so any overlap agrees (rig_octet()). */
unsigned rig_in(struct rig *r, unsigned th, int32_t seq, int32_t ack, uint32_t len);
/* The same with absolute numbers and options as they are in *s. */
unsigned rig_seg(struct rig *r, const struct tcp_seg *s, uint32_t len);
/* The peer's SYN (or SYN-ACK, if th says so) with its options; ack is absolute. */
unsigned rig_syn(struct rig *r, unsigned th, struct seq seq, struct seq ack);
uint8_t rig_octet(struct rig *r, struct seq at);

/* Takes everything that is to be sent now; r->n, r->out[]. Checks the checksums. */
unsigned rig_pull(struct rig *r);
/* Takes at most one segment: NULL if there is none. */
struct rig_out *rig_pull1(struct rig *r);
void rig_sleep(struct rig *r,
               int64_t ms); /* lets time pass in steps of tcp_deadline(); pulls nothing */
/* Lets time pass up to the next deadline (at most max_ms), runs it; returns the milliseconds. */
int64_t rig_next(struct rig *r, int64_t max_ms);
/* Sleeps and pulls at every deadline, up to ms; r->out[] has everything sent (the last RIG_OUTS).
 */
void rig_run(struct rig *r, int64_t ms);

int64_t rig_send(struct rig *r, uint32_t n); /* tcp_send of n octets */
int64_t rig_recv(struct rig *r, uint32_t n); /* tcp_recv into nowhere; checks the octets */
bool rig_event(struct rig *r, struct tern_event *ev);
unsigned rig_events(struct rig *r); /* bits of all events of the connection */
uint64_t rig_count(const struct rig *r, unsigned cause);

/* ---- expectations ---- */
void rig_silent_at(struct rig *r, const char *file, int line);
struct rig_out *rig_one_at(struct rig *r, unsigned th, const char *file, int line);
/* Nothing is sent. */
#define rig_silent(r) rig_silent_at(r, __FILE__, __LINE__)
/* Exactly one segment, with these control bits (PSH aside). */
#define rig_one(r, th) rig_one_at(r, th, __FILE__, __LINE__)
/* Exactly one pure ACK <SND.NXT, RCV.NXT>. */
void rig_ack_at(struct rig *r, unsigned cause, const char *file, int line);
#define rig_ack(r, cause) rig_ack_at(r, cause, __FILE__, __LINE__)
void rig_in_state_at(struct rig *r, unsigned state, const char *file, int line);
#define rig_in_state(r, state) rig_in_state_at(r, state, __FILE__, __LINE__)

/* Laws that hold at any time: order of the numbers, bounds, lists. */
void rig_laws(struct rig *r);
/* Everything has come back: pools and arena are empty. */
void rig_empty(struct rig *r);

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif
