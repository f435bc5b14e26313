/* SPDX-License-Identifier: BSD-2-Clause */
/* api/config.c: the defaults, and the one check that every stack's settings pass. */
#include <string.h>
#include <tern/config.h>
#include <tern/socket.h>

void tern_config_init(struct tern_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->version = TERN_CONFIG_VERSION;
    cfg->max_conns = 4096;
    cfg->max_half_open = 4096;
    cfg->max_time_wait = 16384;
    cfg->max_listeners = 64;
    cfg->max_udp = 256;
    cfg->max_ifaces = 4;
    cfg->max_neigh = 256;
    cfg->max_answers = 1024;
    cfg->max_ooo = 65536;
    cfg->max_conn_ooo = 256;
    cfg->max_cc_blocks = 0;
    cfg->max_keys = 1024;
    cfg->max_sent = 65536;
    cfg->max_orphans = 0;
    cfg->max_prefix_half = 1024;
    cfg->max_prefix_conns = 0;
    cfg->prefix_answers_per_s = 10000;
    cfg->flood_syns_per_s = 1000;
    cfg->buf_bytes = UINT64_C(256) << 20;
    cfg->trace_records = 0;
    cfg->sndbuf = 4u << 20;
    cfg->rcvbuf = 4u << 20;
    cfg->sndbuf_init = 64u << 10;
    cfg->rcvbuf_init = 128u << 10;
    cfg->msl_ms = 30000;
    cfg->rto_initial_us = 1000000;
    cfg->rto_min_us = 200000;
    cfg->rto_max_us = 60000000;
    cfg->r1_retries = 3;
    cfg->r2_retries = 15; /* [RFC9293:SHLD-11] */
    cfg->syn_retries = 7;
    cfg->synack_retries = 5;
    cfg->delack_us = 40000;
    cfg->persist_max_us = 60000000;
    cfg->persist_give_up_ms = 120000;
    cfg->fin_wait_2_ms = 60000;
    cfg->keep_idle_ms = 7200000;
    cfg->keep_intvl_ms = 75000;
    cfg->keep_count = 9;
    cfg->challenge_per_s = 10;
    cfg->port_lo = 32768;
    cfg->port_hi = 60999;
    cfg->mss_max = 0;
    cfg->fastopen = 3;
    cfg->fastopen_blackhole_ms = 3600000;
    cfg->ecn = 2;
    cfg->cc = TERN_CC_CUBIC;
    cfg->ttl = 64;
    cfg->mtu_probing = 1;
    cfg->timestamps = cfg->sack = cfg->wscale = true;
    cfg->rfc1337 = true;
    cfg->rfc5961 = true;
    cfg->autotune = true;
    cfg->slow_start_after_idle = true;
    cfg->burst_min = 2;
    cfg->uto_lower_s = 100;
    cfg->uto_upper_s = 3600;
    cfg->nagle = true;
}

/* A field that must lie in a range: what a person reads says so. Sizes are bounded so that no
 * product of a count and an object's size overflows. */
struct range_rule {
    uint16_t off;
    uint32_t lo, hi;
    const char *text;
};

#define RULE(field, lo, hi)                                                                        \
    {                                                                                              \
        offsetof(struct tern_config, field), lo, hi, #field " must be in " #lo ".." #hi            \
    }

