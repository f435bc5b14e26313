/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/run_opts.c: the option table of `tern run`, read by argp.
 *
 * argp prints the help from the table; its own error messages are switched off (ARGP_NO_ERRS), so
 * that each mistake is one line that names the option, quotes the value and says what would be
 * right.
 */
#include "run_opts.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "policy_text.h"
#include "port/why.h"
#include "suggest.h"

#include <argp.h>
#include <errno.h>
#include <string.h>

enum run_key {
    KEY_LINK = 0x100,
    KEY_ADDR,
    KEY_GW,
    KEY_DNS,
    KEY_MTU,
    KEY_NAME,
    KEY_LOSE,
    KEY_DELAY,
    KEY_JITTER,
    KEY_REORDER,
    KEY_DUPLICATE,
    KEY_CORRUPT,
    KEY_RATE,
    KEY_CE,
    KEY_ECN,
    KEY_UTO,
    KEY_MTU_PROBING,
    KEY_OFFLOAD,
    KEY_PATH_MTU,
    KEY_SEED,
    KEY_PCAPNG,
    KEY_LADDER,
    KEY_EVENTS,
    KEY_CC,
    KEY_PROFILE,
    KEY_MSL,
    KEY_POLICY,
    KEY_BACKLOG,
    KEY_PUBLISH = 'p',
};

static const struct argp_option run_table[] = {
    {NULL, 0, NULL, 0, "The link:", 1},
    {"link", KEY_LINK, "LINK", 0,
     "wire (default: a gateway in this process, no privilege needed), tap:NAME, tun:NAME or "
     "packet:NAME (a device of this machine)",
     1},
    {"addr", KEY_ADDR, "A/PREFIX", 0, "The program's address (default 10.0.2.15/24)", 1},
    {"gw", KEY_GW, "A", 0,
     "The gateway (default 10.0.2.2, the second address of --addr's network). On the wire it also "
     "means "
     "the host's loopback",
     1},
    {"dns", KEY_DNS, "A", 0,
     "Send name queries (port 53) to A instead of where the program sends them; wire only", 1},
    {"publish", KEY_PUBLISH, "[HOSTADDR:]HOSTPORT:PORT[/udp]", 0,
     "Forward a port of the host (127.0.0.1 unless HOSTADDR is given) to the program's PORT; may "
     "be "
     "repeated; wire only",
     1},
    {"mtu", KEY_MTU, "N", 0, "Largest IP packet, 576..65535 (default 1500, or the device's)", 1},

    {NULL, 0, NULL, 0, "A bad link (each direction, repeatable by --seed):", 2},
    {"lose", KEY_LOSE, "WHAT", 0,
     "Lose frames: a rate (0.01 or 1%), or one named segment: syn, syn-ack, 3rd-ack, fin, "
     "last-ack, "
     "rst, data:N; may be repeated",
     2},
    {"delay", KEY_DELAY, "TIME", 0, "One-way delay, such as 50ms", 2},
    {"jitter", KEY_JITTER, "TIME", 0, "Up to this much more, at random; order is kept", 2},
    {"reorder", KEY_REORDER, "RATE", 0, "Frames that come after their successors", 2},
    {"duplicate", KEY_DUPLICATE, "RATE", 0, "Frames that come twice", 2},
    {"corrupt", KEY_CORRUPT, "RATE", 0, "Frames in which one bit is flipped", 2},
    {"ce", KEY_CE, "RATE", 0, "ECN-capable packets that a router marks as having met a queue", 2},
    {"path-mtu", KEY_PATH_MTU, "N", 0,
     "IP packets longer than N vanish without a word, 576..65535: a path that MTU discovery has to "
     "find out about by probing",
     2},
    {"rate", KEY_RATE, "BANDWIDTH", 0, "kbit, mbit or gbit a second, such as 10mbit", 2},

    {NULL, 0, NULL, 0, "Seeing:", 3},
    {"ladder", KEY_LADDER, "FILE", OPTION_ARG_OPTIONAL,
     "At the end draw each connection: both ends' states, every segment and its cause; to standard "
     "error, or to FILE",
     3},
    {"pcapng", KEY_PCAPNG, "FILE", 0,
     "Write a capture with the cause of each segment as its comment", 3},
    {"events", KEY_EVENTS, "FILE", 0, "Write every event as a line of JSON", 3},
    {"name", KEY_NAME, "NAME", 0, "How `tern ss` calls this run (default: the program's name)", 3},

    {NULL, 0, NULL, 0, "The stack:", 4},
    {"profile", KEY_PROFILE, "NAME", 0,
     "Whose habits where the standards leave a choice: tern (default), rfc, linux or freebsd", 4},
    {"cc", KEY_CC, "NAME", 0, "Congestion control: cubic (default), reno, bbr or none", 4},
    {"ecn", KEY_ECN, "WORD", 0,
     "Congestion marks: off, accept (default), on (asked for), accurate (AccECN)", 4},
    {"mtu-probing", KEY_MTU_PROBING, "WORD", 0,
     "Search for the path's MTU: never, lost (default: when large segments vanish), always", 4},
    {"uto", KEY_UTO, "TIME", 0,
     "User timeout option (RFC 5482): tells peers to keep connections for TIME without an "
     "acknowledgment, and heeds theirs; 1s to 1966020s (default: off)",
     4},
    {"msl", KEY_MSL, "TIME", 0,
     "Maximum segment lifetime: TIME-WAIT lasts two (default 30s; RFC 9293 says 120s)", 4},
    {"policy", KEY_POLICY, "WORDS", 0,
     "What the program's listeners do with SYNs: " POLICY_WORDS
     "; commas between words, may be repeated; `tern policy` changes it later",
     4},
    {"syn-offload", KEY_OFFLOAD, "WORD", 0,
     "On a packet link have the kernel give out SYN cookies, at the device: " OFFLOAD_WORDS, 4},
    {"backlog", KEY_BACKLOG, "N", 0,
     "Backlog of the program's listeners, whatever it asks for itself", 4},
    {"seed", KEY_SEED, "N", 0,
     "Numbers, ports and impairments drawn from N: the same again. Predictable: for tests only", 4},
    {0},
};

