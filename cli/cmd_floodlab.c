/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_floodlab.c: `tern flood-lab`: the rows of the laboratory, as options choose them.
 *
 * There is no option for an address or a device: the flood exists only between a forger and a
 * server that the command makes itself, in memory or in a network namespace of the row's own.
 */
#include "cmd.h"
#include "lab/lab.h"
#include "policy_text.h"
#include "port/why.h"
#include "values.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROWS 32

/* Rows over a veth, for --victim. */
#define ONLY_DROP       1u
#define ONLY_LINK       2u /* the other two of the link */
#define ONLY_RUN        4u
#define ONLY_SHIELD     8u
#define ONLY_RUN_OFF    16u /* --syn-offload=off */
#define ONLY_SHIELD_OFF 32u
#define ONLY_SYNPROXY   64u
#define ONLY_KERNEL0    128u /* tcp_syncookies=0; the next two bits: 1 and 2 */

#define VICTIMS                                                                                    \
    "link, link=dropped, run, run=off, shield, shield=off, kernel, kernel=0, kernel=1, kernel=2, " \
    "synproxy"

enum {
    KEY_ATTACK = 256,
    KEY_RATE,
    KEY_SECONDS,
    KEY_HONEST,
    KEY_SEED,
    KEY_LINK,
    KEY_RECEIVE,
    KEY_VICTIM,
    KEY_VIRTUAL,
    KEY_POLICY,
    KEY_BACKLOG,
    KEY_SERVER,
    KEY_SERVE,
    KEY_JSON,
    KEY_SVG
};

static const struct argp_option options[] = {
    {"attack", KEY_ATTACK, "NAME", 0,
     "syn (default), syn-same, ack, syn-ack, rst, stall, zero-window", 0},
    {"rate", KEY_RATE, "N", 0, "Forged frames a second (default 100000; at most 20000000)", 0},
    {"seconds", KEY_SECONDS, "N", 0, "Length of a row (default 5; at most 600)", 0},
    {"honest", KEY_HONEST, "N", 0, "Honest connects a second (default 80)", 0},
    {"seed", KEY_SEED, "N", 0, "Everything is drawn from N (default 1)", 0},
    {"link", KEY_LINK, "wire|tun|veth|all", 0,
     "wire: the stack's policies, in memory; tun: the kernel's tcp_syncookies 0, 1 and 2, in a "
     "network namespace of the row's own; veth: a server under `tern run`, behind `tern shield`, "
     "on the kernel and behind its SYNPROXY, over a veth, victim and forger on a CPU each, and the "
     "veth alone (both need root). Default: wire, and as root veth",
     0},
    {"receive", KEY_RECEIVE, "thread|softirq", 0,
     "With --link veth: how the victim's kernel takes frames from its end: in a thread of the "
     "device's own that looks every 100 us, as a card with moderated interrupts has it (default); "
     "or in the softirq, a frame at a time",
     0},
    {"victim", KEY_VICTIM, "NAME", 0,
     "With --link veth: only these rows: " VICTIMS "; may be repeated. =off: with "
     "--syn-offload=off. What a row costs beyond the link is told when link=dropped, or link, is "
     "one of them",
     0},
    {"virtual", KEY_VIRTUAL, NULL, 0,
     "Advance the clock instead of reading it: repeatable; only with --link wire", 0},
    {"policy", KEY_POLICY, "WORDS", 0, "Only this policy: " POLICY_WORDS "; may be repeated", 0},
    {"backlog", KEY_BACKLOG, "N", 0, "Of the listener (default 1024)", 0},
    {"server", KEY_SERVER, "COMMAND", 0,
     "With --link veth: what serves port 80 (default: a small server of the laboratory's own)", 0},
    {"serve", KEY_SERVE, "BACKLOG", OPTION_HIDDEN, "Be that server", 0},
    {"json", KEY_JSON, NULL, 0, "JSON instead of a table", 0},
    {"svg", KEY_SVG, "FILE", 0, "A picture too", 0},
    {0},
};

struct floodlab {
    struct lab_config cfg;
    struct lab_config row_cfg[ROWS];
    struct lab_row row[ROWS];
    const char *policy[ROWS]; /* as given */
    unsigned nrow;
    unsigned victims; /* ONLY_...; 0 = all */
    bool wire, tun, veth, link_given, json, serve, help;
    const char *svg;
    bool bad; /* said already */
};

static bool bad(struct floodlab *a, const char *option, const char *what)
{
    if (!a->bad)
        (void)fprintf(stderr, "tern flood-lab: %s: %s\n", option, what);
    a->bad = true;
    return false;
}

