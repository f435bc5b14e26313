/* SPDX-License-Identifier: BSD-2-Clause */
#include "see/line.h"

#include "base/assert.h"

#include <string.h>

/* Octets of the UTF-8 character at s. */
static unsigned line_char(const char *s)
{
    unsigned n = 1;
    while (((unsigned char)s[n] & 0xc0) == 0x80)
        n++;
    return n;
}

unsigned line_width(const char *text)
{
    unsigned cols = 0;
    for (; *text; text += line_char(text))
        cols++;
    return cols;
}

void line_begin(struct line *l, bool colour)
{
    l->len = l->cols = 0;
    l->colour = colour;
}

static void line_raw(struct line *l, const char *s, unsigned n)
{
    if (l->len + n >= sizeof l->buf)
        return;
    memcpy(l->buf + l->len, s, n);
    l->len += n;
}

static void line_one(struct line *l, const char *s)
{
    unsigned n = line_char(s);
    if (l->cols == LINE_COLS || l->len + n + 16 >= sizeof l->buf)
        return;
    line_raw(l, s, n);
    l->cols++;
}

void line_put(struct line *l, const char *text)
{
    for (; *text; text += line_char(text))
        line_one(l, text);
}

void line_put_cut(struct line *l, const char *text, unsigned n, const char *cut)
{
    tern_assert(n > 0);
    unsigned w = line_width(text);
    for (unsigned i = 0; *text && i < (w > n ? n - 1 : n); text += line_char(text), i++)
        line_one(l, text);
    if (w > n)
        line_one(l, cut);
}

void line_fill(struct line *l, const char *glyph, unsigned n)
{
    while (n-- > 0)
        line_one(l, glyph);
}

void line_to(struct line *l, unsigned col)
{
    tern_assert(col <= LINE_COLS);
    while (l->cols < col)
        line_one(l, " ");
}

void line_ink(struct line *l, enum line_ink ink)
{
    static const char *const codes[] = {"\033[0m",  "\033[2m",  "\033[1m",
                                        "\033[31m", "\033[33m", "\033[36m"};
    if (l->colour)
        line_raw(l, codes[ink], (unsigned)strlen(codes[ink]));
}

void line_end(struct line *l, FILE *f)
{
    while (l->len > 0 && l->buf[l->len - 1] == ' ')
        l->len--;
    (void)fwrite(l->buf, 1, l->len, f);
    (void)fputc('\n', f);
}
