/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/fastopen.h: TCP Fast Open [RFC7413]: data in the SYN. What each of the three places that
 * remember something of it holds: the stack (keys, the client's cookies), a listener (how many of
 * its connections the peer has not proved yet), a connection. fastopen.c says how it works.
 */
#ifndef TCP_FASTOPEN_H
#define TCP_FASTOPEN_H

#include "base/hash.h"
#include "base/seq.h"
#include <stdbool.h>
#include <stdint.h>
#include <tern/types.h>

struct tcp;
struct tcp_conn;
struct tcp_in;
struct tcp_listener;
struct tcp_opts;
struct tcp_plan;
struct tcp_tuple;

#define FO_COOKIE_MAX 16u
#define FO_COOKIE     8u  /* octets of a cookie that we give out */
#define FO_CACHE      64u /* servers that the client remembers */

/* config.fastopen */
enum {
    FO_ON_CLIENT = 1,
    FO_ON_SERVER = 2,
    FO_ANY_CLIENT = 4,
    FO_ANY_SERVER = 0x200,
    FO_ALL = 0x400
};

/* The key in use, and the one before it, whose cookies are still good. */
struct fo_keys {
    struct hash_key key[2];
    bool backup; /* key[1] is valid */
};

/* What a client knows of a server. */
struct fo_entry {
    uint8_t raddr[16];
    uint8_t fam;  /* TERN_AF_NONE = free */
    uint8_t len;  /* of the cookie, 0 = none */
    uint8_t kind; /* of the option that brought it, or to ask with */
    bool tried;   /* the other kind was asked for too, and nothing came */
    bool bad;     /* a SYN with data was lost: not before bad_ms + config.fastopen_blackhole_ms */
    uint16_t mss; /* as the server announced it */
    uint8_t cookie[FO_COOKIE_MAX];
    uint32_t bad_ms, used_ms;
};

struct fo_stack {
    struct fo_keys keys;
    struct fo_entry cache[FO_CACHE];
};

struct fo_listener {
    uint32_t qlen;     /* connections that may be pending; 0 = no Fast Open */
    uint32_t pending;  /* whose SYN-ACK is not acknowledged yet [RFC7413:5.1] */
    uint32_t resets;   /* ... and those ended by a RST, for a while: it may be the victim's */
    uint32_t reset_ms; /* when the last of them came */
    bool no_cookie;    /* data is taken from everybody */
    bool own_keys;
    struct fo_keys keys;
};

enum {
    FO_CHILD = 1,    /* made by a SYN, and our SYN-ACK is not acknowledged */
    FO_SYN_DATA = 2, /* octets of a SYN were taken, by either side */
    FO_SEND = 4,     /* our SYN carries data */
    FO_ASK = 8,      /* our SYN asks for a cookie */
    FO_AGAIN = 16,   /* the octets up to `again` were in our SYN, and had to be sent once more */
};
struct fo_conn {
    uint32_t listener, listener_gen; /* FO_CHILD: where it counts as pending */
    struct seq again;
    uint16_t mss;      /* FO_SEND: what the server is known to take */
    uint8_t is;        /* FO_CHILD ... */
    uint8_t kind, len; /* the option on our SYN or SYN-ACK; kind 0 = none */
    uint8_t cookie[FO_COOKIE_MAX];
};

/* ---- server ---- */

/* A SYN for a listener: makes the connection at once if it may, else IN_GO. */
unsigned fastopen_syn(struct tcp *t, struct tcp_listener *l, const struct tcp_tuple *tu,
                      uint32_t hash, struct tcp_in *in, struct tern_time now);
/* The kind of the option with which the SYN-ACK gives out a cookie; 0 = it does not. */
uint8_t fastopen_grant(const struct tcp *t, const struct tcp_listener *l,
                       const struct tcp_tuple *tu, const struct tcp_in *in, struct tern_time now);
/* May a SYN with the option mean anything to this listener? */
bool fastopen_on(const struct tcp *t, const struct tcp_listener *l);
/* FO_COOKIE octets. */
void fastopen_cookie(const struct tcp *t, const struct tcp_listener *l, const struct tcp_tuple *tu,
                     uint8_t *cookie);
/* Is this connection a child that has not heard from its peer since the SYN? */
bool fastopen_child(const struct tcp *t, const struct tcp_conn *c);
void fastopen_listen(const struct tcp *t, struct tcp_listener *l);
int fastopen_setopt(struct tcp_listener *l, unsigned opt, int64_t v);

/* ---- client ---- */

/* The SYN-ACK of our SYN has come: a cookie, the MSS, or a black hole is noted. */
void fastopen_learn(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                    struct tern_time now);

/* ---- both ---- */

/* How much of the send buffer goes with our SYN, which is sent for the first time. */
uint32_t fastopen_syn_len(const struct tcp *t, const struct tcp_conn *c);
void fastopen_syn_opts(const struct tcp *t, const struct tcp_conn *c, const struct tcp_plan *p,
                       struct tcp_opts *o);
/* The peer has acknowledged our SYN, and perhaps data on it; before snd.una moves. */
void fastopen_acked(struct tcp *t, struct tcp_conn *c, const struct tcp_in *in,
                    struct tern_time now);
/* The same for a child that its application has closed meanwhile. */
void fastopen_settled(struct tcp *t, struct tcp_conn *c, struct tern_time now);
/* It is over. */
void fastopen_gone(struct tcp *t, struct tcp_conn *c, unsigned cause);

#endif