static void add_row(struct floodlab *a, const char *name, int syncookies,
                    const struct tern_listener_policy *policy)
{
    if (a->nrow == ROWS)
        return;
    struct lab_config *c = &a->row_cfg[a->nrow];
    struct lab_row *r = &a->row[a->nrow++];
    r->beyond_ns = NAN;
    c->syncookies = syncookies;
    if (policy)
        c->policy = *policy;
    (void)snprintf(r->name, sizeof r->name, "%.47s", name);
}

static bool add_policy(struct floodlab *a, const char *text)
{
    struct tern_listener_policy p;
    char why[TERN_WHY];
    policy_text_init(&p);
    if (policy_text_parse(text, &p, why) < 0)
        return bad(a, "--policy", why);
    if (a->nrow == ROWS)
        return bad(a, "--policy", "more than 32: run it twice");
    a->policy[a->nrow] = text;
    add_row(a, text, LAB_KERNEL_NONE, &p);
    return true;
}

static bool set_number(struct floodlab *a, int key, const char *option, const char *arg)
{
    static const struct {
        int key;
        uint64_t lo, hi;
    } range[] = {{KEY_RATE, 1, 20000000},
                 {KEY_SECONDS, 1, 600},
                 {KEY_HONEST, 1, 10000},
                 {KEY_BACKLOG, 1, 1u << 20},
                 {KEY_SEED, 0, INT64_MAX}};
    char why[TERN_WHY];
    uint64_t n = 0;
    for (unsigned i = 0; i < sizeof range / sizeof range[0]; i++) {
        if (range[i].key != key || value_number(arg, range[i].lo, range[i].hi, &n, why) == 0)
            continue;
        char named[32];
        (void)snprintf(named, sizeof named, "--%s", option);
        return bad(a, named, why);
    }
    if (key == KEY_RATE)
        a->cfg.rate = (uint32_t)n;
    else if (key == KEY_SECONDS)
        a->cfg.seconds = (uint32_t)n;
    else if (key == KEY_HONEST)
        a->cfg.honest = (uint32_t)n;
    else if (key == KEY_BACKLOG)
        a->cfg.backlog = (uint32_t)n;
    else
        a->cfg.seed = n;
    return true;
}

static bool set_attack(struct floodlab *a, const char *arg)
{
    const char *name;
    for (unsigned i = 0; (name = lab_attack_name(i)) != NULL; i++) {
        if (strcmp(arg, name) == 0) {
            a->cfg.attack = i;
            return true;
        }
    }
    return bad(a, "--attack", "not one of syn, syn-same, ack, syn-ack, rst, stall, zero-window");
}

static bool set_link(struct floodlab *a, const char *arg)
{
    a->link_given = true;
    bool all = strcmp(arg, "all") == 0;
    a->wire = all || strcmp(arg, "wire") == 0;
    a->tun = all || strcmp(arg, "tun") == 0;
    a->veth = all || strcmp(arg, "veth") == 0;
    return a->wire || a->tun || a->veth ||
           bad(a, "--link",
               "wire, tun, veth or all: the laboratory floods only what it made itself");
}

static bool set_receive(struct floodlab *a, const char *arg)
{
    a->cfg.softirq = strcmp(arg, "softirq") == 0;
    return a->cfg.softirq || strcmp(arg, "thread") == 0 || bad(a, "--receive", "thread or softirq");
}

static bool set_victim(struct floodlab *a, const char *arg)
{
    static const struct {
        const char *name;
        unsigned rows;
    } known[] = {{"link", ONLY_DROP | ONLY_LINK},
                 {"link=dropped", ONLY_DROP},
                 {"run", ONLY_RUN},
                 {"run=off", ONLY_RUN_OFF},
                 {"shield", ONLY_SHIELD},
                 {"shield=off", ONLY_SHIELD_OFF},
                 {"synproxy", ONLY_SYNPROXY},
                 {"kernel", 7 * ONLY_KERNEL0},
                 {"kernel=0", ONLY_KERNEL0},
                 {"kernel=1", ONLY_KERNEL0 << 1},
                 {"kernel=2", ONLY_KERNEL0 << 2}};
    unsigned rows = 0;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
        rows |= strcmp(arg, known[i].name) == 0 ? known[i].rows : 0;
    a->victims |= rows;
    return rows != 0 || bad(a, "--victim", "one of " VICTIMS);
}

/* An option whose word has to be looked at. */
static const struct {
    int key;
    bool (*set)(struct floodlab *a, const char *arg);
} words[] = {{KEY_ATTACK, set_attack},
             {KEY_LINK, set_link},
             {KEY_RECEIVE, set_receive},
             {KEY_VICTIM, set_victim},
             {KEY_POLICY, add_policy}};

