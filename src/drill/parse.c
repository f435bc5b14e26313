/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/parse.c: the cursor, and the outermost grammar of a script:
 *
 *     option lines    --tolerance_usecs=1000
 *     events          INSTANT (call | packet | `command` | %{ code }%), or a `command` alone
 */
#include "drill/parse.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PARSE_MOST_SECONDS 1000000000.0

/* ---- the cursor ---- */

bool parse_bad(const struct parse *c)
{
    return c->s->err[0] != 0;
}

void parse_fail(struct parse *c, struct pos at, const char *fmt, ...)
{
    if (parse_bad(c))
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(c->s->err, sizeof c->s->err, fmt, ap);
    va_end(ap);
    c->s->err_pos = at;
    c->p = c->end;
}

void parse_skip(struct parse *c, size_t n)
{
    for (; n && c->p < c->end; n--) {
        c->pos.col++;
        if (*c->p++ == '\n') {
            c->pos.line++;
            c->pos.col = 1;
        }
    }
}

static void skip_comment(struct parse *c)
{
    struct pos at = c->pos;
    parse_skip(c, 2);
    while (c->p < c->end && strncmp(c->p, "*/", 2) != 0)
        parse_skip(c, 1);
    if (c->p == c->end)
        parse_fail(c, at, "this comment is never closed: end it with */");
    parse_skip(c, 2);
}

void parse_space(struct parse *c)
{
    while (c->p < c->end) {
        if (isspace((unsigned char)*c->p))
            parse_skip(c, 1);
        else if (strncmp(c->p, "//", 2) == 0 || *c->p == '#')
            parse_skip(c, strcspn(c->p, "\n"));
        else if (strncmp(c->p, "/*", 2) == 0)
            skip_comment(c);
        else
            break;
    }
}

char parse_peek(struct parse *c)
{
    parse_space(c);
    return (char)(c->p < c->end ? *c->p : 0);
}

static bool is_word(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_';
}

bool parse_take(struct parse *c, const char *text)
{
    parse_space(c);
    size_t n = strlen(text);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n) != 0)
        return false;
    if (is_word(text[n - 1]) && is_word(c->p[n]))
        return false;
    parse_skip(c, n);
    return true;
}

/* What is next, for a complaint. */
static const char *next_text(struct parse *c, char buf[24])
{
    size_t n = 0;
    if (c->p == c->end)
        return "the end of the script";
    buf[n++] = '\'';
    for (const char *p = c->p; p < c->end && !isspace((unsigned char)*p) && n < 20; p++)
        buf[n++] = *p;
    buf[n++] = '\'';
    buf[n] = 0;
    return buf;
}

void parse_need(struct parse *c, const char *text)
{
    char buf[24];
    if (!parse_take(c, text))
        parse_fail(c, c->pos, "'%s' was expected here, not %s", text, next_text(c, buf));
}

char *parse_word(struct parse *c)
{
    char first = parse_peek(c);
    if (!is_word(first) || isdigit((unsigned char)first))
        return NULL;
    size_t n = 1;
    while (is_word(c->p[n]))
        n++;
    char *w = script_text(c->s, c->p, n);
    parse_skip(c, n);
    return w;
}

bool parse_digit(struct parse *c)
{
    return isdigit((unsigned char)parse_peek(c)) != 0;
}

static unsigned hex_digit(char ch)
{
    return isdigit((unsigned char)ch) ? (unsigned)(ch - '0') : (unsigned)((ch | 32) - 'a' + 10);
}

int64_t parse_int(struct parse *c)
{
    char buf[24];
    bool minus = parse_peek(c) == '-';
    struct pos at = c->pos;
    if (minus)
        parse_skip(c, 1);
    unsigned base = c->p[0] == '0' && (c->p[1] == 'x' || c->p[1] == 'X') ? 16 : 10;
    if (base == 16)
        parse_skip(c, 2);
    if (!(base == 16 ? isxdigit((unsigned char)*c->p) : isdigit((unsigned char)*c->p))) {
        parse_fail(c, at, "a number was expected here, not %s", next_text(c, buf));
        return 0;
    }
    uint64_t v = 0;
    for (; base == 16 ? isxdigit((unsigned char)*c->p) : isdigit((unsigned char)*c->p);
         parse_skip(c, 1)) {
        unsigned d = hex_digit(*c->p);
        if (v > (UINT64_MAX >> 1) / base) {
            parse_fail(c, at, "this number is too large");
            return 0;
        }
        v = v * base + d;
    }
    return minus ? -(int64_t)v : (int64_t)v;
}

int64_t parse_range(struct parse *c, const char *what, int64_t lo, int64_t hi)
{
    parse_space(c);
    struct pos at = c->pos;
    int64_t v = parse_int(c);
    if (v < lo || v > hi)
        parse_fail(c, at, "%s must be in %lld..%lld", what, (long long)lo, (long long)hi);
    return v;
}

int64_t parse_seconds(struct parse *c)
{
    char buf[24];
    parse_space(c);
    struct pos at = c->pos;
    int64_t whole = 0, frac = 0, unit = 100000;
    if (isdigit((unsigned char)*c->p)) {
        whole = parse_int(c);
    } else if (*c->p != '.' || !isdigit((unsigned char)c->p[1])) {
        parse_fail(c, at, "a time in seconds was expected here, not %s", next_text(c, buf));
        return 0;
    }
    /* "0.1...0.3" is a number, an ellipsis and a number */
    if (*c->p == '.' && c->p[1] != '.') {
        parse_skip(c, 1);
        for (; isdigit((unsigned char)*c->p); parse_skip(c, 1)) {
            frac += unit * (*c->p - '0');
            unit /= 10;
        }
    }
    if ((double)whole > PARSE_MOST_SECONDS)
        parse_fail(c, at, "this time is too far away");
    return parse_bad(c) ? 0 : whole * 1000000 + frac;
}

