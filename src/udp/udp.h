/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp/udp.h: the User Datagram Protocol, RFC 768 and RFC 1122 4.1: ports with bounded queues of
 * datagrams each way.
 *
 * Like TCP this rib knows nothing of routes: a datagram to send carries the index of its interface.
 * A queue is a ring of records (struct udp_rec and the payload), so a small datagram costs what it
 * needs; what does not fit is dropped on arrival and refused when sending. IP options are neither
 * passed up nor sent, and datagrams are never fragmented.
 */
#ifndef UDP_UDP_H
#define UDP_UDP_H

#include "base/cksum.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/ring.h"
#include "base/sock.h"
#include "base/trace.h"
#include <tern/iface.h>
#include <tern/inspect.h>
#include <tern/socket.h>

#define UDP_IFACES 9
/* Octets that a queue may hold, records included: the default, and the range of TERN_OPT_SNDBUF and
 * TERN_OPT_RCVBUF. */
#define UDP_QUEUE     (256u << 10)
#define UDP_QUEUE_MIN 2048u
#define UDP_QUEUE_MAX (16u << 20)

/* A datagram in a queue; its payload follows. */
struct udp_rec {
    struct tern_addr from, to;
    uint16_t fport, tport;
    uint32_t len;   /* octets of payload */
    uint32_t iface; /* sending: by which it goes */
};

struct udp_port {
    struct link turn;  /* in udp.ready[turn_iface] while there is something to send */
    struct link event; /* in udp.events while .bits */
    uint32_t gen;
    uint32_t hash;                      /* key in the map */
    uint32_t bits;                      /* enum tern_ev to tell */
    int32_t err;                        /* ICMP error to tell; 0 = none */
    struct tern_endpoint local, remote; /* remote.addr.fam NONE = not connected */
    uint64_t user;
    struct ring rx, tx;
    uint32_t rx_max, tx_max; /* octets */
    uint8_t turn_iface;
    uint8_t ttl, tos;
    bool any;       /* TERN_UDP_ANY */
    bool broadcast; /* may send to everybody */
    bool blocked;   /* a send was refused: tell when there is room */
    bool open;
};

struct udp {
    struct pool pool;
    struct map map; /* by port number */
    struct list ready[UDP_IFACES];
    struct list events;
    uint32_t any; /* the TERN_UDP_ANY port, 0 = none */
    struct buddy *arena;
    const struct cksum_ops *ck;
    struct hash_key key;
    struct prng prng; /* for ephemeral ports [RFC6056:3.3.1] */
    uint16_t port_lo, port_hi;
    uint8_t ttl;
};

struct udp_setup {
    uint32_t max;
    uint16_t port_lo, port_hi;
    uint8_t ttl;
    struct buddy *arena;
    struct pool_fault *fault;
    const struct cksum_ops *ck;
    struct hash_key key;
    uint64_t seed;
};

size_t udp_size(uint32_t max);
/* mem: udp_size(max) zero octets, 64-octet aligned. */
void udp_init(struct udp *u, void *mem, const struct udp_setup *s);

/* ---- packets ---- */

/* A datagram as IP delivers it. */
struct udp_pkt {
    struct tern_addr src, dst;
    const uint8_t *p; /* UDP header */
    uint32_t n;       /* octets, header included */
    uint8_t csum;     /* enum tern_csum */
};
/* Queues it at its port. Returns CAUSE_RX_UDP or the cause of the drop; ports[2], if set, gets
 * source and destination port as far as they are known. */
unsigned udp_rx(struct udp *u, const struct udp_pkt *pkt, uint16_t ports[2]);

struct udp_out {
    struct tern_addr src, dst;
    uint16_t sport, dport;
    uint32_t len; /* octets of UDP header and payload at buf */
    uint8_t csum; /* TERN_CSUM_NONE or PARTIAL */
    uint8_t ttl, tos;
};
static inline bool udp_tx_pending(const struct udp *u, unsigned iface)
{
    return u->ready[iface].head != 0;
}
/* Builds the next datagram for the interface into buf; ports take turns. cap is at least what was
 * queued (the caller checks sizes against the MTU in udp_sendto()). False when there is none. */
bool udp_tx(struct udp *u, unsigned iface, bool tx_csum, uint8_t *buf, uint32_t cap,
            struct udp_out *out);

/* An ICMP error about a datagram of ours: told to the connected port only [RFC1122:4.1.3.3].
 * Returns CAUSE_DROP_ICMP_TAKEN or CAUSE_DROP_ICMP_NO_MATCH. */
unsigned udp_icmp(struct udp *u, const struct tern_endpoint *local,
                  const struct tern_endpoint *remote, int err);

/* ---- calls; the API's functions of the same names say what they do ---- */

/* local.addr is unspecified or one of ours, as the caller has checked. */
int udp_open(struct udp *u, const struct tern_endpoint *local, uint32_t flags,
             struct tern_sock *out);
/* local: our address towards the peer, taken if the port has none. remote with fam NONE dissolves.
 */
int udp_connect(struct udp *u, struct tern_sock s, const struct tern_addr *local,
                const struct tern_endpoint *remote);
/* from: the source; iface: where it goes; max: the largest payload there. group: to is a broadcast
 * or multicast address. */
struct udp_send {
    struct tern_endpoint from, to;
    unsigned iface;
    uint32_t max;
    bool group;
};
int udp_sendto(struct udp *u, struct tern_sock s, const struct udp_send *how, const void *buf,
               size_t len);
int64_t udp_recvfrom(struct udp *u, struct tern_sock s, void *buf, size_t len,
                     struct tern_endpoint *from, struct tern_endpoint *to);
int udp_close(struct udp *u, struct tern_sock s);
int udp_setopt(struct udp *u, struct tern_sock s, enum tern_opt opt, int64_t v);
int udp_getopt(struct udp *u, struct tern_sock s, enum tern_opt opt, int64_t *v);
/* The open port of a handle, NULL if it is stale. */
struct udp_port *udp_find(const struct udp *u, struct tern_sock s);
bool udp_event_next(struct udp *u, struct tern_event *ev);
/* Ports in the order of their index: start with *cursor = 0; false at the end. */
bool udp_inspect_next(const struct udp *u, uint32_t *cursor, struct tern_info *out);
void udp_info(const struct udp *u, const struct udp_port *p, struct tern_info *out);

/* ---- between the files of this room ---- */

struct udp_port *udp_at(const struct udp *u, uint32_t idx);
void udp_tell(struct udp *u, struct udp_port *p, uint32_t bits);
uint32_t udp_port_hash(const struct udp *u, uint16_t port);
/* Puts the port into the turn of the interface of its oldest datagram. */
void udp_take_turn(struct udp *u, struct udp_port *p);

#endif
