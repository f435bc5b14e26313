/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/names.h: the words of scripts: Linux's constants, errno, ICMP messages. */
#ifndef DRILL_NAMES_H
#define DRILL_NAMES_H

#include <stdbool.h>
#include <stdint.h>

/* A symbolic constant's value; false when there is no such name. */
bool name_value(const char *name, int64_t *out);
/* errno's number, or 0; and its name back ("errno 7" style numbers when it has none here). */
int name_errno(const char *name);
const char *name_of_errno(int err);
/* type must be known; code NULL = 0, or a name, or a number in words ("code3" is not a name). */
bool name_icmp(const char *type, const char *code, uint8_t *t, uint8_t *c);
const char *name_of_icmp(uint8_t t, uint8_t c);

#endif
