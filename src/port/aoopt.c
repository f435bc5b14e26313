/* SPDX-License-Identifier: BSD-2-Clause */
/* port/aoopt.c: Linux's TCP_AO_* socket options, checked and translated. */
#include "port/aoopt.h"

#include "base/bytes.h"

#include <errno.h>
#include <string.h>

#define MAC_LEN 12 /* octets [RFC5926:3.2] */

static const struct alg {
    const char *name;
    uint8_t alg;
} algs[] = {
    {"hmac(sha1)", TERN_AO_HMAC_SHA1},
    {"cmac(aes128)", TERN_AO_AES_128_CMAC},
    {"cmac(aes)", TERN_AO_AES_128_CMAC},
};

/* Linux takes a longer struct whose tail is zero. */
static int copy_in(void *to, size_t n, const void *value, size_t len)
{
    const uint8_t *p = value;
    if (len < n)
        return EINVAL;
    for (size_t i = n; i < len; i++)
        if (p[i] != 0)
            return E2BIG;
    memcpy(to, value, n);
    return 0;
}

static int peer_in(const struct sockaddr_storage *from, unsigned prefix, struct tern_ao_key *k)
{
    struct sockaddr_in in;
    memcpy(&in, from, sizeof in);
    memset(k, 0, sizeof *k);
    if (in.sin_family != AF_INET || in.sin_port != 0 || prefix > 32)
        return EINVAL;
    k->peer.fam = TERN_AF_IP4;
    memcpy(k->peer.b, &in.sin_addr, 4);
    k->prefix = (uint8_t)prefix;
    uint32_t host = prefix == 32 ? 0 : UINT32_MAX >> prefix; /* bits that must be 0 */
    return be32_load(k->peer.b) & host ? EINVAL : 0;
}

/* The stack has one interface, without a number. */
static int flags_in(int32_t ifindex, unsigned keyflags)
{
    return ifindex != 0 || (keyflags & ~(unsigned)AO_KEYF_EXCLUDE_OPT) != 0 ? EINVAL : 0;
}

static int alg_in(const char name[64], uint8_t *alg)
{
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        if (strncmp(name, algs[i].name, 64) == 0) {
            *alg = algs[i].alg;
            return 0;
        }
    }
    return ENOENT;
}

int aoopt_add(const void *value, size_t len, struct tern_ao_key *k, uint32_t *flags)
{
    struct ao_add a;
    int err = copy_in(&a, sizeof a, value, len);
    if (!err)
        err = peer_in(&a.addr, a.prefix, k);
    if (!err)
        err = flags_in(a.ifindex, a.keyflags);
    if (!err &&
        ((a.flags & ~(uint32_t)(AO_SET_CURRENT | AO_SET_RNEXT)) != 0 || a.reserved2 != 0 ||
         a.keylen == 0 || a.keylen > sizeof a.key || (a.maclen != 0 && a.maclen != MAC_LEN)))
        err = EINVAL;
    if (!err)
        err = alg_in(a.alg_name, &k->alg);
    if (!err) {
        k->send_id = a.sndid;
        k->recv_id = a.rcvid;
        k->skip_options = (a.keyflags & AO_KEYF_EXCLUDE_OPT) != 0;
        k->key_len = a.keylen;
        memcpy(k->key, a.key, a.keylen);
        *flags = a.flags;
    }
    explicit_bzero(a.key, sizeof a.key);
    return err;
}

int aoopt_del(const void *value, size_t len, struct tern_ao_key *k, struct ao_del *d)
{
    int err = copy_in(d, sizeof *d, value, len);
    if (!err)
        err = peer_in(&d->addr, d->prefix, k);
    if (!err)
        err = flags_in(d->ifindex, d->keyflags);
    if (!err && (d->flags & ~(uint32_t)(AO_SET_CURRENT | AO_SET_RNEXT | AO_DEL_ASYNC)) != 0)
        err = EINVAL;
    if (err || d->reserved2 != 0)
        return err ? err : EINVAL;
    k->send_id = d->sndid;
    k->recv_id = d->rcvid;
    return 0;
}

