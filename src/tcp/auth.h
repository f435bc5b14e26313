/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/auth.h: authenticated segments: the MD5 option (RFC 2385) and the authentication option
 * (TCP-AO, RFC 5925).
 *
 * Keys belong to a connection or a listener, each for the peers of one address prefix. They hang
 * from a struct tcp_auth, and that from the struct tcp_extra of its owner: whoever has no key pays
 * one comparison a segment. A connection that a listener makes takes copies of those keys that fit
 * its peer; a TIME-WAIT record takes over its connection's.
 *
 * Which record stands for a connection makes no difference to what is signed, so each of them is
 * first told as a struct auth_end, and that signs or checks.
 *
 * Keys are never in a trace, an event or a snapshot, and are wiped when they go.
 */
#ifndef TCP_AUTH_H
#define TCP_AUTH_H

#include "base/pool.h"
#include "base/seq.h"
#include "wire/tcp.h"
#include <tern/config.h>
#include <tern/inspect.h>
#include <tern/socket.h>

struct tcp;
struct tcp_conn;
struct tcp_half;
struct tcp_tw;
struct tcp_listener;
struct tcp_ans;
struct tcp_in;
struct tcp_tuple;

#define AO_KEY_LEN 20u /* longest traffic key */
#define AO_MAC_LEN 12u /* both algorithms of RFC 5926 give 96 bits */

struct tcp_key {
    uint32_t next; /* of the same owner; 0 = the last */
    uint8_t kind;  /* enum tcp_sign, never NONE */
    uint8_t fam, plen;
    uint8_t send_id, recv_id; /* AO: KeyIDs of the MKT [RFC5925:3.1] */
    uint8_t alg;              /* AO: enum tern_ao_alg */
    bool skip_opts;           /* AO: options other than AO itself are not covered */
    uint8_t len;
    uint8_t addr[16];
    uint64_t good, bad; /* AO: segments received that it was right, and wrong, for */
    uint8_t key[TERN_AUTH_KEY_MAX];
};

struct tcp_auth {
    uint32_t keys;   /* the first; 0 = none */
    uint32_t serial; /* of the TIME-WAIT record that owns it, 0 = another does */
    bool required;   /* unsigned segments are dropped even where no key fits */
    /* AO, of one connection; keys by index, 0 = none */
    uint32_t cur;                   /* Current_key: signs what we send */
    uint32_t rnext;                 /* RNext_key: what we ask the peer to sign with */
    uint32_t isn_local, isn_remote; /* of a TIME-WAIT record: a connection has its own */
    /* 64-bit sequence numbers last seen in each direction: the upper halves are SND.SNE and RCV.SNE
     * [RFC5925:6.2]; 0 = none yet, the ISN begins */
    uint64_t snd_ext, rcv_ext;
    struct {
        uint32_t key; /* whose traffic key it is; 0 = none */
        uint8_t traffic[AO_KEY_LEN];
    } cache[2]; /* of segments with both ISNs: sent, received */
    uint64_t good, bad, unknown, missing;
};

/* One end of a connection, as far as signing is concerned. */
struct auth_end {
    struct tcp_auth *auth;
    const struct tcp_tuple *tuple;
    bool own;          /* auth belongs to this connection alone: it counts and remembers */
    bool knows_remote; /* isn_remote is valid */
    bool listens;      /* no record: what ISNs there are stand in the segment */
    struct seq isn_local, isn_remote;
    uint32_t key; /* AO: what signs; 0 = none chosen */
};

/* ---- auth.c: keys and their owners ---- */

/* How segments with this peer are signed: enum tcp_sign. */
unsigned auth_kind(const struct tcp *t, const struct tcp_auth *a, const uint8_t *peer, uint8_t fam);
/* The MD5 key with the longest matching prefix; NULL if there is none. */
const struct tcp_key *auth_md5_key(const struct tcp *t, const struct tcp_auth *a,
                                   const uint8_t *peer, uint8_t fam);
/* Index of the MKT for this peer with that SendID, or RecvID; below 0 any. 0 if there is none. */
uint32_t auth_ao_key(const struct tcp *t, const struct tcp_auth *a, const uint8_t *peer,
                     uint8_t fam, int send_id, int recv_id);
