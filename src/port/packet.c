/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/packet.c: an existing Ethernet device (a veth, a bridge's port, a network card) through
 * packet sockets: AF_PACKET, packet(7).
 *
 * In: rings that the kernel fills, SYNs in one of their own (packet_in.c).
 *
 * Out: past the device's queueing discipline (PACKET_QDISC_BYPASS). Short frames (handshakes, ACKs)
 * are copied, with their checksums, to a ring that the kernel empties at one call a batch: to a
 * host under a flood of SYNs sendmmsg() costs more a frame than everything else that it does for
 * it. Longer ones go by sendmmsg(), with the virtio-net header in front, so that super-segments and
 * checksums travel as over a TAP. A socket with a ring for sending has no other way to send, so
 * there are two sockets; each call has handed over its frames when it returns, so their order
 * stays.
 *
 * The stack has an address of its own on the device, so the device is set to take all addresses
 * (promiscuous), and the host's own stack sees frames for somebody else and leaves them alone.
 */
#include "base/assert.h"
#include "base/time.h"
#include "port/frame.h"
#include "port/offload.h"
#include "port/packet_in.h"
#include "port/vnet.h"
#include "port/why.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_BATCH TERN_PORT_BATCH
#define PACKET_BUF   (4 << 20)
#define OUT_SLOTS    1024u
#define OUT_SLOT     512u
#define OUT_BLOCK    4096u
#define OUT_HEAD     32u /* TPACKET_ALIGN(sizeof(struct tpacket2_hdr)) */
#define OUT_CAP      (OUT_SLOT - OUT_HEAD - (uint32_t)sizeof(struct virtio_net_hdr))
#define OUT_RETRY_NS 20000 /* for a device that had no room */
#define OUT_TRIES    50    /* without a frame taken: a millisecond */

_Static_assert(OUT_HEAD >= sizeof(struct tpacket2_hdr) &&
                   OUT_HEAD < sizeof(struct tpacket2_hdr) + TPACKET_ALIGNMENT,
               "where the kernel looks for the frame");

struct packet {
    struct tern_port port;
    struct packet_in in;
    struct offload offload; /* who answers SYNs in the kernel, if anybody */
    uint8_t *tx;            /* the buffers that tx_get offers */
    int out_fd;
    uint8_t *out;           /* the ring of short frames that go out */
    uint32_t out_at;        /* the slot that is filled next */
    struct tern_time retry; /* when the device is asked again that had no room */
    unsigned tries;         /* ... how often it has been, in vain */
    struct virtio_net_hdr head[PACKET_BATCH];
};

static struct packet *packet_of(struct tern_port *p)
{
    return (struct packet *)(void *)p;
}

/* ---- the ring of short frames that go out ---- */

static struct tpacket2_hdr *packet_out(const struct packet *p, uint32_t i)
{
    return (struct tpacket2_hdr *)(void *)(p->out + (size_t)(i & (OUT_SLOTS - 1)) * OUT_SLOT);
}

static bool packet_is_short(const struct tern_frame *f)
{
    return f->len <= OUT_CAP && f->gso == TERN_GSO_NONE;
}

/* How many of the next n slots are free. */
static size_t packet_room(const struct packet *p, size_t n)
{
    size_t k = 0;
    while (k < n) {
        uint32_t status =
            __atomic_load_n(&packet_out(p, p->out_at + (uint32_t)k)->tp_status, __ATOMIC_ACQUIRE);
        if (status != TP_STATUS_AVAILABLE)
            break;
        k++;
    }
    return k;
}

/* The device takes nothing: what waits is lost, as on any link. The kernel goes on where it
 * stopped, at the first of those that wait. */
static void packet_out_drop(struct packet *p)
{
    uint32_t end = p->out_at;
    for (uint32_t at = end - OUT_SLOTS; at != end; at++) {
        struct tpacket2_hdr *h = packet_out(p, at);
        if (__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_SEND_REQUEST)
            continue;
        h->tp_status = TP_STATUS_AVAILABLE;
        if (p->out_at == end)
            p->out_at = at;
    }
}

/* Has the kernel send what is in the ring. When the device has no room, the rest waits there, but
 * not for long: a veth whose other end is down says the same for ever. */
static void packet_kick(struct packet *p, struct tern_time now)
{
    p->retry = TERN_NEVER;
    if (send(p->out_fd, NULL, 0, MSG_DONTWAIT) >= 0) {
        p->tries = 0;
        return;
    }
    bool later = errno == ENOBUFS || errno == EAGAIN || errno == EINTR;
    if (later && ++p->tries < OUT_TRIES) {
        p->retry.ns = now.ns + OUT_RETRY_NS;
    } else {
        p->tries = 0;
        packet_out_drop(p);
    }
}

/* Offers again what the device had no room for, when it is time. */
static void packet_again(struct packet *p, struct tern_time now)
{
    if (!time_is_never(p->retry) && time_le(p->retry, now))
        packet_kick(p, now);
}

static size_t packet_rx(struct tern_port *self, struct tern_frame *frames, size_t n,
                        struct tern_time now)
{
    struct packet *p = packet_of(self);
    packet_again(p, now);
    return packet_in_rx(&p->in, frames, n, now);
}

/* ---- out ---- */

static size_t packet_tx_get(struct tern_port *self, struct tern_frame *frames, size_t n,
                            struct tern_time now)
{
    struct packet *p = packet_of(self);
    packet_again(p, now);
    n = packet_room(p, n > PACKET_BATCH ? PACKET_BATCH : n);
    for (size_t i = 0; i < n; i++)
        frames[i] = (struct tern_frame){.data = p->tx + i * PACKET_BIG, .cap = PACKET_CAP};
    return n;
}

/* Puts the short frames that come first into the ring; how many they were. */
static size_t packet_put_short(struct packet *p, const struct tern_frame *f, size_t n)
{
    size_t k = 0;
    for (; k < n && packet_is_short(&f[k]); k++) {
        struct tpacket2_hdr *h = packet_out(p, p->out_at);
        uint8_t *at = p->out + (size_t)(p->out_at & (OUT_SLOTS - 1)) * OUT_SLOT + OUT_HEAD;
        /* The header only says that all of it is to be copied, and not lent. */
        const struct virtio_net_hdr v = {.hdr_len = (uint16_t)f[k].len};
        struct tern_frame out = f[k];
        out.data = at + sizeof v;
        memcpy(at, &v, sizeof v);
        memcpy(out.data, f[k].data, f[k].len);
        frame_finish_csum(&out);
        h->tp_len = f[k].len + (uint32_t)sizeof v;
        __atomic_store_n(&h->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
        p->out_at++;
    }
    return k;
}

/* Sends the long ones that come first; how many they were. */
static size_t packet_put_long(struct packet *p, const struct tern_frame *f, size_t n)
{
    struct mmsghdr m[PACKET_BATCH];
    struct iovec iov[PACKET_BATCH][2];
    size_t k = 0, done = 0;
    for (; k < n && !packet_is_short(&f[k]); k++) {
        vnet_write(TERN_LINK_ETHER, &f[k], &p->head[k]);
        iov[k][0] = (struct iovec){&p->head[k], sizeof p->head[k]};
        iov[k][1] = (struct iovec){f[k].data, f[k].len};
        m[k] = (struct mmsghdr){.msg_hdr = {.msg_iov = iov[k], .msg_iovlen = 2}};
    }
    bool told = false; /* once that the device was down, whatever was asked */
    while (done < k) {
        int sent = sendmmsg(p->in.all.fd, m + done, (unsigned)(k - done), MSG_DONTWAIT);
        bool again = sent < 0 && (errno == EINTR || (errno == ENETDOWN && !told));
        told |= again;
        if (!again)
            done += sent > 0 ? (size_t)sent : 1; /* lost: see packet_out_drop */
    }
    return k;
}

static void packet_tx_put(struct tern_port *self, struct tern_frame *frames, size_t n,
                          struct tern_time now)
{
    struct packet *p = packet_of(self);
    tern_assert(n <= PACKET_BATCH);
    for (size_t i = 0; i < n;) {
        size_t k = packet_put_short(p, frames + i, n - i);
        if (k > 0)
            packet_kick(p, now);
        i += k;
        if (i < n)
            i += packet_put_long(p, frames + i, n - i);
    }
}

static const struct packet *packet_const(const struct tern_port *self)
{
    return (const struct packet *)(const void *)self;
}

static struct tern_time packet_deadline(const struct tern_port *self)
{
    return packet_const(self)->retry;
}

static int packet_fd(const struct tern_port *self)
{
    return packet_const(self)->in.all.fd;
}

static int packet_fd2(const struct tern_port *self)
{
    return packet_const(self)->in.syn.fd;
}

static struct tern_syn_offload *packet_offload(struct tern_port *self)
{
    return packet_of(self)->offload.shared;
}

static void packet_free(struct packet *p)
{
    offload_close(&p->offload);
    packet_in_close(&p->in);
    if (p->tx)
        (void)munmap(p->tx, (size_t)PACKET_BATCH * PACKET_BIG);
    if (p->out)
        (void)munmap(p->out, (size_t)OUT_SLOTS * OUT_SLOT);
    if (p->out_fd >= 0)
        (void)close(p->out_fd);
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
    .fd2 = packet_fd2,
    .offload = packet_offload,
    .close = packet_close,
};

/* ---- opening ---- */

/* An Ethernet device that exists; its number and MTU. */
static int packet_device(struct packet *p, const char *name, int *index, char *why)
{
    struct ifreq ifr;
    int fd = p->in.all.fd;
    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, name, strlen(name));
    if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0) {
        why_set(why, "%s: no such device here: ip link shows what there is", name);
        return -1;
    }
    *index = ifr.ifr_ifindex;
    if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0 || ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
        why_set(why, "%s: not an Ethernet device: take tun:NAME for a TUN", name);
        return -1;
    }
    if (ioctl(fd, SIOCGIFMTU, &ifr) < 0)
        return packet_why(name, "its MTU", why);
    int mtu = ifr.ifr_mtu < 576 ? 576 : ifr.ifr_mtu;
    p->port.mtu = (uint16_t)(mtu > 65535 ? 65535 : mtu);
    return 0;
}

