/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/inner.h: what the files of the gateway share.
 *
 *     dial.c     a guest's SYN -> a connect(2) on the host -> the answer to the SYN
 *     forward.c  a host client at a forwarded port -> a connection (or datagrams) into the guest
 *     flow.c     the data of both, until it ends (flow.h: the shield uses it too)
 *     dgram.c    UDP; ping.c  ICMP echo
 *     host.c     addresses, the host's sockets and their errors
 */
#ifndef GATE_INNER_H
#define GATE_INNER_H

#include "gate/flow.h"
#include "gate/gate.h"
#include "gate/host.h"

#define GATE_BUF 65536u

enum dg_kind { DG_OUT = 1, DG_FORWARD = 2, DG_PING = 3 };

/* One pair of ends that exchange datagrams. */
struct dg {
    struct gate *g;
    struct dg *prev, *next;           /* in its list of ages, the longest unused first */
    struct dg *chain;                 /* in its hash bucket */
    struct tern_endpoint guest, dest; /* as the guest sees them; PING: guest.port = id */
    struct tern_time used;
    struct sockaddr_in client; /* FORWARD: the host's end */
    int fd;                    /* OUT, PING: its own; FORWARD: the forward's */
    uint8_t kind;
    uint8_t age; /* which list of ages */
};

#define DG_BUCKETS 1024u
#define DG_AGES    2u /* [0]: idle for udp_idle_ms, [1]: short (name service, ping) */

struct forward {
    struct gate *g;
    struct gate_forward cfg;
    int fd;
    struct tern_loop_timer pause; /* the host is out of descriptors: listens again later */
};

struct gate {
    struct gate_config cfg;
    struct tern_sock listener, udp;
    struct flow_table flows;
    struct dg *bucket[DG_BUCKETS];
    struct {
        struct dg *head, *tail;
        int64_t idle_ms;
    } age[DG_AGES];
    struct tern_loop_timer idle;  /* of datagram flows */
    struct tern_loop_timer stale; /* of answered SYNs */
    struct forward forward[GATE_FORWARDS];
    unsigned nforward;
    struct gate_counts counts;
    bool no_ping; /* the host refused a ping socket */
    uint8_t buf[GATE_BUF];
};

static inline struct tern_time gate_now(const struct gate *g)
{
    return tern_loop_now(g->cfg.loop);
}
static inline struct gate *flow_gate(const struct flow *f)
{
    return f->t->owner;
}
static inline bool gate_same(const struct tern_addr *a, const struct tern_addr *b)
{
    return a->fam == b->fam && __builtin_memcmp(a->b, b->b, sizeof a->b) == 0;
}
static inline bool gate_same_end(const struct tern_endpoint *a, const struct tern_endpoint *b)
{
    return a->port == b->port && gate_same(&a->addr, &b->addr);
}

/* ---- host.c ---- */

/* Where the host must go for what the guest calls `dest`: the gateway's own address is the host's
 * loopback; port 53 goes to the resolver. */
struct sockaddr_in host_dest(const struct gate *g, const struct tern_endpoint *dest);
/* The first IPv4 name server of a resolv.conf; false when it has none. */
bool host_resolver(const char *path, struct in_addr *out);
/* What a failed connect(2) means for the SYN. */
enum tern_answer host_answer(int err);
/* ICMP code (of type 3) for an error of a datagram socket, or -1: no matter for the guest. */
int host_unreach_code(int err);

/* ---- dial.c ---- */

void dial_syn(struct gate *g, const struct tern_event *ev);
void dial_gone(struct gate *g, const struct tern_event *ev);
void dial_accept(struct gate *g);
void dial_done(struct flow *f); /* connect(2) has finished, one way or the other */

/* ---- forward.c ---- */

int forward_start(struct gate *g, const struct gate_forward *cfg, char *why);
void forward_stop(struct forward *fw);
void forward_called(struct flow *f, const struct tern_event *ev); /* the guest has answered */

/* ---- dgram.c, ping.c ---- */

void dg_init(struct gate *g);
void dg_from_guest(struct gate *g);
void dg_stop(struct gate *g);
struct dg *dg_find(struct gate *g, bool ping, const struct tern_endpoint *guest,
                   const struct tern_endpoint *dest);
/* Makes a flow; takes over fd, and for OUT and PING watches it. NULL: fd is closed unless FORWARD.
 */
struct dg *dg_new(struct gate *g, enum dg_kind kind, int fd, const struct tern_endpoint *guest,
                  const struct tern_endpoint *dest);
void dg_touch(struct dg *d);
void dg_free(struct dg *d);
/* A datagram of a host client at a forwarded UDP port. */
void dg_from_client(struct forward *fw, const struct sockaddr_in *client, size_t len);
void ping_request(struct gate *g, const struct tern_event *ev);
void ping_reply(struct dg *d, const uint8_t *icmp, size_t len);

#endif
