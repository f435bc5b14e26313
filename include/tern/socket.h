/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/socket.h: the calls of an application: TCP (RFC 9293 3.9.1) and UDP.
 *
 * No call blocks and none calls back: what would block answers TERN_EAGAIN, and an event says when
 * to try again (tern/event.h). `now` is the present instant. A byte count or 0 is success, a
 * negative enum tern_err is not; on an error nothing has changed.
 */
#ifndef TERN_SOCKET_H
#define TERN_SOCKET_H

#include <tern/types.h>

struct tern_stack;

/* ---- TCP: opening ---- */

enum tern_listen_flags {
    TERN_LISTEN_HOLD = 1, /* a SYN is not answered; TERN_EV_SYN offers it, tern_tcp_answer()
                             decides. For gateways: SYN-ACK only once the way behind is open */
    TERN_LISTEN_COOKIES =
        4, /* with HOLD: offering is a courtesy: when there is no room for a record, or
              the policy is COOKIES_ALWAYS, a cookie goes out without asking */
    TERN_LISTEN_ANY = 2, /* every local address and every port that has no listener of its own */
};

/* Passive OPEN. `local.addr` may be unspecified (all our addresses). `backlog` bounds completed
 * connections not yet accepted (a completing ACK beyond it is dropped, as Linux does) and
 * half-open ones. *out is the listener. EADDRINUSE, EADDRNOTAVAIL, ENOBUFS, EINVAL. */
TERN_API int tern_tcp_listen(struct tern_stack *st, const struct tern_endpoint *local,
                             uint32_t backlog, uint32_t flags, struct tern_sock *out);

/* What a listener does with SYNs that it has no room for, or with all of them. */
enum tern_syn_policy {
    TERN_SYN_COOKIES_OVERFLOW =
        0,                       /* a record while there is room, else a SYN cookie. The default */
    TERN_SYN_COOKIES_ALWAYS = 1, /* never a record */
    TERN_SYN_DROP_NEW = 2,       /* the SYN is dropped */
    TERN_SYN_DROP_OLDEST = 3,    /* the oldest record makes room */
};
/* A listener's policy; may be changed at any time, and records that exist follow it. A
 * TERN_LISTEN_HOLD listener without TERN_LISTEN_COOKIES never gives out cookies: COOKIES_OVERFLOW
 * means DROP_NEW there, and COOKIES_ALWAYS is EOPNOTSUPP. */
struct tern_listener_policy {
    uint8_t policy;  /* enum tern_syn_policy */
    uint8_t retries; /* SYN-ACKs sent again; TERN_SYN_RETRIES_DEFAULT = config's */
    bool staged;     /* SynAttackProtect's idea: beyond a threshold the record's SYN-ACK is sent
                        again once at most, and TERN_EV_SYN waits until the peer has repeated
                        its SYN (a forger does not) */
    bool abort_on_overflow; /* accept queue full: the final ACK is answered with RST, not ignored */
    uint32_t queue;         /* half-open records; 0 = backlog + 1 */
    uint32_t timeout_ms; /* a record's longest life, looked at when the SYN-ACK would be sent again;
                            0 = by retries alone */
    uint32_t
        staged_half; /* thresholds of `staged`: half-open records (0 = half of the queue) ... */
    uint32_t staged_retried; /* ... and those whose SYN-ACK was sent again (0 = a quarter of it) */
    uint32_t prefix_half; /* half-open records of one source prefix; 0 = config.max_prefix_half */
};
#define TERN_SYN_RETRIES_DEFAULT 255
/* EBADF, EINVAL (a field out of range), EOPNOTSUPP. */
TERN_API int tern_listener_policy(struct tern_stack *st, struct tern_sock listener,
                                  const struct tern_listener_policy *policy);
TERN_API int tern_listener_policy_get(struct tern_stack *st, struct tern_sock listener,
                                      struct tern_listener_policy *policy);

/* Takes the oldest completed connection of a listener: EAGAIN if there is none. */
TERN_API int tern_tcp_accept(struct tern_stack *st, struct tern_sock listener,
                             struct tern_sock *out);

enum tern_answer {
    TERN_ANSWER_ACCEPT = 0,       /* send SYN-ACK */
    TERN_ANSWER_REFUSE = 1,       /* RST */
    TERN_ANSWER_NET_UNREACH = 2,  /* ICMP type 3 code 0 */
    TERN_ANSWER_HOST_UNREACH = 3, /* ICMP type 3 code 1 */
    TERN_ANSWER_PROHIBITED = 4,   /* ICMP type 3 code 13 */
    TERN_ANSWER_SILENCE = 5,      /* forget the SYN; the peer will repeat it and time out */
};
/* Decides about a SYN that TERN_EV_SYN offered. EBADF when it has gone meanwhile. */
TERN_API int tern_tcp_answer(struct tern_stack *st, struct tern_sock half_open,
                             enum tern_answer answer, struct tern_time now);