/* For what goes out and is long: the buffers, and the socket's own. */
static int packet_long_open(struct packet *p, const char *name, char *why)
{
    packet_buffer(p->in.all.fd, SO_SNDBUFFORCE, SO_SNDBUF, PACKET_BUF);
    void *m = mmap(NULL, (size_t)PACKET_BATCH * PACKET_BIG, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED)
        return packet_why(name, "memory for frames", why);
    p->tx = m;
    return 0;
}

/* The socket of short frames: it hears nothing (protocol 0). */
static int packet_out_open(struct packet *p, const char *name, int index, char *why)
{
    static const int flags[] = {PACKET_VNET_HDR, PACKET_QDISC_BYPASS, PACKET_LOSS};
    int version = TPACKET_V2, one = 1;
    struct tpacket_req req = {.tp_block_size = OUT_BLOCK,
                              .tp_block_nr = OUT_SLOTS / (OUT_BLOCK / OUT_SLOT),
                              .tp_frame_size = OUT_SLOT,
                              .tp_frame_nr = OUT_SLOTS};
    const struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = index};
    p->out_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (p->out_fd < 0)
        return packet_why(name, "packet socket", why);
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (setsockopt(p->out_fd, SOL_PACKET, flags[i], &one, sizeof one) < 0)
            return packet_why(name, "socket for sending", why);
    }
    packet_buffer(p->out_fd, SO_SNDBUFFORCE, SO_SNDBUF, PACKET_BUF);
    if (setsockopt(p->out_fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0 ||
        setsockopt(p->out_fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof req) < 0 ||
        bind(p->out_fd, (const struct sockaddr *)&at, sizeof at) < 0)
        return packet_why(name, "no ring of frames to be sent", why);
    void *m =
        mmap(NULL, (size_t)OUT_SLOTS * OUT_SLOT, PROT_READ | PROT_WRITE, MAP_SHARED, p->out_fd, 0);
    if (m == MAP_FAILED)
        return packet_why(name, "memory for frames", why);
    p->out = m;
    return 0;
}

