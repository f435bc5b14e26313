/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/filter.h: which sockets `tern ss` shows, in the words of ss(8):
 *
 *     [state NAME | exclude NAME]... [EXPRESSION]
 *     EXPRESSION: dport = :443, sport > :1023, dst 10.0.0.0/8, src 10.0.2.15:80, and or not ( )
 */
#ifndef SEE_FILTER_H
#define SEE_FILTER_H

#include <tern/types.h>

#define FILTER_NODES 64

enum filter_op { FILTER_EQ, FILTER_NE, FILTER_LT, FILTER_LE, FILTER_GT, FILTER_GE };

struct filter_node {
    enum { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_PORT, FILTER_HOST } kind;
    uint8_t a, b;          /* AND, OR, NOT: nodes */
    bool peer;             /* PORT, HOST: of the peer's end */
    enum filter_op op;     /* PORT */
    uint16_t port;         /* PORT; HOST: 0 = any */
    struct tern_addr addr; /* HOST; fam NONE = any */
    uint8_t prefix;
};

struct filter {
    uint32_t states; /* 1 << enum tern_tcp_state; CLOSED stands for an unconnected UDP port */
    bool states_given;
    struct filter_node node[FILTER_NODES];
    unsigned n;
    int root; /* -1 = everything */
};

/* States: those that ss shows without an option, with -l, with -a. */
#define FILTER_LISTENING (1u << TERN_TCP_LISTEN | 1u << TERN_TCP_CLOSED)
#define FILTER_ALL       ((1u << TERN_TCP_STATES) - 1)
#define FILTER_BUCKET    (1u << TERN_TCP_TIME_WAIT | 1u << TERN_TCP_SYN_RECEIVED)
#define FILTER_DEFAULT   (FILTER_ALL & ~FILTER_LISTENING & ~FILTER_BUCKET)

/* Reads words[0..n), of which each may hold several (a quoted expression). `states` are those of
 * the options. 0, or -1 with why. */
int filter_parse(struct filter *f, uint32_t states, char *const *words, int n, char *why);
bool filter_match(const struct filter *f, enum tern_tcp_state state,
                  const struct tern_endpoint *local, const struct tern_endpoint *remote);
/* True when a word can begin a filter, so it is no run's name. */
bool filter_keyword(const char *word);

#endif
