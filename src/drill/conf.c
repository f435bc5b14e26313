/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/conf.c: settings by name: option lines, tern's own fields, Linux's sysctls. docs/drill.md
 * has the list. A sysctl that is listed with no field is one whose value makes no difference here.
 */
#include "drill/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void conf_init(struct conf *c)
{
    memset(c, 0, sizeof *c);
    vhost_config_init(&c->host);
    c->remote = (struct tern_addr){.fam = TERN_AF_IP4, .b = {192, 0, 2, 1}};
    c->bind_port = c->connect_port = 8080;
    c->tolerance_us = 4000;
    c->tolerance_percent = 12.5;
}

__attribute__((format(printf, 3, 4))) static enum conf_verdict say(enum conf_verdict v, char *why,
                                                                   const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, CONF_WHY, fmt, ap);
    va_end(ap);
    return v;
}

static bool number(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 0);
    return errno == 0 && end != text && *end == 0;
}

/* ---- tern's own fields ---- */

#define FIELD(f)                                                                                   \
    {                                                                                              \
#f, offsetof(struct tern_config, f), sizeof(((struct tern_config *)0)->f)                  \
    }

static const struct field {
    const char *name;
    size_t off, size;
} fields[] = {
    FIELD(max_conns),
    FIELD(max_half_open),
    FIELD(max_time_wait),
    FIELD(max_listeners),
    FIELD(max_udp),
    FIELD(max_answers),
    FIELD(max_ooo),
    FIELD(max_conn_ooo),
    FIELD(buf_bytes),
    FIELD(sndbuf),
    FIELD(rcvbuf),
    FIELD(sndbuf_init),
    FIELD(rcvbuf_init),
    FIELD(autotune),
    FIELD(msl_ms),
    FIELD(rto_initial_us),
    FIELD(rto_min_us),
    FIELD(rto_max_us),
    FIELD(r1_retries),
    FIELD(r2_retries),
    FIELD(syn_retries),
    FIELD(synack_retries),
    FIELD(delack_us),
    FIELD(persist_max_us),
    FIELD(persist_give_up_ms),
    FIELD(fin_wait_2_ms),
    FIELD(keep_idle_ms),
    FIELD(keep_intvl_ms),
    FIELD(keep_count),
    FIELD(challenge_per_s),
    FIELD(slow_start_after_idle),
    FIELD(notsent_lowat),
    FIELD(uto_s),
    FIELD(uto_lower_s),
    FIELD(uto_upper_s),
    FIELD(burst_min),
    FIELD(port_lo),
    FIELD(port_hi),
    FIELD(mss_max),
    FIELD(cc),
    FIELD(syn_policy),
    FIELD(max_orphans),
    FIELD(max_prefix_half),
    FIELD(max_prefix_conns),
    FIELD(prefix_answers_per_s),
    FIELD(max_keys),
    FIELD(max_sent),
    FIELD(fastopen),
    FIELD(fastopen_blackhole_ms),
    FIELD(ecn),
    FIELD(ttl),
    FIELD(mtu_probing),
    FIELD(timestamps),
    FIELD(sack),
    FIELD(wscale),
    FIELD(rfc1337),
    FIELD(rfc5961),
    FIELD(nagle),
};

