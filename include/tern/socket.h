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

enum tern_fastopen_flags {
    TERN_FASTOPEN_NO_COOKIE = 1, /* the server is known to take data without one */
};
/* Active OPEN with data in the SYN [RFC7413], otherwise as tern_tcp_connect(). Returns how many of
 * the len octets were taken: as many as fit the SYN (what the server does not take of them is sent
 * again after the handshake). The rest goes through tern_tcp_send(). 0: no cookie of this server is
 * known, and the SYN asks for one.
 * EOPNOTSUPP when config.fastopen is without bit 1. The server may see the data twice. */
TERN_API int64_t tern_tcp_fastopen(struct tern_stack *st, const struct tern_endpoint *local,
                                   const struct tern_endpoint *remote, const void *buf, size_t len,
                                   uint32_t flags, struct tern_sock *out, struct tern_time now);
/* Would tern_tcp_fastopen() to this server send data in its SYN? */
TERN_API bool tern_fastopen_known(struct tern_stack *st, const struct tern_endpoint *remote,
                                  struct tern_time now);
/* The key of the cookies that a listener gives out ({0} = of all that have none of their own), and
 * one whose cookies are still accepted (NULL = none): 16 octets each. Without this call they are
 * made from the seed. EBADF. */
TERN_API int tern_fastopen_key(struct tern_stack *st, struct tern_sock listener,
                               const uint8_t key[16], const uint8_t *backup);

/* ---- TCP: data ---- */

