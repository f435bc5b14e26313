/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interop/peer.c: a tern host on a TAP or TUN, driven by lines on standard input.
 *
 * It is what tests/interop/agent.py is for the kernel's sockets, and speaks the same commands, so
 * that a test can put either at either end; here they go straight to the library, without the
 * launcher. Each command gets one line on standard output: "ok ..." or "err NAME ...". A command
 * that has to wait for the network answers when it is done. End of input ends the program.
 *
 *     listen PORT [BACKLOG]     -> ok ID
 *     accept ID                 -> ok ID ADDR PORT              waits for a connection
 *     connect ADDR PORT [LPORT] -> ok ID                        waits for the outcome
 *     start ADDR PORT [LPORT]   -> ok ID                        does not wait
 *     finish ID                 -> ok ID                        waits for the outcome of start
 *     send ID N SEED            -> ok N SHA256                  waits until all is in the send
 * buffer recv ID N                 -> ok COUNT SHA256 eof|more     N octets; 0 = to the end of the
 * stream both ID N SEED            -> ok N SHA256 COUNT SHA256     sends N octets and receives N
 *     shut ID, close ID, abort ID -> ok
 *     names ID                  -> ok ADDR PORT ADDR PORT       own and peer's
 *     udp PORT                  -> ok ID
 *     sendto ID ADDR PORT HEX   -> ok
 *     recvfrom ID               -> ok ADDR PORT HEX             waits for a datagram
 *     serve echo|discard|chargen PORT -> ok ID                  answers by itself from now on
 *     usage                     -> ok CONNS HALF-OPEN TIME-WAIT BUFFER-OCTETS
 *     counters                  -> ok NAME=N ...                causes that are not zero
 *
 * `tern ss` sees it like a run, under the name given by --name.
 */
#include "host.h"

#include "base/assert.h"
#include "port/why.h"
#include "runtime/control.h"
#include "see/snapshot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct peer {
    struct host host;
    const char *name, *link, *pcapng;
    struct tern_addr addr, gw;
    unsigned prefix, msl_ms;
    bool plain; /* no super-segments, checksums in software */
    struct tern_impair_config impair;
    char line[4096];
    size_t line_len;
};

void say(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
    (void)putchar('\n');
    (void)fflush(stdout);
}

const char *err_name(int tern_err)
{
    const char *name = strerrorname_np(tern_errno(tern_err));
    return name ? name : "EUNKNOWN";
}

static _Noreturn void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "peer: %s: %s\n", what, why);
    exit(1);
}

/* ---- input ---- */

static void on_input(void *ctx, int fd, uint32_t events)
{
    struct peer *p = ctx;
    (void)events;
    ssize_t n = read(fd, p->line + p->line_len, sizeof p->line - 1 - p->line_len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0 || p->line_len + (size_t)n >= sizeof p->line - 1) {
        tern_loop_stop(p->host.loop);
        return;
    }
    p->line_len += (size_t)n;
    p->line[p->line_len] = '\0';
    char *at = p->line, *end;
    while ((end = strchr(at, '\n')) != NULL) {
        *end = '\0';
        command(&p->host, at);
        at = end + 1;
    }
    p->line_len -= (size_t)(at - p->line);
    memmove(p->line, at, p->line_len);
}

static void on_turn(void *ctx)
{
    proceed(ctx);
}

static void on_again(void *ctx)
{
    (void)ctx; /* on_turn does the work */
}

static char *answer_control(void *ctx, size_t *len)
{
    struct peer *p = ctx;
    struct snapshot_stack stack = {.name = "guest", .st = p->host.st};
    struct snapshot sn = {
        .name = p->name, .pid = (int)getpid(), .program = "peer", .stack = &stack, .nstack = 1};
    return snapshot_text(&sn, tern_loop_now(p->host.loop), len);
}

/* ---- setting up ---- */

static void parse_addr(struct tern_addr *a, const char *text)
{
    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, text, a->b) != 1)
        fail(text, "no IPv4 address");
    a->fam = TERN_AF_IP4;
}

static void parse_addr_prefix(struct peer *p, char *text)
{
    char *slash = strchr(text, '/');
    if (!slash)
        fail(text, "want ADDRESS/PREFIX");
    *slash = '\0';
    parse_addr(&p->addr, text);
    p->prefix = (unsigned)strtoul(slash + 1, NULL, 10);
}

