/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/parse.h: the hand-written reader of scripts: a cursor over the text that remembers its
 * first complaint. After one it stands at the end of the text, so that every loop ends by itself
 * and callers need not check after each step.
 */
#ifndef DRILL_PARSE_H
#define DRILL_PARSE_H

#include "drill/script.h"

struct parse {
    struct script *s;
    const char *p, *end;
    struct pos pos; /* of p */
};

/* Reads s->src whole. False: s->err_pos and s->err. */
bool parse_script(struct script *s);

/* Records the first complaint, at `at`. */
__attribute__((format(printf, 3, 4))) void parse_fail(struct parse *c, struct pos at,
                                                      const char *fmt, ...);
bool parse_bad(const struct parse *c);

/* Skips blanks, line ends and comments. */
void parse_space(struct parse *c);
/* Skips n octets. */
void parse_skip(struct parse *c, size_t n);
/* After blanks: the next octet, 0 at the end. */
char parse_peek(struct parse *c);
/* After blanks: takes exactly this text if it is next (a word must end there). */
bool parse_take(struct parse *c, const char *text);
/* The same, and a complaint if it is not. */
void parse_need(struct parse *c, const char *text);
/* After blanks: a word [A-Za-z_][A-Za-z0-9_]*, copied; NULL if none is next. */
char *parse_word(struct parse *c);
/* After blanks: a number, decimal or 0x; may be negative. Complains if none is next. */
int64_t parse_int(struct parse *c);
/* A number in lo..hi. */
int64_t parse_range(struct parse *c, const char *what, int64_t lo, int64_t hi);
/* True if a digit is next, after blanks. */
bool parse_digit(struct parse *c);
/* Seconds with a fraction, as microseconds. */
int64_t parse_seconds(struct parse *c);
/* After blanks: a run of hexadecimal digits as octets; returns how many. */
unsigned parse_hex(struct parse *c, uint8_t *out, unsigned most);

/* parse_call.c: what stands behind an instant when it is a call. */
struct call *parse_call(struct parse *c);
/* parse_pkt.c: from '<' or '>' on. */
struct pkt *parse_packet(struct parse *c);
/* parse_opt.c: the list behind '<', up to '>'. */
void parse_options(struct parse *c, struct pkt *k);

#endif
