/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/vmsg.h: what Linux tells besides data: the error queue of a virtual host's socket, where
 * completions of MSG_ZEROCOPY and timestamps of SO_TIMESTAMPING wait for recvmsg(MSG_ERRQUEUE), and
 * the control message of TCP_INQ.
 *
 * Both kinds of news are about a place in the stream: the octet behind what one send call gave. A
 * mark remembers it until it was sent (timestamps SCHED and SND) and acknowledged (timestamp ACK,
 * and the completion). This host copies what it is given; a completion says so, as Linux's does
 * where a copy had to be made.
 */
#ifndef DRILL_VMSG_H
#define DRILL_VMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct vhost;
struct vsock;

/* Behind the last octet of a send call. */
struct vmark {
    uint64_t end; /* octets of the stream before it */
    bool stamp, zerocopy, sent;
    uint32_t id; /* of the zerocopy send */
};

struct verrq {
    uint8_t origin; /* SO_EE_ORIGIN_... */
    uint8_t code;
    int64_t wall_ns; /* timestamps: when */
    uint32_t info, data;
};

struct vmsg {
    bool zerocopy;     /* SO_ZEROCOPY */
    bool inq;          /* TCP_INQ */
    uint32_t stamping; /* SO_TIMESTAMPING */
    uint64_t written;  /* octets that send calls gave to the connection */
    uint64_t key_base; /* of them, before SO_TIMESTAMPING was set */
    uint32_t next_id;
    struct vmark *mark;
    struct verrq *err;
    size_t nmark, nerr;
};

/* Of a new socket: what it has from the listener. */
void vmsg_inherit(struct vmsg *to, const struct vmsg *from);
void vmsg_free(struct vmsg *m);
/* A send call with these MSG_ flags gave n octets. */
void vmsg_wrote(struct vsock *s, size_t n, int flags);
/* Looks how far every socket has come. */
void vmsg_pump(struct vhost *vh);
/* SO_ZEROCOPY, SO_TIMESTAMPING, TCP_INQ. True: it is one of them, *rc says how it went. */
bool vmsg_setopt(struct vsock *s, int level, int name, int value, int *rc);
bool vmsg_getopt(const struct vsock *s, int level, int name, int *value);

/* recvmsg(MSG_ERRQUEUE): 0 and the control messages, or -EAGAIN, -EBADF. */
int64_t vh_recv_error(struct vhost *vh, int fd, struct msghdr *m);
/* The control messages of an ordinary recvmsg() that has just read. */
void vh_recv_control(struct vhost *vh, int fd, struct msghdr *m);

#endif
