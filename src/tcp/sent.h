/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/sent.h: what a connection has in flight, segment by segment, and what loss recovery, rate
 * sampling, pacing and the congestion control remember about it.
 *
 * struct sent is one transmission: a segment, or a super-segment that the link cuts. struct xmit is
 * the connection's block for all of this; it is taken with the first data and given back after a
 * second of idleness, so an idle connection costs nothing beyond its own record.
 *
 * Every record is in exactly one condition. IN_FLIGHT records form a second list in the order of
 * their last transmission, as RACK wants to walk them [RFC8985:6.2]; LOST ones form one in the
 * order of sequence numbers, as retransmission wants them [RFC6675:4]. SACKED neighbours are
 * merged: the list is then as long as what is outstanding and the number of holes.
 *
 * Not tracked ("blind"): connections without SACK, and any that found a pool empty, until all is
 * acknowledged. Those fall back on newreno.c. Nothing here ever fails for want of memory.
 */
#ifndef TCP_SENT_H
#define TCP_SENT_H

#include "base/list.h"
#include "base/seq.h"
#include "tcp/cc/cc.h"
#include "tcp/pmtu.h"

struct tcp;
struct tcp_conn;

enum sent_is { SENT_IN_FLIGHT, SENT_SACKED, SENT_LOST };

/* [lo, hi) was sent. hi counts a FIN. */
struct sent {
    struct seq lo, hi;
    uint32_t prev, next;   /* records in order of sequence numbers; 0 ends */
    uint32_t aprev, anext; /* IN_FLIGHT: in order of at_ns; LOST: of lo */
    int64_t at_ns;         /* when it was last sent */
    int64_t first_ns;      /* rate sample: when the flight that it belongs to began */
    int64_t delivered_ns;  /* rate sample: time of the last delivery before at_ns */
    uint32_t delivered;    /* ... and octets delivered until then, modulo 2^32 */
    uint32_t tx_flight;    /* octets in flight, this included, just after it was sent */
    uint16_t why;          /* LOST: cause of the retransmission to come */
    uint8_t is;            /* enum sent_is */
    uint8_t rexmts : 7;    /* times it was sent again, as far as that counts */
    uint8_t app_limited : 1;
    bool push; /* its last octet was sent with PSH */
};
_Static_assert(sizeof(struct sent) <= 64, "a record of a transmission grew");

/* Timers that only a connection with something in flight can have; they continue enum TT_. */
enum { TT_TLP = 6, TT_REO, TT_PACE, TT_ALL };

#define CWV_PARTS 5 /* four of them make a sampling period, and one has just begun */

struct xmit {
    uint32_t conn;    /* index of the owner */
    struct link idle; /* on the list of idle blocks, oldest first */
    uint32_t idle_ms; /* since when */
    bool blind;       /* what is in flight has no records */

    /* the list */
    uint32_t head, tail, count;
    uint32_t ahead, atail; /* IN_FLIGHT */
    uint32_t lhead, ltail; /* LOST */
    uint32_t sacked, lost; /* octets */
    uint32_t hint;         /* where the last SACK block was found; 0 = nowhere */
    struct {
        struct seq lo, hi;
    } seen[4]; /* SACK blocks of the last ACK, as they came */

    /* RACK [RFC8985:5.1] */
    int64_t rack_ns;        /* RACK.xmit_ts: 0 = nothing delivered yet */
    struct seq rack_end;    /* RACK.end_seq */
    struct seq fack;        /* RACK.fack */
    struct seq dsack_round; /* RACK.dsack_round, if in_dsack_round */
    uint32_t rack_rtt_us;
    uint32_t min_rtt_us[2]; /* least of this period and of the one before */
    int64_t min_rtt_ns;     /* when this period began */
    uint8_t reo_mult;       /* RACK.reo_wnd_mult */
    uint8_t reo_persist;    /* recoveries until it falls back to 1 */
    bool reordering;        /* RACK.reordering_seen */
    bool in_dsack_round;

    /* tail loss probe [RFC8985:7.1] */
    bool tlp_owed, tlp_out, /* to be sent; sent and unanswered: TLP.end_seq is not None */
        tlp_rexmt,          /* TLP.is_retrans */
        tlp_stale;          /* no round trip has been measured since the last one */
    struct seq tlp_end;     /* TLP.end_seq */

    /* PRR [RFC9937:6] */
    uint32_t prr_delivered, prr_out, prr_base; /* RecoverFS */
    int64_t cut_ns; /* when the window was last lowered: what was sent again since and is lost is a
                       new sign of congestion [RFC5681:4.3] */

    /* undo */
    bool undo_ok;        /* prior_* of struct cc belong to the last reduction */
    bool undo_rto;       /* ... which was a timeout */
    bool frto;           /* [RFC5682:3] a timeout that may turn out spurious */
    bool stamped;        /* stamp is valid */
    struct seq undo_lo;  /* SND.UNA when it came */
    uint32_t undo_stamp; /* TSval of the first retransmission since */
    uint32_t undo_left;  /* octets retransmitted since that no D-SACK has accounted for */
    uint32_t undo_sent;  /* octets retransmitted since */

