/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/uto.h: how long a connection waits for an acknowledgment before it gives up, where R2 is not
 * what decides [RFC9293:3.8.3]: the application's own limit, or what the two ends told each other
 * in the user timeout option [RFC5482]. uto.c says how they work.
 */
#ifndef TCP_UTO_H
#define TCP_UTO_H

#include <stdbool.h>
#include <stdint.h>
#include <tern/types.h>

struct tcp;
struct tcp_conn;
struct tcp_listener;
struct tcp_opts;
struct tcp_plan;
struct tcp_seg;

#define UTO_OCTETS 4u          /* of the option */
#define UTO_NEVER  INT64_C(-1) /* of uto_patience(): it does not give up */

struct uto_conn {
    uint32_t adv_s;  /* ADV_UTO, seconds; 0: the option is neither sent nor read (ENABLED) */
    uint16_t remote; /* REMOTE_UTO as it came; 0 = none yet */
    bool due;        /* no segment but a SYN has carried adv_s yet */
};

/* Milliseconds without progress after which this connection ends; 0: R2 decides; UTO_NEVER. Asked
 * only when c->extra != 0: without a record R2 decides. */
int64_t uto_patience(const struct tcp *t, const struct tcp_conn *c);
/* What the option has led to, milliseconds; 0 = it is not in use, or the application's own limit
 * holds. */
uint32_t uto_adopted(const struct tcp *t, const struct tcp_conn *c);
/* Idle time before the first keep-alive probe: longer than the user timeout [RFC5482:4.2]. */
uint32_t uto_keep_idle(const struct tcp *t, const struct tcp_conn *c);
/* The patience has changed: the timer too, if something is outstanding. */
void uto_apply(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* The timer has fired; true if there is still reason to wait, and it runs again. */
bool uto_waits(struct tcp *t, struct tcp_conn *c, struct tern_time now);

/* A new value of adv_s was set: tells the peer. */
void uto_changed(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* What a SYN-ACK of this listener says: the option's value, 0 = no option. */
uint16_t uto_of_listener(const struct tcp *t, const struct tcp_listener *l);

/* Of connections with a record (c->extra != 0): an acceptable segment; a plan that has no room for
 * an option that is due; a segment that is being built, with p->len octets of text; one that has
 * gone out. */
void uto_rx(struct tcp *t, struct tcp_conn *c, const struct tcp_opts *o, struct tern_time now);
void uto_plan(const struct tcp *t, const struct tcp_conn *c, uint32_t eff, struct tcp_plan *p);
void uto_tx(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
            struct tcp_opts *o);
void uto_sent(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s);

#endif
