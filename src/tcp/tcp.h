/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/tcp.h: TCP as the spine and the API see it: one object with all connections of a stack.
 *
 * Packets come in through tcp_rx(), segments leave through tcp_tx(), time passes in tcp_tick().
 * Calls take plain values and answer with a count, 0 or a negative enum tern_err. TCP knows
 * nothing of routes, neighbours or IP headers: a connection only carries the index of the interface
 * that its packets use, and the spine wraps what tcp_tx() built.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include "base/buddy.h"
#include "base/sock.h"
#include "base/trace.h"
#include <tern/config.h>
#include <tern/event.h>
#include <tern/inspect.h>
#include <tern/socket.h>
#include <tern/stack.h>

struct tcp;

#define TCP_IFACES 9 /* the stack's interfaces, and its internal loopback as the last */

/* ---- life ---- */

/* Octets that tcp_init() takes from its memory, without the shared arena. */
size_t tcp_size(const struct tern_config *cfg);
/* mem is zero, 64-octet aligned. cfg, arena, trace and fault must outlive the object. */
struct tcp *tcp_init(void *mem, const struct tern_config *cfg, struct buddy *arena,
                     struct trace *trace, struct pool_fault *fault, struct tern_time now);
/* Of the settings that cfg points to some have changed; none that tcp_size() looks at. */
void tcp_config_changed(struct tcp *t);
void tcp_forget_paths(struct tcp *t);
/* Tells what an interface can carry: MTU in IP octets, largest super-segment in IP octets (0 =
 * none), checksum completion by the link. */
void tcp_iface_set(struct tcp *t, unsigned iface, uint16_t mtu, uint32_t gso_max, bool tx_csum);

/* ---- packets ---- */

/* A TCP segment as IP delivers it. */
struct tcp_pkt {
    struct tern_addr src, dst;
    const uint8_t *p;  /* TCP header */
    uint32_t n;        /* octets of header and payload */
    uint32_t id;       /* tern_frame.id, for the trace */
    uint16_t gso_size; /* super-segment: payload octets of each piece; 0 = one segment */
    uint8_t csum;      /* enum tern_csum */
    uint8_t iface;     /* on which it came; answers go there */
    uint8_t tos;       /* of the IP header */
};
/* Processes one segment. Returns CAUSE_RX_SEG or the cause of the drop (already counted and
 * traced). */
unsigned tcp_rx(struct tcp *t, const struct tcp_pkt *pkt, struct tern_time now);

/* What tcp_tx() built. */
struct tcp_out {
    struct tern_addr src, dst;
    uint32_t len;      /* octets of TCP header and payload at buf */
    uint16_t gso_size; /* 0, or payload octets of each piece of a super-segment */
    uint8_t csum; /* TERN_CSUM_NONE: the checksum is complete; PARTIAL: the pseudo-header sum */
    uint8_t ttl, tos;
    bool may_fragment; /* DF is not to be set */
    uint16_t cause;
    uint32_t serial;
    bool suspect; /* R1 is reached: the next hop may be dead [RFC9293:MUST-20] */
};
/* Something to send on this interface? */
bool tcp_tx_pending(const struct tcp *t, unsigned iface);
/* Builds the next segment for the interface into buf (room for cap octets: the interface's MTU or
 * gso_max, less the IP header) and commits it as sent. id is the frame's number for the trace.
 * False when nothing is left to send now. */
bool tcp_tx(struct tcp *t, unsigned iface, uint8_t *buf, uint32_t cap, uint32_t id,
            struct tcp_out *out, struct tern_time now);

/* An ICMP error about a segment we sent: src/dst/ports/seq as quoted (src is ours). err is the
 * enum tern_err of its meaning, hard as RFC 1122 4.2.3.9 has it; mtu != 0: fragmentation needed.
 * Returns CAUSE_DROP_ICMP_TAKEN or CAUSE_DROP_ICMP_NO_MATCH [RFC5927:4]. */
unsigned tcp_icmp(struct tcp *t, const struct tern_endpoint *local,
                  const struct tern_endpoint *remote, uint32_t seq, int err, bool hard,
                  uint16_t mtu, struct tern_time now);
/* The next hop towards `remote` does not answer: connections in SYN-SENT fail with EHOSTUNREACH. */
void tcp_unreachable(struct tcp *t, const struct tern_addr *remote, struct tern_time now);

void tcp_tick(struct tcp *t, struct tern_time now);
struct tern_time tcp_deadline(const struct tcp *t);

/* ---- calls; the API's functions of the same names say what they do ---- */

int tcp_listen(struct tcp *t, const struct tern_endpoint *local, uint32_t backlog, uint32_t flags,
               struct tern_sock *out, struct tern_time now);