    /* rate samples */
    uint64_t delivered;   /* octets delivered so far */
    uint64_t app_limited; /* until this many are: samples are app-limited; 0 = no */
    uint64_t rate_bps;    /* the last delivery-rate sample */
    uint64_t round_end;   /* the round is over when a segment sent after this is delivered */
    int64_t delivered_ns, first_ns;
    int64_t rtt_from_ns;  /* the next sample for RTO is of a segment sent after this [RFC6298:3] */
    uint32_t lost_unsaid; /* octets marked lost that the plug-in has not been told of */
    uint32_t used[2];     /* most octets in flight: this round, the one before */

    /* window validation [RFC7661:4.2] */
    uint32_t pipe[CWV_PARTS]; /* largest pipeACK sample of each part of the sampling period */
    int64_t pipe_ns;          /* when the newest part, pipe[0], began; 0 = no sample yet */
    bool pipe_marked;         /* the round trip that ends next is a sample */
    uint32_t cwv_base;        /* in a recovery that the non-validated phase has led to:
                                 Max(pipeACK, LossFlightSize); 0 = in no such */
    uint32_t cwv_lost;        /* R: octets lost in it, each once */

    struct pmtu pmtu; /* zero as long as nothing limits the path */

    int64_t pace_ns;                   /* nothing new may be sent before */
    int64_t timer_ns[TT_ALL - TT_TLP]; /* 0 = not running */

    bool small;           /* small_end is valid */
    struct seq small_end; /* the last segment below the MSS ends here: Nagle's rule */

    uint64_t cc_ext[CC_EXT_MAX / 8];
};

/* What one ACK delivered; filled in by sent_acked() and sack_take(), read by recovery.c. */
struct news {
    uint32_t flight_before;
    uint32_t cum, sacked; /* octets newly delivered, cumulatively and selectively */
    uint32_t lost;        /* octets newly marked lost */
    uint32_t pieces;      /* segments newly delivered */
    struct seq una_before;
    bool una_moved;
    bool dsack; /* the first block reports a duplicate [RFC2883:4] */
    struct seq dsack_lo, dsack_hi;
    bool again; /* ... some of it retransmissions since the last reduction */
    bool orig;  /* data sent before snd.recover, never sent again, was delivered */
    bool reordered;
    uint32_t reordered_by; /* octets between the latest comer and the farthest before it */
    struct seq fack;       /* highest end among what was delivered */
    /* the newest record delivered */
    bool any;
    bool newest_again; /* it was a retransmission */
    bool newest_app;
    int64_t newest_ns;
    struct seq newest_end;
    int64_t newest_first_ns, newest_delivered_ns;
    uint32_t newest_delivered, newest_tx_flight;
    int64_t clean_ns; /* when the newest one that was sent only once was sent; 0 = none */
    struct seq clean_end;
    uint32_t tsecr;
    bool has_tsecr;
    bool ece; /* the ACK carries congestion news (ECN) */
};

/* sent.c */
/* The block of a connection that is about to send data: NULL when all are in use. */
struct xmit *xmit_take(struct tcp *t, struct tcp_conn *c);
/* Gives the block back, with all records. */
void xmit_give(struct tcp *t, struct tcp_conn *c);
/* What begins at lo has come, and what ends at fack before it [RFC8985:6.2] step 3. */
static inline void news_late(struct news *n, struct seq lo, struct seq fack)
{
    uint32_t by = (uint32_t)seq_diff(fack, lo);
    n->reordered = true;
    if (by > n->reordered_by)
        n->reordered_by = by;
}

