/* SPDX-License-Identifier: BSD-2-Clause */
#include "shield_opts.h"

#include "policy_text.h"
#include "port/why.h"
#include "suggest.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum shield_key {
    KEY_LINK = 0x100,
    KEY_ADDR,
    KEY_GW,
    KEY_MTU,
    KEY_NAME,
    KEY_PCAPNG,
    KEY_PROXY,
    KEY_POLICY,
    KEY_BACKLOG,
    KEY_OFFLOAD,
    KEY_CONNS,
    KEY_DIALS,
};

static const struct argp_option shield_table[] = {
    {"link", KEY_LINK, "LINK", 0,
     "tap:NAME, tun:NAME or packet:NAME: the device at which the clients arrive", 0},
    {"addr", KEY_ADDR, "A[/PREFIX]", 0, "The shield's address (prefix: 24)", 0},
    {"gw", KEY_GW, "A", 0, "The router to clients of other networks", 0},
    {"mtu", KEY_MTU, "N", 0, "Largest IP packet, 576..65535 (default: the device's)", 0},
    {"policy", KEY_POLICY, "WORDS", 0,
     "What the listeners do with SYNs: " POLICY_WORDS "; commas between words, may be repeated", 0},
    {"syn-offload", KEY_OFFLOAD, "WORD", 0,
     "On a packet link have the kernel give out SYN cookies, at the device: " OFFLOAD_WORDS, 0},
    {"backlog", KEY_BACKLOG, "N", 0, "Connections that wait to be carried on (default 1024)", 0},
    {"max-conns", KEY_CONNS, "N", 0, "Connections carried at a time (default 4096)", 0},
    {"max-dials", KEY_DIALS, "N", 0, "... of which so many are being dialled (default 256)", 0},
    {"proxy", KEY_PROXY, NULL, 0,
     "Begin each connection to the server with a PROXY protocol v2 header", 0},
    {"pcapng", KEY_PCAPNG, "FILE", 0, "Write a capture with the cause of each segment", 0},
    {"name", KEY_NAME, "NAME", 0, "How `tern ss` calls it (default: shield)", 0},
    {0},
};

struct shield_parse {
    struct shield_opts *o;
    char *why;
    bool bad;
    int next; /* where argp stood when it gave up */
};

static int shield_bad(struct shield_parse *p, const char *option, const char *what)
{
    if (!p->bad)
        why_set(p->why, "%s: %s", option, what);
    p->bad = true;
    return EINVAL;
}

/* "80=127.0.0.1:8080", "80=8080" */
static int shield_service_parse(const char *text, struct shield_service *out, char *why)
{
    char buf[64];
    size_t n = strlen(text);
    uint64_t port, to;
    struct shield_service sv = {0};
    char *eq = n < sizeof buf ? memcpy(buf, text, n + 1) : NULL;
    eq = eq ? strchr(eq, '=') : NULL;
    if (eq) {
        *eq++ = '\0';
        char *colon = strrchr(eq, ':');
        if (colon)
            *colon++ = '\0';
        if ((!colon || value_addr(eq, &sv.host.addr, NULL) == 0) &&
            value_number(buf, 1, 65535, &port, NULL) == 0 &&
            value_number(colon ? colon : eq, 1, 65535, &to, NULL) == 0) {
            sv.port = (uint16_t)port;
            sv.host.port = (uint16_t)to;
            *out = sv;
            return 0;
        }
    }
    why_set(why,
            VALUE_QUOTE ": not PORT=[ADDRESS:]PORT with ports 1..65535, such as 80=127.0.0.1:8080",
            text);
    return -1;
}

static int shield_add(struct shield_parse *p, const char *text)
{
    struct shield_config *c = &p->o->shield;
    struct shield_service sv;
    char why[TERN_WHY];
    if (shield_service_parse(text, &sv, why) < 0)
        return shield_bad(p, "service", why);
    for (unsigned i = 0; i < c->nservice; i++) {
        if (c->service[i].port == sv.port)
            return shield_bad(p, text, "this port has a server already: leave one out");
    }
    if (c->nservice == SHIELD_SERVICES)
        return shield_bad(p, text, "more than 64 services: start another shield");
    c->service[c->nservice++] = sv;
    return 0;
}

static int shield_set_addr(struct shield_opts *o, const char *arg, char *why)
{
    char buf[64];
    (void)snprintf(buf, sizeof buf, "%.40s%s", arg, strchr(arg, '/') ? "" : "/24");
    return value_addr_prefix(buf, &o->addr, &o->prefix, why);
}

