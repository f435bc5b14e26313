/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/line.h: one line of a picture, filled from left to right. Columns are counted (every
 * character that is put here takes one), colour does not count, and what does not fit is cut.
 */
#ifndef SEE_LINE_H
#define SEE_LINE_H

#include <stdbool.h>
#include <stdio.h>

#define LINE_COLS 100

enum line_ink { INK_NONE = 0, INK_DIM, INK_BOLD, INK_RED, INK_YELLOW, INK_CYAN };

struct line {
    char buf[LINE_COLS * 4 + 128];
    unsigned len;  /* octets */
    unsigned cols; /* columns used */
    bool colour;
};

void line_begin(struct line *l, bool colour);
void line_put(struct line *l, const char *text);
/* At most n columns of text; a cut one ends with `cut`. */
void line_put_cut(struct line *l, const char *text, unsigned n, const char *cut);
/* The same character again and again. */
void line_fill(struct line *l, const char *glyph, unsigned n);
/* Blanks up to that column. */
void line_to(struct line *l, unsigned col);
void line_ink(struct line *l, enum line_ink ink);
/* Writes it, without blanks at its end. */
void line_end(struct line *l, FILE *f);

/* Columns of a UTF-8 text. */
unsigned line_width(const char *text);

#endif
