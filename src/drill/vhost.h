/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/vhost.h: a host in virtual time: one stack behind a bare IP link, with the socket calls of
 * POSIX and Linux in front of it. Time moves only in vhost_run_to() and vhost_step_to(); what the
 * stack sends waits, each frame with its instant, until vhost_frame() takes it.
 *
 * Calls never block. They return a value >= 0, or -errno with Linux's meaning; what would block is
 * -EAGAIN (connect: -EINPROGRESS) whatever the socket's mode is: struct vcall adds the waiting.
 */
#ifndef DRILL_VHOST_H
#define DRILL_VHOST_H

#include "drill/vepoll.h"
#include "drill/vmsg.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <tern/config.h>
#include <tern/event.h>
#include <tern/inspect.h>
#include <tern/socket.h>

#define VHOST_SOCKS 64
#define VHOST_KEYS  4  /* keys of signed segments, the same */
#define VHOST_OPTS  32 /* options that a socket may remember before it has a handle */

struct vhost_config {
    struct tern_config tern;
    struct tern_addr local;
    uint8_t prefix;
    uint16_t mtu;
    uint8_t fo_key[32],
        fo_keys; /* TCP Fast Open: keys of all listeners, and how many; 0 = the stack's own */
};

struct vframe {
    uint8_t *data; /* an IP packet; free() it */
    uint32_t len;
    struct tern_time time;
    uint16_t cause;
};

enum vstate { VS_NEW, VS_LISTEN, VS_CONNECTING, VS_OPEN, VS_FAILED };

struct vkey {
    bool ao; /* else MD5: peer, prefix and key of k */
    struct tern_ao_key k;
};

struct vsock {
    bool used, udp, nonblock, bound, rd_shut, wr_shut, full, oob, reset_on_close;
    uint8_t state; /* enum vstate */
    int linger_s;  /* SO_LINGER: how long close() waits, 0 = not */
    int err;       /* errno of a failed connection, not yet told */
    struct tern_sock h;
    struct tern_endpoint local;
    uint8_t nopt;
    struct {
        uint8_t opt; /* enum tern_opt */
        int64_t value;
    } opt[VHOST_OPTS];
    struct {
        int level, name, value;
    } seen[VHOST_OPTS]; /* what the program set, in its own units */
    uint8_t nseen;
    uint32_t rx_edge, tx_edge, err_edge; /* how often octets came, room was made, it failed */
    struct vmsg msg;
    bool deferred;               /* TCP_FASTOPEN_CONNECT: the first write connects */
    struct tern_endpoint to;     /* ... to there */
    uint8_t fo_key[32], fo_keys; /* TCP_FASTOPEN_KEY */
    uint8_t nkey;
    struct vkey key[VHOST_KEYS];
};

struct vhost {
    struct vhost_config cfg;
    struct tern_stack *st;
    struct tern_time now;
    int64_t wall_off_ns; /* what timestamps told to the program say more than `now` */
    struct vsock sock[VHOST_SOCKS];
    struct vepoll epoll[VHOST_EPOLLS];
    struct vpipe pipe[VHOST_PIPES];
    struct vframe *queue;
    size_t head, count, cap;
    uint8_t *scratch;
    size_t scratch_cap;
    /* Told of every trace record, in order; may be NULL. */
    void (*trace)(void *ctx, const struct tern_trace *r);
    void *trace_ctx;
};

/* Defaults: tern's own settings with small tables, 192.168.0.1/16, MTU 1500. */
void vhost_config_init(struct vhost_config *cfg);
/* 0, or -1 with why (TERN_WHY octets). */
int vhost_open(struct vhost *vh, const struct vhost_config *cfg, char *why);
void vhost_close(struct vhost *vh);
/* Other settings of the stack from now on, where they may change (tern_stack_config()). */
void vhost_settings(struct vhost *vh, const struct vhost_config *cfg);

/* ---- time and frames ---- */