int aoopt_info(const void *value, size_t len, struct ao_info *i)
{
    const uint32_t all =
        AO_SET_CURRENT | AO_SET_RNEXT | AO_REQUIRED | AO_SET_COUNTERS | AO_ACCEPT_ICMPS;
    int err = copy_in(i, sizeof *i, value, len);
    if (!err && ((i->flags & ~all) != 0 || i->reserved2 != 0))
        err = EINVAL;
    if (!err && (i->flags & (AO_SET_COUNTERS | AO_ACCEPT_ICMPS)) != 0)
        err = EOPNOTSUPP;
    return err;
}

void aoopt_info_tell(const struct tern_auth_info *from, struct ao_info *to)
{
    memset(to, 0, sizeof *to);
    if (from->required)
        to->flags |= AO_REQUIRED;
    if (from->current >= 0) {
        to->flags |= AO_SET_CURRENT;
        to->current_key = (uint8_t)from->current;
    }
    if (from->rnext >= 0) {
        to->flags |= AO_SET_RNEXT;
        to->rnext = (uint8_t)from->rnext;
    }
    to->pkt_good = from->good;
    to->pkt_bad = from->bad;
    to->pkt_key_not_found = from->unknown;
    to->pkt_ao_required = from->missing;
}

int aoopt_get(const void *value, size_t len, struct ao_get *g)
{
    struct tern_ao_key k;
    memset(g, 0, sizeof *g);
    memcpy(g, value, len < sizeof *g ? len : sizeof *g);
    unsigned which = g->flags & (AO_GET_CURRENT | AO_GET_RNEXT);
    if (len < offsetof(struct ao_get, keylen) + 1 || (g->flags & ~7u) != 0 || g->pkt_good != 0 ||
        g->pkt_bad != 0 || ((g->flags & AO_GET_ALL) && which))
        return EINVAL;
    if ((g->flags & AO_GET_ALL) || which)
        return 0;
    int err = peer_in(&g->addr, g->prefix, &k);
    return err ? err : flags_in(g->ifindex, g->keyflags);
}

bool aoopt_asked(const struct ao_get *g, const struct tern_ao_key *k)
{
    struct tern_ao_key want;
    if (g->flags & AO_GET_ALL)
        return true;
    if (g->flags & (AO_GET_CURRENT | AO_GET_RNEXT))
        return ((g->flags & AO_GET_CURRENT) && k->current) ||
               ((g->flags & AO_GET_RNEXT) && k->rnext);
    return peer_in(&g->addr, g->prefix, &want) == 0 && want.prefix == k->prefix &&
           memcmp(&want.peer, &k->peer, sizeof want.peer) == 0 && g->sndid == k->send_id &&
           g->rcvid == k->recv_id;
}

void aoopt_tell(const struct tern_ao_key *k, struct ao_get *to)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    memset(to, 0, sizeof *to);
    memcpy(&in.sin_addr, k->peer.b, 4);
    memcpy(&to->addr, &in, sizeof in);
    for (size_t i = sizeof algs / sizeof *algs; i-- > 0;)
        if (algs[i].alg == k->alg)
            memcpy(to->alg_name, algs[i].name, strlen(algs[i].name));
    to->nkeys = 1;
    to->flags = (uint16_t)((k->current ? AO_GET_CURRENT : 0) | (k->rnext ? AO_GET_RNEXT : 0));
    to->sndid = k->send_id;
    to->rcvid = k->recv_id;
    to->prefix = k->prefix;
    to->maclen = MAC_LEN;
    to->keyflags = k->skip_options ? AO_KEYF_EXCLUDE_OPT : 0;
    to->keylen = k->key_len;
    to->pkt_good = k->good;
    to->pkt_bad = k->bad;
}
