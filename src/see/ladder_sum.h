/* SPDX-License-Identifier: BSD-2-Clause */
/* see/ladder_sum.h: what stands under a picture: who closed first, who keeps TIME-WAIT and until
 * when, who reset it and why, what was lost and sent again. */
#ifndef SEE_LADDER_SUM_H
#define SEE_LADDER_SUM_H

#include "see/ladder_rows.h"

/* Seconds since the first record, in at most 8 characters where that is possible. */
const char *ladder_clock(const struct ladder *ld, int64_t ns, char buf[32]);

void ladder_summary(const struct ladder *ld, const struct ladder_conn *c, FILE *f);

#endif
