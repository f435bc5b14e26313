/* SPDX-License-Identifier: BSD-2-Clause */
#include "orders.h"

#include "policy_text.h"
#include "port/why.h"
#include "see/text.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tern/inspect.h>
#include <tern/socket.h>

struct orders {
    struct tern_stack *const *st;
    unsigned n;
    struct tern_time now;
    FILE *out;
    char why[TERN_WHY];
};

/* ---- policy ---- */

/* Shows, and with `text` changes, one listener's policy. */
static int policy_one(struct orders *o, struct tern_stack *st, const struct tern_info *info,
                      const char *text)
{
    struct tern_listener_policy p;
    char end[TEXT_ENDPOINT], words[POLICY_TEXT];
    int err = tern_listener_policy_get(st, info->sock, &p);
    if (err == 0 && text) {
        if (policy_text_parse(text, &p, o->why) < 0)
            return -1;
        err = tern_listener_policy(st, info->sock, &p);
    }
    if (err == TERN_EOPNOTSUPP)
        why_set(o->why,
                "cookies=always: this listener answers a SYN only when the way behind it is "
                "open, so it cannot give out cookies");
    else if (err != 0)
        why_set(o->why, "%s", tern_strerror(err));
    if (err != 0)
        return -1;
    (void)fprintf(o->out, "%s:%u %s\n", text_addr(end, &info->local.addr),
                  (unsigned)info->local.port, policy_text_print(&p, words));
    return 0;
}

/* policy :PORT [WORDS] */
static int order_policy(struct orders *o, char *args)
{
    const char *at = strsep(&args, " "), *text = args && *args ? args : NULL;
    uint64_t port;
    unsigned found = 0;
    if (at[0] != ':' || value_number(at + 1, 1, 65535, &port, o->why) < 0) {
        why_set(o->why, VALUE_QUOTE ": not a port such as :80", at);
        return -1;
    }
    for (unsigned i = 0; i < o->n; i++) {
        struct tern_info info;
        uint64_t cursor = 0;
        while (tern_inspect_next(o->st[i], &cursor, &info, o->now)) {
            if (info.kind != TERN_INFO_LISTENER || info.local.port != port)
                continue;
            found++;
            if (policy_one(o, o->st[i], &info, text) < 0)
                return -1;
        }
    }
    if (found)
        return 0;
    why_set(o->why, "port %u: nobody listens there (`tern ss -ltn` shows who does)",
            (unsigned)port);
    return -1;
}

/* ---- cookie ---- */

static int read_endpoint(char *text, struct tern_endpoint *e, char *why)
{
    uint64_t port;
    char *colon = text ? strrchr(text, ':') : NULL;
    if (colon) {
        *colon = '\0';
        if (value_addr(text, &e->addr, why) == 0 &&
            value_number(colon + 1, 1, 65535, &port, why) == 0) {
            e->port = (uint16_t)port;
            return 0;
        }
        *colon = ':';
    }
    why_set(why, VALUE_QUOTE ": not an address with a port, such as 10.0.2.15:80",
            text ? text : "");
    return -1;
}

static void cookie_show(struct orders *o, const struct tern_cookie_info *i)
{
    (void)fprintf(o->out, "slot %u, a new one every 64 s\n", (unsigned)i->slot);
    if (i->valid)
        (void)fprintf(o->out, "valid: MSS %u (index %u), made in %s slot, expires in %u.%03u s\n",
                      (unsigned)i->mss, (unsigned)i->index, i->age ? "the previous" : "this",
                      (unsigned)(i->left_ms / 1000), (unsigned)(i->left_ms % 1000));
    else
        (void)fprintf(o->out, "not valid: %s\n", i->why);
}

/* cookie LOCAL REMOTE SYNSEQ SEQ */
static int order_cookie(struct orders *o, char *args)
{
    struct tern_endpoint local = {0}, remote = {0};
    uint64_t irs, iss;
    char *l = strsep(&args, " "), *r = strsep(&args, " "), *a = strsep(&args, " "), *b = args;
    if (read_endpoint(l, &local, o->why) < 0 || read_endpoint(r, &remote, o->why) < 0)
        return -1;
    if (!a || !b || value_number(a, 0, UINT32_MAX, &irs, o->why) < 0 ||
        value_number(b, 0, UINT32_MAX, &iss, o->why) < 0) {
        why_set(o->why, "two sequence numbers are needed: the SYN's and the SYN-ACK's");
        return -1;
    }
    struct tern_cookie_info info = {0};
    for (unsigned i = 0; i < o->n && !info.valid; i++)
        tern_cookie_decode(o->st[i], &local, &remote, (uint32_t)irs, (uint32_t)iss, &info, o->now);
    cookie_show(o, &info);
    return 0;
}

/* ---- */

char *orders_run(struct tern_stack *const *st, unsigned n, struct tern_time now, const char *line,
                 size_t *len)
{
    struct orders o = {.st = st, .n = n, .now = now};
    char *copy = strdup(line), *args = copy, *text = NULL, *answer = NULL;
    size_t text_len = 0;
    o.out = copy ? open_memstream(&text, &text_len) : NULL;
    if (!o.out) {
        free(copy);
        return NULL;
    }
    const char *word = strsep(&args, " ");
    int rc = -1;
    if (args && strcmp(word, "policy") == 0)
        rc = order_policy(&o, args);
    else if (args && strcmp(word, "cookie") == 0)
        rc = order_cookie(&o, args);
    else
        why_set(o.why, "'%.60s': not an order", word);
    if (fclose(o.out) == 0)
        *len = (size_t)(rc == 0 ? asprintf(&answer, "ok\n%s", text)
                                : asprintf(&answer, "error: %s\n", o.why));
    free(text);
    free(copy);
    return answer;
}
