/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/session_link.c: the default picture is two stacks on a wire, the guest's and the gateway's;
 * with a TAP or TUN there is the guest's alone. Impairments and the capture sit at the guest's end:
 * the capture outermost, so that it shows what the guest's stack sent and what it received.
 */
#include "session_link.h"

#include "base/assert.h"
#include "port/why.h"

#include <string.h>

#define LINK_SLOTS_GSO 256  /* of 64 KB */
#define LINK_SLOTS     1024 /* of one MTU */
#define LINK_GSO       65535
#define TRACE_RECORDS  65536
/* A wire without delay never has more in flight than what one turn of the loop moves: buffers that
 * stay in the cache carry twice as much as the default's 4 MB. */
#define WIRE_BUF (256u << 10)

bool session_traced(const struct run_opts *o)
{
    return o->ladder || o->events;
}

/* Each stack has a seed of its own, from the user's number or from the kernel. */
static int link_seed(const struct run_opts *o, unsigned which, uint8_t seed[32], char *why)
{
    if (o->seeded) {
        tern_seed_from(seed, o->seed * 2 + which);
        return 0;
    }
    if (tern_seed_random(seed) == 0)
        return 0;
    why_set(why, "the kernel gives no random numbers: getrandom(2) failed");
    return -1;
}

static struct tern_stack *link_stack(struct session *s, unsigned which, char *why)
{
    struct tern_config cfg;
    tern_config_init(&cfg);
    if (which == 0) /* the program's host; the gateway stays as it is */
        tern_config_profile(&cfg, (enum tern_profile)s->o->profile);
    cfg.cpu = tern_cpu_features();
    cfg.cc = s->o->cc;
    if (s->o->ecn != ECN_UNSAID)
        cfg.ecn = s->o->ecn;
    if (s->o->mtu_probing != MTU_PROBING_UNSAID)
        cfg.mtu_probing = s->o->mtu_probing;
    cfg.uto_s = s->o->uto_s;
    if (cfg.profile == TERN_PROFILE_TERN && s->o->link == RUN_LINK_WIRE &&
        tern_impair_idle(&s->o->impair))
        cfg.sndbuf = cfg.rcvbuf = WIRE_BUF;
    if (s->o->msl_ms)
        cfg.msl_ms = s->o->msl_ms;
    cfg.trace_records = session_traced(s->o) ? TRACE_RECORDS : 0;
    if (link_seed(s->o, which, cfg.seed, why) < 0)
        return NULL;
    return tern_stack_new(&cfg, tern_clock_now(), why);
}

/* Puts the impairments and the capture around a port, which is closed on an error. */
static int link_wrap(struct session *s, struct tern_port **port, char *why)
{
    struct tern_port *p = *port;
    int rc = 0;
    if (!tern_impair_idle(&s->o->impair)) {
        struct tern_impair_config cfg = s->o->impair;
        cfg.seed = s->o->seed;
        if (!s->o->seeded) {
            uint8_t seed[32];
            rc = link_seed(s->o, 0, seed, why);
            memcpy(&cfg.seed, seed, sizeof cfg.seed);
        }
        if (rc == 0)
            rc = tern_impair_new(p, &cfg, &cfg, &p, why);
        if (rc == 0 && session_traced(s->o)) {
            p->note = feed_note;
            p->note_ctx = &s->feed;
        }
    }
    if (rc == 0 && s->o->pcapng)
        rc = tern_record_new(p, s->o->pcapng, &p, why);
    if (rc < 0)
        p->ops->close(p);
    *port = rc < 0 ? NULL : p;
    return rc;
}

static int link_attach(struct session *s, struct tern_stack *st, struct tern_port *port,
                       const struct tern_iface_config *base,
                       void (*on_event)(void *ctx, const struct tern_event *ev), char *why)
{
    struct tern_iface_config cfg = *base;
    cfg.link = port->link;
    cfg.tx_csum = port->tx_csum;
    cfg.mtu = s->o->mtu && s->o->mtu < port->mtu ? s->o->mtu : port->mtu;
    cfg.gso_max = port->gso_max;
    int iface = tern_iface_add(st, &cfg);
    if (iface < 0)
        why_set(why, "interface: %s: mtu %u, prefix /%u", tern_strerror(iface), (unsigned)cfg.mtu,
                (unsigned)cfg.addr[0].prefix);
    if (iface < 0 || tern_loop_attach(s->loop, st, iface, port, on_event, s, why) < 0) {
        port->ops->close(port);
        return -1;
    }
    return 0;
}

/* ---- events of the stacks ---- */

static void on_guest_event(void *ctx, const struct tern_event *ev)
{
    struct session *s = ctx;
    if (s->run)
        run_on_event(s->run, ev);
}

static void on_gateway_event(void *ctx, const struct tern_event *ev)
{
    struct session *s = ctx;
    if (s->gate)
        gate_on_event(s->gate, ev);
}

/* ---- both kinds of link ---- */

static void link_guest_iface(const struct run_opts *o, struct tern_iface_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->mac[0] = 0x02; /* locally administered */
    cfg->mac[1] = 't';
    memcpy(cfg->mac + 2, o->addr.b, 4); /* two runs on one bridge are two stations */
    cfg->addr[0].addr = o->addr;
    cfg->addr[0].prefix = o->prefix;
    cfg->gateway = o->gw;
}

static int link_wire(struct session *s, char *why)
{
    static const uint8_t mac[6] = {0x02, 't', 'e', 'r', 'n', 0x02};
    const struct run_opts *o = s->o;
    struct tern_port *a = NULL, *b = NULL;
    bool plain = tern_impair_idle(&o->impair);
    s->gateway = link_stack(s, 1, why);
    if (!s->gateway || tern_wire_new(o->mtu, plain ? LINK_GSO : 0,
                                     plain ? LINK_SLOTS_GSO : LINK_SLOTS, &a, &b, why) < 0)
        return -1;
    feed_init(&s->feed, s->guest, s->gateway);
    if (link_wrap(s, &a, why) < 0) {
        b->ops->close(b);
        return -1;
    }
    struct tern_iface_config guest, gateway = {.any_addr = true};
    link_guest_iface(o, &guest);
    if (link_attach(s, s->guest, a, &guest, on_guest_event, why) < 0) {
        b->ops->close(b);
        return -1;
    }
    memcpy(gateway.mac, mac, 6);
    gateway.addr[0].addr = o->gw;
    gateway.addr[0].prefix = o->prefix;
    return link_attach(s, s->gateway, b, &gateway, on_gateway_event, why);
}

static int link_device(struct session *s, char *why)
{
    const struct run_opts *o = s->o;
    struct tern_port *p = NULL;
    struct tern_iface_config guest;
    tern_assert(o->device.name);
    bool wrapped = session_traced(o) || o->pcapng || !tern_impair_idle(&o->impair);
    if (value_device_open(&o->device, (enum value_offload)o->syn_offload, wrapped, &p, why) < 0)
        return -1;
    feed_init(&s->feed, s->guest, NULL);
    if (link_wrap(s, &p, why) < 0)
        return -1;
    link_guest_iface(o, &guest);
    return link_attach(s, s->guest, p, &guest, on_guest_event, why);
}

int session_link(struct session *s, char *why)
{
    s->guest = link_stack(s, 0, why);
    if (!s->guest)
        return -1;
    return s->o->link == RUN_LINK_WIRE ? link_wire(s, why) : link_device(s, why);
}
