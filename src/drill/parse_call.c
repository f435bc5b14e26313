/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/parse_call.c: calls: `name(arguments) = result ERRNO (note)`, with `...time` in front when
 * it may block. Struct literals are read as they look; drill/exec.c knows which call wants which.
 */
#include "drill/parse.h"

#include <ctype.h>
#include <string.h>

#define EXPR_DEPTH 16

static struct expr *parse_expr(struct parse *c, unsigned depth);

static struct expr *expr_new(struct parse *c, enum expr_kind kind)
{
    struct expr *e = script_take(c->s, sizeof *e);
    e->kind = kind;
    e->pos = c->pos;
    return e;
}

/* Expressions between commas up to `close`, which is taken. */
static struct expr *parse_list(struct parse *c, const char *close, unsigned depth)
{
    struct expr *first = NULL, **tail = &first;
    if (parse_take(c, close))
        return NULL;
    do {
        *tail = parse_expr(c, depth + 1);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    } while (parse_take(c, ","));
    parse_need(c, close);
    return first;
}

static char escaped(struct parse *c)
{
    static const char from[] = "nrt0\\\"'", to[] = "\n\r\t\0\\\"'";
    const char *f = strchr(from, *c->p);
    uint8_t octet = 0;
    if (*c->p == 'x' && isxdigit((unsigned char)c->p[1]) && isxdigit((unsigned char)c->p[2])) {
        static const char digits[] = "0123456789abcdef";
        for (unsigned i = 1; i <= 2; i++)
            octet = (uint8_t)((long)octet * 16 +
                              (strchr(digits, tolower((unsigned char)c->p[i])) - digits));
        parse_skip(c, 2);
    } else if (f && *c->p) {
        octet = (uint8_t)to[f - from];
    } else {
        parse_fail(c, c->pos,
                   "no such escape in a string: \\n \\r \\t \\0 \\\\ \\\" \\xHH are known");
    }
    return (char)octet;
}

static struct expr *parse_string(struct parse *c)
{
    struct expr *e = expr_new(c, EXPR_STRING);
    parse_skip(c, 1);
    size_t room = strcspn(c->p, "\"\n");
    for (const char *q = c->p; q[room] == '"' && room && q[room - 1] == '\\';)
        room += 1 + strcspn(q + room + 1, "\"\n");
    char *t = script_take(c->s, room + 1);
    while (c->p < c->end && *c->p != '"' && *c->p != '\n') {
        char ch = *c->p;
        if (ch == '\\') {
            parse_skip(c, 1);
            ch = escaped(c);
        }
        t[e->len++] = ch;
        parse_skip(c, 1);
    }
    if (!parse_bad(c) && *c->p != '"')
        parse_fail(c, e->pos, "this string is never closed: end it with \"");
    parse_skip(c, 1);
    (void)parse_take(c, "...");
    e->text = t;
    return e;
}

/* A word, a call of it, or an assignment to either. */
static struct expr *parse_named(struct parse *c, unsigned depth)
{
    struct expr *e = expr_new(c, EXPR_WORD);
    e->text = parse_word(c);
    if (!e->text) {
        parse_fail(c, c->pos,
                   "an argument was expected here: a number, a NAME, \"text\", [...], {...} "
                   "or ...");
        return NULL;
    }
    if (parse_take(c, "(")) {
        e->kind = EXPR_CALL;
        e->kids = parse_list(c, ")", depth);
    }
    if (depth > 0 && parse_take(c, "=")) {
        e->kind = EXPR_ASSIGN;
        e->kids = parse_expr(c, depth + 1);
    }
    return e;
}

static struct expr *parse_primary(struct parse *c, unsigned depth)
{
    char first = parse_peek(c);
    struct expr *e;
    if (depth > EXPR_DEPTH) {
        parse_fail(c, c->pos, "this is nested too deeply");
        return NULL;
    }
    if (first == '"')
        return parse_string(c);
    if (first == '[' || first == '{') {
        e = expr_new(c, first == '[' ? EXPR_LIST : EXPR_STRUCT);
        parse_skip(c, 1);
        e->kids = parse_list(c, first == '[' ? "]" : "}", depth);
        return e;
    }
    if (strncmp(c->p, "...", 3) == 0) {
        e = expr_new(c, EXPR_ELLIPSIS);
        parse_skip(c, 3);
        return e;
    }
    if (first == '-' || isdigit((unsigned char)first)) {
        e = expr_new(c, EXPR_INT);
        e->num = parse_int(c);
        return e;
    }
    return parse_named(c, depth);
}

static struct expr *parse_expr(struct parse *c, unsigned depth)
{
    struct expr *e = parse_primary(c, depth);
    if (!e || parse_peek(c) != '|')
        return e;
    struct expr * or = expr_new(c, EXPR_OR), **tail = &e->next;
    or->pos = e->pos;
    or->kids = e;
    while (parse_take(c, "|")) {
        *tail = parse_primary(c, depth);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
    return or ;
}

struct call *parse_call(struct parse *c)
{
    struct call *k = script_take(c->s, sizeof *k);
    if (parse_take(c, "...")) {
        k->blocking = true;
        k->end_us = parse_seconds(c);
    }
    k->name = parse_word(c);
    if (!k->name) {
        parse_fail(c, c->pos,
                   "a call, a packet (< or >), a `command` or %%{ Python }%% was expected here");
        return k;
    }
    parse_need(c, "(");
    k->args = parse_list(c, ")", 1);
    parse_need(c, "=");
    k->result = parse_expr(c, 0);
    if (isupper((unsigned char)parse_peek(c)))
        k->err = parse_word(c);
    if (parse_peek(c) == '(') { /* a note for the reader */
        size_t n = strcspn(c->p, ")\n");
        if (c->p[n] != ')')
            parse_fail(c, c->pos, "this note is never closed: end it with )");
        parse_skip(c, n + 1);
    }
    return k;
}