/* NULL without keys. */
struct tcp_auth *auth_of(const struct tcp *t, const struct tcp_conn *c);
struct tcp_auth *auth_of_listener(const struct tcp *t, const struct tcp_listener *l);
struct tcp_auth *auth_of_tw(const struct tcp *t, const struct tcp_tw *w);
/* Copies what fits the peer (all of it if tu is NULL); *to = 0 if nothing does. False when records
 * have run out. */
bool auth_copy(struct tcp *t, uint32_t from, const struct tcp_tuple *tu, uint32_t *to);
/* Wipes and frees. */
void auth_give(struct tcp *t, uint32_t *idx);
/* What the operator may see of it. */
void auth_inspect(const struct tcp *t, const struct tcp_conn *c, struct tern_info *out);
/* The connection's keys have changed: how many octets a signature takes now. */
void auth_refresh(struct tcp *t, struct tcp_conn *c);
/* A passive open: the keys are there; `send_id` is what auth_choose() gave. */
void auth_opened(struct tcp *t, struct tcp_conn *c, uint8_t send_id);
/* TIME-WAIT takes the keys over, and gives them back with auth_tw_drop(). */
bool auth_tw_take(struct tcp *t, struct tcp_conn *c);
void auth_tw_drop(struct tcp *t, const struct tcp_tw *w);

/* ---- auth_seg.c: segments ---- */

/* May this segment have anything to do with signatures? */
bool auth_wanted(const struct tcp *t, const struct tcp_in *in);
/* IN_GO, or the cause of the drop. */
unsigned auth_conn_in(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in);
unsigned auth_other_in(struct tcp *t, const struct tcp_tuple *tu, const struct tcp_half *h,
                       const struct tcp_tw *w, const struct tcp_listener *l,
                       const struct tcp_in *in);
/* A SYN (or a cookie's ACK) was accepted: the SendID to answer it with. */
uint8_t auth_choose(const struct tcp *t, const struct tcp_listener *l, const struct tcp_tuple *tu,
                    const struct tcp_in *in);
/* Timestamps beside an MD5 option would leave no room for SACK blocks: MD5 goes without. */
bool auth_no_timestamps(const struct tcp *t, const struct tcp_listener *l,
                        const struct tcp_tuple *tu);
/* What the options of c's next segment must say. */
void auth_conn_opts(const struct tcp *t, const struct tcp_conn *c, struct tcp_opts *o);
/* Signs the n octets at seg in place; the checksum field is zero, hlen the header's length. */
void auth_conn_sign(struct tcp *t, struct tcp_conn *c, uint8_t *seg, uint32_t hlen, uint32_t n);
/* An answer without a connection: finds whose it is. SIGN_NONE: nothing is signed; else the kind,
 * with *e filled in. SIGN_CANNOT: it would have to be, and cannot. */
#define SIGN_CANNOT 255u
unsigned auth_answer(struct tcp *t, const struct tcp_ans *a, struct auth_end *e);
void auth_end_opts(const struct tcp *t, const struct auth_end *e, unsigned kind,
                   struct tcp_opts *o);
void auth_end_sign(struct tcp *t, const struct auth_end *e, unsigned kind, uint8_t *seg,
                   uint32_t hlen, uint32_t n);

/* ---- md5sig.c ---- */

/* The digest of RFC 2385 2.0 over a segment of n octets; src and dst are 4 or 16 octets. */
void md5sig_digest(const struct tcp_key *k, uint8_t fam, const uint8_t *src, const uint8_t *dst,
                   const uint8_t *seg, uint32_t hlen, uint32_t n, uint8_t out[16]);

/* ---- ao.c ---- */

/* One direction of a connection: what a traffic key is derived from [RFC5925:5.2]. */
struct ao_way {
    uint8_t src[16], dst[16];
    uint8_t fam;
    uint16_t sport, dport;
    struct seq src_isn, dst_isn; /* dst_isn is 0 for a SYN without ACK */
};
void ao_traffic_key(const struct tcp_key *k, const struct ao_way *w, uint8_t out[AO_KEY_LEN]);
/* at: where the AO option stands in the segment. The MAC field itself counts as zero. */
void ao_mac(const struct tcp_key *k, const uint8_t traffic[AO_KEY_LEN], const struct ao_way *w,
            uint32_t sne, const uint8_t *seg, uint32_t hlen, uint32_t n, unsigned at,
            uint8_t out[AO_MAC_LEN]);
/* The 64-bit number of s, near the one last seen [RFC5925:6.2]. */
uint64_t ao_extend(uint64_t last, struct seq s);

#endif
