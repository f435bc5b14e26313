/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/packet.c: an existing Ethernet device (a veth, a bridge's port, a network card) through a
 * packet socket: AF_PACKET, packet(7).
 *
 * In: a ring that the kernel fills (TPACKET_V2). Taking a frame costs no system call, so a burst of
 * small frames costs what its octets cost, and a process that is late finds them waiting. A slot
 * holds an MTU; what is larger (the kernel's own super-segments, or those that the device joined)
 * lies in the socket's queue as well, marked in its slot, and is read from there, in its place.
 *
 * Out: sendmmsg(), a batch a call, past the device's queueing discipline (PACKET_QDISC_BYPASS),
 * with the virtio-net header in front, so that super-segments and checksums travel as over a TAP.
 *
 * The stack has an address of its own on the device, so the device is set to take all addresses
 * (promiscuous), and the host's own stack sees frames for somebody else and leaves them alone.
 * Slots are given back at the next rx: frames are read in place.
 */
#include "base/assert.h"
#include "port/frame.h"
#include "port/vnet.h"
#include "port/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_SLOTS 4096u /* a burst of 4 ms at a million frames a second */
#define PACKET_BLOCK (64u << 10)
#define PACKET_BATCH TERN_PORT_BATCH
#define PACKET_CAP   (65535u + FRAME_ETH_LEN)
#define PACKET_BIG   ((PACKET_CAP + 63u) & ~63u)
#define PACKET_BUF   (4 << 20)

struct packet {
    struct tern_port port;
    int fd;
    uint8_t *ring; /* the kernel's */
    uint32_t slot; /* octets of one */
    uint32_t at;   /* the slot that is filled next */
    uint32_t held; /* slots before it that the last rx has handed out */
    uint8_t *big, *tx;
    struct virtio_net_hdr head[PACKET_BATCH];
};

static struct packet *packet_of(struct tern_port *p)
{
    return (struct packet *)(void *)p;
}

static struct tpacket2_hdr *packet_slot(const struct packet *p, uint32_t i)
{
    return (struct tpacket2_hdr *)(void *)(p->ring + (size_t)(i & (PACKET_SLOTS - 1)) * p->slot);
}

static void packet_give_back(struct packet *p)
{
    for (; p->held > 0; p->held--)
        __atomic_store_n(&packet_slot(p, p->at - p->held)->tp_status, TP_STATUS_KERNEL,
                         __ATOMIC_RELEASE);
}

/* A frame that is larger than a slot. At most one a call: there is one place for it. */
static bool packet_big(struct packet *p, struct tern_frame *f)
{
    struct virtio_net_hdr h;
    struct iovec iov[2] = {{&h, sizeof h}, {p->big, PACKET_CAP}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t n = recvmsg(p->fd, &m, MSG_DONTWAIT);
    if (n <= (ssize_t)sizeof h || (m.msg_flags & MSG_TRUNC))
        return false;
    f->data = p->big;
    f->len = (uint32_t)n - (uint32_t)sizeof h;
    return vnet_read(&h, f);
}

static bool packet_small(struct packet *p, const struct tpacket2_hdr *h, struct tern_frame *f)
{
    struct virtio_net_hdr v;
    (void)p;
    f->data = (uint8_t *)(uintptr_t)h + h->tp_mac;
    f->len = h->tp_snaplen;
    if (h->tp_snaplen < h->tp_len) /* the queue had no room for the whole of it */
        return false;
    memcpy(&v, f->data - sizeof v, sizeof v);
    return vnet_read(&v, f);
}

static size_t packet_rx(struct tern_port *self, struct tern_frame *frames, size_t n,
                        struct tern_time now)
{
    struct packet *p = packet_of(self);
    size_t k = 0;
    bool big = false;
    packet_give_back(p);
    while (k < n && !big) {
        const struct tpacket2_hdr *h = packet_slot(p, p->at);
        uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
        if (!(status & TP_STATUS_USER))
            break;
        __builtin_prefetch(packet_slot(p, p->at + 2));
        frames[k] = (struct tern_frame){.time = now};
        big = (status & TP_STATUS_COPY) != 0;
        k += big ? packet_big(p, &frames[k]) : packet_small(p, h, &frames[k]);
        p->at++;
        p->held++;
    }
    return k;
}

static size_t packet_tx_get(struct tern_port *self, struct tern_frame *frames, size_t n,
                            struct tern_time now)
{
    struct packet *p = packet_of(self);
    (void)now;
    if (n > PACKET_BATCH)
        n = PACKET_BATCH;
    for (size_t i = 0; i < n; i++)
        frames[i] = (struct tern_frame){.data = p->tx + i * PACKET_BIG, .cap = PACKET_CAP};
    return n;
}

static void packet_tx_put(struct tern_port *self, struct tern_frame *frames, size_t n,
                          struct tern_time now)
{
    struct packet *p = packet_of(self);
    struct mmsghdr m[PACKET_BATCH];
    struct iovec iov[PACKET_BATCH][2];
    (void)now;
    tern_assert(n <= PACKET_BATCH);
    for (size_t i = 0; i < n; i++) {
        vnet_write(TERN_LINK_ETHER, &frames[i], &p->head[i]);
        iov[i][0] = (struct iovec){&p->head[i], sizeof p->head[i]};
        iov[i][1] = (struct iovec){frames[i].data, frames[i].len};
        m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = iov[i], .msg_iovlen = 2}};
    }
    for (size_t i = 0; i < n;) {
        int sent = sendmmsg(p->fd, m + i, (unsigned)(n - i), MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        i +=
            sent > 0 ? (size_t)sent : 1; /* what the device does not take is lost, as on any link */
    }
}

static struct tern_time packet_deadline(const struct tern_port *self)
{
    (void)self;
    return TERN_NEVER;
}

static int packet_fd(const struct tern_port *self)
{
    return ((const struct packet *)(const void *)self)->fd;
}

static void packet_free(struct packet *p)
{
    if (p->ring)
        (void)munmap(p->ring, (size_t)PACKET_SLOTS * p->slot);
    if (p->big)
        (void)munmap(p->big, (1 + (size_t)PACKET_BATCH) * PACKET_BIG);
    if (p->fd >= 0)
        (void)close(p->fd);
    free(p);
}

static void packet_close(struct tern_port *self)
{
    packet_free(packet_of(self));
}

static const struct tern_port_ops packet_ops = {
    .name = "packet",
    .rx = packet_rx,
    .tx_get = packet_tx_get,
    .tx_put = packet_tx_put,
    .deadline = packet_deadline,
    .fd = packet_fd,
    .close = packet_close,
};

/* ---- opening ---- */

static int packet_why(const char *name, const char *what, char *why)
{
    if (errno == EPERM || errno == EACCES)
        why_set(why, "%s: a packet socket is not allowed: run as root, or with CAP_NET_RAW", name);
    else
        why_set(why, "%s: %s: %s", name, what, strerror(errno));
    return -1;
}

/* An Ethernet device that exists; its number and MTU. */
static int packet_device(struct packet *p, const char *name, int *index, char *why)
{
    struct ifreq ifr;
    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, name, strlen(name));
    if (ioctl(p->fd, SIOCGIFINDEX, &ifr) < 0) {
        why_set(why, "%s: no such device here: ip link shows what there is", name);
        return -1;
    }
    *index = ifr.ifr_ifindex;
    if (ioctl(p->fd, SIOCGIFHWADDR, &ifr) < 0 || ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
        why_set(why, "%s: not an Ethernet device: take tun:NAME for a TUN", name);
        return -1;
    }
    if (ioctl(p->fd, SIOCGIFMTU, &ifr) < 0)
        return packet_why(name, "its MTU", why);
    int mtu = ifr.ifr_mtu < 576 ? 576 : ifr.ifr_mtu;
    p->port.mtu = (uint16_t)(mtu > 65535 ? 65535 : mtu);
    return 0;
}

/* The ring, and the places for what is larger or goes out. */
static int packet_memory(struct packet *p, const char *name, char *why)
{
    int version = TPACKET_V2, buf = PACKET_BUF;
    p->slot = 2048;
    while (p->slot < p->port.mtu + 128u) /* the slot's head, Ethernet, a VLAN's tag */
        p->slot *= 2;
    uint32_t block = p->slot > PACKET_BLOCK ? p->slot : PACKET_BLOCK;
    struct tpacket_req req = {.tp_block_size = block,
                              .tp_block_nr = PACKET_SLOTS / (block / p->slot),
                              .tp_frame_size = p->slot,
                              .tp_frame_nr = PACKET_SLOTS};
    if (setsockopt(p->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
        setsockopt(p->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) < 0)
        return packet_why(name, "no ring of received frames", why);
    if (setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buf, sizeof buf) < 0)
        (void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &buf, sizeof buf);
    if (setsockopt(p->fd, SOL_SOCKET, SO_SNDBUFFORCE, &buf, sizeof buf) < 0)
        (void)setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &buf, sizeof buf);
    size_t ring = (size_t)PACKET_SLOTS * p->slot;
    void *r = mmap(NULL, ring, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
    void *m = mmap(NULL, (1 + (size_t)PACKET_BATCH) * PACKET_BIG, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    p->ring = r != MAP_FAILED ? r : NULL;
    p->big = m != MAP_FAILED ? m : NULL;
    if (!p->ring || !p->big)
        return packet_why(name, "memory for frames", why);
    p->tx = p->big + PACKET_BIG;
    return 0;
}

/* Options first, the ring, and the device last: nothing comes in before all is there. */
static int packet_bind(struct packet *p, const char *name, char *why)
{
    static const int flags[] = {PACKET_VNET_HDR, PACKET_COPY_THRESH, PACKET_QDISC_BYPASS,
                                PACKET_IGNORE_OUTGOING};
    int one = 1, index = 0;
    if (packet_device(p, name, &index, why) < 0)
        return -1;
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (setsockopt(p->fd, SOL_PACKET, flags[i], &one, sizeof one) < 0)
            return packet_why(name, "the kernel's packet sockets are too old (Linux 5.0 is needed)",
                              why);
    }
    if (packet_memory(p, name, why) < 0)
        return -1;
    struct packet_mreq all = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
    if (setsockopt(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0 ||
        bind(p->fd, (const struct sockaddr *)&at, sizeof at) < 0)
        return packet_why(name, "cannot listen at the device", why);
    return 0;
}

int tern_packet_open(const char *name, struct tern_port **port, char *why)
{
    tern_assert(name && port);
    if (name[0] == '\0' || strlen(name) >= IFNAMSIZ) {
        why_set(why, "'%.40s': no name for a device: want 1..%d characters", name, IFNAMSIZ - 1);
        return -1;
    }
    struct packet *p = calloc(1, sizeof *p);
    if (!p) {
        why_set(why, "%s: out of memory", name);
        return -1;
    }
    p->port = (struct tern_port){
        .ops = &packet_ops, .link = TERN_LINK_ETHER, .tx_csum = true, .gso_max = 65535};
    p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = p->fd < 0 ? packet_why(name, "packet socket", why) : packet_bind(p, name, why);
    if (rc < 0) {
        packet_free(p);
        return -1;
    }
    *port = &p->port;
    return 0;
}