/* Active OPEN. `local` may be NULL, or have an unspecified address or port 0 (chosen by RFC 6056).
 * *out is a connection in SYN-SENT; TERN_EV_CONNECTED or TERN_EV_CLOSED tells the outcome.
 * EADDRINUSE (4-tuple in use), EADDRNOTAVAIL, ENETUNREACH, EAFNOSUPPORT, ENOBUFS, EINVAL. */
TERN_API int tern_tcp_connect(struct tern_stack *st, const struct tern_endpoint *local,
                              const struct tern_endpoint *remote, struct tern_sock *out,
                              struct tern_time now);

/* ---- TCP: data ---- */

enum tern_send_flags {
    TERN_SEND_MORE = 1, /* more follows: a partial segment may wait (MSG_MORE) */
    TERN_SEND_OOB = 2,  /* the last octet is urgent [RFC9293:3.8.5] */
};
/* Copies up to len octets into the send buffer; returns how many fit (> 0), EAGAIN (full), EPIPE
 * (sending side shut), ENOTCONN, ECONNRESET/ETIMEDOUT/... (the pending error, given once). Allowed
 * in SYN-SENT: the data waits for ESTABLISHED. */
TERN_API int64_t tern_tcp_send(struct tern_stack *st, struct tern_sock s, const void *buf,
                               size_t len, uint32_t flags, struct tern_time now);
/* The same without a copy: where the next octets of the send buffer may be written. Makes room for
 * up to `want` octets if the limits allow; *len > 0 contiguous octets at *ptr on success. The
 * space is valid until the next call into the stack; tern_tcp_send_commit() sends n of it. */
TERN_API int tern_tcp_send_space(struct tern_stack *st, struct tern_sock s, size_t want,
                                 uint8_t **ptr, size_t *len);
TERN_API int tern_tcp_send_commit(struct tern_stack *st, struct tern_sock s, size_t n,
                                  uint32_t flags, struct tern_time now);

/* Copies up to len octets out of the receive buffer. 0 = the peer has sent FIN and all was read.
 * EAGAIN, ENOTCONN in SYN-SENT, or the pending error once all data before it was read. */
TERN_API int64_t tern_tcp_recv(struct tern_stack *st, struct tern_sock s, void *buf, size_t len,
                               struct tern_time now);
/* The same without a copy: *ptr and *len are the first contiguous readable piece (at most the
 * whole), valid until the next call; tern_tcp_recv_consume() takes n octets of it away. Returns
 * like recv: 1 when there is data, 0 at end of stream. */
TERN_API int tern_tcp_recv_data(struct tern_stack *st, struct tern_sock s, const uint8_t **ptr,
                                size_t *len);
TERN_API int tern_tcp_recv_consume(struct tern_stack *st, struct tern_sock s, size_t n,
                                   struct tern_time now);
/* The urgent octet: 1 and *octet, EAGAIN when it has not arrived, EINVAL when there is none.
 * Out-of-band octets are taken out of the stream unless TERN_OPT_OOBINLINE is set. */
TERN_API int tern_tcp_recv_oob(struct tern_stack *st, struct tern_sock s, uint8_t *octet);

/* ---- TCP: closing ---- */

/* Half-close: FIN after the queued data; receiving goes on. */
TERN_API int tern_tcp_shutdown(struct tern_stack *st, struct tern_sock s, struct tern_time now);
/* CLOSE of both directions: the handle is gone, the stack finishes alone: queued data, then FIN.
 * With data unread it sends RST instead [RFC9293:SHLD-3 / RFC2525:2.17]; data that arrives later
 * is answered with RST. Also closes listeners and UDP ports. */
TERN_API int tern_close(struct tern_stack *st, struct tern_sock s, struct tern_time now);
/* ABORT: RST, everything dropped; the handle is gone. */
TERN_API int tern_tcp_abort(struct tern_stack *st, struct tern_sock s, struct tern_time now);

/* ---- options and questions ---- */

