/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/conn.h: what the files of this folder offer to each other. The structures are in block.h;
 * note.h, plan.h and opts.h are the parts of which something is inline.
 */
#ifndef TCP_CONN_H
#define TCP_CONN_H

#include "tcp/block.h"
#include "tcp/note.h"
#include "tcp/opts.h"
#include "tcp/plan.h"

/* state.c */
void tcp_enter(struct tcp *t, struct tcp_conn *c, unsigned state, unsigned cause,
               struct tern_time now);
/* The state that a new control block takes over from a compact record: not a change. */
void tcp_adopt(struct tcp_conn *c, unsigned state);
bool tcp_edge_legal(unsigned from, unsigned to);
void tcp_note_state(struct tcp *t, const struct tcp_tuple *tu, uint32_t serial, unsigned from,
                    unsigned to, unsigned cause, struct tern_time now);
/* Ends a connection: CLOSED, err to the application, everything released; freed when it is an
 * orphan. */
void tcp_die(struct tcp *t, struct tcp_conn *c, int err, unsigned cause, struct tern_time now);

/* offload.c: which 4-tuples somebody who answers SYNs for the stack must leave alone. */
void offload_count(struct tern_syn_offload *o, uint32_t hash, int n);
/* n = 1: a record was made whose tuple has this hash; -1: it is gone. */
static inline void offload_known(struct tcp *t, uint32_t hash, int n)
{
    if (__builtin_expect(t->offload != NULL, 0))
        offload_count(t->offload, hash, n);
}

/* demux.c */
uint32_t tuple_hash(const struct tcp *t, const struct tcp_tuple *tu);
bool tuple_eq(const struct tcp_tuple *a, const struct tcp_tuple *b);
struct tcp_conn *demux_conn(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash);
struct tcp_half *demux_half(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash);
struct tcp_tw *demux_tw(const struct tcp *t, const struct tcp_tuple *tu, uint32_t hash);
struct tcp_listener *demux_listener(const struct tcp *t, const struct tern_addr *addr,
                                    uint16_t port);
struct tcp_conn *conn_new(struct tcp *t, const struct tcp_tuple *tu, uint32_t hash,
                          struct tern_time now);
void conn_unhash(struct tcp *t, struct tcp_conn *c);
void conn_free(struct tcp *t, struct tcp_conn *c);
struct tcp_conn *conn_get(struct tcp *t, struct tern_sock s); /* NULL if stale */
struct tern_sock conn_sock(const struct tcp *t, const struct tcp_conn *c);