enum tern_send_flags {
    TERN_SEND_MORE = 1, /* more follows: a partial segment may wait (MSG_MORE) */
    TERN_SEND_OOB = 2,  /* the last octet is urgent [RFC9293:3.8.5] */
    TERN_SEND_EOR = 8,  /* a record ends here: no segment carries octets of both sides */
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
    TERN_OPT_USER_TIMEOUT_MS, /* how long data may stay unacknowledged. 0 = by R2, or by the user
                                 timeout option if it is on; else this alone counts, be it shorter
                                 or longer; -1 = for ever */
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
    TERN_OPT_ERROR_REPORTS, /* 1 = soft errors raise TERN_EV_SOFT_ERROR [RFC9293:3.9.1.8]: ICMP
                               errors of an open connection, a silent next hop, R1 reached */
    TERN_OPT_SOFT_ERROR,    /* get only: the last of them (a positive number, 0 = none), cleared */
    TERN_OPT_FASTOPEN, /* listeners: connections opened by a SYN's data that may be pending; 0 =
                          none are. Such SYNs are not offered (TERN_EV_SYN); EOPNOTSUPP with
                          TERN_LISTEN_HOLD alone */
    TERN_OPT_FASTOPEN_NO_COOKIE, /* listeners: 1 = such data is taken without a cookie */
    TERN_OPT_DEFER_ACCEPT_MS,    /* listeners: a connection is made when its first data comes, or a
                                    SYN-ACK    sent again after this time is acknowledged; 0 = with the
                                    handshake */
    TERN_OPT_NOTSENT_LOWAT,      /* octets: no more than this waits unsent (send: EAGAIN), and
                                    TERN_EV_WRITABLE comes at half of it; 0 = config.notsent_lowat, -1 =
                                    the buffer alone counts */
    TERN_OPT_RCVLOWAT,     /* octets: TERN_EV_READABLE comes when so many can be read, or no more
                              will come; 1 */
    TERN_OPT_LINGER2_MS,   /* an orphan's stay in FIN-WAIT-2; 0 = config.fin_wait_2_ms, -1 = none at
                              all: it is forgotten at once */
    TERN_OPT_SYN_COUNT,    /* an active open's SYNs after the first (config.syn_retries); -1 =
                              without end */
    TERN_OPT_WINDOW_CLAMP, /* octets: largest window to offer, below RCVBUF; 0 = none */
    TERN_OPT_MTU,          /* get only: octets of an IP packet that the path is believed to carry */
    TERN_OPT_MAY_FRAGMENT, /* 1 = routers may cut our packets into fragments: DF is not set. 0 */
    TERN_OPT_IGNORE_PMTU,  /* 1 = packets as large as the link takes, whatever is known of the path.
                            * 0
                            */
    TERN_OPT_RECVTOS,  /* 1 = the TOS octet of what the peer sends is kept for TERN_OPT_RCVD_TOS */
    TERN_OPT_RCVD_TOS, /* get only: that of the last acceptable segment [RFC9293:MAY-9]; 0 without
                          TERN_OPT_RECVTOS */
    TERN_OPT_UTO_S,    /* the user timeout option [RFC5482]: seconds that the peer is told, up to
                          1966020 (from 32768 on whole minutes, rounded up); what it tells is
                          heeded unless USER_TIMEOUT_MS is set. 0 = the option is not used
                          (config.uto_s) */
    TERN_OPT_UTO_ADOPTED_MS, /* get only: the user timeout that this has led to, 0 = none */
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
/* ---- TCP: signed segments ---- */

/* Keys are for the peers of one address prefix; a listener's are taken over by its connections.
 * They are set on a listener at any time, on a connection right after tern_tcp_connect(): before
 * the next tern_tx() its SYN has not been sent yet. A peer with MD5 keys (RFC 2385) has no TCP-AO
 * keys (RFC 5925) and the other way round: EINVAL. With the handle {0} keys wait for the next
 * tern_tcp_connect() that succeeds, so that not even a SYN to one of our own addresses goes out
 * before them; tern_tcp_keys_forget() drops what waits. Segments of a peer that has a key are
 * dropped unless they are rightly signed. Nothing gives a key back, and it is wiped when it goes.
 */
#define TERN_AUTH_KEY_MAX 80u

/* Sets (or replaces) the MD5 key for `peer`/`prefix`; len 0 takes it away. EBADF, EINVAL, ENOBUFS
 * (config.max_keys), EAFNOSUPPORT. On an open connection too: from now on. */
TERN_API int tern_tcp_md5_key(struct tern_stack *st, struct tern_sock s,
                              const struct tern_addr *peer, unsigned prefix, const void *key,
                              size_t len);

TERN_API void tern_tcp_keys_forget(struct tern_stack *st);

enum tern_ao_alg {
    TERN_AO_HMAC_SHA1 = 0,
    TERN_AO_AES_128_CMAC = 1
}; /* RFC 5926; MACs of 96 bits */

/* A master key tuple [RFC5925:3.1]. */
struct tern_ao_key {
    struct tern_addr peer;
    uint8_t prefix;
    uint8_t send_id, recv_id; /* KeyIDs; each unique among the keys of a peer */
    uint8_t alg;              /* enum tern_ao_alg */
    bool skip_options;        /* the MAC covers no option but AO itself */
    uint8_t key_len;          /* tern_tcp_ao_get() says this, and leaves key zero */
    uint8_t key[TERN_AUTH_KEY_MAX];
    bool current, rnext; /* tern_tcp_ao_get() only: in use on this connection; */
    uint64_t good, bad;  /* segments that it was right and wrong for */
};
/* EBADF, EINVAL, ENOBUFS, EAFNOSUPPORT; EISCONN on a connection that is open without AO. */
TERN_API int tern_tcp_ao_add(struct tern_stack *st, struct tern_sock s,
                             const struct tern_ao_key *key);
/* EINVAL: there is no such key, or it is the current or next one of a connection. */
TERN_API int tern_tcp_ao_del(struct tern_stack *st, struct tern_sock s,
                             const struct tern_addr *peer, unsigned prefix, unsigned send_id,
                             unsigned recv_id);
/* Key rollover of a connection: the SendID to sign with from now on and the RecvID that the peer is
 * asked to sign with; -1 leaves one as it is. EINVAL: no such key, or not a connection. */
TERN_API int tern_tcp_ao_set(struct tern_stack *st, struct tern_sock s, int current, int rnext);
/* Unsigned segments are dropped even from peers that have no key. */
TERN_API int tern_tcp_ao_require(struct tern_stack *st, struct tern_sock s, bool on);
/* The index-th key, from 0: 1, or 0 behind the last. */
TERN_API int tern_tcp_ao_get(struct tern_stack *st, struct tern_sock s, unsigned index,
                             struct tern_ao_key *out);

struct tern_auth_info {
    uint8_t kind; /* 0 none, 1 MD5, 2 AO: with the connection's peer; 0 for a listener */
    bool required;
    int current, rnext;        /* SendID, RecvID; -1 = none */
    uint64_t good, bad;        /* segments received with a right and a wrong signature */
    uint64_t unknown, missing; /* ... with a KeyID that there is not, and without a signature */
};
TERN_API int tern_tcp_auth_info(struct tern_stack *st, struct tern_sock s,
                                struct tern_auth_info *out);

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