static const struct field *field_find(const char *name)
{
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

static void field_put(struct tern_config *cfg, const struct field *f, uint64_t v)
{
    uint8_t *at = (uint8_t *)cfg + f->off;
    uint32_t v32 = (uint32_t)v;
    uint16_t v16 = (uint16_t)v;
    uint8_t v8 = (uint8_t)v;
    if (f->size == 8)
        memcpy(at, &v, 8);
    else if (f->size == 4)
        memcpy(at, &v32, 4);
    else if (f->size == 2)
        memcpy(at, &v16, 2);
    else
        memcpy(at, &v8, 1);
}

/* Takes the value if the whole settings are still allowed with it. */
static enum conf_verdict field_set(struct conf *c, const struct field *f, int64_t v, char *why)
{
    struct tern_config was = c->host.tern;
    if (v < 0 || (f->size < 8 && (uint64_t)v >> (8 * f->size)))
        return say(CONF_WRONG, why, "%s: %lld does not fit there", f->name, (long long)v);
    field_put(&c->host.tern, f, (uint64_t)v);
    const char *bad = tern_config_check(&c->host.tern);
    if (!bad)
        return CONF_DONE;
    c->host.tern = was;
    return say(CONF_WRONG, why, "%s", bad);
}

enum conf_verdict conf_field(struct conf *c, const char *name, const char *value, char *why)
{
    int64_t v;
    if (strcmp(name, "cc") == 0 && tern_cc_find(value) >= 0)
        return field_set(c, field_find("cc"), tern_cc_find(value), why);
    if (strcmp(name, "profile") == 0) {
        int p = tern_profile_find(value);
        if (p < 0)
            return say(CONF_WRONG, why, "profile=%.30s: tern, rfc, linux or freebsd was expected",
                       value);
        tern_config_profile(&c->host.tern, (enum tern_profile)p);
        return CONF_DONE;
    }
    if (!number(value, &v))
        return say(CONF_WRONG, why, "%s=%s: a number was expected", name, value);
    if (strcmp(name, "mtu") == 0) {
        if (v < 576 || v > 65535)
            return say(CONF_WRONG, why, "mtu must be in 576..65535");
        c->host.mtu = (uint16_t)v;
        return CONF_DONE;
    }
    const struct field *f = field_find(name);
    if (!f)
        return say(CONF_WRONG, why,
                   "%.40s: tern has no such setting: include/tern/config.h has them", name);
    return field_set(c, f, v, why);
}

/* ---- sysctls ---- */

#define LINUX_SNDBUF 46080

static const struct sysctl {
    const char *name, *field; /* field NULL = makes no difference here */
    int32_t mul, div;
    uint8_t which; /* of several numbers, from 0 */
} sysctls[] = {
    {"tcp_timestamps", "timestamps", 1, 1, 0},
    {"tcp_sack", "sack", 1, 1, 0},
    {"tcp_window_scaling", "wscale", 1, 1, 0},
    {"tcp_rfc1337", "rfc1337", 1, 1, 0},
    {"tcp_syn_retries", "syn_retries", 1, 1, 0},
    {"tcp_synack_retries", "synack_retries", 1, 1, 0},
    {"tcp_retries1", "r1_retries", 1, 1, 0},
    {"tcp_retries2", "r2_retries", 1, 1, 0},
    {"tcp_keepalive_time", "keep_idle_ms", 1000, 1, 0},
    {"tcp_keepalive_intvl", "keep_intvl_ms", 1000, 1, 0},
    {"tcp_keepalive_probes", "keep_count", 1, 1, 0},
    {"tcp_fin_timeout", "fin_wait_2_ms", 1000, 1, 0},
    {"tcp_rto_min_us", "rto_min_us", 1, 1, 0},
    {"tcp_rto_max_ms", "rto_max_us", 1000, 1, 0},
    {"tcp_challenge_ack_limit", "challenge_per_s", 1, 1, 0},
    {"tcp_max_tw_buckets", "max_time_wait", 1, 1, 0},
    {"tcp_max_syn_backlog", "max_half_open", 1, 1, 0},
    {"tcp_wmem", "sndbuf_init", 1, 1, 1},
    {"tcp_wmem", "sndbuf", 1, 1, 2},
    {"tcp_rmem", "rcvbuf", 1, 1, 2},
    {"tcp_notsent_lowat", "notsent_lowat", 1, 1, 0},
    {"tcp_slow_start_after_idle", "slow_start_after_idle", 1, 1, 0},
    {"ip_default_ttl", "ttl", 1, 1, 0},
    {"tcp_mtu_probing", "mtu_probing", 1, 1, 0},
    {"tcp_ecn", "ecn", 1, 1, 0},
    {"tcp_fastopen_blackhole_timeout_sec", "fastopen_blackhole_ms", 1000, 1, 0},
    {"ip_local_port_range", "port_lo", 1, 1, 0},
    {"tcp_no_metrics_save", NULL, 1, 1, 0},
    {"tcp_tso_win_divisor", NULL, 1, 1, 0},
    {"tcp_min_tso_segs", "burst_min", 1, 1, 0},
    {"tcp_invalid_ratelimit", NULL, 1, 1, 0},
    {"tcp_pacing_ss_ratio", NULL, 1, 1, 0},
    {"tcp_pacing_ca_ratio", NULL, 1, 1, 0},
    {"tcp_autocorking", NULL, 1, 1, 0},
    {"tcp_stdurg", NULL, 1, 1, 0},
};

/* Four words in hexadecimal, each with its lowest octet first; two keys with a comma between. */
static enum conf_verdict fastopen_key(struct conf *c, const char *value, char *why)
{
    uint8_t key[32];
    unsigned n = 0;
    for (const char *p = value; n < 8; p++) {
        char *end;
        unsigned long v = strtoul(p, &end, 16);
        if (end == p || v > UINT32_MAX)
            break;
        for (unsigned i = 0; i < 4; i++)
            key[4 * n + i] = (uint8_t)(v >> 8 * i);
        n++;
        p = end;
        if (*p != (n % 4 ? '-' : ','))
            break;
    }
    if (n != 4 && n != 8)
        return say(
            CONF_WRONG, why,
            "tcp_fastopen_key=%.70s: four words in hexadecimal with - between were expected, "
            "or eight with a comma in the middle",
            value);
    memcpy(c->host.fo_key, key, sizeof key);
    c->host.fo_keys = (uint8_t)(n / 4);
    return CONF_DONE;
}

/* Those whose values have names or meanings of their own. CONF_UNKNOWN: it is none of them. */
static enum conf_verdict sysctl_special(struct conf *c, const char *last, const char *value,
                                        char *why)
{
    static const char *const policy[] = {
        [0] = "2" /* drop new */, [1] = "0" /* on overflow */, [2] = "1" /* always */};
    if (strcmp(last, "tcp_syncookies") == 0) {
        unsigned v = (unsigned)value[0] - '0';
        if (v > 2 || value[1])
            return say(CONF_WRONG, why, "tcp_syncookies=%.30s: 0, 1 or 2 was expected", value);
        return conf_field(c, "syn_policy", policy[v], why);
    }
    if (strcmp(last, "tcp_congestion_control") == 0) {
        int cc = tern_cc_find(value);
        if (cc < 0)
            return say(CONF_WRONG, why, "tcp_congestion_control=%.30s: no such plug-in", value);
        return field_set(c, field_find("cc"), cc, why);
    }
    if (strcmp(last, "tcp_fastopen_key") == 0)
        return fastopen_key(c, value, why);
    if (strcmp(last, "tcp_fastopen") == 0) /* other bits mean nothing any more */
        return field_set(c, field_find("fastopen"), strtoll(value, NULL, 0) & 0x607, why);
    return say(CONF_UNKNOWN, why, "sysctl %.80s means nothing here: left out", last);
}

/* A number as tern counts it. */
static int64_t sysctl_scale(const struct sysctl *s, const struct field *f, int64_t v)
{
    static const char *const shades[] = {"ttl", "ecn", "mtu_probing"};
    v = v * s->mul / s->div;
    if (strcmp(f->name, "sndbuf_init") == 0 && v < LINUX_SNDBUF)
        return LINUX_SNDBUF; /* for ten segments: it begins with that in any case */
    for (unsigned i = 0; i < sizeof shades / sizeof *shades; i++)
        if (strcmp(f->name, shades[i]) == 0)
            return v;
    return f->size == 1 && v > 1 ? 1 : v; /* Linux has finer shades of yes */
}

enum conf_verdict conf_sysctl(struct conf *c, const char *name, const char *value, char *why)
{
    const char *last = strrchr(name, strchr(name, '/') ? '/' : '.');
    last = last ? last + 1 : name;
    bool found = false;
    for (unsigned i = 0; i < sizeof sysctls / sizeof *sysctls; i++) {
        const struct sysctl *s = &sysctls[i];
        if (strcmp(s->name, last) != 0)
            continue;
        if (!s->field)
            return CONF_DONE;
        const char *p = value;
        char *end;
        int64_t v = strtoll(p, &end, 0);
        for (unsigned k = 0; k < s->which && *end; k++) {
            p = end;
            v = strtoll(p, &end, 0);
        }
        if (end == p)
            return say(CONF_WRONG, why, "%.60s=%.30s: a number was expected", name, value);
        const struct field *f = field_find(s->field);
        enum conf_verdict set = field_set(c, f, sysctl_scale(s, f, v), why);
        if (set != CONF_DONE)
            return set;
        found = true;
    }
    if (found)
        return CONF_DONE;
    return sysctl_special(c, last, value, why);
}

/* ---- option lines ---- */

static enum conf_verdict option_addr(const char *value, struct tern_addr *a, char *why)
{
    struct tern_addr got = {.fam = TERN_AF_IP4};
    if (inet_pton(AF_INET, value, got.b) != 1)
        return say(CONF_WRONG, why, "%.60s is no IPv4 address", value);
    *a = got;
    return CONF_DONE;
}

static enum conf_verdict option_number(struct conf *c, const char *name, int64_t v, char *why)
{
    if (v < 0 || v > INT32_MAX)
        return say(CONF_WRONG, why, "--%.40s: %lld is out of range", name, (long long)v);
    if (strcmp(name, "tolerance_usecs") == 0)
        c->tolerance_us = v;
    else if (strcmp(name, "tcp_ts_tick_usecs") == 0)
        c->ts_tick_us = (uint32_t)v;
    else if (strcmp(name, "bind_port") == 0)
        c->bind_port = (uint16_t)v;
    else if (strcmp(name, "connect_port") == 0)
        c->connect_port = (uint16_t)v;
    else if (strcmp(name, "mss") !=
             0) /* of the device that the original cuts by: needs none here */
        return say(CONF_UNKNOWN, why, "--%.60s means nothing here: left out", name);
    return CONF_DONE;
}

enum conf_verdict conf_option(struct conf *c, const char *name, const char *value, char *why)
{
    int64_t v;
    if (strcmp(name, "local_ip") == 0)
        return option_addr(value, &c->host.local, why);
    if (strcmp(name, "remote_ip") == 0)
        return option_addr(value, &c->remote, why);
    if (strcmp(name, "ip_version") == 0)
        return strcmp(value, "ipv4") == 0
                   ? CONF_DONE
                   : say(CONF_WRONG, why, "--ip_version=%.20s: only ipv4 is spoken here", value);
    if (strcmp(name, "strict_segments") == 0) {
        c->strict_segments = true;
        return CONF_DONE;
    }
    if (strcmp(name, "any_push") == 0) {
        c->any_push = true;
        return CONF_DONE;
    }
    if (strcmp(name, "tolerance_percent") == 0) {
        char *end;
        c->tolerance_percent = strtod(value, &end);
        return *value && *end == 0 && c->tolerance_percent >= 0
                   ? CONF_DONE
                   : say(CONF_WRONG, why, "--tolerance_percent=%.20s: a number was expected",
                         value);
    }
    if (strcmp(name, "mtu") == 0)
        return conf_field(c, name, value, why);
    if (!number(value, &v))
        return say(CONF_UNKNOWN, why, "--%.60s means nothing here: left out", name);
    return option_number(c, name, v, why);
}

/* ---- commands ---- */

#define LINUX_RCVBUF "15728640" /* a window scale of 8 */
#define LINUX_WMEM   "4096 262144 4194304"

enum { WORDS = 32, LINE = 2048 };

/* NAME=VALUE words from the i-th on. Quotes around a word or a value are not part of it. */
static enum conf_verdict
each_pair(struct conf *c, char **word, unsigned n, bool *changed, char *why,
          enum conf_verdict (*set)(struct conf *, const char *, const char *, char *))
{
    for (unsigned i = 0; i < n; i++) {
        char *eq = strchr(word[i], '=');
        if (word[i][0] == '-' && !eq)
            continue; /* -q, -w */
        if (!eq)
            return say(CONF_WRONG, why, "%.60s: NAME=VALUE was expected", word[i]);
        *eq = 0;
        enum conf_verdict v = set(c, word[i], eq + 1, why);
        *changed = *changed || v == CONF_DONE;
        if (v != CONF_DONE)
            return v;
    }
    return CONF_DONE;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Copies one word from *p to out, without its quotes; both move behind it. */
static void split_word(char **p, char **out)
{
    char quote = 0;
    for (; **p && (quote || !blank(**p)); (*p)++) {
        char c = **p;
        if (!quote && (c == '"' || c == '\''))
            quote = c;
        else if (quote == c)
            quote = 0;
        else
            *(*out)++ = c;
    }
    if (**p)
        (*p)++;
    *(*out)++ = 0;
}

/* Splits at blanks; "a b" and 'a b' hold together. */
static unsigned split(char *line, char *word[WORDS])
{
    unsigned n = 0;
    char *out = line;
    for (char *p = line; *p && n < WORDS;) {
        while (blank(*p))
            p++;
        if (!*p || *p == '#')
            break;
        word[n++] = out;
        split_word(&p, &out);
    }
    return n;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static enum conf_verdict command(struct conf *c, char *line, bool *changed, char *why)
{
    char *word[WORDS];
    unsigned n = split(line, word);
    if (n == 0)
        return CONF_DONE;
    if (strcmp(word[0], "tern") == 0)
        return each_pair(c, word + 1, n - 1, changed, why, conf_field);
    if (strcmp(word[0], "sysctl") == 0 || ends_with(word[0], "/sysctl") ||
        ends_with(word[0], "set_sysctls.py"))
        return each_pair(c, word + 1, n - 1, changed, why, conf_sysctl);
    /* What scripts for Linux are written for; nothing outside the stack is changed, so there is
     * nothing to restore. */
    if (ends_with(word[0], "defaults.sh")) {
        *changed = true;
        (void)fastopen_key(c, "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4", why);
        (void)conf_sysctl(c, "tcp_fastopen", "0x403", why);
        (void)conf_sysctl(c, "tcp_ecn", "0", why);
        return conf_sysctl(c, "tcp_wmem", LINUX_WMEM, why) == CONF_DONE
                   ? conf_field(c, "rcvbuf", LINUX_RCVBUF, why)
                   : CONF_WRONG;
    }
    if (n > 2 && strcmp(word[0], "ip") == 0 && strcmp(word[1], "tcp_metrics") == 0) {
        c->forget = *changed = true;
        return CONF_DONE;
    }
    if (strstr(word[0], "sysctl_restore") || strcmp(word[0], "true") == 0 ||
        strcmp(word[0], ":") == 0)
        return CONF_DONE;
    return say(CONF_UNKNOWN, why, "the command `%.60s` means nothing here: left out", word[0]);
}

/* One line, with lines joined at a backslash; *rest moves behind it. */
static void take_line(const char **rest, char out[LINE])
{
    size_t n = 0;
    const char *p = *rest;
    for (; *p && *p != '\n' && *p != ';'; p++) {
        if (p[0] == '\\' && p[1] == '\n')
            p++;
        if (n < LINE - 1)
            out[n++] = (char)(*p == '\n' ? ' ' : *p);
    }
    out[n] = 0;
    *rest = *p ? p + 1 : p;
}

enum conf_verdict conf_command(struct conf *c, const char **rest, bool *changed, char *why)
{
    char line[LINE];
    enum conf_verdict v = CONF_DONE;
    while (**rest && v == CONF_DONE) {
        take_line(rest, line);
        v = command(c, line, changed, why);
    }
    return v;
}
