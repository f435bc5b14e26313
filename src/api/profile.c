/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api/profile.c: the numbers of the profiles. Their habits are in tcp/profile.c.
 *
 * "rfc" has what the standards recommend where deployed stacks do otherwise. The others have
 * the defaults of Linux 6 and FreeBSD 14, as far as they show on the wire or to a program.
 */
#include <string.h>
#include <tern/config.h>

static const char *const names[TERN_PROFILE_COUNT] = {
    [TERN_PROFILE_TERN] = "tern",
    [TERN_PROFILE_RFC] = "rfc",
    [TERN_PROFILE_LINUX] = "linux",
    [TERN_PROFILE_FREEBSD] = "freebsd",
};

const char *tern_profile_name(unsigned profile)
{
    return profile < TERN_PROFILE_COUNT ? names[profile] : NULL;
}

int tern_profile_find(const char *name)
{
    for (unsigned i = 0; i < TERN_PROFILE_COUNT; i++) {
        const char *a = names[i], *b = name;
        while (*a != 0 && *a == *b)
            a++, b++;
        if (*a == *b)
            return (int)i;
    }
    return -1;
}

struct numbers {
    uint32_t sndbuf, rcvbuf, sndbuf_init, rcvbuf_init;
    uint32_t msl_ms, rto_min_us, rto_max_us, delack_us;
    uint32_t syn_retries, synack_retries, keep_count;
    uint16_t port_lo, port_hi;
    uint8_t cc;
    bool rfc1337;
};

static const struct numbers numbers[TERN_PROFILE_COUNT] = {
    [TERN_PROFILE_RFC] = {.sndbuf = 4u << 20,
                          .rcvbuf = 4u << 20,
                          .sndbuf_init = 64u << 10,
                          .rcvbuf_init = 128u << 10,
                          .msl_ms = 120000,      /* [RFC9293:MUST-13] */
                          .rto_min_us = 1000000, /* [RFC6298:2.4] */
                          .rto_max_us = 60000000,
                          .delack_us = 200000,
                          .syn_retries = 7, /* [RFC9293:MUST-23] */
                          .synack_retries = 5,
                          .keep_count = 9,
                          .port_lo = 49152, /* [RFC6335:6] */
                          .port_hi = 65535,
                          .cc = TERN_CC_RENO, /* [RFC9293:MUST-19] */
                          .rfc1337 = true},
    [TERN_PROFILE_LINUX] = {.sndbuf = 4u << 20,
                            .rcvbuf = 6u << 20,
                            .sndbuf_init = 87040,
                            .rcvbuf_init = 128u << 10,
                            .msl_ms = 30000,
                            .rto_min_us = 200000,
                            .rto_max_us = 120000000,
                            .delack_us = 40000,
                            .syn_retries = 6,
                            .synack_retries = 5,
                            .keep_count = 9,
                            .port_lo = 32768,
                            .port_hi = 60999,
                            .cc = TERN_CC_CUBIC,
                            .rfc1337 = false},
    [TERN_PROFILE_FREEBSD] = {.sndbuf = 2u << 20,
                              .rcvbuf = 2u << 20, /* a window scale of 6 */
                              .sndbuf_init = 32u << 10,
                              .rcvbuf_init = 64u << 10,
                              .msl_ms = 30000,
                              .rto_min_us = 230000,
                              .rto_max_us = 64000000,
                              .delack_us = 40000,
                              .syn_retries = 12,
                              .synack_retries = 3,
                              .keep_count = 8,
                              .port_lo = 10000,
                              .port_hi = 65535,
                              .cc = TERN_CC_CUBIC,
                              .rfc1337 = false},
};

void tern_config_profile(struct tern_config *cfg, enum tern_profile profile)
{
    struct tern_config was;
    struct numbers n = {0};
    if ((unsigned)profile >= TERN_PROFILE_COUNT)
        return;
    if (profile == TERN_PROFILE_TERN) {
        tern_config_init(&was);
        n = (struct numbers){
            was.sndbuf,     was.rcvbuf,     was.sndbuf_init, was.rcvbuf_init, was.msl_ms,
            was.rto_min_us, was.rto_max_us, was.delack_us,   was.syn_retries, was.synack_retries,
            was.keep_count, was.port_lo,    was.port_hi,     was.cc,          was.rfc1337};
    } else {
        n = numbers[profile];
    }
    cfg->profile = (uint8_t)profile;
    cfg->sndbuf = n.sndbuf;
    cfg->rcvbuf = n.rcvbuf;
    cfg->sndbuf_init = n.sndbuf_init;
    cfg->rcvbuf_init = n.rcvbuf_init;
    cfg->msl_ms = n.msl_ms;
    cfg->rto_min_us = n.rto_min_us;
    cfg->rto_max_us = n.rto_max_us;
    cfg->delack_us = n.delack_us;
    cfg->syn_retries = n.syn_retries;
    cfg->synack_retries = n.synack_retries;
    cfg->keep_count = n.keep_count;
    cfg->port_lo = n.port_lo;
    cfg->port_hi = n.port_hi;
    cfg->cc = n.cc;
    cfg->rfc1337 = n.rfc1337;
}