int tcp_accept(struct tcp *t, struct tern_sock s, struct tern_sock *out);
int tcp_answer(struct tcp *t, struct tern_sock s, enum tern_answer ans, struct tern_time now,
               struct tern_endpoint *local, struct tern_endpoint *remote, uint32_t *seq);
/* local.addr is already chosen (a source address of iface); port 0 = ephemeral. */
int tcp_connect(struct tcp *t, const struct tern_endpoint *local,
                const struct tern_endpoint *remote, unsigned iface, struct tern_sock *out,
                struct tern_time now);
int64_t tcp_fastopen(struct tcp *t, const struct tern_endpoint *local,
                     const struct tern_endpoint *remote, unsigned iface, const void *buf,
                     size_t len, uint32_t flags, struct tern_sock *out, struct tern_time now);
bool tcp_fastopen_known(struct tcp *t, const struct tern_endpoint *remote, struct tern_time now);
int tcp_fastopen_key(struct tcp *t, struct tern_sock s, const uint8_t key[16],
                     const uint8_t *backup);
int64_t tcp_send(struct tcp *t, struct tern_sock s, const void *buf, size_t len, uint32_t flags,
                 struct tern_time now);
int tcp_send_space(struct tcp *t, struct tern_sock s, size_t want, uint8_t **ptr, size_t *len);
int tcp_send_commit(struct tcp *t, struct tern_sock s, size_t n, uint32_t flags,
                    struct tern_time now);
int64_t tcp_recv(struct tcp *t, struct tern_sock s, void *buf, size_t len, struct tern_time now);
int tcp_recv_data(struct tcp *t, struct tern_sock s, const uint8_t **ptr, size_t *len);
int tcp_recv_consume(struct tcp *t, struct tern_sock s, size_t n, struct tern_time now);
int tcp_recv_oob(struct tcp *t, struct tern_sock s, uint8_t *octet);
int tcp_shutdown(struct tcp *t, struct tern_sock s, struct tern_time now);
int tcp_close(struct tcp *t, struct tern_sock s, struct tern_time now);
int tcp_abort(struct tcp *t, struct tern_sock s, struct tern_time now);
int tcp_setopt(struct tcp *t, struct tern_sock s, enum tern_opt opt, int64_t v,
               struct tern_time now);
int tcp_getopt(struct tcp *t, struct tern_sock s, enum tern_opt opt, int64_t *v);
int tcp_sockname(struct tcp *t, struct tern_sock s, struct tern_endpoint *out);
int tcp_peername(struct tcp *t, struct tern_sock s, struct tern_endpoint *out);
int tcp_setuser(struct tcp *t, struct tern_sock s, uint64_t user);

/* ---- signed segments ---- */

int tcp_md5_key(struct tcp *t, struct tern_sock s, const struct tern_addr *peer, unsigned prefix,
                const void *key, size_t len);
void tcp_keys_forget(struct tcp *t);
int tcp_ao_add(struct tcp *t, struct tern_sock s, const struct tern_ao_key *key);
int tcp_ao_del(struct tcp *t, struct tern_sock s, const struct tern_addr *peer, unsigned prefix,
               unsigned send_id, unsigned recv_id);
int tcp_ao_set(struct tcp *t, struct tern_sock s, int current, int rnext);
int tcp_ao_require(struct tcp *t, struct tern_sock s, bool on);
int tcp_ao_get(struct tcp *t, struct tern_sock s, unsigned index, struct tern_ao_key *out);
int tcp_auth_info(struct tcp *t, struct tern_sock s, struct tern_auth_info *out);

bool tcp_event_next(struct tcp *t, struct tern_event *ev);
bool tcp_inspect_next(const struct tcp *t, uint64_t *cursor, struct tern_info *out,
                      struct tern_time now);
bool tcp_inspect(const struct tcp *t, struct tern_sock s, struct tern_info *out,
                 struct tern_time now);
void tcp_usage(const struct tcp *t, struct tern_usage *out);

/* ---- the listener under flood ---- */

int tcp_listener_policy(struct tcp *t, struct tern_sock s, const struct tern_listener_policy *p);
int tcp_listener_policy_get(struct tcp *t, struct tern_sock s, struct tern_listener_policy *p);
void tcp_syn_stats(struct tcp *t, struct tern_syn_stats *out, struct tern_time now);
void tcp_cookie_decode(struct tcp *t, const struct tern_endpoint *local,
                       const struct tern_endpoint *remote, uint32_t irs, uint32_t iss,
                       struct tern_cookie_info *out, struct tern_time now);

#endif
