/* SPDX-License-Identifier: BSD-2-Clause */
#include "see/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const char *text_addr(char buf[TEXT_ENDPOINT], const struct tern_addr *a)
{
    buf[0] = '*';
    buf[1] = '\0';
    if (a->fam == TERN_AF_IP4)
        (void)inet_ntop(AF_INET, a->b, buf, TEXT_ENDPOINT);
    else if (a->fam == TERN_AF_IP6)
        (void)inet_ntop(AF_INET6, a->b, buf, TEXT_ENDPOINT);
    return buf;
}

const char *text_endpoint(char buf[TEXT_ENDPOINT], const struct tern_endpoint *e, bool star)
{
    char addr[TEXT_ENDPOINT], port[8] = "*";
    (void)text_addr(addr, &e->addr);
    if (e->port != 0 || !star)
        (void)snprintf(port, sizeof port, "%u", (unsigned)e->port);
    bool six = e->addr.fam == TERN_AF_IP6;
    (void)snprintf(buf, TEXT_ENDPOINT, "%s%.45s%s:%s", six ? "[" : "", addr, six ? "]" : "", port);
    return buf;
}

const char *text_count(char buf[32], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = buf;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return buf;
}

const char *text_octets(char buf[32], uint64_t n)
{
    static const char units[] = "kMGTPE";
    if (n < 1000) {
        (void)snprintf(buf, 32, "%u B", (unsigned)n);
        return buf;
    }
    double v = (double)n / 1000;
    unsigned u = 0;
    while (v >= 999.5 && u < 5) {
        v /= 1000;
        u++;
    }
    (void)snprintf(buf, 32, v < 9.95 ? "%.1f %cB" : "%.0f %cB", v, units[u]);
    return buf;
}

const char *text_span(char buf[32], int64_t ns)
{
    double v = (double)(ns < 0 ? -ns : ns) / 1e3;
    const char *unit = "us";
    if (v >= 999.5) {
        v /= 1e3;
        unit = "ms";
    }
    if (v >= 999.5 && unit[0] == 'm') {
        v /= 1e3;
        unit = "s";
    }
    const char *sign = ns < 0 ? "-" : "";
    bool whole = v >= 99.95 || (double)(int64_t)v == v;
    (void)snprintf(buf, 32, whole ? "%s%.0f %s" : "%s%.1f %s", sign, v, unit);
    return buf;
}

bool text_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (unsigned i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strcasestr(v, "UTF-8") || strcasestr(v, "UTF8");
    }
    return false;
}

bool text_colour(FILE *f)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if ((no && *no) || !term || strcmp(term, "dumb") == 0)
        return false;
    int fd = fileno(f);
    return fd >= 0 && isatty(fd);
}
