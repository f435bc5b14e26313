/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/sender.c: the forger on a link: sendmmsg() to a packet socket, a batch a call.
 *
 * A sender that builds each frame anew is slower than what it attacks. So a store of frames is
 * built once, and before a frame is sent again its source and its sequence number are changed, and
 * both checksums with them, by the difference [RFC1624:3].
 */
#include "lab/veth.h"

#include "base/bytes.h"
#include "port/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tern/loop.h>
#include <time.h>
#include <unistd.h>

#define ETH     14u
#define STORE   8192u /* frames */
#define SLOT    96u
#define BATCH   16u /* frames that one call sends */
#define LATE_NS 2000000

struct sender {
    int fd;
    uint8_t (*frame)[SLOT];
    uint32_t *len, at;
    uint64_t random;
    bool same; /* the source stays */
};

static int sender_open(struct sender *s, const struct veth *v, char *why)
{
    int one = 1, buf = 8 << 20;
    struct sockaddr_ll at = {.sll_family = AF_PACKET,
                             .sll_ifindex = (int)if_nametoindex(v->attacked)};
    s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (s->fd >= 0 && bind(s->fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
        setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) == 0 &&
        setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &buf, sizeof buf) == 0)
        return 0;
    why_set(why, "the forger's packet socket: %s", strerror(errno));
    return -1;
}

static int sender_fill(struct sender *s, const struct veth *v, char *why)
{
    static struct forger f;
    struct tern_frame out[LAB_BATCH];
    forge_init(&f, v->cfg->attack, v->cfg->seed);
    s->random = v->cfg->seed * 0x9e3779b97f4a7c15u | 1;
    s->same = v->cfg->attack == LAB_SYN_SAME;
    s->frame = calloc(STORE, SLOT);
    s->len = calloc(STORE, sizeof *s->len);
    if (!s->frame || !s->len) {
        why_set(why, "out of memory");
        return -1;
    }
    for (unsigned i = 0; i < STORE; i++) {
        if (i % LAB_BATCH == 0)
            forge(&f, out, LAB_BATCH);
        uint8_t *p = s->frame[i];
        memcpy(p, v->mac, 6);
        memcpy(p + 6, (const uint8_t[6]){2, 'f', 'o', 'r', 'g', 'e'}, 6);
        be16_store(p + 12, ETH_P_IP);
        memcpy(p + ETH, out[i % LAB_BATCH].data, out[i % LAB_BATCH].len);
        s->len[i] = ETH + out[i % LAB_BATCH].len;
    }
    return 0;
}

/* One 16-bit word is changed, and the checksums that cover it. */
static void sender_change(uint8_t *p, unsigned off, uint16_t to, unsigned sum1, unsigned sum2)
{
    uint16_t was = be16_load(p + off);
    const unsigned sums[2] = {sum1, sum2};
    be16_store(p + off, to);
    for (unsigned i = 0; i < 2 && sums[i] != 0; i++) {
        uint32_t c = (uint16_t)~be16_load(p + sums[i]) + (uint32_t)(uint16_t)~was + to;
        c = (c & 0xffff) + (c >> 16);
        be16_store(p + sums[i], (uint16_t) ~((c & 0xffff) + (c >> 16)));
    }
}

static void sender_renew(struct sender *s, uint8_t *p)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    uint64_t r = s->random;
    const unsigned ip_sum = ETH + 10, tcp_sum = ETH + 20 + 16;
    if (!s->same)
        sender_change(p, ETH + 14, (uint16_t)r, tcp_sum, ip_sum);
    else
        sender_change(p, ETH + 20, (uint16_t)(1024 + (uint16_t)r % 60000), tcp_sum, 0);
    sender_change(p, ETH + 24, (uint16_t)(r >> 16), tcp_sum, 0);
    sender_change(p, ETH + 26, (uint16_t)(r >> 32), tcp_sum, 0);
}

/* Sends n frames: how many were offered. The call ends at a frame for which the link has no room:
 * that one is lost, and the next is the next. */
static unsigned sender_batch(struct sender *s, unsigned n, struct veth_shared *sh)
{
    struct mmsghdr m[BATCH];
    struct iovec iov[BATCH];
    for (unsigned i = 0; i < n; i++) {
        uint32_t at = (s->at + i) % STORE;
        sender_renew(s, s->frame[at]);
        iov[i] = (struct iovec){s->frame[at], s->len[at]};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    int sent = sendmmsg(s->fd, m, n, 0);
    unsigned took = sent > 0 ? (unsigned)sent : 0, tried = took < n ? took + 1 : n;
    s->at = (s->at + tried) % STORE;
    sh->taken += took;
    return tried;
}

/* It does not sleep between batches: with small ones, evenly sent, it is the rate that fills the
 * link's ring, and not the length of a nap. When it was kept from sending (another process, the
 * machine below) it does not make up for more than LATE_NS: as fast as the link goes is another
 * rate than the one that was asked for. */
static void sender_run(struct sender *s, struct veth *v)
{
    const struct lab_config *c = v->cfg;
    int64_t zero = tern_clock_now().ns, end = (int64_t)c->seconds * 1000000000, at = 0;
    uint64_t most = BATCH + (uint64_t)(LATE_NS * 1e-9 * c->rate), given_up = 0;
    while ((at = tern_clock_now().ns - zero) < end) {
        uint64_t due = (uint64_t)((double)at * 1e-9 * c->rate) - given_up;
        uint64_t left = due > v->sh->forged ? due - v->sh->forged : 0;
        if (left > most) {
            given_up += left - most;
            left = most;
        }
        if (left > 0)
            v->sh->forged += sender_batch(s, left < BATCH ? (unsigned)left : BATCH, v->sh);
    }
}

void veth_forger(struct veth *v, struct veth_side *side)
{
    struct sender s = {0};
    char why[TERN_WHY] = "";
    if (netns_pin(0, VETH_OTHER_CPU, false) < 0)
        veth_fail(v, "CPU 1 is not there or not allowed: two CPUs are needed");
    if (sender_open(&s, v, why) < 0 || sender_fill(&s, v, why) < 0)
        veth_fail(v, why);
    if (netns_meet(side) < 0)
        return;
    sender_run(&s, v);
    atomic_store(&v->sh->over, 1);
    (void)netns_meet(side);
}
