/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/stack/fake_tcp.h"

#include "base/assert.h"
#include "tcp/offload.h"

size_t tcp_size(const struct tern_config *cfg)
{
    (void)cfg;
    return sizeof(struct tcp);
}

struct tcp *tcp_init(void *mem, const struct tern_config *cfg, struct buddy *arena,
                     struct trace *trace, struct pool_fault *fault, struct tern_time now)
{
    (void)cfg;
    (void)arena;
    (void)fault;
    (void)now;
    struct tcp *t = mem;
    t->deadline = TERN_NEVER;
    t->trace = trace;
    return t;
}

void tcp_config_changed(struct tcp *t)
{
    (void)t;
}

void tcp_forget_paths(struct tcp *t)
{
    (void)t;
}

void tcp_iface_set(struct tcp *t, unsigned iface, uint16_t mtu, uint32_t gso_max, bool tx_csum)
{
    t->mtu[iface] = mtu;
    t->gso_max[iface] = gso_max;
    t->tx_csum[iface] = tx_csum;
}

void fake_send(struct tcp *t, const struct fake_seg *s)
{
    tern_assert(t->tail - t->head < FAKE_QUEUE);
    t->queue[t->tail++ % FAKE_QUEUE] = *s;
}

unsigned tcp_rx(struct tcp *t, const struct tcp_pkt *pkt, struct tern_time now)
{
    (void)now;
    t->rx++;
    t->last = *pkt;
    memcpy(t->octets, pkt->p, pkt->n);
    t->last.p = t->octets;
    trace_count(t->trace, CAUSE_RX_SEG);
    if (t->answer)
        fake_send(t, t->answer);
    return CAUSE_RX_SEG;
}

bool tcp_tx_pending(const struct tcp *t, unsigned iface)
{
    return t->head != t->tail && t->queue[t->head % FAKE_QUEUE].iface == iface;
}

bool tcp_tx(struct tcp *t, unsigned iface, uint8_t *buf, uint32_t cap, uint32_t id,
            struct tcp_out *out, struct tern_time now)
{
    (void)now;
    if (!tcp_tx_pending(t, iface))
        return false;
    const struct fake_seg *s = &t->queue[t->head++ % FAKE_QUEUE];
    t->seen_cap = cap;
    t->seen_id = id;
    tern_assert(s->len >= 20 && s->len <= cap);
    memset(buf, 0, 20);
    memset(buf + 20, 0xa5, s->len - 20);
    memset(out, 0, sizeof *out);
    out->src = s->src;
    out->dst = s->dst;
    out->len = s->len;
    out->gso_size = s->gso_size;
    out->csum = s->csum;
    out->ttl = 61;
    out->tos = 0x10;
    out->cause = CAUSE_TX_DATA;
    out->serial = 7;
    out->suspect = s->suspect;
    return true;
}

unsigned tcp_icmp(struct tcp *t, const struct tern_endpoint *local,
                  const struct tern_endpoint *remote, uint32_t seq, int err, bool hard,
                  uint16_t mtu, struct tern_time now)
{
    (void)hard;
    (void)mtu;
    (void)now;
    t->icmp++;
    t->icmp_local = *local;
    t->icmp_remote = *remote;
    t->icmp_seq = seq;
    t->icmp_err = err;
    return CAUSE_DROP_ICMP_TAKEN;
}

void tcp_unreachable(struct tcp *t, const struct tern_addr *remote, struct tern_time now)
{
    (void)now;
    t->unreachable++;
    t->unreachable_addr = *remote;
}

void tcp_tick(struct tcp *t, struct tern_time now)
{
    (void)now;
    t->ticks++;
}

struct tern_time tcp_deadline(const struct tcp *t)
{
    return t->deadline;
}

/* The spine of these tests is not asked for sockets; the API's files, which come with it, are. */
#define NOT_HERE TERN_EOPNOTSUPP
#define UNUSED   __attribute__((unused))

