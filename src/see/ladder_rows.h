/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/ladder_rows.h: what the ladder's collector, folder and drawer share.
 *
 * A connection has two ends, 0 on the left and 1 on the right. A row is a segment (with what became
 * of it), the late arrival of one, a state change by itself, a note, or a fold of many of them.
 */
#ifndef SEE_LADDER_ROWS_H
#define SEE_LADDER_ROWS_H

#include "see/ladder.h"

enum row_kind {
    ROW_SEG = 1, /* side sent it (or, if !sent, it arrived at the other and nobody saw it leave) */
    ROW_ARRIVE,  /* a segment of `side` arrives long after it was sent */
    ROW_STATE,   /* side changed its state without a segment at that moment */
    ROW_DROP,    /* the other end dropped the segment of `side` above: drop */
    ROW_FOLD,
};

enum row_fate {
    FATE_UNKNOWN = 0, /* in flight, or nobody can know */
    FATE_ARRIVED,
    FATE_LOST,
    FATE_QUEUE_FULL,
    FATE_CORRUPTED,
};

#define ROW_NO_STATE 0xff
#define ROW_LATE_NS  1000000 /* an arrival this much later has a row of its own */

#define LADDER_RESENT 11 /* causes that mean "sent again" */

struct row_sum {
    uint64_t octets[2];         /* sent by each end */
    uint32_t segs[2];           /* on the wire, pieces of super-segments included */
    uint32_t lost, resent, odd; /* odd: duplicated, reordered or dropped on arrival */
    uint32_t arrived;           /* rows that are late arrivals */
    uint32_t folds;             /* rows in it */
};

struct row {
    int64_t ns; /* when: sent, or arrived for ROW_ARRIVE and segments that nobody saw leave */
    uint32_t id;
    uint16_t cause; /* of the sending, or of the state */
    uint16_t drop;  /* why the receiver dropped it, 0 = it did not */
    uint8_t kind, side, fate;
    uint8_t th;
    uint8_t state[2]; /* the new state of each end, or ROW_NO_STATE */
    bool sent;        /* its sender told of it */
    bool dup, reordered, late;
    uint8_t ecn; /* the IP packet's codepoint | TERN_TR_AE */
    uint16_t gso, mss, uto;
    union {
        struct {
            uint32_t seq, ack, len, wnd;
        } seg;
        struct {
            int64_t until_ns;
            struct row_sum sum;
        } fold;
    };
};

struct ladder_end {
    struct tern_endpoint ep;
    int stack; /* -1 = not known yet */
    uint32_t serial;
    bool isn_known, has_sent;
    uint32_t isn;
    uint8_t state; /* the last one told; ROW_NO_STATE = none */
    /* the last thing that this end told of: what a state change belongs to */
    int64_t last_ns;
    int32_t last_rx, app_row; /* row numbers (free-running), -1 = none */
    int32_t held_row;         /* a state change whose segment has not been told yet */
    uint32_t hint;            /* row number to begin with when one of its segments arrives */
    uint32_t folded_id;       /* its newest segment in a fold */
    bool folded;
    int64_t time_wait_ns; /* when TIME-WAIT began; INT64_MIN = never */
    uint32_t time_wait_us;
    bool time_wait_over;
};

struct ladder_conn {
    struct ladder_end end[2];
    int64_t first_ns, last_ns;
    struct row *rows;
    uint32_t n, cap;
    uint32_t base; /* number of rows[0]: numbers stay when rows are folded away in front */
    bool no_memory;
    /* for the summary */
    struct row_sum sum;
    uint32_t resent_by[LADDER_RESENT]; /* by ladder_resent_index() */
    int closed_first;                  /* side, 2 = both at once, -1 = nobody yet */
    int64_t closed_ns;
    int reset_by; /* side, -1 = nobody */
    int64_t reset_ns;
    uint16_t reset_cause;
    uint16_t end_cause[2]; /* why each end became CLOSED */
};

struct ladder {
    struct ladder_config cfg;
    struct ladder_conn *conns; /* cfg.max_conns of them; n in use */
    unsigned n;
    uint64_t conns_missed, records_missed;
    int64_t zero_ns; /* the first record */
    bool started;
};

/* An index for a cause that sends something again, -1 for others; and the cause of an index. */
int ladder_resent_index(unsigned cause); /* 0 .. LADDER_RESENT - 1, -1 = not sent again */
unsigned ladder_resent_cause(unsigned index);

/* Adds a row to a sum. */
void row_add_to(struct row_sum *sum, const struct row *r);
/* Nothing but an ordinary segment of an undisturbed transfer. */
bool row_is_plain(const struct row *r);

/* Folds runs of plain rows among rows[from..to), keeping the first and last two of each. Returns
 * how many rows are left of the n (the ones from `to` on move up). */
uint32_t fold_plain(struct row *rows, uint32_t n, uint32_t from, uint32_t to);
/* Folds everything among rows[from..to) but changes of state and resets. */
uint32_t fold_hard(struct row *rows, uint32_t n, uint32_t from, uint32_t to);

#endif
