/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/victim.c: the server: the same small program on a stack of tern's and on the kernel's.
 *
 * The kernel's is reached by a TUN of a fresh network namespace (the caller is a child that ends
 * with its row, and the namespace with it). What the kernel does for a packet it does within the
 * write to the TUN, on this thread, so its CPU time is seen; it includes the TUN's own cost.
 */
#include "lab/inner.h"

#include "base/assert.h"
#include "port/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/route.h> /* <net/route.h> would be our own room's */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <tern/loop.h>
#include <unistd.h>

#define DEV "lab0"

/* ---- tern's ---- */

struct tern_stack *lab_stack(uint64_t seed, uint8_t last, bool server, struct tern_time now,
                             char *why)
{
    struct tern_config cfg;
    tern_config_init(&cfg);
    cfg.cpu = tern_cpu_features();
    tern_seed_from(cfg.seed, seed * 2 + server);
    if (!server) {
        cfg.max_prefix_half = 0;
        cfg.prefix_answers_per_s = 0;
    }
    struct tern_stack *st = tern_stack_new(&cfg, now, why);
    if (!st)
        return NULL;
    /* A stack never takes more than its one block. Have all of it now, so that growth is what else
     * a row takes, and not the first use of some page of the block. */
    (void)madvise(st, tern_stack_size(&cfg), MADV_POPULATE_WRITE);
    struct tern_iface_config ic = {.link = TERN_LINK_IP, .mtu = 1500};
    ic.addr[0].addr = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 9, 0, last}};
    ic.addr[0].prefix = 24;
    int r = tern_iface_add(st, &ic);
    if (r != 0) {
        why_set(why, "interface: %s", tern_strerror(r));
        tern_stack_free(st);
        return NULL;
    }
    return st;
}

static int tern_open(struct victim *v, const struct lab_config *cfg, struct tern_time now,
                     char *why)
{
    const struct tern_endpoint at = {.port = LAB_PORT};
    v->st = lab_stack(cfg->seed, 2, true, now, why);
    if (!v->st)
        return -1;
    int r = tern_tcp_listen(v->st, &at, cfg->backlog, 0, &v->listener);
    if (r == 0)
        r = tern_listener_policy(v->st, v->listener, &cfg->policy);
    if (r != 0)
        why_set(why, "the server does not listen: %s", tern_strerror(r));
    return r == 0 ? 0 : -1;
}

static void tern_answer_conn(struct victim *v, struct tern_sock s, struct tern_time now)
{
    const uint8_t *p;
    size_t n;
    int r;
    while ((r = tern_tcp_recv_data(v->st, s, &p, &n)) == 1) {
        (void)tern_tcp_send(v->st, s, "!", 1, 0, now);
        (void)tern_tcp_recv_consume(v->st, s, n, now);
    }
    if (r != TERN_EAGAIN)
        (void)tern_close(v->st, s, now);
}

static void tern_serve(struct victim *v, struct tern_time now)
{
    struct tern_event ev;
    struct tern_sock s;
    if (tern_deadline(v->st).ns <= now.ns)
        tern_tick(v->st, now);
    while (tern_event_next(v->st, &ev)) {
        if (ev.sock.id != v->listener.id) {
            if (ev.bits & (TERN_EV_READABLE | TERN_EV_PEER_FIN | TERN_EV_CLOSED))
                tern_answer_conn(v, ev.sock, now);
            continue;
        }
        while (tern_tcp_accept(v->st, v->listener, &s) == 0)
            tern_answer_conn(v, s, now);
    }
}

/* ---- the kernel's ---- */

static int kernel_set(const char *path, int value, char *why)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", value);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (!ok)
        why_set(why, "%s: cannot write %d: %s", path, value, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return ok ? 0 : -1;
}

/* The address, the device up, and a way back to every forged source: all in this namespace. */
static int kernel_address(char *why)
{
    struct ifreq ifr = {0};
    struct sockaddr_in *sa = (struct sockaddr_in *)(void *)&ifr.ifr_addr;
    struct rtentry rt = {.rt_flags = RTF_UP};
    char dev[] = DEV;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)snprintf(ifr.ifr_name, sizeof ifr.ifr_name, DEV);
    sa->sin_family = AF_INET;
    sa->sin_addr.s_addr = htonl(0x0a090002);
    bool ok = fd >= 0 && ioctl(fd, SIOCSIFADDR, &ifr) == 0;
    ifr.ifr_flags = IFF_UP | IFF_RUNNING;
    ok = ok && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
    rt.rt_dst.sa_family = rt.rt_genmask.sa_family = AF_INET;
    rt.rt_dev = dev;
    ok = ok && ioctl(fd, SIOCADDRT, &rt) == 0;
    if (!ok)
        why_set(why, "device " DEV " of the row's namespace: %s", strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return ok ? 0 : -1;
}

