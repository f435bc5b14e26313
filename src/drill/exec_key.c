/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/exec_key.c: setsockopt() with a key for signed segments:
 *
 *     setsockopt(3, SOL_TCP, TCP_AO_ADD_KEY, {sndid = 1, rcvid = 2, key = "secret"}, ...) = 0
 *     setsockopt(3, SOL_TCP, TCP_AO_DEL_KEY, {sndid = 1, rcvid = 2}, ...) = 0
 *     setsockopt(3, SOL_TCP, TCP_AO_INFO, {flags = 2, rnext = 4}, ...) = 0
 *     setsockopt(3, SOL_TCP, TCP_MD5SIG, {key = "secret"}, ...) = 0
 *
 * The peer is the script's; alg is "hmac(sha1)" unless it is said.
 */
#include "drill/run.h"

#include "port/aoopt.h"

#include <linux/tcp.h>
#include <string.h>

struct wanted {
    int64_t sndid, rcvid, current, rnext, flags;
    const struct expr *key, *alg;
};

static void member(struct drill *d, const struct expr *k, struct wanted *w)
{
    const struct {
        const char *name;
        int64_t *number;
        const struct expr **text;
    } all[] = {
        {"sndid", &w->sndid, NULL}, {"rcvid", &w->rcvid, NULL}, {"current_key", &w->current, NULL},
        {"rnext", &w->rnext, NULL}, {"flags", &w->flags, NULL}, {"key", NULL, &w->key},
        {"alg", NULL, &w->alg}};
    const struct expr *v = k->kind == EXPR_ASSIGN ? k->kids : NULL;
    for (size_t i = 0; v && i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].name, k->text) != 0 || (all[i].text && v->kind != EXPR_STRING))
            continue;
        if (all[i].text)
            *all[i].text = v;
        else
            (void)drill_number(d, v, all[i].number);
        return;
    }
    drill_fail(d,
               "column %u: a key is {sndid = 1, rcvid = 2, key = \"secret\"}; alg, flags, "
               "current_key and rnext may be said too",
               k->pos.col);
}

static void copy(uint8_t *to, size_t room, const struct expr *from, uint8_t *len)
{
    size_t n = from ? from->len : 0;
    *len = (uint8_t)(n < room ? n : room);
    if (from)
        memcpy(to, from->text, *len);
}

static int set_md5(struct drill *d, int fd, const struct sockaddr_in *peer, const struct wanted *w)
{
    struct tcp_md5sig m = {0};
    uint8_t len;
    memcpy(&m.tcpm_addr, peer, sizeof *peer);
    copy(m.tcpm_key, sizeof m.tcpm_key, w->key, &len);
    m.tcpm_keylen = len;
    return vh_setsockopt(&d->vh, fd, IPPROTO_TCP, TCP_MD5SIG, &m, sizeof m);
}

static int set_ao(struct drill *d, int fd, const struct sockaddr_in *peer, const struct wanted *w)
{
    struct ao_add a = {.alg_name = "hmac(sha1)", .prefix = 32};
    uint8_t len = 0;
    memcpy(&a.addr, peer, sizeof *peer);
    a.sndid = (uint8_t)w->sndid;
    a.rcvid = (uint8_t)w->rcvid;
    a.flags = (uint32_t)w->flags;
    copy(a.key, sizeof a.key, w->key, &a.keylen);
    if (w->alg) {
        memset(a.alg_name, 0, sizeof a.alg_name);
        copy((uint8_t *)a.alg_name, sizeof a.alg_name - 1, w->alg, &len);
    }
    return vh_setsockopt(&d->vh, fd, IPPROTO_TCP, AO_OPT_ADD_KEY, &a, sizeof a);
}

static int del_ao(struct drill *d, int fd, const struct sockaddr_in *peer, const struct wanted *w)
{
    struct ao_del k = {.prefix = 32, .sndid = (uint8_t)w->sndid, .rcvid = (uint8_t)w->rcvid};
    memcpy(&k.addr, peer, sizeof *peer);
    return vh_setsockopt(&d->vh, fd, IPPROTO_TCP, AO_OPT_DEL_KEY, &k, sizeof k);
}

static int set_info(struct drill *d, int fd, const struct wanted *w)
{
    struct ao_info i = {.flags = (uint32_t)w->flags,
                        .current_key = (uint8_t)w->current,
                        .rnext = (uint8_t)w->rnext};
    return vh_setsockopt(&d->vh, fd, IPPROTO_TCP, AO_OPT_INFO, &i, sizeof i);
}

bool drill_set_key(struct drill *d, struct made *m, int fd, int name, const struct expr *e)
{
    struct wanted w = {0};
    struct sockaddr_in peer = {.sin_family = AF_INET};
    if (name != TCP_MD5SIG && (name < AO_OPT_ADD_KEY || name > AO_OPT_INFO))
        return false;
    for (const struct expr *k = e->kids; k; k = k->next)
        member(d, k, &w);
    memcpy(&peer.sin_addr, d->conf.remote.b, 4);
    m->ret = name == TCP_MD5SIG       ? set_md5(d, fd, &peer, &w)
             : name == AO_OPT_ADD_KEY ? set_ao(d, fd, &peer, &w)
             : name == AO_OPT_DEL_KEY ? del_ao(d, fd, &peer, &w)
                                      : set_info(d, fd, &w);
    return true;
}
