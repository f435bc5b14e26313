/* SPDX-License-Identifier: BSD-2-Clause */
#include "see/ladder_sum.h"

#include "base/causes.h"
#include "see/text.h"

#include <inttypes.h>
#include <string.h>

static const char *side_name(const struct ladder *ld, int side)
{
    return side == 0 ? ld->cfg.left : ld->cfg.right;
}

static void sum_carried(const struct ladder *ld, const struct ladder_conn *c, FILE *f)
{
    char n[32], o[32];
    (void)fputs("  carried: ", f);
    for (int s = 0; s < 2; s++) {
        (void)fprintf(f, "%s%s sent %s in ", s ? "; " : "", side_name(ld, s),
                      text_octets(o, c->sum.octets[s]));
        (void)fprintf(f, "%s segment%s", text_count(n, c->sum.segs[s]),
                      c->sum.segs[s] == 1 ? "" : "s");
    }
    (void)fputc('\n', f);
}

static void sum_loss(const struct ladder_conn *c, FILE *f)
{
    if (c->sum.lost == 0 && c->sum.resent == 0)
        return;
    (void)fprintf(f, "  lost: %" PRIu32 "; sent again: %" PRIu32, c->sum.lost, c->sum.resent);
    const char *sep = " (";
    for (unsigned i = 0; i < LADDER_RESENT; i++) {
        if (c->resent_by[i] == 0)
            continue;
        (void)fprintf(f, "%s%s %" PRIu32, sep, tern_cause_name(ladder_resent_cause(i)),
                      c->resent_by[i]);
        sep = ", ";
    }
    (void)fputs(sep[0] == ',' ? ")\n" : "\n", f);
}

static void sum_close(const struct ladder *ld, const struct ladder_conn *c, FILE *f)
{
    char at[32];
    if (c->closed_first < 0)
        return;
    if (c->closed_first == 2)
        (void)fprintf(f, "  closed: both ends at once (their FINs crossed), at %s s\n",
                      ladder_clock(ld, c->closed_ns, at));
    else
        (void)fprintf(f, "  closed first: %s, at %s s\n", side_name(ld, c->closed_first),
                      ladder_clock(ld, c->closed_ns, at));
}

static void sum_time_wait(const struct ladder *ld, const struct ladder_conn *c, FILE *f)
{
    char at[32], span[32];
    for (int s = 0; s < 2; s++) {
        const struct ladder_end *e = &c->end[s];
        if (e->time_wait_ns == INT64_MIN)
            continue;
        if (e->time_wait_us == 0) {
            (void)fprintf(f, "  TIME-WAIT: %s, from %s s\n", side_name(ld, s),
                          ladder_clock(ld, e->time_wait_ns, at));
            continue;
        }
        (void)fprintf(f,
                      "  TIME-WAIT: %s, %s %s s (2 MSL = %s), so that a repeated FIN is answered\n",
                      side_name(ld, s), e->time_wait_over ? "over at" : "until",
                      ladder_clock(ld, e->time_wait_ns + (int64_t)e->time_wait_us * 1000, at),
                      text_span(span, (int64_t)e->time_wait_us * 1000));
    }
}

static void sum_reset(const struct ladder *ld, const struct ladder_conn *c, FILE *f)
{
    char at[32];
    if (c->reset_by < 0)
        return;
    (void)fprintf(f, "  reset: by %s, at %s s", side_name(ld, c->reset_by),
                  ladder_clock(ld, c->reset_ns, at));
    if (c->reset_cause == CAUSE_NONE)
        (void)fputc('\n', f);
    else
        (void)fprintf(f, ": %s [%s]\n         %s\n", tern_cause_name(c->reset_cause),
                      tern_cause_ref(c->reset_cause), tern_cause_text(c->reset_cause));
}

/* Ends that are not in good order need a word: given up, refused, timed out. */
static void sum_end(const struct ladder *ld, const struct ladder_conn *c, FILE *f)
{
    for (int s = 0; s < 2; s++) {
        unsigned cause = c->end_cause[s];
        if (cause == CAUSE_NONE || cause == CAUSE_ST_LAST_ACK || cause == CAUSE_ST_2MSL)
            continue;
        (void)fprintf(f, "  %s ended: %s [%s]\n         %s\n", side_name(ld, s),
                      tern_cause_name(cause), tern_cause_ref(cause), tern_cause_text(cause));
    }
    const char *sep = "  states now: ";
    for (int s = 0; s < 2; s++) {
        if (c->end[s].state == ROW_NO_STATE)
            continue;
        (void)fprintf(f, "%s%s %s", sep, side_name(ld, s),
                      tern_tcp_state_name((enum tern_tcp_state)c->end[s].state));
        sep = ", ";
    }
    if (sep[0] == ',')
        (void)fputc('\n', f);
    if (c->no_memory)
        (void)fputs("  the picture is not complete: it had too many rows\n", f);
}

void ladder_summary(const struct ladder *ld, const struct ladder_conn *c, FILE *f)
{
    sum_carried(ld, c, f);
    sum_loss(c, f);
    sum_close(ld, c, f);
    sum_time_wait(ld, c, f);
    sum_reset(ld, c, f);
    sum_end(ld, c, f);
}
