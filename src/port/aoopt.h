/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/aoopt.h: the structs of Linux's TCP_AO_* socket options (Linux 6.7 and later), and their way
 * to and from tern/socket.h. They are declared here because the system's header may be older than
 * programs that set them. IPv4.
 *
 * Every reader returns 0 or the errno that Linux gives. MACs have 96 bits, as RFC 5926 has them:
 * no other length.
 */
#ifndef PORT_AOOPT_H
#define PORT_AOOPT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <tern/socket.h>

enum {
    AO_OPT_ADD_KEY = 38,
    AO_OPT_DEL_KEY = 39,
    AO_OPT_INFO = 40,
    AO_OPT_GET_KEYS = 41,
    AO_OPT_REPAIR = 42,
};

enum { AO_KEYF_IFINDEX = 1, AO_KEYF_EXCLUDE_OPT = 2 };

/* Bits of the flags words, in the order of Linux's bit-fields. */
enum { AO_SET_CURRENT = 1, AO_SET_RNEXT = 2 };
enum { AO_DEL_ASYNC = 4 };
enum { AO_REQUIRED = 4, AO_SET_COUNTERS = 8, AO_ACCEPT_ICMPS = 16 };
enum { AO_GET_CURRENT = 1, AO_GET_RNEXT = 2, AO_GET_ALL = 4 };

struct ao_add {
    struct sockaddr_storage addr;
    char alg_name[64];
    int32_t ifindex;
    uint32_t flags;
    uint16_t reserved2;
    uint8_t prefix, sndid, rcvid, maclen, keyflags, keylen;
    uint8_t key[TERN_AUTH_KEY_MAX];
} __attribute__((aligned(8)));

struct ao_del {
    struct sockaddr_storage addr;
    int32_t ifindex;
    uint32_t flags;
    uint16_t reserved2;
    uint8_t prefix, sndid, rcvid, current_key, rnext, keyflags;
} __attribute__((aligned(8)));

struct ao_info {
    uint32_t flags;
    uint16_t reserved2;
    uint8_t current_key, rnext;
    uint64_t pkt_good, pkt_bad, pkt_key_not_found, pkt_ao_required, pkt_dropped_icmp;
} __attribute__((aligned(8)));

struct ao_get {
    struct sockaddr_storage addr;
    char alg_name[64];
    uint8_t key[TERN_AUTH_KEY_MAX];
    uint32_t nkeys;
    uint16_t flags;
    uint8_t sndid, rcvid, prefix, maclen, keyflags, keylen;
    int32_t ifindex;
    uint64_t pkt_good, pkt_bad;
} __attribute__((aligned(8)));

_Static_assert(sizeof(struct ao_add) == 288, "as Linux's struct tcp_ao_add");
_Static_assert(sizeof(struct ao_del) == 144, "as Linux's struct tcp_ao_del");
_Static_assert(sizeof(struct ao_info) == 48, "as Linux's struct tcp_ao_info_opt");
_Static_assert(sizeof(struct ao_get) == 304, "as Linux's struct tcp_ao_getsockopt");

/* TCP_AO_ADD_KEY: the key, and in *flags AO_SET_*. EINVAL, ENOENT (no such algorithm). */
int aoopt_add(const void *value, size_t len, struct tern_ao_key *k, uint32_t *flags);
/* TCP_AO_DEL_KEY: which key (peer, prefix, IDs) in *k; the whole in *d. */
int aoopt_del(const void *value, size_t len, struct tern_ao_key *k, struct ao_del *d);
/* TCP_AO_INFO. EOPNOTSUPP: counters that are to be set, ICMP that is to be heeded. */
int aoopt_info(const void *value, size_t len, struct ao_info *i);
void aoopt_info_tell(const struct tern_auth_info *from, struct ao_info *to);
/* TCP_AO_GET_KEYS: what is asked for. */
int aoopt_get(const void *value, size_t len, struct ao_get *g);
bool aoopt_asked(const struct ao_get *g, const struct tern_ao_key *k);
/* A key as it is shown; its octets are zero. */
void aoopt_tell(const struct tern_ao_key *k, struct ao_get *to);

#endif