static void parse_options(struct peer *p, int argc, char **argv)
{
    static const struct option table[] = {
        {"link", 1, NULL, 'L'},  {"addr", 1, NULL, 'a'},    {"gw", 1, NULL, 'g'},
        {"lose", 1, NULL, 'l'},  {"reorder", 1, NULL, 'r'}, {"duplicate", 1, NULL, 'd'},
        {"seed", 1, NULL, 's'},  {"pcapng", 1, NULL, 'w'},  {"name", 1, NULL, 'n'},
        {"plain", 0, NULL, 'p'}, {"msl-ms", 1, NULL, 'm'},  {NULL, 0, NULL, 0}};
    char why[TERN_WHY];
    int c;
    p->name = "peer";
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (c) {
        case 'L':
            p->link = optarg;
            break;
        case 'a':
            parse_addr_prefix(p, optarg);
            break;
        case 'g':
            parse_addr(&p->gw, optarg);
            break;
        case 'l':
            if (tern_impair_parse_lose(&p->impair, optarg, why) < 0)
                fail("--lose", why);
            break;
        case 'r':
            p->impair.reorder = strtod(optarg, NULL);
            break;
        case 'd':
            p->impair.duplicate = strtod(optarg, NULL);
            break;
        case 's':
            p->impair.seed = strtoull(optarg, NULL, 10);
            break;
        case 'w':
            p->pcapng = optarg;
            break;
        case 'n':
            p->name = optarg;
            break;
        case 'p':
            p->plain = true;
            break;
        case 'm':
            p->msl_ms = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            exit(2);
        }
    }
    if (!p->link || p->addr.fam == TERN_AF_NONE)
        fail("usage",
             "peer --link tap:NAME|tun:NAME --addr A/PREFIX [--gw A] [--lose WHAT] "
             "[--reorder RATE] [--duplicate RATE] [--seed N] [--pcapng FILE] [--name NAME] "
             "[--plain] [--msl-ms N]");
}

static struct tern_port *open_link(struct peer *p)
{
    char why[TERN_WHY];
    struct tern_port *port;
    bool tun = strncmp(p->link, "tun:", 4) == 0;
    if (!tun && strncmp(p->link, "tap:", 4) != 0)
        fail(p->link, "want tap:NAME or tun:NAME");
    if (tern_tap_open(p->link + 4, tun, &port, why) < 0)
        fail("--link", why);
    if (!tern_impair_idle(&p->impair) &&
        tern_impair_new(port, &p->impair, &p->impair, &port, why) < 0)
        fail("impairments", why);
    if (p->pcapng && tern_record_new(port, p->pcapng, &port, why) < 0)
        fail("--pcapng", why);
    return port;
}

static void set_up(struct peer *p)
{
    char why[TERN_WHY];
    struct host *h = &p->host;
    struct tern_config cfg;
    tern_config_init(&cfg);
    cfg.cpu = tern_cpu_features();
    if (p->msl_ms)
        cfg.msl_ms = p->msl_ms;
    if (tern_seed_random(cfg.seed) < 0)
        fail("getrandom", strerror(errno));
    h->st = tern_stack_new(&cfg, tern_clock_now(), why);
    h->loop = tern_loop_new(50, why);
    if (!h->st || !h->loop)
        fail("start", why);
    struct tern_port *port = open_link(p);
    struct tern_iface_config ic = {.link = port->link,
                                   .mac = {0x02, 't', 'e', 's', 't', 1},
                                   .tx_csum = port->tx_csum && !p->plain,
                                   .mtu = port->mtu,
                                   .gso_max = p->plain ? 0 : port->gso_max,
                                   .gateway = p->gw};
    ic.addr[0].addr = p->addr;
    ic.addr[0].prefix = (uint8_t)p->prefix;
    int iface = tern_iface_add(h->st, &ic);
    if (iface < 0)
        fail("interface", tern_strerror(iface));
    if (tern_loop_attach(h->loop, h->st, iface, port, on_event, h, why) < 0)
        fail("loop", why);
    if (tern_loop_watch(h->loop, STDIN_FILENO, EPOLLIN, on_input, p) < 0)
        fail("standard input", "want a pipe or a terminal");
    h->again.cb = on_again;
    tern_loop_on_turn(h->loop, on_turn, h);
}

int main(int argc, char **argv)
{
    static struct peer p;
    char why[TERN_WHY];
    struct control *control = NULL;
    parse_options(&p, argc, argv);
    set_up(&p);
    struct control_config cc = {
        .loop = p.host.loop, .name = p.name, .answer = answer_control, .ctx = &p};
    if (control_start(&cc, &control, why) < 0)
        fail("control socket", why);
    say("ok peer");
    int err = tern_loop_run(p.host.loop);
    control_free(control);
    tern_loop_free(p.host.loop);
    tern_stack_free(p.host.st);
    return err == 0 ? 0 : 1;
}
