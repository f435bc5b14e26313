/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack/size.c: the memory of a stack. One block, cut once; the same walk over the pieces measures
 * it (with no base) and makes it, so that the two cannot disagree. The arena comes last, on a page
 * of its own if the block begins on one: a hosted stack never touches what is not used.
 */
#include "base/hash.h"
#include "stack/stack.h"

#define PIECE 64u
#define PAGE  4096u

struct carve {
    uint8_t *base; /* NULL = only measure */
    size_t at;
};

static void *carve(struct carve *c, size_t n, size_t align)
{
    c->at = (c->at + align - 1) & ~(align - 1);
    void *p = c->base ? c->base + c->at : NULL;
    c->at += n;
    return p;
}

struct layout {
    struct tern_stack *st;
    void *tcp, *udp, *neigh, *answers, *trace, *lo, *meta, *arena;
};

static size_t size_layout(const struct tern_config *cfg, void *mem, struct layout *l)
{
    struct carve c = {.base = mem};
    l->st = carve(&c, sizeof(struct tern_stack), PIECE);
    l->tcp = carve(&c, tcp_size(cfg), PIECE);
    l->udp = carve(&c, udp_size(cfg->max_udp), PIECE);
    l->neigh = carve(&c, neigh_size(cfg->max_neigh), PIECE);
    l->answers = carve(&c, sizeof(struct answer) * cfg->max_answers, PIECE);
    l->trace = carve(&c, sizeof(struct tern_trace) * cfg->trace_records, PIECE);
    l->meta = carve(&c, buddy_meta_size(cfg->buf_bytes), PIECE);
    l->lo = carve(&c, NET_LO_MTU, PAGE);
    l->arena = carve(&c, cfg->buf_bytes, PAGE);
    return c.at;
}

size_t tern_stack_size(const struct tern_config *cfg)
{
    struct layout l;
    if (tern_config_check(cfg) != NULL)
        return 0;
    return size_layout(cfg, NULL, &l);
}

/* Independent keys from the one seed: what = which use. */
static struct hash_key size_key(const struct tern_config *cfg, uint64_t what)
{
    struct hash_key root;
    uint64_t text[3] = {what, 0, 0};
    memcpy(&root, cfg->seed, sizeof root);
    memcpy(&text[1], cfg->seed + sizeof root, 16);
    uint64_t k0 = hash_bytes(&root, text, sizeof text);
    text[0] = ~what;
    return (struct hash_key){k0, hash_bytes(&root, text, sizeof text)};
}

static void size_make_udp(struct tern_stack *st, void *mem)
{
    struct udp_setup s = {.max = st->cfg.max_udp,
                          .port_lo = st->cfg.port_lo,
                          .port_hi = st->cfg.port_hi,
                          .ttl = st->cfg.ttl,
                          .arena = &st->arena,
                          .fault = &st->fault,
                          .ck = st->ck,
                          .key = size_key(&st->cfg, 1),
                          .seed = size_key(&st->cfg, 2).k0};
    udp_init(&st->udp, mem, &s);
}

struct tern_stack *tern_stack_init(void *mem, size_t size, const struct tern_config *cfg,
                                   struct tern_time now)
{
    struct layout l;
    if (mem == NULL || tern_config_check(cfg) != NULL || ((uintptr_t)mem & (PIECE - 1)) != 0)
        return NULL;
    if (size < size_layout(cfg, NULL, &l))
        return NULL;
    size_layout(cfg, mem, &l);
    struct tern_stack *st = l.st;
    st->cfg = *cfg;
    st->now = now;
    st->next_id = 1;
    st->ck = cksum_ops(cfg->cpu);
    st->lo_frame = l.lo;
    if (cfg->trace_records != 0) {
        st->trace.ring = l.trace;
        st->trace.mask = cfg->trace_records - 1;
    }
    buddy_init(&st->arena, l.arena, cfg->buf_bytes, l.meta, &st->fault);
    pool_init(&st->answers, l.answers, sizeof(struct answer), cfg->max_answers, &st->fault);
    iface_init(&st->ifs, cfg->max_ifaces);
    struct hash_key key = size_key(cfg, 3);
    neigh_init(&st->neigh, l.neigh, cfg->max_neigh, &st->arena, &st->fault, &key, now);
    icmp_limit_init(&st->limit, now);
    prng_init(&st->prng, size_key(cfg, 4).k0);
    size_make_udp(st, l.udp);
    st->tcp = tcp_init(l.tcp, &st->cfg, &st->arena, &st->trace, &st->fault, now);
    const struct iface *lo = &st->ifs.tab[NET_LO];
    tcp_iface_set(st->tcp, NET_LO, lo->mtu, 0, lo->tx_csum);
    return st;
}
