/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/text.h: how numbers, addresses and instants are written, and what the terminal can show.
 */
#ifndef SEE_TEXT_H
#define SEE_TEXT_H

#include <stdio.h>
#include <tern/types.h>

#define TEXT_ENDPOINT 56 /* "[" IPv6 "]:" port, and its NUL */

/* "10.0.2.15:80"; port 0 as "*" when star is set; an unspecified address as "0.0.0.0" or "*". */
const char *text_endpoint(char buf[TEXT_ENDPOINT], const struct tern_endpoint *e, bool star);
const char *text_addr(char buf[TEXT_ENDPOINT], const struct tern_addr *a);

/* "1,234,567" */
const char *text_count(char buf[32], uint64_t n);
/* "79 B", "1.8 MB": decimal units, as the tools of networks have them. */
const char *text_octets(char buf[32], uint64_t n);
/* A duration from nanoseconds in at most 7 characters: "1.2 us", "50.1 ms", "60 s". */
const char *text_span(char buf[32], int64_t ns);

/* True when LC_ALL, LC_CTYPE or LANG (the first that is set) says UTF-8. */
bool text_utf8(void);
/* True when f is a terminal that wants colour (NO_COLOR unset, TERM not dumb). */
bool text_colour(FILE *f);

#endif