static int kernel_listen(struct victim *v, uint32_t backlog, char *why)
{
    const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(LAB_PORT)};
    struct epoll_event e = {.events = EPOLLIN};
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &l);
    }
    v->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    v->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    e.data.fd = v->listen_fd;
    if (v->listen_fd >= 0 && v->epoll_fd >= 0 &&
        bind(v->listen_fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
        listen(v->listen_fd, (int)backlog) == 0 &&
        epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, v->listen_fd, &e) == 0)
        return 0;
    why_set(why, "the kernel's server does not listen: %s", strerror(errno));
    return -1;
}

static int kernel_open(struct victim *v, const struct lab_config *cfg, char *why)
{
    if (unshare(CLONE_NEWNET) < 0) {
        why_set(why, "a network namespace of its own: %s: run as root", strerror(errno));
        return -1;
    }
    if (tern_tap_open(DEV, true, &v->tun, why) < 0 || kernel_address(why) < 0 ||
        kernel_set("/proc/sys/net/ipv4/tcp_syncookies", cfg->syncookies, why) < 0)
        return -1;
    return kernel_listen(v, cfg->backlog, why);
}

static void kernel_rx(struct victim *v, const struct tern_frame *f, size_t n, struct tern_time now)
{
    while (n > 0) {
        struct tern_frame slot[LAB_BATCH];
        size_t k = v->tun->ops->tx_get(v->tun, slot, n < LAB_BATCH ? n : LAB_BATCH, now);
        if (k == 0)
            return;
        for (size_t i = 0; i < k; i++) {
            uint8_t *data = slot[i].data;
            tern_assert(f[i].len <= slot[i].cap);
            memcpy(data, f[i].data, f[i].len);
            slot[i] = f[i];
            slot[i].data = data;
        }
        v->tun->ops->tx_put(v->tun, slot, k, now);
        f += k;
        n -= k;
    }
}

static void kernel_serve(struct victim *v)
{
    struct epoll_event e[LAB_BATCH];
    int n = epoll_wait(v->epoll_fd, e, LAB_BATCH, 0);
    for (int i = 0; i < n; i++) {
        char octets[64];
        int fd = e[i].data.fd;
        if (fd == v->listen_fd) {
            int c = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            struct epoll_event in = {.events = EPOLLIN, .data.fd = c};
            if (c >= 0 && epoll_ctl(v->epoll_fd, EPOLL_CTL_ADD, c, &in) < 0)
                (void)close(c);
            continue;
        }
        ssize_t got = recv(fd, octets, sizeof octets, MSG_DONTWAIT);
        if (got > 0)
            (void)send(fd, "!", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        else if (got == 0 || errno != EAGAIN)
            (void)close(fd);
    }
}

/* ---- either ---- */

int victim_open(struct victim *v, const struct lab_config *cfg, struct tern_time now, char *why)
{
    memset(v, 0, sizeof *v);
    v->kernel = cfg->syncookies != LAB_KERNEL_NONE;
    return v->kernel ? kernel_open(v, cfg, why) : tern_open(v, cfg, now, why);
}

void victim_rx(struct victim *v, const struct tern_frame *f, size_t n, struct tern_time now)
{
    if (v->kernel)
        kernel_rx(v, f, n, now);
    else
        tern_rx(v->st, 0, f, n, now);
}

size_t victim_tx(struct victim *v, struct tern_frame *f, struct tern_time now)
{
    if (v->kernel)
        return v->tun->ops->rx(v->tun, f, LAB_BATCH, now);
    if (!tern_tx_pending(v->st, 0))
        return 0;
    for (unsigned i = 0; i < LAB_BATCH; i++)
        f[i] = (struct tern_frame){.data = v->buf[i], .cap = sizeof v->buf[i]};
    return tern_tx(v->st, 0, f, LAB_BATCH, now);
}

void victim_serve(struct victim *v, struct tern_time now)
{
    if (v->kernel)
        kernel_serve(v);
    else
        tern_serve(v, now);
}