enum tern_opt {
    TERN_OPT_NODELAY = 1, /* 1 = no Nagle */
    TERN_OPT_CORK,        /* 1 = hold partial segments; 0 releases them */
    TERN_OPT_KEEPALIVE,   /* 0/1 */
    TERN_OPT_KEEPIDLE_MS,
    TERN_OPT_KEEPINTVL_MS,
    TERN_OPT_KEEPCNT,
    TERN_OPT_USER_TIMEOUT_MS, /* 0 = by R2 only */
    TERN_OPT_SNDBUF,          /* octets */
    TERN_OPT_RCVBUF,
    TERN_OPT_OOBINLINE,
    TERN_OPT_QUICKACK,  /* 1 = no delayed ACK for now */
    TERN_OPT_MAXSEG,    /* ceiling of the MSS; before connect/listen or after */
    TERN_OPT_LINGER_MS, /* reserved for the shell: core refuses with ENOPROTOOPT */
    TERN_OPT_TTL,
    TERN_OPT_TOS,
    TERN_OPT_ERROR,      /* get only: the pending error (a positive number), cleared */
    TERN_OPT_SNDQ,       /* get only: octets queued and unacknowledged */
    TERN_OPT_RCVQ,       /* get only: octets readable; UDP: of the next datagram */
    TERN_OPT_BROADCAST,  /* UDP: 1 = may send to broadcast and multicast addresses, else EACCES */
    TERN_OPT_CONGESTION, /* enum tern_cc; a listener's is inherited; at any time */
    /* listeners only: the fields of struct tern_listener_policy */
    TERN_OPT_SYN_POLICY = 100, /* enum tern_syn_policy */
    TERN_OPT_SYN_RETRIES,
    TERN_OPT_SYN_STAGED,
    TERN_OPT_SYN_STAGED_HALF,
    TERN_OPT_SYN_STAGED_RETRIED,
    TERN_OPT_SYN_QUEUE,
    TERN_OPT_SYN_TIMEOUT_MS,
    TERN_OPT_SYN_PREFIX_HALF,
    TERN_OPT_ABORT_ON_OVERFLOW,
};
/* ENOPROTOOPT when the option does not exist for that kind; EINVAL out of range. */
TERN_API int tern_setopt(struct tern_stack *st, struct tern_sock s, enum tern_opt opt,
                         int64_t value, struct tern_time now);
TERN_API int tern_getopt(struct tern_stack *st, struct tern_sock s, enum tern_opt opt,
                         int64_t *value);
TERN_API int tern_sockname(struct tern_stack *st, struct tern_sock s, struct tern_endpoint *local);
TERN_API int tern_peername(struct tern_stack *st, struct tern_sock s, struct tern_endpoint *remote);
/* A number of the caller's own kept with the socket, and given back in its events. A connection
 * that a listener made starts with its listener's. */
TERN_API int tern_setuser(struct tern_stack *st, struct tern_sock s, uint64_t user);

/* ---- UDP ---- */

enum tern_udp_flags {
    TERN_UDP_ANY = 1, /* a gateway: every local address and port that has no port of its own */
};
/* Opens a UDP port. local.port 0 = ephemeral. */
TERN_API int tern_udp_open(struct tern_stack *st, const struct tern_endpoint *local, uint32_t flags,
                           struct tern_sock *out);
/* Fixes the peer: only its datagrams are received, and `to` of sendto may be NULL. */
TERN_API int tern_udp_connect(struct tern_stack *st, struct tern_sock s,
                              const struct tern_endpoint *remote);
/* Queues one datagram. `from` (NULL = the port's own) lets a TERN_UDP_ANY port choose the source.
 * EMSGSIZE over the MTU (no fragments), EAGAIN when the queue is full, ENETUNREACH. */
TERN_API int tern_udp_sendto(struct tern_stack *st, struct tern_sock s,
                             const struct tern_endpoint *from, const struct tern_endpoint *to,
                             const void *buf, size_t len, struct tern_time now);
/* Takes one datagram: its length (the part beyond len is cut, the full length is returned),
 * with sender and the destination it was sent to (either may be NULL). EAGAIN, or an ICMP error
 * of a connected port. */
TERN_API int64_t tern_udp_recvfrom(struct tern_stack *st, struct tern_sock s, void *buf, size_t len,
                                   struct tern_endpoint *from, struct tern_endpoint *to);
/* Answers a datagram with an ICMP error, as a gateway whose way on failed: `from`/`to` as they were
 * received, type/code of ICMPv4 (3/0, 3/1, 3/3, 3/13). Rate-limited [RFC1812:4.3.2.8]. */
TERN_API int tern_udp_unreach(struct tern_stack *st, const struct tern_endpoint *from,
                              const struct tern_endpoint *to, uint8_t code, struct tern_time now);

/* ---- ICMP echo (a gateway's ping) ---- */

/* With a hook set to on, echo requests to addresses that are not our own (any_addr) become
 * TERN_EV_ECHO events instead of being answered; this sends the reply (id, seq, payload). */
TERN_API int tern_echo_reply(struct tern_stack *st, const struct tern_addr *from,
                             const struct tern_addr *to, uint16_t id, uint16_t seq,
                             const void *data, size_t len, struct tern_time now);
/* Reads the payload of the echo request whose event was given last; returns its length. */
TERN_API int64_t tern_echo_data(struct tern_stack *st, void *buf, size_t len);
TERN_API void tern_echo_events(struct tern_stack *st, bool on);

#endif