struct run_parse {
    struct run_opts *o;
    char *why;
    int next; /* where argp stood when it gave up */
    bool gw_given, mtu_given, bad;
};

static const struct argp_option *run_find_key(int key)
{
    for (const struct argp_option *t = run_table; t->name || t->doc; t++) {
        if (t->name && t->key == key)
            return t;
    }
    return NULL;
}

static int run_bad(struct run_parse *p, const char *option, const char *what)
{
    if (!p->bad)
        why_set(p->why, "%s%s: %s", option[0] == '-' ? "" : "--", option, what);
    p->bad = true;
    return EINVAL;
}

/* ---- single options ---- */

static int run_set_link(struct run_opts *o, const char *arg, char *why)
{
    if (strcmp(arg, "wire") == 0) {
        o->link = RUN_LINK_WIRE;
        return 0;
    }
    if (value_device(arg, &o->device, why) < 0) {
        if (!strchr(arg, ':'))
            why_set(why, VALUE_QUOTE ": not a link: wire, tap:NAME, tun:NAME or packet:NAME", arg);
        return -1;
    }
    o->link = RUN_LINK_DEVICE;
    return 0;
}

static int run_add_forward(struct run_opts *o, const char *arg, char *why)
{
    struct value_forward fw;
    if (value_forward(arg, &fw, why) < 0)
        return -1;
    for (unsigned i = 0; i < o->nforward; i++) {
        const struct value_forward *f = &o->forward[i];
        if (f->udp == fw.udp && f->host.port == fw.host.port &&
            memcmp(&f->host.addr, &fw.host.addr, sizeof fw.host.addr) == 0) {
            why_set(why, VALUE_QUOTE ": port %u of the host is forwarded already: choose another",
                    arg, (unsigned)fw.host.port);
            return -1;
        }
    }
    if (o->nforward == RUN_FORWARDS) {
        why_set(why, VALUE_QUOTE ": more than %d forwards: leave some out", arg, RUN_FORWARDS);
        return -1;
    }
    o->forward[o->nforward++] = fw;
    return 0;
}

