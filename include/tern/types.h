/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/types.h: the plain values that every other header speaks in.
 *
 * Addresses are held in network byte order, ports and all other numbers in host byte order.
 * Instants are one-member structs so that `<` on them does not compile; durations are plain
 * integers whose name ends in their unit (rto_us, msl_ms).
 */
#ifndef TERN_TYPES_H
#define TERN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef TERN_API
#define TERN_API __attribute__((visibility("default")))
#endif

/* An instant on the caller's monotonic clock, nanoseconds from an epoch of the caller's choice.
 * Must never run backwards between two calls into one stack (a step back is treated as "now"). */
struct tern_time {
    int64_t ns;
};

/* "No deadline": later than every instant. */
#define TERN_NEVER ((struct tern_time){INT64_MAX})

enum { TERN_AF_NONE = 0, TERN_AF_IP4 = 4, TERN_AF_IP6 = 6 };

/* An internet address of either family. IPv4 uses b[0..3]; the remaining bytes are zero, so two
 * addresses are equal exactly when their bytes are. fam TERN_AF_NONE means "unspecified". */
struct tern_addr {
    uint8_t fam;
    uint8_t rsv[3];
    uint8_t b[16];
};

struct tern_endpoint {
    struct tern_addr addr;
    uint16_t port; /* host byte order; 0 = unspecified */
};

/* A handle to a connection, listener or UDP port of one stack: index, kind and generation. A stale
 * handle is recognised and answered with TERN_EBADF; it never reaches another object. 0 = none. */
struct tern_sock {
    uint64_t id;
};

/* Errors are negative; 0 or a byte count is success. The names follow errno; libtern-io's
 * tern_errno() translates to the host's numbers. */
enum tern_err {
    TERN_OK = 0,
    TERN_EAGAIN = -1,  /* nothing to read, or no room to write, now */
    TERN_EINVAL = -2,  /* argument out of its documented range */
    TERN_EBADF = -3,   /* stale or foreign handle */
    TERN_ENOBUFS = -4, /* a configured limit is reached */
    TERN_EADDRINUSE = -5,
    TERN_EADDRNOTAVAIL = -6, /* not one of our addresses, or no ephemeral port left */
    TERN_EAFNOSUPPORT = -7,
    TERN_ENETUNREACH = -8,  /* no route, or ICMP net unreachable */
    TERN_EHOSTUNREACH = -9, /* neighbour does not answer, or ICMP host unreachable */
    TERN_ECONNREFUSED = -10,
    TERN_ECONNRESET = -11,
    TERN_ECONNABORTED = -12,
    TERN_ETIMEDOUT = -13,
    TERN_ENOTCONN = -14,
    TERN_EISCONN = -15,
    TERN_EALREADY = -16,
    TERN_EPIPE = -17, /* sending after the sending side was shut down or the peer reset */
    TERN_EMSGSIZE = -18,
    TERN_EOPNOTSUPP = -19,
    TERN_EACCES = -20,      /* ICMP administratively prohibited */
    TERN_ENOPROTOOPT = -21, /* unknown option, or ICMP protocol unreachable */
    TERN_EINPROGRESS = -22,
};

/* The eleven states, RFC 9293 3.3.2. The numbers are part of the API (traces, control socket). */
enum tern_tcp_state {
    TERN_TCP_CLOSED = 0,
    TERN_TCP_LISTEN = 1,
    TERN_TCP_SYN_SENT = 2,
    TERN_TCP_SYN_RECEIVED = 3,
    TERN_TCP_ESTABLISHED = 4,
    TERN_TCP_FIN_WAIT_1 = 5,
    TERN_TCP_FIN_WAIT_2 = 6,
    TERN_TCP_CLOSE_WAIT = 7,
    TERN_TCP_CLOSING = 8,
    TERN_TCP_LAST_ACK = 9,
    TERN_TCP_TIME_WAIT = 10,
    TERN_TCP_STATES = 11,
};

/* Name as in the RFC: "ESTABLISHED", "FIN-WAIT-1". Never NULL. */
TERN_API const char *tern_tcp_state_name(enum tern_tcp_state s);
/* A short English sentence for an error, without a final stop. Never NULL. */
TERN_API const char *tern_strerror(int err);

/* Causes: every segment, drop, timer and state change names one. The list is
 * src/base/causes.def; numbers may change between releases, names do not. */
TERN_API unsigned tern_cause_count(void);
TERN_API const char *tern_cause_name(unsigned cause); /* "rto", "challenge-ack" ...; never NULL */
TERN_API const char *tern_cause_ref(unsigned cause);  /* "RFC6298:5.4"; never NULL */
TERN_API const char *tern_cause_text(unsigned cause); /* one plain sentence; never NULL */

#endif
