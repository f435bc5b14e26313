/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/tap.c: a TAP or TUN device of the Linux kernel.
 *
 * The virtio-net header in front of each packet is what makes it fast: with it the kernel hands
 * over and takes TCP super-segments of 64 KB, and checksums travel as a promise instead of a sum.
 * Plain non-blocking readv and writev, one packet each: the kernel completes a whole delivery
 * inside writev, and neither io_uring nor NAPI made that cheaper.
 *
 * The device carries IPv6 super-segments too, for the day when the stack does. Addresses, routes
 * and "up" are the business of whoever owns the device (ip(8)).
 */
#include "base/assert.h"
#include "port/frame.h"
#include "port/vnet.h"
#include "port/why.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define TAP_DEV   "/dev/net/tun"
#define TAP_BATCH 32u
#define TAP_CAP   (65535u + FRAME_ETH_LEN)
#define TAP_SLOT  ((TAP_CAP + 63u) & ~63u)

struct tap {
    struct tern_port port;
    int fd;
    uint8_t *rx, *tx; /* TAP_BATCH slots each */
};

static struct tap *tap_of(struct tern_port *p)
{
    return (struct tap *)(void *)p;
}

static size_t tap_rx(struct tern_port *self, struct tern_frame *frames, size_t n,
                     struct tern_time now)
{
    struct tap *t = tap_of(self);
    size_t k = 0;
    if (n > TAP_BATCH)
        n = TAP_BATCH;
    while (k < n) {
        struct virtio_net_hdr h;
        uint8_t *slot = t->rx + k * TAP_SLOT;
        struct iovec iov[2] = {{&h, sizeof h}, {slot, TAP_CAP}};
        ssize_t got = readv(t->fd, iov, 2);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= (ssize_t)sizeof h) /* EAGAIN, or the device is down (EIO) */
            break;
        struct tern_frame *f = &frames[k];
        *f = (struct tern_frame){
            .data = slot, .len = (uint32_t)got - (uint32_t)sizeof h, .time = now};
        if (vnet_read(&h, f))
            k++;
    }
    return k;
}

static size_t tap_tx_get(struct tern_port *self, struct tern_frame *frames, size_t n,
                         struct tern_time now)
{
    (void)now;
    struct tap *t = tap_of(self);
    if (n > TAP_BATCH)
        n = TAP_BATCH;
    for (size_t i = 0; i < n; i++)
        frames[i] = (struct tern_frame){.data = t->tx + i * TAP_SLOT, .cap = TAP_CAP};
    return n;
}

static void tap_tx_put(struct tern_port *self, struct tern_frame *frames, size_t n,
                       struct tern_time now)
{
    (void)now;
    struct tap *t = tap_of(self);
    for (size_t i = 0; i < n; i++) {
        struct virtio_net_hdr h;
        vnet_write(t->port.link, &frames[i], &h);
        struct iovec iov[2] = {{&h, sizeof h}, {frames[i].data, frames[i].len}};
        /* A frame that the kernel does not take (down, full) is lost, as on any link. */
        while (writev(t->fd, iov, 2) < 0 && errno == EINTR)
            ;
    }
}

static struct tern_time tap_deadline(const struct tern_port *self)
{
    (void)self;
    return TERN_NEVER;
}

static int tap_fd(const struct tern_port *self)
{
    return ((const struct tap *)(const void *)self)->fd;
}

static void tap_close(struct tern_port *self)
{
    struct tap *t = tap_of(self);
    (void)close(t->fd);
    (void)munmap(t->rx, 2 * (size_t)TAP_BATCH * TAP_SLOT);
    free(t);
}

static const struct tern_port_ops tap_ops = {
    .name = "tap",
    .rx = tap_rx,
    .tx_get = tap_tx_get,
    .tx_put = tap_tx_put,
    .deadline = tap_deadline,
    .fd = tap_fd,
    .close = tap_close,
};

/* ---- opening ---- */

