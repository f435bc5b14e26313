/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/init.c: the memory of TCP, laid out once from the limits of the configuration. */
#include "tcp/conn.h"

/* Walks over the memory; with base NULL it only measures. */
struct carve {
    uint8_t *base;
    size_t used;
};

static void *carve(struct carve *k, size_t size, uint64_t count)
{
    void *p = k->base != NULL ? k->base + k->used : NULL;
    k->used += (size * count + 63) & ~(size_t)63;
    return p;
}

struct layout {
    void *conns, *halves, *tws, *listeners, *anss, *ooo, *xmits, *sents, *extras, *auths, *keys,
        *tallies, *rests, *smalls;
    struct prefix_tab *prefix;
    void *tw_head;
    struct map_slot *conn_map, *half_map, *listen_map;
};

static uint32_t xmit_blocks(const struct tern_config *cfg)
{
    return cfg->max_cc_blocks != 0 ? cfg->max_cc_blocks : cfg->max_conns;
}

static void lay_out(struct carve *k, const struct tern_config *cfg, struct layout *l)
{
    l->conns = carve(k, sizeof(struct tcp_conn), cfg->max_conns);
    l->halves = carve(k, sizeof(struct tcp_half), cfg->max_half_open);
    l->tws = carve(k, sizeof(struct tcp_tw), cfg->max_time_wait);
    l->listeners = carve(k, sizeof(struct tcp_listener), cfg->max_listeners);
    l->anss = carve(k, sizeof(struct tcp_ans), cfg->max_answers);
    l->ooo = carve(k, sizeof(struct range), cfg->max_ooo);
    l->xmits = carve(k, sizeof(struct xmit), xmit_blocks(cfg));
    l->sents = carve(k, sizeof(struct sent), cfg->max_sent);
    l->extras = carve(k, sizeof(struct tcp_extra), extra_count(cfg));
    l->tallies = carve(k, sizeof(struct tally), cfg->max_conns);
    l->rests = carve(k, sizeof(struct tally_rest), cfg->max_conns);
    l->smalls = carve(k, PARK_SMALL, cfg->max_conns);
    l->auths = carve(k, sizeof(struct tcp_auth), cfg->max_keys);
    l->keys = carve(k, sizeof(struct tcp_key), cfg->max_keys);
    l->prefix = carve(k, sizeof(struct prefix_tab), 1);
    l->conn_map = carve(k, sizeof(struct map_slot), map_slots(cfg->max_conns));
    l->half_map = carve(k, sizeof(struct map_slot), map_slots(cfg->max_half_open));
    l->tw_head = carve(k, tw_head_size(cfg->max_time_wait), 1);
    l->listen_map = carve(k, sizeof(struct map_slot), map_slots(cfg->max_listeners));
}

size_t tcp_size(const struct tern_config *cfg)
{
    struct carve k = {0};
    struct layout l;
    carve(&k, sizeof(struct tcp), 1);
    lay_out(&k, cfg, &l);
    return k.used;
}

static struct hash_key derive(const uint8_t seed[32], uint64_t what)
{
    struct hash_key root, key;
    memcpy(&root, seed, sizeof root);
    uint8_t msg[24];
    memcpy(msg, seed + 16, 16);
    memcpy(msg + 16, &what, 8);
    key.k0 = hash_bytes(&root, msg, sizeof msg);
    msg[23] = 1;
    key.k1 = hash_bytes(&root, msg, sizeof msg);
    return key;
}

static void take_profile(struct tcp *t)
{
    t->pol = profile_of(t->cfg);
    t->no_habits = !train_habits(t->pol);
}

struct tcp *tcp_init(void *mem, const struct tern_config *cfg, struct buddy *arena,
                     struct trace *trace, struct pool_fault *fault, struct tern_time now)
{
    struct carve k = {.base = mem};
    struct layout l;
    struct tcp *t = carve(&k, sizeof *t, 1);
    lay_out(&k, cfg, &l);
    t->cfg = cfg;
    t->arena = arena;
    t->trace = trace;
    t->cks = cksum_ops(cfg->cpu);
    take_profile(t);
    pool_init(&t->conns, l.conns, sizeof(struct tcp_conn), cfg->max_conns, fault);
    pool_init(&t->halves, l.halves, sizeof(struct tcp_half), cfg->max_half_open, fault);
    tw_init(&t->tws, l.tws, l.tw_head, cfg->max_time_wait, fault);
    pool_init(&t->listeners, l.listeners, sizeof(struct tcp_listener), cfg->max_listeners, fault);
    pool_init(&t->anss, l.anss, sizeof(struct tcp_ans), cfg->max_answers, fault);
    pool_init(&t->ooo, l.ooo, sizeof(struct range), cfg->max_ooo, fault);
    pool_init(&t->xmits, l.xmits, sizeof(struct xmit), xmit_blocks(cfg), fault);
    pool_init(&t->sents, l.sents, sizeof(struct sent), cfg->max_sent, fault);
    pool_init(&t->extras, l.extras, sizeof(struct tcp_extra), extra_count(cfg), fault);
    pool_init(&t->tallies, l.tallies, sizeof(struct tally), cfg->max_conns, fault);
    pool_init(&t->rests, l.rests, sizeof(struct tally_rest), cfg->max_conns, fault);
    pool_init(&t->smalls, l.smalls, PARK_SMALL, cfg->max_conns, fault);
    pool_init(&t->auths, l.auths, sizeof(struct tcp_auth), cfg->max_keys, fault);
    pool_init(&t->keys, l.keys, sizeof(struct tcp_key), cfg->max_keys, fault);
    extra_defaults(&t->extra_default, cfg);
    map_init(&t->conn_map, l.conn_map, map_slots(cfg->max_conns));
    map_init(&t->half_map, l.half_map, map_slots(cfg->max_half_open));
    map_init(&t->listen_map, l.listen_map, map_slots(cfg->max_listeners));
    wheel_init(&t->wheel, &t->conns, offsetof(struct tcp_conn, wheel), now);
    t->key_demux = derive(cfg->seed, 1);
    t->key_isn = derive(cfg->seed, 2);
    t->key_port = derive(cfg->seed, 3);
    t->key_ts = derive(cfg->seed, 4);
    t->key_prefix = derive(cfg->seed, 6);
    struct hash_key chain = derive(cfg->seed, 7);
    cookie_init(&t->jar, &chain, now);
    t->fo.keys.key[0] = derive(cfg->seed, 8);
    t->prefix = l.prefix;
    t->bucket = t->prefix->bucket;
    t->port_offset = (uint32_t)derive(cfg->seed, 5).k0;
    t->boot_ns = t->now_ns = now.ns;
    t->now_ms = 0;
    for (unsigned i = 0; i < TCP_IFACES; i++)
        t->iface[i].mtu = 1500;
    return t;
}

void tcp_config_changed(struct tcp *t)
{
    take_profile(t);
    extra_defaults(&t->extra_default, t->cfg);
}

void tcp_forget_paths(struct tcp *t)
{
    memset(t->fo.cache, 0, sizeof t->fo.cache);
    memset(t->pmtu.e, 0, sizeof t->pmtu.e);
    t->pmtu.used = 0;
}

void tcp_iface_set(struct tcp *t, unsigned iface, uint16_t mtu, uint32_t gso_max, bool tx_csum)
{
    tern_assert(iface < TCP_IFACES && mtu >= 128);
    t->iface[iface].mtu = mtu;
    t->iface[iface].gso_max = gso_max;
    t->iface[iface].tx_csum = tx_csum;
}
