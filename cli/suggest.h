/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/suggest.h: "did you mean". */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

/* Letters to insert, delete, change or swap to turn a[0..n) into b; large when either is longer
 * than 31. */
unsigned suggest_distance(const char *a, size_t n, const char *b);

#endif
