/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sim/sim.h: two whole stacks, a bad wire between them, and applications that do what programs do,
 * all driven by one number.
 *
 * A run has three parts. The plan (plan.c) is drawn from seed and profile: settings of both stacks,
 * impairments of both directions, and flows: which end connects when, writes how much in which
 * pieces, pauses, half-closes, closes, aborts, or is unplugged. The world (world.c) plays it on a
 * virtual clock that jumps to the nearest deadline. The watch (watch.c) reads every trace record of
 * both stacks and holds it against the RFC's state table and a few laws of the sequence space.
 *
 * Applications (app.c) act on events alone, never by polling: an event that a stack forgets to give
 * stops the flow, and a flow that stops is a failure.
 *
 * What a run proves: each stream arrives octet for octet, or ends with an error that somebody
 * caused; end of stream only after the last octet; every state change legal; both ends finish; no
 * segment beyond the window offered, no window taken back; nothing in use at the end; and a hash
 * over all trace records that is the same whenever the seed is.
 */
#ifndef SIM_H
#define SIM_H

#include "base/prng.h"
#include <tern/event.h>
#include <tern/inspect.h>
#include <tern/loop.h>
#include <tern/port.h>
#include <tern/socket.h>
#include <tern/stack.h>

#define SIM_FLOWS     96
#define SIM_PORT      7000 /* the listeners' port */
#define SIM_CALL_MAX  65536
#define SIM_LISTENERS UINT64_C(0x8000000000000000) /* bit of a listener's user number */
#define SIM_UDP       UINT64_C(0x4000000000000000)

enum sim_profile {
    SIM_CLEAN, /* nothing goes wrong: not one retransmission */
    SIM_LOSSY, /* up to 20 % lost */
    SIM_REORDER,
    SIM_DUPLICATE,
    SIM_CORRUPT,
    SIM_STORM,       /* all of these, and a narrow queue */
    SIM_SMALL_BUF,   /* buffers and windows of a few segments or less */
    SIM_TINY_POOLS,  /* every limit of the settings is reached */
    SIM_SIMOPEN,     /* both ends connect to each other at once */
    SIM_SIMCLOSE,    /* both ends shut down at once */
    SIM_ZERO_WINDOW, /* readers that pause for long */
    SIM_HALF_CLOSE,  /* data after the peer's end of stream */
    SIM_MANY,        /* many short connections */
    SIM_BACKLOG,     /* a listener that accepts slowly */
    SIM_DIE,         /* one host is unplugged for ever */
    SIM_REBOOT,      /* one host is unplugged and comes back without memory */
    SIM_UTO,         /* user timeouts while the wire is cut */
    SIM_UDP_MIX,     /* datagrams beside the streams */
    SIM_MTU,         /* 576 to 9000 */
    SIM_GSO,         /* super-segments */
    SIM_BLACK_HOLE,  /* a hop in the middle is narrower and silent about it */
    SIM_ABORT,       /* close and abort at any time */
    SIM_URGENT,      /* urgent octets, read in line */
    SIM_WRAP,        /* the sequence number passes 2^32 in mid-stream */
    SIM_BULK,        /* megabytes over a long fat pipe */
    SIM_LOOPBACK,    /* a host that connects to itself */
    SIM_HOLD,        /* a gateway's listener: SYNs wait for the application's answer */
    SIM_FIDDLE,      /* options that change in mid-stream */
    SIM_MIXED,       /* some of everything */
    SIM_PROFILES
};

/* How an end leaves. */
enum sim_ending {
    END_SHUT,     /* shut down after the last octet, read to the end of stream, close */
    END_CLOSE,    /* close at once after the last octet: the stack finishes alone */
    END_CLOSE_AT, /* close after end_us, whatever has happened */
    END_ABORT_AT, /* abort after end_us */
};

/* What one end of a flow will do. */
struct sim_side {
    uint8_t host;
    uint8_t ending;    /* enum sim_ending */
    bool tx_after_eof; /* writes only once the peer has half-closed */
    bool wait_closed;  /* closes its handle only when TERN_EV_CLOSED came */
    bool no_copy;      /* the send_space/commit and recv_data/consume calls */
    bool nodelay, cork, keepalive, urgent;
    bool fiddle; /* changes buffer sizes and the like as it goes */
    uint32_t tx_total;
    uint32_t wr_max, rd_max; /* most octets in one call */
    uint32_t wr_gap_us;      /* between two writes; 0 = until EAGAIN */
    uint32_t pause_every;    /* octets read between two pauses; 0 = never */
    uint32_t pause_us;
    uint32_t uto_ms;
    uint32_t end_us;
};

struct sim_flow_plan {
    struct sim_side side[2]; /* [0] connects; [1] accepts, or connects too (simopen) */
    bool simopen;
    uint64_t start_us;
};

struct sim_plan {
    uint64_t seed;
    enum sim_profile profile;
    struct tern_config cfg;
    struct tern_impair_config imp[2]; /* of what host 0, host 1 sends */
    bool impaired;
    uint16_t mtu;
    uint32_t gso_max;
    uint32_t nflows;
    struct sim_flow_plan flow[SIM_FLOWS];
    uint32_t backlog;
    uint64_t accept_gap_us; /* between two accepts; 0 = at once */
    bool hold;              /* the listeners offer SYNs, and are answered after a while */
    uint32_t hold_us;       /* longest wait */
    bool hold_refuses;      /* not all are accepted */
    uint32_t tardy_us;      /* how late the host's loop may be */
    uint32_t batch;         /* frames a call */
    int die_host;           /* unplugged at cut_us, or -1 */
    uint64_t cut_us;
    uint64_t reboot_us; /* 0 = never */
    uint64_t uncut_us;  /* the wire works again (no host dies); 0 = never */
    uint32_t udp_count; /* datagrams that each host sends and gets back */
    bool wrap;
    /* anomaly: takes of a pool that fail */
    int fail_host;      /* or -1 */
    uint64_t fail_take; /* which take; 0 = none */
    bool fail_persist;
    uint64_t fail_until_us; /* then memory is back; 0 = never */
    bool fail_abort;        /* all ends abort at fail_until_us, before memory is back */
};