int tcp_listen(UNUSED struct tcp *t, UNUSED const struct tern_endpoint *local,
               UNUSED uint32_t backlog, UNUSED uint32_t flags, UNUSED struct tern_sock *out,
               UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_accept(UNUSED struct tcp *t, UNUSED struct tern_sock l, UNUSED struct tern_sock *out)
{
    return NOT_HERE;
}
int tcp_answer(UNUSED struct tcp *t, UNUSED struct tern_sock half_open, UNUSED enum tern_answer a,
               UNUSED struct tern_time now, UNUSED struct tern_endpoint *local,
               UNUSED struct tern_endpoint *remote, UNUSED uint32_t *seq)
{
    return NOT_HERE;
}
int tcp_connect(UNUSED struct tcp *t, UNUSED const struct tern_endpoint *local,
                UNUSED const struct tern_endpoint *remote, UNUSED unsigned iface,
                UNUSED struct tern_sock *out, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int64_t tcp_send(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED const void *buf,
                 UNUSED size_t len, UNUSED uint32_t flags, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_send_space(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED size_t want,
                   UNUSED uint8_t **ptr, UNUSED size_t *len)
{
    return NOT_HERE;
}
int tcp_send_commit(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED size_t n,
                    UNUSED uint32_t flags, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int64_t tcp_recv(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED void *buf,
                 UNUSED size_t len, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_recv_data(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED const uint8_t **ptr,
                  UNUSED size_t *len)
{
    return NOT_HERE;
}
int tcp_recv_consume(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED size_t n,
                     UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_recv_oob(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED uint8_t *octet)
{
    return NOT_HERE;
}
int tcp_shutdown(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_close(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_abort(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_setopt(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED enum tern_opt opt,
               UNUSED int64_t v, UNUSED struct tern_time now)
{
    return NOT_HERE;
}
int tcp_getopt(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED enum tern_opt opt,
               UNUSED int64_t *v)
{
    return NOT_HERE;
}
int tcp_sockname(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED struct tern_endpoint *out)
{
    return NOT_HERE;
}
int tcp_peername(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED struct tern_endpoint *out)
{
    return NOT_HERE;
}
int tcp_setuser(UNUSED struct tcp *t, UNUSED struct tern_sock s, UNUSED uint64_t user)
{
    return NOT_HERE;
}
bool tcp_event_next(UNUSED struct tcp *t, UNUSED struct tern_event *ev)
{
    return false;
}
bool tcp_inspect_next(UNUSED const struct tcp *t, UNUSED uint64_t *cursor,
                      UNUSED struct tern_info *out, UNUSED struct tern_time now)
{
    return false;
}
bool tcp_inspect(UNUSED const struct tcp *t, UNUSED struct tern_sock s,
                 UNUSED struct tern_info *out, UNUSED struct tern_time now)
{
    return false;
}
void tcp_usage(UNUSED const struct tcp *t, UNUSED struct tern_usage *out)
{
}

int tcp_listener_policy(struct tcp *t, struct tern_sock s, const struct tern_listener_policy *p)
{
    (void)t, (void)s, (void)p;
    return TERN_EBADF;
}

int tcp_listener_policy_get(struct tcp *t, struct tern_sock s, struct tern_listener_policy *p)
{
    (void)t, (void)s, (void)p;
    return TERN_EBADF;
}

int tcp_offload_begin(struct tcp *t, struct tern_syn_offload *o, const struct offload_iface *iface,
                      struct tern_time now)
{
    (void)t, (void)o, (void)iface, (void)now;
    return TERN_EALREADY;
}

void tcp_offload_sync(struct tcp *t, struct tern_time now)
{
    (void)t, (void)now;
}

void tcp_offload_end(struct tcp *t, struct tern_time now)
{
    (void)t, (void)now;
}

void tcp_syn_stats(struct tcp *t, struct tern_syn_stats *out, struct tern_time now)
{
    (void)t, (void)now;
    memset(out, 0, sizeof *out);
}

void tcp_cookie_decode(struct tcp *t, const struct tern_endpoint *local,
                       const struct tern_endpoint *remote, uint32_t irs, uint32_t iss,
                       struct tern_cookie_info *out, struct tern_time now)
{
    (void)t, (void)local, (void)remote, (void)irs, (void)iss, (void)now;
    memset(out, 0, sizeof *out);
}
