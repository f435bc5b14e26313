/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/ladder_draw.c: rows as text, 100 columns wide:
 *
 *     time     left state |  segment                        | right state  cause
 *     8        12         1  43                             1  12           19
 *
 * A segment that arrives within a millisecond is one arrow from end to end. One that takes longer
 * leaves with a dotted head, and its arrival is an arrow of its own, at its own time. The dotted
 * rail of a one-sided picture is an end that nobody could look into.
 */
#include "see/ladder_rows.h"
#include "wire/tcp.h"

#include "base/assert.h"
#include "base/causes.h"
#include "see/ladder_sum.h"
#include "see/line.h"
#include "see/text.h"

#include <inttypes.h>
#include <string.h>

#define COL_RAIL  22
#define BODY      43
#define COL_RIGHT (COL_RAIL + 1 + BODY)
#define COL_CAUSE (COL_RIGHT + 15)
#define CAUSE_MAX 19

struct glyphs {
    const char *rail, *blind, *shaft, *dots, *right, *left, *lost, *again, *more, *cut, *to, *from;
};

static const struct glyphs glyphs_utf8 = {"│", "┊", "─", "╌", "►", "◄",
                                          "✗", "↻", "⋮", "…", "→", "←"};
static const struct glyphs glyphs_ascii = {"|", ":", "-", ".", ">",  "<",
                                           "x", "*", ":", "~", "->", "<-"};

struct draw {
    const struct ladder *ld;
    const struct ladder_conn *c;
    const struct glyphs *g;
    bool colour;
    FILE *f;
    struct line l;
};

const char *ladder_clock(const struct ladder *ld, int64_t ns, char buf[32])
{
    double s = (double)(ns - ld->zero_ns) / 1e9;
    int decimals = s < 9.9999995   ? 6
                   : s < 99.999995 ? 5
                   : s < 999.99995 ? 4
                   : s < 9999.9995 ? 3
                                   : 0;
    (void)snprintf(buf, 32, "%.*f", decimals, s);
    return buf;
}

static void draw_time(struct draw *d, int64_t ns)
{
    char buf[32];
    line_begin(&d->l, d->colour);
    (void)ladder_clock(d->ld, ns, buf);
    line_to(&d->l, strlen(buf) < 8 ? 8 - (unsigned)strlen(buf) : 0);
    line_put_cut(&d->l, buf, 8, d->g->cut);
}

static void draw_rail(struct draw *d, int side)
{
    bool blind = d->ld->cfg.one_sided && d->c->end[side].stack < 0;
    line_put(&d->l, blind ? d->g->blind : d->g->rail);
}

static void draw_left(struct draw *d, const struct row *r)
{
    if (r->state[0] != ROW_NO_STATE) {
        const char *name = tern_tcp_state_name((enum tern_tcp_state)r->state[0]);
        line_to(&d->l, COL_RAIL - 1 - line_width(name));
        line_ink(&d->l, INK_BOLD);
        line_put(&d->l, name);
        line_ink(&d->l, INK_NONE);
    }
    line_to(&d->l, COL_RAIL);
    draw_rail(d, 0);
}

/* The right rail, the right state and the cause. */
static void draw_right(struct draw *d, const struct row *r, const char *cause, bool resent)
{
    line_to(&d->l, COL_RIGHT);
    draw_rail(d, 1);
    if (r->state[1] != ROW_NO_STATE) {
        line_put(&d->l, " ");
        line_ink(&d->l, INK_BOLD);
        line_put(&d->l, tern_tcp_state_name((enum tern_tcp_state)r->state[1]));
        line_ink(&d->l, INK_NONE);
    }
    if (cause) {
        line_to(&d->l, COL_CAUSE);
        line_ink(&d->l, resent ? INK_YELLOW : INK_CYAN);
        if (resent) {
            line_put(&d->l, d->g->again);
            line_put(&d->l, " ");
        }
        line_put_cut(&d->l, cause, resent ? CAUSE_MAX - 2 : CAUSE_MAX, d->g->cut);
        line_ink(&d->l, INK_NONE);
    }
    line_end(&d->l, d->f);
}