/* When something may happen by itself: a timer's instant, or TERN_NEVER. */
struct tern_time vhost_deadline(const struct vhost *vh);
/* Moves to the next timer, but not beyond `limit`; false when the clock stands at the limit now. */
bool vhost_step_to(struct vhost *vh, struct tern_time limit);
/* Runs everything up to and including that instant; the clock stands there afterwards. */
void vhost_run_to(struct vhost *vh, struct tern_time t);
/* Gives a packet to the stack now. */
void vhost_rx(struct vhost *vh, const uint8_t *data, uint32_t len);
/* The oldest frame sent and not yet taken; NULL = none. vhost_drop() takes it away. */
const struct vframe *vhost_frame(struct vhost *vh);
void vhost_drop(struct vhost *vh);
/* Collects frames, events and trace; every function here does it itself. */
void vhost_pump(struct vhost *vh);

/* ---- calls ---- */

int vh_socket(struct vhost *vh, int domain, int type, int protocol);
int vh_bind(struct vhost *vh, int fd, const struct tern_endpoint *at);
int vh_listen(struct vhost *vh, int fd, int backlog);
int vh_accept(struct vhost *vh, int fd, struct tern_endpoint *peer);
/* -EINPROGRESS when it has begun; later -EALREADY, -EISCONN. */
int vh_connect(struct vhost *vh, int fd, const struct tern_endpoint *to);
/* connect() to AF_UNSPEC: drops the connection, with RST if it lives; the socket is as new. */
int vh_disconnect(struct vhost *vh, int fd);
/* Of a connect that has begun: 0, -EINPROGRESS, or why it failed. */
int vh_connect_result(struct vhost *vh, int fd);
/* Linux's MSG_ flags OOB MORE NOSIGNAL DONTWAIT; to is for UDP, or NULL. */
int64_t vh_send(struct vhost *vh, int fd, const void *buf, size_t len, int flags,
                const struct tern_endpoint *to);
/* Octets that wait in the buffer for the handshake to be over; how many fit. */
size_t vh_send_early(struct vhost *vh, int fd, const void *buf, size_t len);
/* MSG_ flags OOB PEEK DONTWAIT TRUNC. */
int64_t vh_recv(struct vhost *vh, int fd, void *buf, size_t len, int flags,
                struct tern_endpoint *from);
int vh_shutdown(struct vhost *vh, int fd, int how);
int vh_close(struct vhost *vh, int fd);
/* SO_LINGER: until when close() waits for the peer to acknowledge everything (VOP_CLOSE); false: it
 * does not. */
bool vh_lingers(const struct vhost *vh, const struct vsock *s, struct tern_time *until);
int vh_fcntl(struct vhost *vh, int fd, int cmd, int arg);
int vh_ioctl(struct vhost *vh, int fd, unsigned long req, int *value);
int vh_setsockopt(struct vhost *vh, int fd, int level, int name, const void *value, size_t len);
int vh_getsockopt(struct vhost *vh, int fd, int level, int name, void *value, size_t *len);
/* Fills revents; how many are ready. */
int vh_poll(struct vhost *vh, struct pollfd *fds, unsigned n);
/* NULL when fd is no socket. */
struct vsock *vh_sock(struct vhost *vh, int fd);

/* vopt.c, for the calls that make a handle: tells it what was set before. */
void vsock_apply(struct vhost *vh, struct vsock *s);

/* ---- calls that wait ---- */

enum vop {
    VOP_ACCEPT,
    VOP_CONNECT,
    VOP_SEND,
    VOP_RECV,
    VOP_POLL,
    VOP_EPOLL,
    VOP_SPLICE,
    VOP_CLOSE
};

struct vcall {
    enum vop op;
    int fd, flags;
    const uint8_t *out; /* VOP_SEND */
    uint8_t *in;        /* VOP_RECV */
    size_t len, done;
    struct tern_endpoint addr; /* connect, send: to; accept, recv: from */
    bool has_addr, begun;
    struct pollfd *fds;
    unsigned nfds;
    struct epoll_event *events; /* VOP_EPOLL: room for nfds */
    int to;                     /* VOP_SPLICE: where to */
    struct tern_time until;     /* VOP_POLL, VOP_EPOLL, VOP_CLOSE; TERN_NEVER = for ever */
    int64_t ret;                /* once it is over */
};
/* Tries the call now: true when it is over. A non-blocking socket's is over at once. */
bool vhost_call(struct vhost *vh, struct vcall *c);

#endif