/* input.c and in_*.c: RFC 9293 3.10.7. A verdict is IN_GO or the cause that ends processing. */
#define IN_GO 0u
unsigned tcp_input(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
/* Steps 5 to 8 alone: for the ACK that has just turned a half-open record into a connection. */
unsigned tcp_input_from_ack(struct tcp *t, struct tcp_conn *c, struct tcp_in *in,
                            struct tern_time now);
unsigned in_closed(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_in *in,
                   struct tern_time now);
unsigned in_listen(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu, uint32_t hash,
                   struct tcp_in *in, struct tern_time now);
unsigned in_half(struct tcp *t, struct tcp_half *h, const struct tcp_tuple *tu, struct tcp_in *in,
                 struct tern_time now);
unsigned in_timewait(struct tcp *t, struct tcp_tw *w, const struct tcp_tuple *tu, struct tcp_in *in,
                     struct tern_time now);
unsigned in_synsent(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
unsigned in_check(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
unsigned in_ack(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
unsigned in_text(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
/* Of step 7: `n` octets, from the segment on, have become next in order, and lie in the buffer. */
void in_taken(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in, uint32_t n,
              struct tern_time now);
/* Our FIN is acknowledged and the peer's has not come: FIN-WAIT-2, for an orphan with its timer. */
void in_fin_wait_2(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void in_fin(struct tcp *t, struct tcp_conn *c, struct tcp_in *in, struct tern_time now);
void in_urgent(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in);
/* Is any octet of [seq, seq+len) (len counts SYN and FIN) in a window of wnd at nxt? Table 6. */
bool in_acceptable(struct seq seq, uint32_t len, struct seq nxt, uint32_t wnd);
/* A challenge or out-of-window ACK, if the connection has not sent too many. */
void in_challenge(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now);

/* syncache.c */
struct tcp_half *half_new(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                          uint32_t hash, const struct tcp_in *in, struct seq iss,
                          struct tern_time now);
void half_send(struct tcp *t, struct tcp_half *h, unsigned cause, struct tern_time now);
void half_drop(struct tcp *t, struct tcp_half *h, unsigned cause, struct tern_time now);
void half_tick(struct tcp *t, struct tern_time now);
struct tern_time half_deadline(const struct tcp *t);
void half_tuple(const struct tcp_half *h, struct tcp_tuple *tu);
/* Takes a decided or promoted record away without a state change of its own. */
void half_free(struct tcp *t, struct tcp_half *h);
struct tcp_half *half_get(struct tcp *t, struct tern_sock s);

/* What one tick does of each kind at most; the rest is still due and comes with the next. */
#define TICK_BUDGET 8192u

/* timewait.c */
void tw_enter(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now);
void tw_drop(struct tcp *t, struct tcp_tw *w, unsigned cause, struct tern_time now);
void tw_tick(struct tcp *t, struct tern_time now);
struct tern_time tw_deadline(const struct tcp *t);
void tw_tuple(const struct tcp_tw *w, struct tcp_tuple *tu);
void tw_init(struct tw_tab *tab, void *ring, void *head, uint32_t max, struct pool_fault *fault);
/* Octets of tw_init()'s head. */
size_t tw_head_size(uint32_t max);

/* answer.c: segments without a connection */
void ans_push(struct tcp *t, const struct tcp_ans *a);
/* The same without a copy: room for an answer, its octets undefined; NULL (and counted) if there is
 * none. Then it must be queued. */
struct tcp_ans *ans_take(struct tcp *t);
/* Header and options as they are sent, without a checksum: octets. */
uint32_t ans_build(const struct tcp_ans *a, uint8_t *buf, uint32_t cap);
void ans_queue(struct tcp *t, struct tcp_ans *a);
/* RST of a connection with <SND.NXT>, as ABORT sends it [RFC9293:3.10.5]. */
void ans_conn_rst(struct tcp *t, const struct tcp_conn *c, unsigned cause);
void ans_rst(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_in *in, uint32_t serial,
             unsigned state, unsigned cause);
bool ans_tx(struct tcp *t, unsigned iface, uint8_t *buf, uint32_t cap, uint32_t id,
            struct tcp_out *out, struct tern_time now);

/* window.c */
/* Octets from rcv.nxt to offer now: a multiple of the window scale, never less than offered before.
 */
uint32_t window_offer(const struct tcp *t, const struct tcp_conn *c);
void window_read(struct tcp *t, struct tcp_conn *c); /* the application has read */
uint8_t window_shift(uint32_t limit);

/* timer.c */
void timer_arm(struct tcp *t, struct tcp_conn *c, unsigned which, struct tern_time at,
               unsigned cause, struct tern_time now);
void timer_halt(struct tcp *t, struct tcp_conn *c, unsigned which, unsigned cause,
                struct tern_time now);
static inline bool timer_on(const struct tcp_conn *c, unsigned which)
{
    return c->timer_ns[which] != 0; /* enum TT_, not those of struct xmit */
}
/* Mostly it does not run. */
static inline void timer_stop(struct tcp *t, struct tcp_conn *c, unsigned which, unsigned cause,
                              struct tern_time now)
{
    if (which >= TT_COUNT || timer_on(c, which))
        timer_halt(t, c, which, cause, now);
}
/* When a timer runs out, in ns; 0 = it is not running. And its enum tern_timer. */
int64_t timer_due(const struct tcp *t, const struct tcp_conn *c, unsigned which);
unsigned timer_public(unsigned which);
void timer_rexmt_update(struct tcp *t, struct tcp_conn *c, unsigned cause, struct tern_time now);
/* The arena had no room for what the application wants to send: asks it again soon, whatever else
 * may or may not happen on this connection. */
void timer_memory(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* An orphan in FIN-WAIT-2 stays so long. */
void timer_fin_wait_2(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void timer_keep_restart(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void tcp_timeout(struct tcp *t, struct tcp_conn *c, unsigned which, struct tern_time now);

/* rtt.c */
void rtt_init(struct tcp_rtt *r, const struct tern_config *cfg);
void rtt_sample(struct tcp_rtt *r, uint32_t us, const struct tern_config *cfg);
void rtt_backoff(struct tcp_rtt *r, const struct tern_config *cfg);
/* A sample of this connection: into the RTO, and into the trace. */
void rtt_take(struct tcp *t, struct tcp_conn *c, uint32_t us, struct tern_time now);

/* recovery.c: what the files of sent.h find out becomes decisions */
/* Before anything of an ACK is taken. */
void recovery_begin(const struct tcp_conn *c, const struct tcp_seg *s, struct news *n);
/* An acceptable ACK that moved snd.una (`fresh`), carries SACK blocks or is a duplicate (`dup`);
 * snd.una and the records are up to date. */
void recovery_ack(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s, struct news *n,
                  bool dup, struct tern_time now);
void recovery_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* The reordering timer: what RACK holds for lost by now. */
void recovery_reo(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* Everything outstanding is to be sent again, from snd.una on. */
void recovery_go_back(struct tcp *t, struct tcp_conn *c, unsigned cause);

/* newreno.c: the same for connections whose flight has no records */
void newreno_ack(struct tcp *t, struct tcp_conn *c, const struct news *n, struct tern_time now);
void newreno_dupack(struct tcp *t, struct tcp_conn *c, struct tern_time now);

/* soft.c: what is wrong and ends nothing */
void soft_error(struct tcp *t, struct tcp_conn *c, int err);
void soft_r1(struct tcp *t, struct tcp_conn *c); /* after a retransmission: is R1 reached? */
int soft_take(struct tcp_conn *c);               /* the last one, positive, and forgets it */

/* isn.c */
/* The ports as they are hashed, after the addresses (both IPv4). */
static inline uint64_t isn_ports(const struct tcp_tuple *tu)
{
    return (uint64_t)tu->lport << 16 | tu->rport;
}
struct seq isn_of(const struct tcp *t, const struct tcp_tuple *tu, struct tern_time now);
uint32_t ts_offset_of(const struct tcp *t, const struct tcp_tuple *tu);
uint16_t port_choose(struct tcp *t, struct tcp_tuple *tu); /* 0 = none is free */

/* user.c */
/* The application met a full buffer, and there is room again: tells it. */
void user_writable(struct tcp *t, struct tcp_conn *c);
/* Is there as much to read as it wants to hear of? */
void user_readable(struct tcp *t, struct tcp_conn *c);

/* event.c */
void event_raise(struct tcp *t, struct tcp_conn *c, unsigned bits);
void event_listener(struct tcp *t, struct tcp_listener *l);
struct tcp_listener *listener_get(struct tcp *t, struct tern_sock s);

/* record.c */
/* A segment must end in front of `at`. */
void record_end(struct tcp *t, struct tcp_conn *c, struct seq at);
/* How many of the n octets from `from` on may share a segment. */
uint32_t record_room(const struct tcp *t, const struct tcp_conn *c, struct seq from, uint32_t n);
bool record_ends(const struct tcp *t, const struct tcp_conn *c, struct seq at);

#endif
