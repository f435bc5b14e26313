/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/run.h: one run of a script; what its pieces share. */
#ifndef DRILL_RUN_H
#define DRILL_RUN_H

#include "drill/drill.h"
#include "drill/flow.h"
#include "drill/script.h"
#include "drill/vhost.h"

#define DRILL_FLOWS   16
#define DRILL_FDS     64
#define DRILL_WAITING 8
#define DRILL_WHY     1024

/* A frame of the stack that no line has asked for yet. */
struct held {
    struct seen s;
    uint8_t *data;
    uint32_t len;
    struct tern_time time;
    uint16_t cause;
    struct held *next;
};

/* A call that was made; `waits` while it blocks. */
struct made {
    const struct event *ev;
    bool waits;
    bool makes_fd; /* the result is a descriptor */
    int64_t ret;   /* >= 0 or -errno */
    int64_t begun_us;
    struct vcall vc;
    uint8_t *buf;            /* what is written, or room for what is read */
    const struct expr *data; /* read: the string that must be read, or NULL */
    struct pollfd *fds;
    struct expr *out; /* getsockopt, ioctl, poll: where the results are compared */
    int got_value;
    const struct expr *expect; /* epoll_wait, recvmsg: the structure that must come back */
    uint8_t control[512];      /* recvmsg: the control messages */
    size_t control_len;
    int msg_flags;
};

struct ladder;

struct drill {
    const struct drill_options *opt;
    struct script s;
    struct conf conf;
    bool configured; /* the stack exists: settings are fixed */
    struct vhost vh;
    struct tern_time zero; /* the script's instant 0 */
    struct flow flow[DRILL_FLOWS];
    unsigned nflow;
    struct flow *cur;   /* the one that lines without ports mean */
    uint16_t next_port; /* the peer's, for its next connection */
    struct {
        int script, live;
    } fd[DRILL_FDS];
    unsigned nfd;
    int last_fd; /* live: of the last connection, for %{ }%; 0 = none */
    struct held *held, **held_tail;
    struct made waiting[DRILL_WAITING];
    /* time */
    const struct event *ev; /* being run */
    int64_t last_us;        /* the event before: when it was, or was meant to be */
    int64_t want_us, want2_us, tolerance_us;
    /* Python */
    FILE *code;
    unsigned ncode;
    /* failure */
    bool failed;
    char why[DRILL_WHY];
    char expected[512], seen[512];
    FILE *report;
    struct ladder *ladder;
};

/* Records the first failure. */
__attribute__((format(printf, 2, 3))) void drill_fail(struct drill *d, const char *fmt, ...);
/* Tells it, with the line, expected and seen, and the ladder. */
void drill_report(struct drill *d);
__attribute__((format(printf, 3, 4))) void drill_warn(struct drill *d, struct pos at,
                                                      const char *fmt, ...);

int64_t drill_now_us(const struct drill *d);
/* True if now is within the tolerance of us; else records the failure of `what`. */
bool drill_check_time(struct drill *d, const char *what, int64_t at_us, int64_t lo_us,
                      int64_t hi_us);
/* Runs up to an instant; calls that wait are ended as soon as they can be. */
void drill_run_to(struct drill *d, int64_t us);
/* Moves the clock to the next thing that happens, not beyond us; false when it stands there. */
bool drill_step(struct drill *d, int64_t us);

/* packet.c */
void drill_packet(struct drill *d);
void drill_collect(struct drill *d);
void drill_leftovers(struct drill *d);
struct flow *drill_flow(struct drill *d, uint16_t lport, uint16_t rport);
struct flow *drill_flow_of_fd(struct drill *d, int live);
void held_free(struct drill *d);

/* exec_msg.c: epoll, pipes and control messages. */
extern const struct drill_known {
    const char *name;
    void (*make)(struct drill *d, struct made *m);
} drill_known_msg[];
/* recvmsg(MSG_ERRQUEUE). */
void drill_recv_error(struct drill *d, struct made *m);
/* exec_key.c: setsockopt() with a struct that is a key; false: it is no such option. */
bool drill_set_key(struct drill *d, struct made *m, int fd, int name, const struct expr *e);
/* Compares with m->expect. */
void drill_result_msg(struct drill *d, struct made *m);

/* exec.c: makes the event's call. */
/* The call's i-th argument, from 0; NULL when there are fewer. */
const struct expr *drill_arg(const struct drill *d, unsigned i);
void drill_call(struct drill *d);
/* Ends calls that wait and can be ended now. */
void drill_retry(struct drill *d);
void made_free(struct made *m);
/* result.c: compares what a call gave with what the line says. */
void drill_result(struct drill *d, struct made *m);
/* The script's number for a descriptor of the virtual host. */
void drill_name_fd(struct drill *d, int script, int live);
int drill_live_fd(const struct drill *d, int script);
/* A number of a script: an integer, a name, or names with |. False (and a failure) for anything
 * else. */
bool drill_number(struct drill *d, const struct expr *e, int64_t *out);

/* code.c */
void drill_code(struct drill *d);
void drill_code_end(struct drill *d);

#endif
