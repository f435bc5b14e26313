/* SPDX-License-Identifier: BSD-2-Clause */
#include "values.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "port/why.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct value_unit {
    const char *name;
    double factor;
};

/* A non-negative decimal number in front; NULL when there is none. No sign, no hexadecimal, no
 * "inf". */
static const char *value_decimal(const char *text, double *v)
{
    if (!isdigit((unsigned char)text[0]) && text[0] != '.')
        return NULL;
    if (text[strspn(text, "0123456789.")] == 'x' || text[strspn(text, "0123456789.")] == 'X')
        return NULL;
    char *end = NULL;
    *v = strtod(text, &end);
    return end == text || !isfinite(*v) ? NULL : end;
}

static int value_with_unit(const char *text, const struct value_unit *units, double *v)
{
    const char *unit = value_decimal(text, v);
    if (!unit)
        return -1;
    for (; units->name; units++) {
        if (strcmp(unit, units->name) == 0) {
            *v *= units->factor;
            return 0;
        }
    }
    return *unit == '\0' && *v == 0 ? 0 : -1;
}

int value_time_us(const char *text, uint64_t *us, char *why)
{
    static const struct value_unit units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {NULL, 0}};
    double v;
    if (value_with_unit(text, units, &v) < 0) {
        why_set(why, VALUE_QUOTE ": not a time: a number with us, ms or s, such as 50ms", text);
        return -1;
    }
    if (v > 3600e6) {
        why_set(why, VALUE_QUOTE ": longer than an hour", text);
        return -1;
    }
    *us = (uint64_t)(v + 0.5);
    return 0;
}

int value_rate_bps(const char *text, uint64_t *bps, char *why)
{
    static const struct value_unit units[] = {
        {"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {NULL, 0}};
    double v;
    if (value_with_unit(text, units, &v) < 0 || v < 1000 || v > 1e12) {
        why_set(why,
                VALUE_QUOTE ": not a bandwidth: a number with kbit, mbit or gbit (a second), from "
                            "1kbit to 1000gbit, such as 10mbit",
                text);
        return -1;
    }
    *bps = (uint64_t)(v + 0.5);
    return 0;
}

int value_probability(const char *text, double *p, char *why)
{
    double v = -1;
    const char *end = value_decimal(text, &v);
    if (end && *end == '%') {
        v /= 100;
        end++;
    }
    if (!end || *end || v < 0 || v > 1) {
        why_set(why, VALUE_QUOTE ": not a rate: 0..1, or N%% up to 100%%, such as 1%%", text);
        return -1;
    }
    *p = v;
    return 0;
}

int value_number(const char *text, uint64_t lo, uint64_t hi, uint64_t *n, char *why)
{
    tern_assert(lo <= hi);
    char *end = NULL;
    errno = 0;
    int base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
    unsigned long long v = isdigit((unsigned char)text[0]) ? strtoull(text, &end, base) : 0;
    if (!end || *end || errno || v < lo || v > hi) {
        why_set(why, VALUE_QUOTE ": not a whole number from %llu to %llu", text,
                (unsigned long long)lo, (unsigned long long)hi);
        return -1;
    }
    *n = v;
    return 0;
}

static int value_addr_raw(const char *text, struct tern_addr *addr)
{
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) != 1)
        return -1;
    memset(addr, 0, sizeof *addr);
    addr->fam = TERN_AF_IP4;
    memcpy(addr->b, &in, 4);
    return 0;
}

int value_addr(const char *text, struct tern_addr *addr, char *why)
{
    struct tern_addr a;
    if (value_addr_raw(text, &a) < 0) {
        why_set(why, VALUE_QUOTE ": not an IPv4 address such as 10.0.2.3%s", text,
                strchr(text, ':') ? " (IPv6 is not there yet)" : "");
        return -1;
    }
    *addr = a;
    return 0;
}

int value_addr_prefix(const char *text, struct tern_addr *addr, uint8_t *prefix, char *why)
{
    char buf[64];
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : sizeof buf;
    uint64_t bits = 0;
    struct tern_addr a;
    if (n < sizeof buf) {
        memcpy(buf, text, n);
        buf[n] = '\0';
    }
    if (n >= sizeof buf || value_addr_raw(buf, &a) < 0 ||
        value_number(slash + 1, 8, 30, &bits, NULL) < 0) {
        why_set(why,
                VALUE_QUOTE ": not ADDRESS/PREFIX with a prefix of 8..30, such as 10.0.2.15/24",
                text);
        return -1;
    }
    uint32_t host = be32_load(a.b) & (0xffffffffu >> bits);
    if (host == 0 || host == 0xffffffffu >> bits || a.b[0] == 0 || a.b[0] == 127 || a.b[0] >= 224) {
        why_set(why,
                VALUE_QUOTE ": not the address of a host: it is the network's own, the broadcast "
                            "address, loopback or multicast",
                text);
        return -1;
    }
    *addr = a;
    *prefix = (uint8_t)bits;
    return 0;
}