/* Nothing is in flight any more / something is again. */
void xmit_idle(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* Gives back the blocks that have been idle for more than a second. */
void xmit_tick(struct tcp *t, struct tern_time now);
/* New data [lo, hi) has gone out. snd.nxt is already hi. */
void sent_new(struct tcp *t, struct tcp_conn *c, struct seq lo, struct seq hi,
              struct tern_time now);
/* [lo, hi), sent before, has gone out again. */
void sent_again(struct tcp *t, struct tcp_conn *c, struct seq lo, struct seq hi,
                struct tern_time now);
/* snd.una has moved: what it covers is delivered. */
void sent_acked(struct tcp *t, struct tcp_conn *c, struct news *n);
/* Cuts a record in two at `cut`; returns the second part, 0 when there is no record for it. */
uint32_t sent_split(struct tcp *t, struct xmit *x, uint32_t idx, struct seq cut);
void sent_sacked(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx);
void sent_lost(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx, unsigned why);
/* A LOST record is taken for in flight again. */
void sent_found(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t idx);
/* Notes that a record was delivered, up to `end`. */
void sent_delivered(const struct tcp_conn *c, const struct sent *s, struct seq end, struct news *n);
/* Drops all records: from now on this connection is blind until all is acknowledged. */
void sent_forget(struct tcp *t, struct tcp_conn *c);
/* Is everything in order? For tests; asserts. */
void sent_laws(const struct tcp *t, const struct tcp_conn *c);

/* sack.c */
/* The SACK blocks of an acceptable ACK, after sent_acked(). */
struct tcp_seg;
void sack_take(struct tcp *t, struct tcp_conn *c, const struct tcp_seg *s, struct news *n);
/* The receiver has forgotten what it SACKed [RFC2018:8]: all of it counts as lost. */
void sack_renege(struct tcp *t, struct tcp_conn *c);
/* Has so much been SACKed that the first hole is lost [RFC6675:2]? */
bool sack_enough(const struct tcp_conn *c, const struct xmit *x);

/* rack.c */
void rack_take(struct tcp *t, struct tcp_conn *c, struct news *n, struct tern_time now);
/* Marks what RACK holds for lost now and sets the timer for the rest [RFC8985:6.2] steps 4 and 5.
 */
void rack_detect(struct tcp *t, struct tcp_conn *c, struct news *n, struct tern_time now);
void rack_recovered(struct xmit *x); /* a recovery is over */
uint32_t rack_reo_wnd_us(const struct tcp_conn *c, const struct xmit *x);
uint32_t rack_min_rtt_us(const struct xmit *x);
/* On a timeout: the first record and those that RACK holds for lost [RFC8985:6.3]. */
void rack_rto(struct tcp *t, struct tcp_conn *c, struct tern_time now);

/* tlp.c */
/* New data has gone out, or was acknowledged cumulatively: the wait begins anew. */
void tlp_arm(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* Any other ACK: does it still wait? */
void tlp_check(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void tlp_fire(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* The probe has gone out; again = as a retransmission. */
void tlp_sent(struct tcp *t, struct tcp_conn *c, bool again, struct tern_time now);
void tlp_ack(struct tcp *t, struct tcp_conn *c, const struct news *n, bool dup,
             struct tern_time now);

/* prr.c */
/* Fast recovery begins; `cum` octets were acknowledged by the ACK that showed the loss. */
void prr_enter(struct tcp_conn *c, struct xmit *x, const struct news *n);
void prr_ack(struct tcp_conn *c, struct xmit *x, const struct news *n);
/* ssthresh was lowered once more: down to it from what was in flight before this ACK. */
void prr_again(struct tcp_conn *c, struct xmit *x, const struct news *n);

/* cwv.c: is the window what the path carries, or only what it once did [RFC7661:4]? */
/* A round trip is over in which `acked` octets were acknowledged: a pipeACK sample. */
void cwv_round(struct tcp *t, struct tcp_conn *c, struct xmit *x, uint32_t acked,
               struct tern_time now);
/* A sign of congestion with `flight` outstanding. In the non-validated phase: ends it, and returns
 * Max(pipeACK, LossFlightSize), which cwnd is not above any more; else 0. */
uint32_t cwv_congested(struct tcp *t, struct tcp_conn *c, uint32_t flight, struct tern_time now);
/* ... and what the window is in the end, `lost` octets having been sent again. base 0: as it is. */
void cwv_settle(const struct tcp *t, struct tcp_conn *c, uint32_t base, uint32_t lost);
/* Back to the validated phase, with pipeACK undefined. */
void cwv_reset(const struct tcp *t, struct tcp_conn *c);
/* A connection without anything in flight is about to send, or gives its block back. */
void cwv_resume(struct tcp *t, struct tcp_conn *c, struct tern_time now);
void cwv_asleep(const struct tcp *t, struct tcp_conn *c, const struct xmit *x);

/* spurious.c */
/* A reduction is about to happen: remembers what on_undo would bring back. */
void undo_begin(struct tcp *t, struct tcp_conn *c, bool rto, struct tern_time now);
void undo_sent(struct tcp *t, struct tcp_conn *c, struct seq lo, uint32_t len,
               struct tern_time now);
/* True when this ACK showed that the last reduction was a mistake, and it was undone. */
bool undo_ack(struct tcp *t, struct tcp_conn *c, const struct news *n, struct tern_time now);

/* rate.c */
void rate_sent(const struct tcp_conn *c, struct xmit *x, struct sent *s, struct tern_time now);
/* Takes the ACK into account and fills in the sample. */
void rate_ack(const struct tcp_conn *c, struct xmit *x, const struct news *n, struct cc_ack *a);
void rate_rtt(struct tcp *t, struct tcp_conn *c, struct xmit *x, const struct news *n,
              struct cc_ack *a);
/* The application has nothing more to send, though the windows would allow it. */
void rate_app_limited(const struct tcp_conn *c, struct xmit *x);

/* pace.c */
/* May new data go now? If not the pace timer must run until *at. */
bool pace_allows(const struct tcp_conn *c, const struct xmit *x, struct tern_time now);
/* The most octets to send in one go at this rate. */
uint32_t pace_quantum(const struct tcp_conn *c);
void pace_sent(const struct tcp_conn *c, struct xmit *x, uint32_t len, struct tern_time now);

#endif