static int run_set_cc(struct run_opts *o, const char *arg, char *why)
{
    int cc = tern_cc_find(arg);
    if (cc < 0) {
        why_set(why, VALUE_QUOTE ": not a congestion control: cubic, reno, bbr or none", arg);
        return -1;
    }
    o->cc = (uint8_t)cc;
    o->cc_given = true;
    return 0;
}

static int run_set_ecn(struct run_opts *o, const char *arg, char *why)
{
    static const char *const words[] = {"off", "on", "accept", "accurate"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(arg, words[i]) == 0) {
            o->ecn = (uint8_t)i;
            return 0;
        }
    }
    why_set(why, VALUE_QUOTE ": not one of off, accept, on, accurate", arg);
    return -1;
}

static int run_set_profile(struct run_opts *o, const char *arg, char *why)
{
    int profile = tern_profile_find(arg);
    if (profile < 0) {
        why_set(why, VALUE_QUOTE ": not a profile: tern, rfc, linux or freebsd", arg);
        return -1;
    }
    o->profile = (uint8_t)profile;
    return 0;
}

static int run_set_msl(struct run_opts *o, const char *arg, char *why)
{
    uint64_t us;
    if (value_time_us(arg, &us, why) < 0)
        return -1;
    if (us < 1000 || us > 600 * 1000000ull) {
        why_set(why, VALUE_QUOTE ": not between 1ms and 600s", arg);
        return -1;
    }
    o->msl_ms = (uint32_t)(us / 1000);
    return 0;
}

static int run_set_uto(struct run_opts *o, const char *arg, char *why)
{
    uint64_t us;
    if (value_time_us(arg, &us, why) < 0)
        return -1;
    if (us < 1000000 || us > TERN_UTO_MOST_S * UINT64_C(1000000)) {
        why_set(why, VALUE_QUOTE ": not between 1s and 1966020s", arg);
        return -1;
    }
    o->uto_s = (uint32_t)(us / 1000000);
    return 0;
}

static int run_set_mtu_probing(struct run_opts *o, const char *arg, char *why)
{
    static const char *const words[] = {"never", "lost", "always"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(arg, words[i]) == 0) {
            o->mtu_probing = (uint8_t)i;
            return 0;
        }
    }
    why_set(why, VALUE_QUOTE ": not one of never, lost, always", arg);
    return -1;
}

static int run_set_file(const char **to, const char *arg, char *why)
{
    if (arg[0] == '\0') {
        why_set(why, "an empty file name");
        return -1;
    }
    *to = arg;
    return 0;
}

static int run_set_number(struct run_opts *o, int key, const char *arg, char *why)
{
    uint64_t n;
    if (key == KEY_SEED) {
        if (value_number(arg, 0, UINT64_MAX, &n, why) < 0)
            return -1;
        o->seed = n;
        o->seeded = true;
        return 0;
    }
    bool mtu = key == KEY_MTU;
    if (value_number(arg, mtu ? 576 : 1, mtu ? 65535 : 4096, &n, why) < 0)
        return -1;
    if (mtu)
        o->mtu = (uint16_t)n;
    else
        o->backlog = (uint32_t)n;
    return 0;
}

static int run_set_impair(struct tern_impair_config *c, int key, const char *arg, char *why)
{
    uint64_t n;
    switch (key) {
    case KEY_PATH_MTU:
        if (value_number(arg, 576, 65535, &n, why) < 0)
            return -1;
        c->mtu = (uint16_t)n;
        return 0;
    case KEY_LOSE:
        return tern_impair_parse_lose(c, arg, why);
    case KEY_DELAY:
        return value_time_us(arg, &c->delay_us, why);
    case KEY_JITTER:
        return value_time_us(arg, &c->jitter_us, why);
    case KEY_REORDER:
        return value_probability(arg, &c->reorder, why);
    case KEY_DUPLICATE:
        return value_probability(arg, &c->duplicate, why);
    case KEY_CORRUPT:
        return value_probability(arg, &c->corrupt, why);
    case KEY_CE:
        return value_probability(arg, &c->ce, why);
    default:
        tern_assert(key == KEY_RATE);
        return value_rate_bps(arg, &c->rate_bps, why);
    }
}