static int shield_set_number(struct shield_opts *o, int key, const char *arg, char *why)
{
    uint64_t n;
    bool mtu = key == KEY_MTU;
    if (value_number(arg, mtu ? 576 : 1, mtu ? 65535 : 1u << 20, &n, why) < 0)
        return -1;
    if (mtu)
        o->mtu = (uint16_t)n;
    else if (key == KEY_BACKLOG)
        o->shield.backlog = (uint32_t)n;
    else if (key == KEY_CONNS)
        o->shield.max_conns = (uint32_t)n;
    else
        o->shield.max_pending = (uint32_t)n;
    return 0;
}

static int shield_set(struct shield_opts *o, int key, const char *arg, char *why)
{
    switch (key) {
    case KEY_LINK:
        return value_device(arg, &o->device, why);
    case KEY_ADDR:
        return shield_set_addr(o, arg, why);
    case KEY_GW:
        return value_addr(arg, &o->gw, why);
    case KEY_POLICY:
        return policy_text_parse(arg, &o->shield.policy, why);
    case KEY_PROXY:
        o->shield.proxy = true;
        return 0;
    case KEY_OFFLOAD:
        return value_offload(arg, &o->syn_offload, why);
    case KEY_PCAPNG:
        o->pcapng = arg;
        return 0;
    case KEY_NAME:
        o->name = arg;
        return value_name(arg, why);
    default:
        return shield_set_number(o, key, arg, why);
    }
}

static int shield_check(struct shield_parse *p)
{
    const struct shield_opts *o = p->o;
    if (!o->device.name)
        return shield_bad(p, "--link",
                          "missing: the device at which clients arrive, tap:NAME, tun:NAME or "
                          "packet:NAME");
    if (o->addr.fam == TERN_AF_NONE)
        return shield_bad(p, "--addr", "missing: the address that clients connect to");
    if (o->shield.nservice == 0)
        return shield_bad(p, "service", "missing: PORT=ADDRESS:PORT, such as 80=127.0.0.1:8080");
    if (o->gw.fam != TERN_AF_NONE && !value_same_net(&o->gw, &o->addr, o->prefix))
        return shield_bad(p, "--gw", "not in the network of --addr: it could never be reached");
    return 0;
}

static error_t shield_parser(int key, char *arg, struct argp_state *state)
{
    struct shield_parse *p = state->input;
    if (key == ARGP_KEY_ARG)
        return shield_add(p, arg);
    if (key == ARGP_KEY_END)
        return shield_check(p);
    if (key == ARGP_KEY_ERROR)
        p->next = state->next;
    for (const struct argp_option *t = shield_table; t->name; t++) {
        if (t->key != key)
            continue;
        char why[TERN_WHY] = "", option[32];
        if (shield_set(p->o, key, arg, why) == 0)
            return 0;
        (void)snprintf(option, sizeof option, "--%s", t->name);
        return shield_bad(p, option, why);
    }
    return ARGP_ERR_UNKNOWN;
}

/* argp found an option it does not know, or one whose value is missing. */
static void shield_unknown(char *why, const char *word)
{
    int n = (int)strcspn(word, "=");
    for (const struct argp_option *t = shield_table; t->name && n > 2; t++) {
        if (strlen(t->name) != (size_t)n - 2 || strncmp(word + 2, t->name, (size_t)n - 2) != 0)
            continue;
        why_set(why, t->arg ? "--%s: a value is missing: %s" : "--%s: takes no value%s", t->name,
                t->arg ? t->arg : "");
        return;
    }
    why_set(why, "%.*s: no such option: `tern help shield` lists them", n > 40 ? 40 : n, word);
}

enum shield_opts_result shield_opts_parse(int argc, char **argv, struct shield_opts *o, char *why)
{
    static const struct argp argp = {
        .options = shield_table,
        .parser = shield_parser,
        .args_doc = "PORT=[ADDRESS:]PORT...",
        .doc = "Stands in front of servers: ends the clients' TCP at a stack of its own, which "
               "withstands SYN floods, and carries completed connections to sockets of the host."
               "\vExample: tern shield --link tap:t0 --addr 10.0.3.2 80=127.0.0.1:8080"};
    memset(o, 0, sizeof *o);
    o->name = "shield";
    policy_text_init(&o->shield.policy);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-?") != 0)
            continue;
        char name[] = "tern shield";
        argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
        return SHIELD_OPTS_HELP;
    }
    struct shield_parse p = {.o = o, .why = why};
    why[0] = '\0';
    if (argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &p) == 0)
        return SHIELD_OPTS_GO;
    if (!p.bad)
        shield_unknown(why, p.next > 0 && p.next <= argc ? argv[p.next - 1] : "");
    return SHIELD_OPTS_BAD;
}