unsigned parse_hex(struct parse *c, uint8_t *out, unsigned most)
{
    unsigned n = 0;
    parse_space(c);
    if (c->p[0] == '0' && c->p[1] == 'x')
        parse_skip(c, 2);
    for (; isxdigit((unsigned char)c->p[0]) && isxdigit((unsigned char)c->p[1]); n++) {
        if (n == most) {
            parse_fail(c, c->pos, "more than %u octets do not fit here", most);
            return 0;
        }
        out[n] = (uint8_t)(hex_digit(c->p[0]) << 4 | hex_digit(c->p[1]));
        parse_skip(c, 2);
    }
    if (is_word(*c->p))
        parse_fail(c, c->pos, "octets are pairs of hexadecimal digits");
    return n;
}

/* ---- the grammar ---- */

static void parse_option(struct parse *c, struct option ***tail)
{
    struct option *o = script_take(c->s, sizeof *o);
    o->pos = c->pos;
    parse_skip(c, 2);
    size_t n = strcspn(c->p, "= \t\r\n");
    o->name = script_text(c->s, c->p, n);
    parse_skip(c, n);
    o->value = "";
    if (n == 0)
        parse_fail(c, o->pos, "an option's name was expected behind '--'");
    if (*c->p == '=') {
        parse_skip(c, 1);
        n = strcspn(c->p, " \t\r\n");
        bool quoted = n >= 2 && c->p[0] == '"' && c->p[n - 1] == '"';
        o->value = script_text(c->s, c->p + quoted, n - (quoted ? 2 : 0));
        parse_skip(c, n);
    }
    **tail = o;
    *tail = &o->next;
}

static bool parse_when(struct parse *c, struct when *w)
{
    char first = parse_peek(c);
    if (first == '*') {
        parse_skip(c, 1);
        w->kind = WHEN_ANY;
        return true;
    }
    bool rel = first == '+';
    if (rel)
        parse_skip(c, 1);
    else if (!isdigit((unsigned char)first) && first != '.')
        return false;
    w->us = w->us2 = parse_seconds(c);
    w->kind = rel ? WHEN_REL : WHEN_ABS;
    if (!parse_take(c, "~"))
        return true;
    struct pos at = c->pos;
    if (parse_take(c, "+") != rel)
        parse_fail(c, at, "both ends of a time range are relative (+a~+b), or none is (a~b)");
    w->us2 = parse_seconds(c);
    w->kind = rel ? WHEN_REL_RANGE : WHEN_ABS_RANGE;
    if (w->us2 < w->us)
        parse_fail(c, at, "this time range ends before it begins");
    return true;
}

/* Text up to a closing mark, which is skipped. */
static const char *parse_until(struct parse *c, const char *close, const char *what)
{
    struct pos at = c->pos;
    const char *e = strstr(c->p, close);
    if (!e) {
        parse_fail(c, at, "this %s is never closed: end it with %s", what, close);
        return "";
    }
    char *t = script_text(c->s, c->p, (size_t)(e - c->p));
    parse_skip(c, (size_t)(e - c->p) + strlen(close));
    return t;
}

static void parse_action(struct parse *c, struct event *e)
{
    char first = parse_peek(c);
    if (first == '<' || first == '>') {
        e->kind = EVENT_PACKET;
        e->pkt = parse_packet(c);
    } else if (first == '`') {
        e->kind = EVENT_COMMAND;
        parse_skip(c, 1);
        e->text_pos = c->pos;
        e->text = parse_until(c, "`", "command");
    } else if (strncmp(c->p, "%{", 2) == 0) {
        e->kind = EVENT_CODE;
        parse_skip(c, 2);
        e->text_pos = c->pos;
        e->text = parse_until(c, "}%", "piece of Python");
    } else {
        e->kind = EVENT_CALL;
        e->call = parse_call(c);
    }
}

static void check_when(struct parse *c, const struct event *e)
{
    bool waits = e->kind == EVENT_PACKET && e->pkt && e->pkt->out;
    if (!waits && e->when.kind != WHEN_ABS && e->when.kind != WHEN_REL)
        parse_fail(c, e->pos,
                   "only what the stack sends (>) may have a range or * as its time: this needs an "
                   "instant like 0.5 or +.1");
    if (e->kind == EVENT_CALL && e->call && e->call->blocking && e->call->end_us < e->when.us)
        parse_fail(c, e->pos, "this call would end before it begins");
}

static void parse_event(struct parse *c, struct event ***tail)
{
    struct event *e = script_take(c->s, sizeof *e);
    char buf[24];
    e->pos = c->pos;
    if (!parse_when(c, &e->when)) {
        e->timeless = true;
        if (parse_peek(c) != '`') {
            parse_fail(c, c->pos,
                       "a line begins with its time (0.5, +.1, *) or is a `command`: not %s",
                       next_text(c, buf));
            return;
        }
    }
    parse_action(c, e);
    check_when(c, e);
    **tail = e;
    *tail = &e->next;
}

bool parse_script(struct script *s)
{
    struct parse c = {.s = s, .p = s->src, .end = s->src + s->len, .pos = {1, 1}};
    struct option **opts = &s->options;
    struct event **events = &s->events;
    if (memchr(s->src, 0, s->len))
        parse_fail(&c, c.pos, "this is no script: it holds octets of value zero");
    while (parse_peek(&c)) {
        if (strncmp(c.p, "--", 2) == 0 && !s->events)
            parse_option(&c, &opts);
        else
            parse_event(&c, &events);
    }
    if (!s->events)
        parse_fail(&c, c.pos, "there is no event in this script");
    return !parse_bad(&c);
}