static int run_set(struct run_parse *p, int key, const char *arg, char *why)
{
    struct run_opts *o = p->o;
    switch (key) {
    case KEY_LINK:
        return run_set_link(o, arg, why);
    case KEY_ADDR:
        return value_addr_prefix(arg, &o->addr, &o->prefix, why);
    case KEY_GW:
        p->gw_given = true;
        return value_addr(arg, &o->gw, why);
    case KEY_DNS:
        return value_addr(arg, &o->dns, why);
    case KEY_PUBLISH:
        return run_add_forward(o, arg, why);
    case KEY_MTU:
        p->mtu_given = true;
        return run_set_number(o, key, arg, why);
    case KEY_SEED:
    case KEY_BACKLOG:
        return run_set_number(o, key, arg, why);
    case KEY_POLICY:
        o->policy_given = true;
        return policy_text_parse(arg, &o->policy, why);
    case KEY_PCAPNG:
        return run_set_file(&o->pcapng, arg, why);
    case KEY_EVENTS:
        return run_set_file(&o->events, arg, why);
    case KEY_LADDER:
        o->ladder = true;
        return arg ? run_set_file(&o->ladder_file, arg, why) : 0;
    case KEY_NAME:
        o->name = arg;
        return value_name(arg, why);
    case KEY_PROFILE:
        return run_set_profile(o, arg, why);
    case KEY_ECN:
        return run_set_ecn(o, arg, why);
    case KEY_UTO:
        return run_set_uto(o, arg, why);
    case KEY_OFFLOAD:
        return value_offload(arg, &o->syn_offload, why);
    case KEY_MTU_PROBING:
        return run_set_mtu_probing(o, arg, why);
    case KEY_CC:
        return run_set_cc(o, arg, why);
    case KEY_MSL:
        return run_set_msl(o, arg, why);
    default:
        return run_set_impair(&o->impair, key, arg, why);
    }
}

/* ---- the whole ---- */

/* Without --cc: the profile's own. */
static void run_profile_cc(struct run_opts *o)
{
    struct tern_config cfg;
    tern_config_init(&cfg);
    tern_config_profile(&cfg, (enum tern_profile)o->profile);
    if (!o->cc_given)
        o->cc = cfg.cc;
}

/* Without --gw: the second address of the network, as 10.0.2.2 is; a real link has none. */
static int run_default_gw(struct run_parse *p)
{
    struct run_opts *o = p->o;
    if (p->gw_given)
        return 0;
    uint32_t net = be32_load(o->addr.b) & ~(0xffffffffu >> o->prefix);
    if (o->link != RUN_LINK_WIRE) {
        memset(&o->gw, 0, sizeof o->gw);
        return 0;
    }
    o->gw = (struct tern_addr){.fam = TERN_AF_IP4};
    be32_store(o->gw.b, net + 2);
    if (memcmp(&o->gw, &o->addr, sizeof o->gw) == 0)
        return run_bad(p, "addr",
                       "the second address of the network is the gateway's: choose another, "
                       "or give --gw");
    return 0;
}

static int run_check(struct run_parse *p)
{
    struct run_opts *o = p->o;
    if (run_default_gw(p) != 0)
        return EINVAL;
    if (o->syn_offload == VALUE_OFFLOAD_ON &&
        (o->link == RUN_LINK_WIRE || o->device.kind != VALUE_PACKET))
        return run_bad(p, "syn-offload", "on: needs --link packet:NAME, whose kernel could answer");
    if (o->link != RUN_LINK_WIRE) {
        if (o->nforward > 0)
            return run_bad(p, "-p",
                           "needs the gateway of --link wire: on a TAP or TUN the program can "
                           "be reached at its own address");
        if (o->dns.fam != TERN_AF_NONE)
            return run_bad(p, "dns",
                           "needs the gateway of --link wire: on a TAP or TUN set the "
                           "resolver in /etc/resolv.conf");
        if (!p->mtu_given)
            o->mtu = 0;
    }
    if (o->gw.fam != TERN_AF_NONE && !value_same_net(&o->gw, &o->addr, o->prefix))
        return run_bad(p, "gw", "not in the network of --addr: it could never be reached");
    if (o->gw.fam != TERN_AF_NONE && memcmp(&o->gw, &o->addr, sizeof o->gw) == 0)
        return run_bad(p, "gw", "the same as --addr: the two are two hosts");
    if (!o->argv)
        return run_bad(p, "--", "no program: tern run [OPTION...] -- PROGRAM [ARG...]");
    return 0;
}

