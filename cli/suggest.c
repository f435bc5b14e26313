/* SPDX-License-Identifier: BSD-2-Clause */
#include "suggest.h"

#include <string.h>

static unsigned suggest_min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: edit distance in which a swap of neighbours counts once. */
unsigned suggest_distance(const char *a, size_t n, const char *b)
{
    enum { MAX = 32 };
    unsigned d[MAX][MAX];
    size_t m = strlen(b);
    if (n >= MAX || m >= MAX)
        return 1000;
    for (size_t i = 0; i <= n; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        for (size_t j = 1; j <= m; j++) {
            unsigned cost = a[i - 1] != b[j - 1];
            unsigned v = suggest_min(d[i - 1][j] + 1, d[i][j - 1] + 1);
            v = suggest_min(v, d[i - 1][j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                v = suggest_min(v, d[i - 2][j - 2] + 1);
            d[i][j] = v;
        }
    }
    return d[n][m];
}