/* What comes in is opened last: nothing is heard before all is there. */
static int packet_open(struct packet *p, const char *name, bool offload, char *why)
{
    int index = 0;
    if (packet_in_socket(&p->in) < 0)
        return packet_why(name, "packet socket", why);
    if (packet_device(p, name, &index, why) < 0 || packet_long_open(p, name, why) < 0 ||
        packet_out_open(p, name, index, why) < 0)
        return -1;
    if (!offload)
        return packet_in_open(&p->in, name, index, p->port.mtu, why);
    if (packet_in_open_after(&p->in, name, index, p->port.mtu, why) < 0)
        return -1;
    return offload_open(&p->offload, name, index, why);
}

static int packet_new(const char *name, bool offload, struct tern_port **port, char *why)
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
    p->out_fd = -1;
    p->retry = TERN_NEVER;
    packet_in_init(&p->in);
    offload_init(&p->offload);
    if (packet_open(p, name, offload, why) < 0) {
        packet_free(p);
        return -1;
    }
    *port = &p->port;
    return 0;
}

int tern_packet_open(const char *name, struct tern_port **port, char *why)
{
    return packet_new(name, false, port, why);
}

int tern_packet_open_offload(const char *name, struct tern_port **port, char *why)
{
    return packet_new(name, true, port, why);
}
