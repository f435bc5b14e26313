/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/path.h: congestion control alone on a road: flows that always have data, one bottleneck with
 * a queue, a perfect loss detector. No TCP: what a plug-in does can be seen without what recovery
 * does.
 *
 * The queue is a FIFO that drops at its tail; an ACK comes one base round trip after its segment
 * left the bottleneck. A lost segment is noticed with the next ACK of its flow, its octets are sent
 * anew, and fast recovery lasts until a segment sent after its beginning is acknowledged. Time is
 * virtual and everything follows from the settings and the seed.
 */
#ifndef TCP_PATH_H
#define TCP_PATH_H

#include "base/prng.h"
#include "tcp/cc/cc.h"

#define PATH_FLOWS 4
#define PATH_RING  32768u /* segments of a flow in flight */

struct path_seg {
    int64_t sent, ack; /* ns; ack -1 = lost */
    int64_t first_sent, delivered_at;
    uint64_t delivered;
    uint32_t flight; /* after it was sent */
};

struct path_flow {
    const struct cc_ops *ops;
    struct cc cc;
    uint64_t ext[CC_EXT_MAX / 8];
    struct path_seg *ring;
    uint32_t head, tail; /* [head, tail) are in flight */
    int64_t start, paced_until, delivered_at, first_sent;
    uint64_t delivered, next_round;
    uint64_t recover; /* number of the segment that ends recovery */
    uint32_t flight, srtt, min_rtt;
    bool recovery, rto;
    uint64_t losses, rtos, acks;
    uint32_t first_loss_cwnd; /* cwnd when the first loss was noticed */
    uint32_t exit_cwnd;       /* cwnd when ssthresh was first set without a loss */
};

struct path {
    uint64_t rate;  /* octets a second */
    int64_t rtt;    /* ns, without queueing */
    uint64_t queue; /* octets */
    uint32_t mss;
    double lose; /* at random, besides */
    struct prng prng;
    int64_t now, busy_until, max_queue_ns;
    unsigned n;
    struct path_flow flow[PATH_FLOWS];
    /* Called after each ACK, if set. */
    void (*watch)(struct path *p, struct path_flow *f, void *ctx);
    void *watch_ctx;
};

/* rate, rtt, queue, mss, lose stand; adds flows of these plug-ins that begin `apart` ns one after
 * another. */
void path_begin(struct path *p, const struct cc_ops *const *ops, unsigned n, int64_t apart);
void path_run(struct path *p, int64_t until);
void path_end(struct path *p);
/* Of the bottleneck's capacity since `from` octets were delivered at t0, in thousandths. */
uint32_t path_share(const struct path *p, const struct path_flow *f, uint64_t from, int64_t t0);

#endif
