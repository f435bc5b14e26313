/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    enum tern_lose_named what;
} lose_names[] = {
    {"syn", TERN_LOSE_SYN}, {"syn-ack", TERN_LOSE_SYN_ACK},   {"3rd-ack", TERN_LOSE_3RD_ACK},
    {"fin", TERN_LOSE_FIN}, {"last-ack", TERN_LOSE_LAST_ACK}, {"rst", TERN_LOSE_RST},
};

static int lose_bad(const char *text, char *why)
{
    why_set(why,
            "'%.40s': not a rate (0..1 or N%%) nor one of syn, syn-ack, 3rd-ack, fin, last-ack, "
            "rst, data:N",
            text);
    return -1;
}

static int lose_named(struct tern_impair_config *cfg, enum tern_lose_named what, uint32_t n,
                      char *why)
{
    const unsigned max = sizeof cfg->named / sizeof cfg->named[0];
    if (cfg->nnamed >= max) {
        why_set(why, "more than %u named losses: leave some out", max);
        return -1;
    }
    cfg->named[cfg->nnamed].what = what;
    cfg->named[cfg->nnamed].n = n;
    cfg->nnamed++;
    return 0;
}

static int lose_data(struct tern_impair_config *cfg, const char *text, char *why)
{
    const char *num = text + 5;
    char *end = NULL;
    errno = 0;
    unsigned long n = *num >= '0' && *num <= '9' ? strtoul(num, &end, 10) : 0;
    if (n < 1 || n > UINT32_MAX || errno || *end) {
        why_set(why, "'%.40s': data:N wants a segment number from 1", text);
        return -1;
    }
    return lose_named(cfg, TERN_LOSE_DATA_N, (uint32_t)n, why);
}

static int lose_rate(struct tern_impair_config *cfg, const char *text, char *why)
{
    const char *rest = text + strspn(text, "0123456789.");
    if (*rest && strcmp(rest, "%") != 0)
        return lose_bad(text, why);
    char *end = NULL;
    double p = strtod(text, &end);
    if (end == text)
        return lose_bad(text, why);
    if (*end == '%') {
        p /= 100;
        end++;
    }
    if (*end || p > 1)
        return lose_bad(text, why);
    cfg->lose = p;
    return 0;
}

int tern_impair_parse_lose(struct tern_impair_config *cfg, const char *text, char *why)
{
    for (size_t i = 0; i < sizeof lose_names / sizeof lose_names[0]; i++) {
        if (strcmp(text, lose_names[i].text) == 0)
            return lose_named(cfg, lose_names[i].what, 0, why);
    }
    if (strncmp(text, "data:", 5) == 0)
        return lose_data(cfg, text, why);
    return lose_rate(cfg, text, why);
}

bool tern_impair_idle(const struct tern_impair_config *c)
{
    return !(c->lose > 0 || c->duplicate > 0 || c->reorder > 0 || c->corrupt > 0 || c->ce > 0) &&
           c->delay_us == 0 && c->jitter_us == 0 && c->rate_bps == 0 && c->nnamed == 0 &&
           c->mtu == 0;
}