/* ---- a segment's label ---- */

#define FLAG_AE 0x100u

/* All nine control bits of a segment [RFC9768:3.1]. */
static unsigned flags_of(const struct row *r)
{
    return r->th | (r->ecn & TERN_TR_AE ? FLAG_AE : 0);
}

static void flag_names(char *to, size_t n, unsigned th, bool brief)
{
    static const struct {
        unsigned bit;
        const char *name, *letter;
    } flags[] = {{TERN_TH_SYN, "SYN", "S"}, {TERN_TH_FIN, "FIN", "F"}, {TERN_TH_RST, "RST", "R"},
                 {TERN_TH_PSH, "PSH", "P"}, {TERN_TH_URG, "URG", "U"}, {TERN_TH_ECE, "ECE", "E"},
                 {TERN_TH_CWR, "CWR", "C"}, {FLAG_AE, "AE", "N"},      {TERN_TH_ACK, "ACK", "A"}};
    size_t at = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0] && at < n; i++) {
        if (th & flags[i].bit)
            at += (size_t)snprintf(to + at, n - at, "%s%s", at && !brief ? "," : "",
                                   brief ? flags[i].letter : flags[i].name);
    }
    if (th == 0)
        (void)snprintf(to, n, "none");
}

/* The user timeout [RFC5482:3], and a congestion mark [RFC3168:5]. */
static void put_rare(const struct row *r, char *to, size_t n, bool brief)
{
    int at = 0;
    to[0] = '\0';
    if (r->uto && !brief)
        at = snprintf(to, n, " uto %u%s", r->uto & TCP_UTO_MOST,
                      r->uto & TCP_UTO_MINUTES ? "m" : "s");
    if ((r->ecn & 3) == 3)
        (void)snprintf(to + at, n - (size_t)at, " CE");
}

/* Fits a label into `room` columns: first the window gets a unit, then the flags letters, then the
 * window is left out. */
static void seg_label(const struct draw *d, const struct row *r, char *to, size_t n, unsigned room)
{
    const struct ladder_end *from = &d->c->end[r->side], *peer = &d->c->end[1 - r->side];
    uint32_t seq = r->seg.seq - (from->isn_known ? from->isn : r->seg.seq);
    uint32_t ack = r->seg.ack - (peer->isn_known ? peer->isn : r->seg.ack);
    for (unsigned step = 0; step < 4; step++) {
        char flags[48], acks[24] = "", win[24] = "", len[24] = "", rare[24];
        flag_names(flags, sizeof flags, flags_of(r), step >= 2);
        put_rare(r, rare, sizeof rare, step >= 2);
        if (r->th & TERN_TH_ACK)
            (void)snprintf(acks, sizeof acks, " ack %" PRIu32, ack);
        if (step >= 1 && r->seg.wnd >= 10000)
            (void)snprintf(win, sizeof win, " win %" PRIu32 "K", r->seg.wnd / 1024);
        else
            (void)snprintf(win, sizeof win, " win %" PRIu32, r->seg.wnd);
        if (step == 3 || (r->th & TERN_TH_RST))
            win[0] = '\0';
        if (r->seg.len)
            (void)snprintf(len, sizeof len, " len %" PRIu32, r->seg.len);
        else if (r->mss)
            (void)snprintf(len, sizeof len, " mss %u", (unsigned)r->mss);
        (void)snprintf(to, n, "%s seq %" PRIu32 "%s%s%s%s", flags, seq, acks, win, len, rare);
        if (line_width(to) <= room)
            return;
    }
}

/* ---- arrows ---- */

enum tip { TIP_ARROW, TIP_LOST, TIP_DOTS };

