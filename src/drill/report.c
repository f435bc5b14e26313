/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/report.c: shows a failure: the line, what it expects, what was seen, and the ladder of the
 * connection up to there, with the cause of each segment. */
#include "drill/run.h"

#include "see/ladder.h"

#include <string.h>

/* The event's source, at most `most` lines. */
static void show_source(const struct drill *d, unsigned most)
{
    const struct event *e = d->ev;
    const char *end;
    unsigned lines = 0;
    for (unsigned line = e->pos.line; lines < most; line++, lines++) {
        size_t n;
        const char *p = script_line(&d->s, line, &n);
        if (!*p || (e->next && line >= e->next->pos.line && line > e->pos.line))
            break;
        end = p + n;
        while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
            end--;
        if (lines > 0 && end == p)
            break;
        (void)fprintf(d->report, "%6u | %.*s\n", line, (int)(end - p), p);
        if (e->kind != EVENT_COMMAND && e->kind != EVENT_CODE)
            break;
    }
}

void drill_report(struct drill *d)
{
    FILE *f = d->report;
    if (d->ev) {
        (void)fprintf(f, "%s:%u:%u: %s\n", d->s.path, d->ev->pos.line, d->ev->pos.col, d->why);
        show_source(d, 6);
    } else {
        (void)fprintf(f, "%s: %s\n", d->s.path, d->why);
    }
    if (d->expected[0])
        (void)fprintf(f, "  expected: %s\n", d->expected);
    if (d->seen[0])
        (void)fprintf(f, "  seen:     %s\n", d->seen);
    if (d->configured && d->ladder) {
        struct ladder_style style = {.utf8 = d->opt->utf8, .colour = d->opt->colour};
        vhost_pump(&d->vh);
        (void)fprintf(f, "  up to %.6f s:\n", (double)drill_now_us(d) / 1e6);
        (void)ladder_draw(d->ladder, f, &style);
    }
}