/* Options that need no looking at; false: it is none of them. */
static bool set_plain(struct floodlab *a, int key, const char *arg)
{
    if (key == KEY_VIRTUAL)
        a->cfg.virtual = true;
    else if (key == KEY_JSON)
        a->json = true;
    else if (key == KEY_SVG)
        a->svg = arg;
    else if (key == KEY_SERVER)
        a->cfg.server = arg;
    else
        return false;
    return true;
}

static error_t parser(int key, char *arg, struct argp_state *state)
{
    struct floodlab *a = state->input;
    if (key == ARGP_KEY_ARG)
        return bad(a, arg, "takes options only: there is no address to be given") ? 0 : EINVAL;
    if (key < KEY_ATTACK || key > KEY_SVG)
        return ARGP_ERR_UNKNOWN;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (words[i].key == key)
            return words[i].set(a, arg) ? 0 : EINVAL;
    }
    if (set_plain(a, key, arg))
        return 0;
    if (key != KEY_SERVE)
        return set_number(a, key, options[key - KEY_ATTACK].name, arg) ? 0 : EINVAL;
    a->serve = set_number(a, KEY_BACKLOG, "serve", arg);
    return a->serve ? 0 : EINVAL;
}

/* The row's configuration; NULL: it is not one of those that were asked for. `row`: ONLY_... */
static struct lab_config *add_victim(struct floodlab *a, enum lab_victim victim, unsigned row,
                                     const char *name, int cookies)
{
    if (a->nrow == ROWS || (a->victims && !(a->victims & row)))
        return NULL;
    add_row(a, name, cookies, NULL);
    struct lab_config *c = &a->row_cfg[a->nrow - 1];
    c->victim = victim;
    return c;
}

/* A server on tern. A policy of many words is cut short in the row's name, the rest is not. */
static void add_tern(struct floodlab *a, enum lab_victim victim, const char *policy, bool offload)
{
    bool run = victim == LAB_RUN;
    unsigned row = run ? ONLY_RUN : ONLY_SHIELD;
    char name[48];
    (void)snprintf(name, sizeof name, "tern %s, %.*s%s", run ? "run" : "shield", offload ? 34 : 17,
                   policy, offload ? "" : ", syn-offload=off");
    if (!offload)
        row = run ? ONLY_RUN_OFF : ONLY_SHIELD_OFF;
    struct lab_config *c = add_victim(a, victim, row, name, LAB_KERNEL_NONE);
    if (!c)
        return;
    c->policy_text = policy;
    c->no_offload = !offload;
}

/* Over a veth: what the link costs, tern with each policy, the kernel, and its SYNPROXY. tern as a
 * user has it, and once more without the program at the device (one policy of the usual ones: each
 * SYN is answered by the stack then, whatever gives out the cookies). */
static bool plan_veth(struct floodlab *a, unsigned chosen)
{
    static const char *const usual[] = {"cookies=overflow", "cookies=always"};
    unsigned n = chosen ? chosen : 2;
    char name[48];
    if (a->cfg.attack == LAB_STALL || a->cfg.attack == LAB_ZERO_WINDOW)
        return bad(a, "--link", "veth has no forger who connects: take wire for this attack");
    (void)add_victim(a, LAB_DROP, ONLY_DROP, "link, dropped", LAB_KERNEL_NONE);
    (void)add_victim(a, LAB_SINK, ONLY_LINK, "link, read", LAB_KERNEL_NONE);
    (void)add_victim(a, LAB_ECHO, ONLY_LINK, "link, read and sent back", LAB_KERNEL_NONE);
    for (unsigned i = 0; i < n; i++) {
        const char *policy = chosen ? a->policy[i] : usual[i];
        add_tern(a, LAB_RUN, policy, true);
        add_tern(a, LAB_SHIELD, policy, true);
    }
    for (unsigned i = chosen ? 0 : 1; i < n; i++) {
        const char *policy = chosen ? a->policy[i] : usual[i];
        add_tern(a, LAB_RUN, policy, false);
        add_tern(a, LAB_SHIELD, policy, false);
    }
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "veth, tcp_syncookies=%d", i);
        (void)add_victim(a, LAB_KERNEL, ONLY_KERNEL0 << i, name, i);
    }
    (void)add_victim(a, LAB_SYNPROXY, ONLY_SYNPROXY, "veth, nft SYNPROXY", 1);
    return true;
}

/* Without --link: what this user may. */
static void plan_links(struct floodlab *a)
{
    bool root = geteuid() == 0;
    if (a->link_given)
        return;
    a->wire = true;
    a->veth = root && !a->cfg.virtual && a->cfg.attack != LAB_STALL &&
              a->cfg.attack != LAB_ZERO_WINDOW;
    if (!root)
        (void)fprintf(stderr, "tern flood-lab: without the rows over a veth: they need network "
                              "namespaces, and those need root\n");
}