static const char *tip_word(const struct row *r)
{
    switch (r->fate) {
    case FATE_QUEUE_FULL:
        return "queue full";
    case FATE_CORRUPTED:
        return "corrupted";
    default:
        return "lost";
    }
}

static enum tip row_tip(const struct draw *d, const struct row *r)
{
    if (r->fate >= FATE_LOST)
        return TIP_LOST;
    if (r->late || (r->fate == FATE_UNKNOWN && !d->ld->cfg.one_sided))
        return TIP_DOTS;
    return TIP_ARROW;
}

/* The columns that the tip takes away from the shaft. */
static unsigned tip_width(enum tip tip, const struct row *r)
{
    return tip == TIP_LOST ? 2 + line_width(tip_word(r)) : tip == TIP_DOTS ? 3 : 1;
}

static void draw_to_right(struct draw *d, const char *label, enum tip tip, const struct row *r)
{
    unsigned used = line_width(label) + 3 + tip_width(tip, r);
    line_put(&d->l, d->g->shaft);
    line_put(&d->l, " ");
    line_put(&d->l, label);
    line_put(&d->l, " ");
    unsigned rest = used < BODY ? BODY - used : 0;
    if (tip == TIP_LOST)
        rest = rest / 2 + 1 > rest ? rest : rest / 2 + 1;
    line_fill(&d->l, d->g->shaft, rest);
    if (tip == TIP_LOST) {
        line_ink(&d->l, INK_RED);
        line_put(&d->l, d->g->lost);
        line_put(&d->l, " ");
        line_put(&d->l, tip_word(r));
        line_ink(&d->l, INK_NONE);
    } else if (tip == TIP_DOTS) {
        line_fill(&d->l, d->g->dots, 3);
    } else {
        line_put(&d->l, d->g->right);
    }
}

static void draw_to_left(struct draw *d, const char *label, enum tip tip, const struct row *r)
{
    unsigned used = line_width(label) + 3 + tip_width(tip, r);
    unsigned rest = used < BODY ? BODY - used : 0;
    if (tip == TIP_LOST) {
        unsigned shaft = rest / 2 + 1 > rest ? rest : rest / 2 + 1;
        line_to(&d->l, COL_RAIL + 1 + rest - shaft);
        line_ink(&d->l, INK_RED);
        line_put(&d->l, tip_word(r));
        line_put(&d->l, " ");
        line_put(&d->l, d->g->lost);
        line_ink(&d->l, INK_NONE);
        rest = shaft;
    } else if (tip == TIP_DOTS) {
        line_fill(&d->l, d->g->dots, 3);
    } else {
        line_put(&d->l, d->g->left);
    }
    /* The label stands left, next to the tip, as it does in the other direction next to its start.
     */
    if (tip != TIP_LOST && rest > 1) {
        line_put(&d->l, d->g->shaft);
        rest--;
    }
    line_put(&d->l, " ");
    line_put(&d->l, label);
    line_put(&d->l, " ");
    line_fill(&d->l, d->g->shaft, rest + 1);
}

static void draw_segment(struct draw *d, const struct row *r)
{
    char label[160];
    enum tip tip = row_tip(d, r);
    seg_label(d, r, label, sizeof label, BODY - 3 - tip_width(tip, r));
    draw_time(d, r->ns);
    draw_left(d, r);
    if (r->side == 0)
        draw_to_right(d, label, tip, r);
    else
        draw_to_left(d, label, tip, r);
    bool resent = ladder_resent_index(r->cause) >= 0;
    draw_right(d, r, r->cause == CAUSE_NONE ? NULL : tern_cause_name(r->cause), resent);
}