static error_t run_parser(int key, char *arg, struct argp_state *state)
{
    struct run_parse *p = state->input;
    if (key == ARGP_KEY_ARG) {
        p->o->argv = &state->argv[state->next - 1];
        state->next = state->argc;
        return 0;
    }
    if (key == ARGP_KEY_END)
        return run_check(p);
    if (key == ARGP_KEY_ERROR)
        p->next = state->next;
    const struct argp_option *t = run_find_key(key);
    if (!t)
        return ARGP_ERR_UNKNOWN;
    char why[TERN_WHY] = "";
    if (run_set(p, key, arg, why) == 0)
        return 0;
    return run_bad(p, key == KEY_PUBLISH ? "-p" : t->name, why);
}

/* Is word (its first n characters) this option, which then only lacks its value? */
static bool run_is_option(const struct argp_option *t, const char *word, size_t n)
{
    if (strncmp(word, "--", 2) == 0)
        return strlen(t->name) == n - 2 && strncmp(word + 2, t->name, n - 2) == 0;
    return word[0] == '-' && word[1] == t->key && word[2] == '\0';
}

/* argp found an option it does not know, or one whose value is missing. */
static void run_unknown(const struct run_parse *p, const char *word)
{
    size_t n = strcspn(word, "=");
    size_t skip = n > 2 ? 2 : 0;
    const char *best = NULL;
    unsigned near = 4;
    for (const struct argp_option *t = run_table; t->name || t->doc; t++) {
        if (!t->name)
            continue;
        if (run_is_option(t, word, n)) {
            why_set(p->why, "%.*s: a value is missing: %s", (int)n, word, t->arg);
            return;
        }
        unsigned d = suggest_distance(word + skip, n - skip, t->name);
        if (d < near) {
            near = d;
            best = t->name;
        }
    }
    why_set(p->why, "%.*s: no such option: %s%s%s`tern help run` lists them",
            (int)(n > 40 ? 40 : n), word, best ? "did you mean --" : "", best ? best : "",
            best ? "? " : "");
}

static bool run_wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-?") == 0)
            return true;
    }
    return false;
}

enum run_opts_result run_opts_parse(int argc, char **argv, struct run_opts *o, char *why)
{
    static const struct argp argp = {
        .options = run_table,
        .parser = run_parser,
        .args_doc = "-- PROGRAM [ARG...]",
        .doc =
            "Runs an unmodified program on a TCP/IP stack of its own, without privilege."
            "\vThe exit status is the program's own; 125 if tern itself failed before the program "
            "ran, 126 if it cannot be executed, 127 if it was not found. tern(1) has more."};
    memset(o, 0, sizeof *o);
    o->addr = o->gw = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 0, 2, 15}};
    o->gw.b[3] = 2;
    o->prefix = 24;
    o->ecn = ECN_UNSAID;
    o->mtu_probing = MTU_PROBING_UNSAID;
    o->mtu = 1500;
    o->cc = TERN_CC_CUBIC;
    policy_text_init(&o->policy);
    if (run_wants_help(argc, argv)) {
        char name[] = "tern run";
        argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
        return RUN_OPTS_HELP;
    }
    struct run_parse p = {.o = o, .why = why};
    why[0] = '\0';
    error_t err =
        argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, &p);
    if (err == 0) {
        run_profile_cc(o);
        return RUN_OPTS_GO;
    }
    if (!p.bad) {
        const char *word = p.next > 0 && p.next <= argc ? argv[p.next - 1] : "";
        run_unknown(&p, word);
    }
    return RUN_OPTS_BAD;
}