/* In memory: the user's policies, which are there already, or the classical ones. */
static bool plan_wire(struct floodlab *a)
{
    static const char *const classical[] = {
        "cookies=overflow",          "cookies=always",    "drop", "drop-oldest", "drop,queue=65536",
        "drop,timeout=1s,retries=0", "drop-oldest,staged"};
    bool chosen = a->nrow > 0;
    for (unsigned i = 0; !chosen && i < sizeof classical / sizeof classical[0]; i++) {
        if (!add_policy(a, classical[i]))
            return false;
    }
    return true;
}

static void plan_tun(struct floodlab *a)
{
    char name[48];
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "kernel, tcp_syncookies=%d", i);
        add_row(a, name, i, NULL);
    }
    if (a->nrow == ROWS)
        return;
    add_row(a, "kernel, spoilt frames", 1, NULL);
    a->row_cfg[a->nrow - 1].spoil = true;
}

static bool plan(struct floodlab *a)
{
    plan_links(a);
    unsigned given = a->nrow;
    if ((a->tun || a->veth) && a->cfg.virtual)
        return bad(a, "--virtual", "the kernel's clock cannot be advanced: --link wire");
    if (!a->wire)
        a->nrow = 0;
    else if (!plan_wire(a))
        return false;
    if (a->tun)
        plan_tun(a);
    return !a->veth || plan_veth(a, given);
}

/* What each row's CPU time is beyond that of the row in which the link's frames are dropped. */
static void beyond_link(struct floodlab *a)
{
    const struct lab_row *link = NULL;
    for (unsigned i = 0; i < a->nrow; i++) {
        struct lab_row *r = &a->row[i];
        if (a->row_cfg[i].victim == LAB_DROP && !r->failed)
            link = r;
        else if (a->row_cfg[i].victim != LAB_MEMORY && link)
            r->beyond_ns = r->cpu_ns - link->cpu_ns;
    }
}

static bool run_rows(struct floodlab *a)
{
    bool all = true;
    for (unsigned i = 0; i < a->nrow; i++) {
        struct lab_config c = a->cfg;
        c.syncookies = a->row_cfg[i].syncookies;
        c.policy = a->row_cfg[i].policy;
        c.spoil = a->row_cfg[i].spoil;
        c.victim = a->row_cfg[i].victim;
        c.policy_text = a->row_cfg[i].policy_text;
        c.no_offload = a->row_cfg[i].no_offload;
        lab_run(&c, &a->row[i]);
        all = all && !a->row[i].failed;
    }
    return all;
}

static int report(struct floodlab *a)
{
    FILE *svg = NULL;
    int r = a->json ? lab_json(stdout, &a->cfg, a->row, a->nrow)
                    : lab_table(stdout, &a->cfg, a->row, a->nrow);
    if (r < 0)
        (void)fprintf(stderr, "tern flood-lab: standard output: %s\n", strerror(errno));
    if (r == 0 && a->svg) {
        svg = fopen(a->svg, "we");
        r = svg ? lab_svg(svg, &a->cfg, a->row, a->nrow) : -1;
        if (svg && fclose(svg) != 0)
            r = -1;
        if (r < 0)
            (void)fprintf(stderr, "tern flood-lab: --svg: cannot write %.150s: %s\n", a->svg,
                          strerror(errno));
    }
    return r;
}

int cmd_floodlab(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parser,
        .doc =
            "Floods a server that it makes itself, in memory or in a network namespace of its own, "
            "and measures what honest clients get, for each policy.\vColumns: forged frames a "
            "second that were sent, and that arrived; honest connects that got their answer, their "
            "times; memory touched in addition (\"slab\": the kernel's objects, those of the whole "
            "machine); CPU time per frame that arrived and its answer, and how much of it is "
            "beyond the row \"link, dropped\", in which the veth's frames are dropped before "
            "anybody has read them; SYN-ACKs sent (over a veth: received by the forger's end, "
            "whether tern or its program at the device sent them); SYNs that this program "
            "answered. With --link tun the kernel's CPU time has the TUN's in it; the row of "
            "spoilt "
            "frames, which it drops at their IP checksum, is the TUN's alone."};
    static struct floodlab a = {
        .cfg = {.rate = 100000, .seconds = 5, .honest = 80, .seed = 1, .backlog = 1024}};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-?") != 0)
            continue;
        char name[] = "tern flood-lab";
        argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
        return 0;
    }
    char name[] = "tern flood-lab"; /* argp's own messages begin with it */
    argv[0] = name;
    if (argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, &a) != 0 || a.bad)
        return 2;
    if (a.serve)
        return lab_serve(a.cfg.backlog);
    if (!plan(&a))
        return 2;
    bool all = run_rows(&a);
    beyond_link(&a);
    return report(&a) == 0 && all ? 0 : 1;
}
