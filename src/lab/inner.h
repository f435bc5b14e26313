/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/inner.h: what the files of the laboratory share.
 *
 *     forge.c   the attacker's frames      victim.c  the server: tern's, or the kernel's
 *     honest.c  the clients                run.c     the clock, and one row
 *     report.c  table, JSON, SVG
 */
#ifndef LAB_INNER_H
#define LAB_INNER_H

#include "lab/lab.h"

#include <tern/iface.h>
#include <tern/port.h>
#include <tern/types.h>

#define LAB_BATCH 64u
#define LAB_PORT  80u
#define LAB_FRAME 64u /* octets of a forged one, at most */

/* ---- forge.c ---- */

struct forger {
    enum lab_attack attack;
    uint64_t random;
    uint8_t frame[LAB_BATCH][LAB_FRAME];
};
void forge_init(struct forger *f, enum lab_attack attack, uint64_t seed);
/* n <= LAB_BATCH frames of the attack, valid until the next call. */
void forge(struct forger *f, struct tern_frame *out, unsigned n);
/* The ACK (and request) that a forger who connects sends for a SYN-ACK; its length in buf. */
uint32_t forge_reply(const struct forger *f, const uint8_t *syn_ack, uint8_t buf[LAB_FRAME]);

/* ---- victim.c ---- */

struct victim {
    bool kernel;
    struct tern_stack *st; /* tern's */
    struct tern_sock listener;
    struct tern_port *tun; /* the kernel's */
    int listen_fd, epoll_fd;
    uint8_t buf[LAB_BATCH][2048];
};
int victim_open(struct victim *v, const struct lab_config *cfg, struct tern_time now, char *why);
/* Gives it frames of the link. */
void victim_rx(struct victim *v, const struct tern_frame *f, size_t n, struct tern_time now);
/* Up to LAB_BATCH of its frames, valid until the next call. */
size_t victim_tx(struct victim *v, struct tern_frame *f, struct tern_time now);
/* The server program: accepts, answers each octet with one, closes when the client does. */
void victim_serve(struct victim *v, struct tern_time now);

/* ---- honest.c ---- */

struct honest {
    struct tern_stack *st;
    struct call *call; /* all that will ever be tried */
    uint32_t ncall, started;
    int64_t zero; /* ns: when the first is due */
    uint32_t rate;
    uint8_t buf[LAB_BATCH][2048];
};
int honest_open(struct honest *h, const struct lab_config *cfg, struct tern_time now, char *why);
/* Starts those that are due by now, and takes the answers. */
void honest_turn(struct honest *h, uint32_t due, struct tern_time now);
size_t honest_tx(struct honest *h, struct tern_frame *f, struct tern_time now);
bool honest_is(const uint8_t addr[4]);
void honest_result(struct honest *h, struct lab_row *row);

/* A stack with one interface of bare IP packets at 10.9.0.LAST; NULL with why. */
struct tern_stack *lab_stack(uint64_t seed, uint8_t last, bool server, struct tern_time now,
                             char *why);

#endif
