/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/extra.h: what few connections have: options off their defaults, and the state of features
 * that most connections never use.
 *
 * A connection without such a thing has no record (index 0) and reads the stack's defaults through
 * extra_of(); the first thing that differs takes a record from a pool, a copy of the defaults, with
 * extra_take(). A listener's record is copied to each of its connections, so that whatever stands
 * here is inherited. The record goes when the connection does.
 */
#ifndef TCP_EXTRA_H
#define TCP_EXTRA_H

#include "base/seq.h"
#include "tcp/ecn.h"
#include "tcp/fastopen.h"
#include "tcp/uto.h"
#include <tern/config.h>
#include <tern/socket.h>

struct tcp;
struct tcp_conn;
struct tcp_listener;

#define EXTRA_RECORDS 32 /* ends of records that a connection remembers */

struct tcp_extra {
    struct fo_conn fo;
    struct ecn_conn ecn;
    struct uto_conn uto;
    uint32_t keep_idle_ms, keep_intvl_ms; /* keep-alive [RFC9293:3.8.4] */
    int32_t user_timeout_ms;              /* [RFC9293:3.9.1]; 0 = by R2, -1 = for ever */
    uint32_t auth;          /* keys of signed segments: index of the struct tcp_auth, 0 = none */
    uint32_t notsent_lowat; /* octets; 0 = as config */
    uint32_t rcvlowat;      /* octets */
    uint32_t window_clamp;  /* octets; 0 = none */
    uint32_t defer_ms;      /* listeners: how long the first data is waited for; 0 = not */
    int32_t linger2_ms;     /* of an orphan in FIN-WAIT-2; 0 = as config, -1 = none */
    uint16_t maxseg;        /* ceiling of the MSS (TERN_OPT_MAXSEG); 0 = none */
    struct seq record[EXTRA_RECORDS]; /* record.c: where segments must end; not acknowledged yet */
    uint8_t records;                  /* of them are there */
    uint8_t may_fragment;             /* DF is not set */
    uint8_t ignore_pmtu;              /* packets are as large as the link takes */
    uint8_t recv_tos, rcvd_tos;       /* the peer's last TOS octet is kept, and is this */
    int16_t syn_retries;              /* of an active open; -1 = for ever */
    uint8_t keep_cnt;                 /* probes without an answer */
    uint8_t error_reports;            /* soft errors raise an event */
};

/* Octets of the pool, and what all connections without a record read. */
uint32_t extra_count(const struct tern_config *cfg);
void extra_defaults(struct tcp_extra *e, const struct tern_config *cfg);

/* Never NULL; for reading. */
const struct tcp_extra *extra_of(const struct tcp *t, const struct tcp_conn *c);
const struct tcp_extra *extra_of_listener(const struct tcp *t, const struct tcp_listener *l);
/* The connection's own; NULL when all are in use (TERN_ENOBUFS). */
struct tcp_extra *extra_take(struct tcp *t, struct tcp_conn *c);
struct tcp_extra *extra_take_listener(struct tcp *t, struct tcp_listener *l);
/* The connection's own if it has one, else NULL. */
struct tcp_extra *extra_own(const struct tcp *t, const struct tcp_conn *c);
/* A listener's connection inherits; false when all records are in use. */
bool extra_inherit(struct tcp *t, struct tcp_conn *c, const struct tcp_listener *l);
void extra_give(struct tcp *t, uint32_t *idx);

/* Options that are a number here: a table in extra.c. False when opt is none of them. */
bool extra_has(enum tern_opt opt);
/* TERN_EINVAL out of range. */
int extra_set(struct tcp_extra *e, enum tern_opt opt, int64_t v);
int64_t extra_get(const struct tcp_extra *e, enum tern_opt opt);

#endif