static int forward_bad(const char *text, char *why)
{
    why_set(why,
            VALUE_QUOTE ": not [HOSTADDR:]HOSTPORT:PORT[/udp] with ports 1..65535, such as 8080:80",
            text);
    return -1;
}

int value_forward(const char *text, struct value_forward *fw, char *why)
{
    char buf[64];
    struct value_forward out = {0};
    size_t n = strlen(text);
    if (n >= sizeof buf)
        return forward_bad(text, why);
    memcpy(buf, text, n + 1);
    char *slash = strchr(buf, '/');
    if (slash) {
        if (strcmp(slash, "/udp") != 0 && strcmp(slash, "/tcp") != 0)
            return forward_bad(text, why);
        out.udp = slash[1] == 'u';
        *slash = '\0';
    }
    char *inner = strrchr(buf, ':');
    if (!inner)
        return forward_bad(text, why);
    *inner++ = '\0';
    char *outer = strrchr(buf, ':');
    if (outer) {
        *outer++ = '\0';
        if (value_addr_raw(buf, &out.host.addr) < 0)
            return forward_bad(text, why);
    } else {
        outer = buf;
    }
    uint64_t hp, gp;
    if (value_number(outer, 1, 65535, &hp, NULL) < 0 ||
        value_number(inner, 1, 65535, &gp, NULL) < 0)
        return forward_bad(text, why);
    out.host.port = (uint16_t)hp;
    out.port = (uint16_t)gp;
    *fw = out;
    return 0;
}

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

int value_name(const char *text, char *why)
{
    size_t n = strlen(text);
    bool ok = n >= 1 && n <= 32 && text[0] != '.' && text[0] != '-';
    for (size_t i = 0; ok && i < n; i++)
        ok = name_char(text[i]);
    if (!ok)
        why_set(why,
                VALUE_QUOTE ": not a name: 1 to 32 letters, digits, '_', '-' or '.', beginning "
                            "with a letter, digit or '_'",
                text);
    return ok ? 0 : -1;
}

void value_name_from_path(const char *path, char name[33])
{
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    size_t n = 0;
    for (; n < 32 && base[n]; n++) {
        bool bad = !name_char(base[n]) || (n == 0 && (base[n] == '.' || base[n] == '-'));
        name[n] = base[n];
        if (bad)
            name[n] = '_';
    }
    if (n == 0)
        name[n++] = '_';
    name[n] = '\0';
    tern_assert(value_name(name, NULL) == 0);
}

int value_device(const char *text, struct value_device *out, char *why)
{
    static const struct {
        const char *word;
        enum value_device_kind kind;
    } kinds[] = {{"tap:", VALUE_TAP}, {"tun:", VALUE_TUN}, {"packet:", VALUE_PACKET}};
    const char *name = "";
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(text, kinds[i].word, strlen(kinds[i].word)) != 0)
            continue;
        name = text + strlen(kinds[i].word);
        out->kind = kinds[i].kind;
    }
    if (name[0] == '\0') {
        why_set(why, VALUE_QUOTE ": not a device: tap:NAME, tun:NAME or packet:NAME", text);
        return -1;
    }
    if (strlen(name) > 15 || strchr(name, '/') || strchr(name, '%')) {
        why_set(why,
                VALUE_QUOTE ": the name of a device has at most 15 characters, without / and %%",
                text);
        return -1;
    }
    out->name = name;
    return 0;
}

int value_offload(const char *text, uint8_t *offload, char *why)
{
    static const char *const words[] = {"auto", "on", "off"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *offload = (uint8_t)i;
            return 0;
        }
    }
    why_set(why, VALUE_QUOTE ": want " OFFLOAD_WORDS, text);
    return -1;
}

int value_device_open(const struct value_device *dev, enum value_offload offload, bool wrapped,
                      struct tern_port **port, char *why)
{
    char unsaid[TERN_WHY];
    if (offload == VALUE_OFFLOAD_ON && dev->kind != VALUE_PACKET) {
        why_set(why, "--syn-offload=on: only --link packet:NAME has a kernel that could answer");
        return -1;
    }
    if (offload == VALUE_OFFLOAD_ON && wrapped) {
        why_set(why, "--syn-offload=on: not with a capture, events, a ladder or a bad link: what "
                     "the kernel answers would be missing there");
        return -1;
    }
    if (dev->kind != VALUE_PACKET)
        return tern_tap_open(dev->name, dev->kind == VALUE_TUN, port, why);
    if (offload == VALUE_OFFLOAD_ON)
        return tern_packet_open_offload(dev->name, port, why);
    if (offload == VALUE_OFFLOAD_AUTO && !wrapped &&
        tern_packet_open_offload(dev->name, port, unsaid) == 0)
        return 0;
    return tern_packet_open(dev->name, port, why);
}

bool value_same_net(const struct tern_addr *a, const struct tern_addr *b, uint8_t prefix)
{
    tern_assert(prefix >= 1 && prefix <= 32);
    return ((be32_load(a->b) ^ be32_load(b->b)) & ~(prefix == 32 ? 0u : 0xffffffffu >> prefix)) ==
           0;
}