static void draw_arrival(struct draw *d, const struct row *r)
{
    char label[80], flags[48];
    const struct ladder_end *from = &d->c->end[r->side];
    flag_names(flags, sizeof flags, flags_of(r), false);
    (void)snprintf(label, sizeof label, "%s%s seq %" PRIu32 "%s", r->dup ? "again: " : "", flags,
                   r->seg.seq - (from->isn_known ? from->isn : r->seg.seq),
                   (r->ecn & 3) == 3 ? " CE" : "");
    draw_time(d, r->ns);
    draw_left(d, r);
    unsigned w = line_width(label);
    unsigned dots = BODY > w + 8 ? BODY - w - 8 : 0;
    if (r->side == 0) {
        line_to(&d->l, COL_RAIL + 1 + dots);
        line_fill(&d->l, d->g->dots, 3);
        line_put(&d->l, " ");
        line_put(&d->l, label);
        line_put(&d->l, " ");
        line_fill(&d->l, d->g->shaft, 2);
        line_put(&d->l, d->g->right);
    } else {
        line_put(&d->l, d->g->left);
        line_fill(&d->l, d->g->shaft, 2);
        line_put(&d->l, " ");
        line_put(&d->l, label);
        line_put(&d->l, " ");
        line_fill(&d->l, d->g->dots, 3);
    }
    draw_right(d, r, NULL, false);
}

static void draw_state(struct draw *d, const struct row *r)
{
    draw_time(d, r->ns);
    draw_left(d, r);
    draw_right(d, r, tern_cause_name(r->cause), false);
}

static void draw_dropped(struct draw *d, const struct row *r)
{
    char text[80];
    (void)snprintf(text, sizeof text, "not taken: %s", tern_cause_name(r->drop));
    draw_time(d, r->ns);
    draw_left(d, r);
    unsigned w = line_width(text);
    if (r->side == 0)
        line_to(&d->l, COL_RIGHT > w + 1 ? COL_RIGHT - w - 1 : COL_RAIL);
    else
        line_put(&d->l, " ");
    line_ink(&d->l, INK_DIM);
    line_put_cut(&d->l, text, BODY, d->g->cut);
    line_ink(&d->l, INK_NONE);
    draw_right(d, r, NULL, false);
}

static void fold_text(const struct draw *d, const struct row_sum *s, char *text, size_t size)
{
    char segs[2][32], octets[2][32];
    if (s->segs[0] + s->segs[1] == 0) {
        (void)snprintf(text, size, "%s arrivals", text_count(segs[0], s->arrived));
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)text_count(segs[i], s->segs[i]);
        (void)text_octets(octets[i], s->octets[i]);
    }
    int n = snprintf(text, size, "%s %s segments, %s; %s %s, %s; ", d->g->to, segs[0], octets[0],
                     d->g->from, segs[1], octets[1]);
    if (s->lost || s->resent)
        n += snprintf(text + n, size - (size_t)n, "%u lost, %u sent again", s->lost, s->resent);
    else
        n += snprintf(text + n, size - (size_t)n, "no loss");
    if (s->odd)
        (void)snprintf(text + n, size - (size_t)n, ", %u odd", s->odd);
}

static void draw_fold(struct draw *d, const struct row *r)
{
    char text[256], until[32];
    fold_text(d, &r->fold.sum, text, sizeof text - 48);
    size_t n = strlen(text);
    (void)snprintf(text + n, sizeof text - n, "; until %s",
                   ladder_clock(d->ld, r->fold.until_ns, until));
    draw_time(d, r->ns);
    line_to(&d->l, COL_RAIL);
    line_put(&d->l, d->g->more);
    line_put(&d->l, " ");
    line_ink(&d->l, INK_DIM);
    line_put_cut(&d->l, text, LINE_COLS - COL_RAIL - 2, d->g->cut);
    line_ink(&d->l, INK_NONE);
    line_end(&d->l, d->f);
}

/* ---- a picture ---- */