static void tap_why_attach(const char *name, bool tun, int err, char *why)
{
    const char *kind = tun ? "tun" : "tap";
    switch (err) {
    case EPERM:
    case EACCES:
        why_set(why,
                "%s: not allowed to open or make this %s device: run as root, or let root make it "
                "yours: ip tuntap add dev %s mode %s user $USER",
                name, kind, name, kind);
        break;
    case EBUSY:
        why_set(why, "%s: another program has this %s device open: end it, or take another name",
                name, kind);
        break;
    case EINVAL:
        why_set(why,
                "%s: exists and is no %s device (or has other settings): take another name, or "
                "remove it: ip link del %s",
                name, kind, name);
        break;
    default:
        why_set(why, "%s: cannot open the %s device: %s", name, kind, strerror(err));
    }
}

static int tap_why_dev(int err, char *why)
{
    if (err == EPERM || err == EACCES)
        why_set(why, TAP_DEV ": %s: run as root, or allow it: chmod 0666 " TAP_DEV, strerror(err));
    else if (err == ENOENT || err == ENODEV || err == ENXIO)
        why_set(why,
                TAP_DEV ": %s: load the driver (modprobe tun), or in a container pass the "
                        "device in",
                strerror(err));
    else
        why_set(why, TAP_DEV ": %s", strerror(err));
    return -1;
}

static bool tap_name_ok(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < IFNAMSIZ && !strpbrk(name, "/: \t\n%") && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

/* Attaches fd to the device with all offloads; 0 or -1 with why. */
static int tap_attach(int fd, const char *name, bool tun, char *why)
{
    struct ifreq ifr;
    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, name, strlen(name));
    ifr.ifr_flags = (short)((tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI | IFF_VNET_HDR);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        tap_why_attach(name, tun, errno, why);
        return -1;
    }
    int size = sizeof(struct virtio_net_hdr);
    unsigned long offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 || ioctl(fd, TUNSETOFFLOAD, offload) < 0) {
        why_set(why, "%s: the kernel's tun driver lacks the virtio-net header or TSO: %s", name,
                strerror(errno));
        return -1;
    }
    return 0;
}

static uint16_t tap_mtu(const char *name)
{
    struct ifreq ifr;
    memset(&ifr, 0, sizeof ifr);
    memcpy(ifr.ifr_name, name, strlen(name));
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int mtu = 1500;
    if (s >= 0) {
        if (ioctl(s, SIOCGIFMTU, &ifr) == 0)
            mtu = ifr.ifr_mtu;
        (void)close(s);
    }
    if (mtu < 576)
        mtu = 576;
    return (uint16_t)(mtu > 65535 ? 65535 : mtu);
}

int tern_tap_open(const char *name, bool tun, struct tern_port **port, char *why)
{
    tern_assert(name && port);
    if (!tap_name_ok(name)) {
        why_set(why,
                "'%.40s': no name for a device: want 1..%d characters, none of / : %% or blank",
                name, IFNAMSIZ - 1);
        return -1;
    }
    int fd = open(TAP_DEV, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return tap_why_dev(errno, why);
    if (tap_attach(fd, name, tun, why) < 0) {
        (void)close(fd);
        return -1;
    }
    struct tap *t = calloc(1, sizeof *t);
    void *m = mmap(NULL, 2 * (size_t)TAP_BATCH * TAP_SLOT, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!t || m == MAP_FAILED) {
        why_set(why, "%s: out of memory", name);
        (void)close(fd);
        free(t);
        return -1;
    }
    t->fd = fd;
    t->rx = m;
    t->tx = t->rx + (size_t)TAP_BATCH * TAP_SLOT;
    t->port = (struct tern_port){.ops = &tap_ops,
                                 .link = tun ? TERN_LINK_IP : TERN_LINK_ETHER,
                                 .tx_csum = true,
                                 .mtu = tap_mtu(name),
                                 .gso_max = 65535};
    *port = &t->port;
    return 0;
}