static const struct range_rule config_rules[] = {
    RULE(max_conns, 1, 16777216),
    RULE(max_half_open, 1, 16777216),
    RULE(max_time_wait, 1, 16777216),
    RULE(max_listeners, 1, 65535),
    RULE(max_udp, 1, 65536),
    RULE(max_ifaces, 1, 8),
    RULE(max_neigh, 1, 65536),
    RULE(max_answers, 1, 1048576),
    RULE(max_ooo, 1, 16777216),
    RULE(max_conn_ooo, 1, 65535),
    RULE(max_cc_blocks, 0, 16777216),
    RULE(max_extras, 0, 33554432),
    RULE(max_keys, 0, 1048576),
    RULE(max_sent, 1, 16777216),
    RULE(max_orphans, 0, 16777216),
    RULE(max_prefix_half, 0, 16777216),
    RULE(max_prefix_conns, 0, 16777216),
    RULE(prefix_answers_per_s, 0, 16777216),
    RULE(flood_syns_per_s, 10, 16777216),
    RULE(trace_records, 0, 67108864),
    RULE(sndbuf, 2048, 1073741824),
    RULE(rcvbuf, 2048, 1073725440),
    RULE(sndbuf_init, 2048, 1073741824),
    RULE(rcvbuf_init, 2048, 1073725440),
    RULE(msl_ms, 1, 3600000),
    RULE(rto_initial_us, 1000, 60000000),
    RULE(rto_min_us, 1000, 60000000),
    RULE(rto_max_us, 60000000, 2147483647), /* [RFC6298:2.5] */
    /* [RFC9293:SHLD-10] */
    RULE(r1_retries, 3, 255),
    RULE(r2_retries, 3, 255),
    RULE(syn_retries, 1, 127),
    RULE(synack_retries, 0, 11),
    RULE(delack_us, 0, 499999), /* [RFC9293:MUST-40] */
    RULE(persist_max_us, 200000, 2147483647),
    RULE(persist_give_up_ms, 0, 2147483647),
    RULE(fin_wait_2_ms, 0, 2147483647),
    RULE(keep_idle_ms, 7200000, 2147483647), /* [RFC9293:MUST-28] */
    RULE(keep_intvl_ms, 1, 2147483647),
    RULE(keep_count, 1, 255),
    RULE(challenge_per_s, 1, 1000000),
    RULE(burst_min, 1, 64),
    RULE(notsent_lowat, 0, 4294967295),
    RULE(uto_s, 0, TERN_UTO_MOST_S),
    RULE(uto_lower_s, 1, TERN_UTO_MOST_S),
    RULE(uto_upper_s, 1, TERN_UTO_MOST_S),
    RULE(fastopen, 0, 2047),
    RULE(fastopen_blackhole_ms, 0, 2147483647),
};

static uint32_t config_field(const struct tern_config *cfg, uint16_t off)
{
    uint32_t v;
    memcpy(&v, (const uint8_t *)cfg + off, sizeof v);
    return v;
}

/* Fields of one octet. */
static const char *config_check_octets(const struct tern_config *cfg)
{
    if (cfg->syn_policy > TERN_SYN_DROP_OLDEST)
        return "syn_policy must be one of enum tern_syn_policy";
    if (cfg->ecn > 5)
        return "ecn must be in 0..5";
    if (cfg->cc >= TERN_CC_COUNT)
        return "cc must be one of enum tern_cc";
    if (cfg->profile >= TERN_PROFILE_COUNT)
        return "profile must be one of enum tern_profile";
    if (cfg->mtu_probing > 2)
        return "mtu_probing must be 0, 1 or 2";
    if (cfg->ttl == 0)
        return "ttl must be in 1..255";
    return NULL;
}

static const char *config_check_rest(const struct tern_config *cfg)
{
    if (cfg->trace_records & (cfg->trace_records - 1))
        return "trace_records must be a power of two, or 0 for no trace";
    if (cfg->buf_bytes < 65536 || cfg->buf_bytes > (UINT64_C(1) << 34) ||
        (cfg->buf_bytes & (cfg->buf_bytes - 1)) != 0)
        return "buf_bytes must be a power of two in 65536..17179869184";
    if (cfg->rto_min_us > cfg->rto_initial_us)
        return "rto_min_us must not be above rto_initial_us";
    if (cfg->r1_retries > cfg->r2_retries)
        return "r1_retries must not be above r2_retries";
    if (cfg->uto_lower_s > cfg->uto_upper_s)
        return "uto_lower_s must not be above uto_upper_s";
    if (cfg->port_lo == 0 || cfg->port_lo > cfg->port_hi)
        return "port_lo must be in 1..port_hi";
    if (cfg->mss_max != 0 && cfg->mss_max < 88)
        return "mss_max must be 0 (from the MTU) or in 88..65535";
    return config_check_octets(cfg);
}

const char *tern_config_check(const struct tern_config *cfg)
{
    if (cfg == NULL)
        return "no settings were given";
    if (cfg->version != TERN_CONFIG_VERSION)
        return "version must be TERN_CONFIG_VERSION: call tern_config_init() first";
    for (size_t i = 0; i < sizeof config_rules / sizeof config_rules[0]; i++) {
        const struct range_rule *r = &config_rules[i];
        uint32_t v = config_field(cfg, r->off);
        if (v < r->lo || v > r->hi)
            return r->text;
    }
    return config_check_rest(cfg);
}