/* ---- what a run knows ---- */

enum sim_end_state { SE_NONE, SE_OPENING, SE_OPEN, SE_DONE };

struct sim_end {
    const struct sim_side *plan;
    uint32_t flow, side;
    uint8_t state; /* enum sim_end_state */
    bool opened, can_read, can_write, eof, shut, closed_seen;
    bool lost;   /* its host died */
    bool killed; /* ended by close-at or abort-at or by its host's death */
    struct tern_sock sock;
    uint16_t lport;
    uint32_t iss;
    uint64_t tx, rx, rx_pause_at;
    int64_t opened_ns, next_wr_ns, next_rd_ns, end_ns;
    int err; /* enum tern_err that the application saw */
};

struct sim_udp {
    struct tern_sock sock;
    bool can_read;
    uint32_t sent, back, lost; /* pings sent, answered, given up */
    int64_t retry_ns;
};

/* A SYN that waits for an answer. */
struct sim_held {
    struct tern_sock sock; /* 0 = free */
    int64_t due_ns;
};

struct watch_conn {
    bool known, tx_seen, rx_seen;
    uint8_t state;
    uint32_t adv_edge;  /* right edge of the window we have offered */
    uint32_t ack;       /* highest acknowledgment sent */
    uint32_t peer_edge; /* right edge the peer has offered */
    int64_t tw_ns;      /* when TIME-WAIT was entered or renewed */
};
struct watch {
    struct watch_conn *conn; /* by serial */
    uint32_t n;
};

struct sim_host {
    struct tern_stack *st;
    struct tern_port *port;
    int iface;
    bool up;
    struct tern_sock listener;
    bool can_accept;
    int64_t next_accept_ns;
    struct sim_udp udp;
    struct sim_held held[SIM_FLOWS];
    struct watch watch;
};

struct sim_world {
    const struct sim_plan *plan;
    struct prng rng;
    struct tern_time now, epoch;
    struct sim_host host[2];
    struct sim_end end[SIM_FLOWS][2];
    bool closing; /* listeners are closed: all ends are done */
    bool verbose;
    bool cut;
    uint64_t hash, records, frames, octets, retrans;
    uint64_t takes; /* of the failing host */
    char why[400];  /* first failure; "" = none */
    uint8_t buf[SIM_CALL_MAX];
};

/* ---- plan.c ---- */
const char *sim_profile_name(unsigned p); /* NULL beyond the last */
void sim_plan_make(struct sim_plan *p, enum sim_profile profile, uint64_t seed);
/* Could flow f of this plan end in any other way than completely? */
bool sim_flow_strict(const struct sim_plan *p, uint32_t f);
/* Does nothing in this plan reach a limit, cut the wire or take memory away? */
bool sim_plan_gentle(const struct sim_plan *p);

/* ---- world.c ---- */
/* Plays the plan. False with w->why set when a law was broken. */
bool sim_run(struct sim_world *w, const struct sim_plan *p, bool verbose);
__attribute__((format(printf, 2, 3))) void sim_fail(struct sim_world *w, const char *fmt, ...);
struct tern_addr sim_addr(unsigned host);
int64_t sim_us(const struct sim_world *w); /* since the start */

/* ---- app.c ---- */
void app_event(struct sim_world *w, unsigned h, const struct tern_event *ev);
/* Lets every end of host h do what it can do now. True if anything was done. */
bool app_run(struct sim_world *w, unsigned h);
void app_accept(struct sim_world *w, unsigned h);
struct tern_time app_deadline(const struct sim_world *w, unsigned h);
bool app_all_done(const struct sim_world *w);
void app_lose_host(struct sim_world *w, unsigned h);
void app_abort_all(struct sim_world *w);
/* The verdict on all flows after a run. */
void app_judge(struct sim_world *w);

/* ---- hold.c ---- */
void hold_event(struct sim_world *w, unsigned h, const struct tern_event *ev);
bool hold_run(struct sim_world *w, unsigned h); /* answers what is due */
struct tern_time hold_deadline(const struct sim_world *w, unsigned h);

/* ---- dgram.c ---- */
void dgram_open(struct sim_world *w, unsigned h);
bool dgram_run(struct sim_world *w, unsigned h);
struct tern_time dgram_deadline(const struct sim_world *w, unsigned h);
bool dgram_done(const struct sim_world *w, unsigned h);

/* ---- watch.c ---- */
void watch_drain(struct sim_world *w, unsigned h);
void watch_inspect(struct sim_world *w, unsigned h);
void watch_rest(struct sim_world *w, unsigned h); /* all records of a stack at rest are closed */
void watch_free(struct watch *wa);
void watch_note(void *ctx, const struct tern_trace *r); /* a link's impairment */

/* ---- steps.c ---- */
void steps_note(const struct sim_world *w, unsigned h, const struct tern_trace *r);
void steps_end(const struct sim_world *w); /* after a run */
bool steps_write(const char *path);        /* of all runs; false with errno */

/* The octet at a position of a stream. */
static inline uint8_t sim_octet(uint32_t stream, uint64_t pos)
{
    uint64_t x = (pos + ((uint64_t)stream << 33) + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)(x >> 56);
}

#endif
