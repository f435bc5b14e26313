/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/ladder_fold.c: a transfer of a million segments on one page.
 *
 * A run of plain rows (new data and its acknowledgments, arrived, in order, nothing else) becomes
 * one row with sums; the first two and last two stay, so that the reader sees what kind of run it
 * was. Folding again what was folded before gives the same sums, so rows can be folded as they
 * come.
 */
#include "see/ladder_rows.h"

#include "base/assert.h"
#include "base/causes.h"

#include <string.h>

#define FOLD_KEEP 2 /* rows shown at each end of a run */
#define FOLD_MIN  8 /* a shorter run is left as it is */

static const uint16_t resent[LADDER_RESENT] = {
    CAUSE_TX_SYN_REXMT,     CAUSE_TX_SYN_ACK_REXMT, CAUSE_TX_SYN_ACK_DUP_SYN, CAUSE_TX_REXMT_RTO,
    CAUSE_TX_REXMT_GO_BACK, CAUSE_TX_REXMT_FAST,    CAUSE_TX_REXMT_PARTIAL,   CAUSE_TX_FIN_REXMT,
    CAUSE_TX_REXMT_SACK,    CAUSE_TX_REXMT_RACK,    CAUSE_TX_REXMT_TLP,
};

int ladder_resent_index(unsigned cause)
{
    for (int i = 0; i < LADDER_RESENT; i++) {
        if (resent[i] == cause)
            return i;
    }
    return -1;
}

unsigned ladder_resent_cause(unsigned index)
{
    tern_assert(index < LADDER_RESENT);
    return resent[index];
}

void row_add_to(struct row_sum *sum, const struct row *r)
{
    sum->folds++;
    if (r->kind == ROW_FOLD) {
        const struct row_sum *s = &r->fold.sum;
        for (unsigned i = 0; i < 2; i++) {
            sum->octets[i] += s->octets[i];
            sum->segs[i] += s->segs[i];
        }
        sum->lost += s->lost;
        sum->resent += s->resent;
        sum->odd += s->odd;
        sum->arrived += s->arrived;
        sum->folds += s->folds - 1;
        return;
    }
    sum->arrived += r->kind == ROW_ARRIVE;
    if (r->kind != ROW_SEG)
        return;
    sum->segs[r->side] += r->gso ? r->gso : 1u;
    sum->octets[r->side] += r->seg.len;
    sum->lost += r->fate >= FATE_LOST;
    sum->resent += ladder_resent_index(r->cause) >= 0;
    sum->odd += r->dup || r->reordered || r->drop;
}

bool row_is_plain(const struct row *r)
{
    if (r->kind == ROW_FOLD)
        return true;
    if (r->state[0] != ROW_NO_STATE || r->state[1] != ROW_NO_STATE || r->dup || r->reordered)
        return false;
    if (r->kind == ROW_ARRIVE)
        return (r->th & ~(TERN_TH_ACK | TERN_TH_PSH)) == 0;
    if (r->kind != ROW_SEG || r->drop || r->fate >= FATE_LOST)
        return false;
    if ((r->th & ~(TERN_TH_ACK | TERN_TH_PSH)) != 0 || ladder_resent_index(r->cause) >= 0)
        return false;
    switch (r->cause) {
    case CAUSE_NONE: /* a stranger's segment */
    case CAUSE_RX_SEG:
    case CAUSE_TX_DATA:
    case CAUSE_TX_DATA_PUSH:
    case CAUSE_TX_ACK_DELAYED:
    case CAUSE_TX_ACK_EVERY_SECOND:
    case CAUSE_TX_ACK_NOW:
    case CAUSE_TX_ACK_WINDOW:
        return true;
    default:
        return false;
    }
}

static bool row_is_dull(const struct row *r)
{
    return r->state[0] == ROW_NO_STATE && r->state[1] == ROW_NO_STATE && r->kind != ROW_STATE &&
           (r->kind == ROW_FOLD || (r->th & TERN_TH_RST) == 0);
}

/* rows[from..to) become one fold at `from`. */
static void fold_range(struct row *rows, uint32_t from, uint32_t to)
{
    tern_assert(from < to);
    struct row_sum sum = {0};
    const struct row *last = &rows[to - 1];
    int64_t until = last->kind == ROW_FOLD ? last->fold.until_ns : last->ns;
    for (uint32_t i = from; i < to; i++)
        row_add_to(&sum, &rows[i]);
    int64_t ns = rows[from].ns;
    memset(&rows[from], 0, sizeof rows[from]);
    rows[from].kind = ROW_FOLD;
    rows[from].ns = ns;
    rows[from].state[0] = rows[from].state[1] = ROW_NO_STATE;
    rows[from].fold.until_ns = until;
    rows[from].fold.sum = sum;
}

/* One run rows[a..b) is copied to rows[at..]; returns the new end. */
static uint32_t fold_run(struct row *rows, uint32_t at, uint32_t a, uint32_t b, uint32_t min,
                         uint32_t keep)
{
    bool folded = false;
    for (uint32_t i = a; i < b; i++)
        folded |= rows[i].kind == ROW_FOLD;
    uint32_t n = b - a;
    if (n > 2 * keep && (n >= min || folded)) {
        uint32_t to = b - keep;
        fold_range(rows, a + keep, to);
        memmove(&rows[at], &rows[a], (keep + 1) * sizeof *rows);
        memmove(&rows[at + keep + 1], &rows[to], keep * sizeof *rows);
        return at + 2 * keep + 1;
    }
    if (n > 0)
        memmove(&rows[at], &rows[a], n * sizeof *rows);
    return at + n;
}

static uint32_t fold_by(struct row *rows, uint32_t n, uint32_t from, uint32_t to,
                        bool (*foldable)(const struct row *), uint32_t min, uint32_t keep)
{
    tern_assert(from <= to && to <= n);
    uint32_t at = from, i = from;
    while (i < to) {
        uint32_t j = i;
        while (j < to && foldable(&rows[j]))
            j++;
        at = fold_run(rows, at, i, j, min, keep);
        if (j < to) {
            rows[at++] = rows[j];
            j++;
        }
        i = j;
    }
    memmove(&rows[at], &rows[to], (n - to) * sizeof *rows);
    return at + n - to;
}

uint32_t fold_plain(struct row *rows, uint32_t n, uint32_t from, uint32_t to)
{
    return fold_by(rows, n, from, to, row_is_plain, FOLD_MIN, FOLD_KEEP);
}

uint32_t fold_hard(struct row *rows, uint32_t n, uint32_t from, uint32_t to)
{
    return fold_by(rows, n, from, to, row_is_dull, 2, 0);
}