static void draw_heading(struct draw *d, unsigned number)
{
    char left[TEXT_ENDPOINT], right[TEXT_ENDPOINT], at[32], text[192];
    (void)text_endpoint(left, &d->c->end[0].ep, false);
    (void)text_endpoint(right, &d->c->end[1].ep, false);
    (void)snprintf(text, sizeof text, "connection %u, from %s s", number,
                   ladder_clock(d->ld, d->c->first_ns, at));
    line_begin(&d->l, d->colour);
    line_ink(&d->l, INK_BOLD);
    line_put(&d->l, text);
    line_ink(&d->l, INK_NONE);
    line_end(&d->l, d->f);

    bool blind = d->ld->cfg.one_sided && d->c->end[1].stack < 0;
    line_begin(&d->l, d->colour);
    line_put(&d->l, "    time");
    unsigned w = line_width(d->ld->cfg.left);
    line_to(&d->l, w < 12 ? COL_RAIL - 1 - w : 9);
    line_put_cut(&d->l, d->ld->cfg.left, 12, d->g->cut);
    line_to(&d->l, COL_RAIL);
    draw_rail(d, 0);
    line_put(&d->l, " ");
    line_put(&d->l, left);
    w = line_width(right);
    line_to(&d->l, w + 2 < COL_RIGHT - d->l.cols ? COL_RIGHT - 1 - w : d->l.cols);
    if (d->l.cols + 1 + w <= COL_RIGHT)
        line_put(&d->l, right);
    line_to(&d->l, COL_RIGHT);
    draw_rail(d, 1);
    line_put(&d->l, " ");
    line_put_cut(&d->l, d->ld->cfg.right, 12, d->g->cut);
    line_to(&d->l, COL_CAUSE);
    line_put(&d->l, "cause");
    line_end(&d->l, d->f);
    if (blind) {
        line_begin(&d->l, d->colour);
        line_to(&d->l, COL_RAIL + 2);
        line_put(&d->l, "(the peer is another machine: its states and causes are not known)");
        line_end(&d->l, d->f);
    }
}

static void draw_row(struct draw *d, const struct row *r)
{
    switch (r->kind) {
    case ROW_SEG:
        draw_segment(d, r);
        break;
    case ROW_ARRIVE:
        draw_arrival(d, r);
        break;
    case ROW_STATE:
        draw_state(d, r);
        break;
    case ROW_DROP:
        draw_dropped(d, r);
        break;
    case ROW_FOLD:
        draw_fold(d, r);
        break;
    default: /* its state went to another row */
        break;
    }
}

static void conn_prepare(const struct ladder *ld, struct ladder_conn *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->rows[i].kind != 0)
            c->rows[n++] = c->rows[i];
    }
    c->n = fold_plain(c->rows, n, 0, n);
    uint32_t keep = ld->cfg.max_drawn * 2 / 5;
    if (c->n > ld->cfg.max_drawn)
        c->n = fold_hard(c->rows, c->n, keep, c->n - keep);
}

static void draw_footer(const struct ladder *ld, FILE *f)
{
    char n[32];
    if (ld->conns_missed)
        (void)fprintf(f, "%s more connections are not drawn: only the first %u are kept.\n",
                      text_count(n, ld->conns_missed), ld->cfg.max_conns);
    if (ld->records_missed)
        (void)fprintf(
            f, "%s records were overwritten before they could be read: pictures have gaps.\n",
            text_count(n, ld->records_missed));
    if (ld->n == 0)
        (void)fputs("No TCP connection was made: there is nothing to draw.\n", f);
}

int ladder_draw(struct ladder *ld, FILE *f, const struct ladder_style *style)
{
    struct draw d = {
        .ld = ld, .g = style->utf8 ? &glyphs_utf8 : &glyphs_ascii, .colour = style->colour, .f = f};
    for (unsigned i = 0; i < ld->n; i++) {
        d.c = &ld->conns[i];
        conn_prepare(ld, &ld->conns[i]);
        draw_heading(&d, i + 1);
        for (uint32_t k = 0; k < d.c->n; k++)
            draw_row(&d, &d.c->rows[k]);
        ladder_summary(ld, d.c, f);
        (void)fputc('\n', f);
    }
    draw_footer(ld, f);
    return fflush(f) == 0 && !ferror(f) ? 0 : -1;
}
