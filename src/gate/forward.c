/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate/forward.c: ports of the host that lead into the guest.
 *
 * The host's kernel completes a client's handshake before the guest is asked, so a client whose
 * connection the guest refuses sees it open and then reset. To the guest the client's address is
 * the gateway's.
 */
#include "gate/inner.h"
#include "port/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FORWARD_BURST    64 /* clients or datagrams taken in one go */
#define FORWARD_PAUSE_MS 100

static void forward_client(struct forward *fw, int fd)
{
    struct gate *g = fw->g;
    const int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct flow *f = flow_new(&g->flows, FLOW_CALLING, fd);
    if (!f) {
        host_reset(fd);
        return;
    }
    f->guest = (struct tern_endpoint){.addr = g->cfg.guest, .port = fw->cfg.guest_port};
    f->dest = (struct tern_endpoint){.addr = g->cfg.self};
    struct tern_sock sock;
    if (tern_tcp_connect(g->cfg.st, &f->dest, &f->guest, &sock, gate_now(g)) != 0) {
        flow_reset_host(f);
        return;
    }
    f->sock = sock;
    (void)tern_setuser(g->cfg.st, sock, flow_user(f));
    g->counts.forwarded++;
}

void forward_called(struct flow *f, const struct tern_event *ev)
{
    bool open = true;
    if (ev->bits & TERN_EV_CONNECTED)
        open = flow_open(f, f->sock);
    if (open && (ev->bits & TERN_EV_CLOSED) && (f->state == FLOW_CALLING || ev->err != 0))
        flow_reset_host(f);
}

static void forward_resume(void *ctx)
{
    struct forward *fw = ctx;
    (void)tern_loop_rewatch(fw->g->cfg.loop, fw->fd, EPOLLIN);
}

static void forward_on_listener(void *ctx, int fd, uint32_t events)
{
    (void)events;
    struct forward *fw = ctx;
    struct gate *g = fw->g;
    for (int i = 0; i < FORWARD_BURST; i++) {
        int c = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (c >= 0) {
            forward_client(fw, c);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The client waits in the host's queue, and asking at once again would not help it. */
            (void)tern_loop_rewatch(g->cfg.loop, fd, 0);
            tern_loop_timer_set(
                g->cfg.loop, &fw->pause,
                (struct tern_time){gate_now(g).ns + FORWARD_PAUSE_MS * (int64_t)1000000});
        }
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static void forward_on_datagram(void *ctx, int fd, uint32_t events)
{
    (void)events;
    struct forward *fw = ctx;
    for (int i = 0; i < FORWARD_BURST; i++) {
        struct sockaddr_in from;
        socklen_t flen = sizeof from;
        ssize_t n =
            recvfrom(fd, fw->g->buf, GATE_BUF, MSG_DONTWAIT, (struct sockaddr *)&from, &flen);
        if (n >= 0)
            dg_from_client(fw, &from, (size_t)n);
        else if (errno != ECONNREFUSED && errno != EINTR) /* a client that has gone is no matter */
            return;
    }
}

static void forward_why(const struct gate_forward *cfg, const struct sockaddr_in *at, int err,
                        char *why)
{
    char text[INET_ADDRSTRLEN];
    (void)inet_ntop(AF_INET, &at->sin_addr, text, sizeof text);
    const char *proto = cfg->udp ? "/udp" : "";
    if (err == EADDRINUSE)
        why_set(why, "%s:%u%s: the host's port is taken: end what uses it, or forward another port",
                text, cfg->host.port, proto);
    else if (err == EACCES)
        why_set(
            why,
            "%s:%u%s: ports below 1024 need privilege: forward one from 1024 on, or run as root",
            text, cfg->host.port, proto);
    else if (err == EADDRNOTAVAIL)
        why_set(why, "%s:%u%s: not an address of this host: give one of `ip addr`, or leave it out",
                text, cfg->host.port, proto);
    else
        why_set(why, "%s:%u%s: cannot listen: %s", text, cfg->host.port, proto, strerror(err));
}

int forward_start(struct gate *g, const struct gate_forward *cfg, char *why)
{
    struct forward *fw = &g->forward[g->nforward];
    struct sockaddr_in at = host_addr(&cfg->host);
    int fd = host_listen(cfg->udp ? SOCK_DGRAM : SOCK_STREAM, &at);
    if (fd < 0) {
        forward_why(cfg, &at, errno, why);
        return -1;
    }
    *fw = (struct forward){.g = g, .cfg = *cfg, .fd = fd};
    fw->pause = (struct tern_loop_timer){.cb = forward_resume, .ctx = fw};
    int err = tern_loop_watch(g->cfg.loop, fd, EPOLLIN,
                              cfg->udp ? forward_on_datagram : forward_on_listener, fw);
    if (err < 0) {
        forward_why(cfg, &at, -err, why);
        (void)close(fd);
        return -1;
    }
    g->nforward++;
    return 0;
}

void forward_stop(struct forward *fw)
{
    tern_loop_timer_stop(fw->g->cfg.loop, &fw->pause);
    tern_loop_unwatch(fw->g->cfg.loop, fw->fd);
    (void)close(fw->fd);
}
