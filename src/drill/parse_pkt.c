/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/parse_pkt.c: packets.
 *
 *     < [ect0] 40000 > 8080 PU. 1:1001(1000) ack 1 win 1000 urg 5 <nop,nop,TS val 1 ecr 2>
 *     < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]
 *     > udp (100)
 */
#include "drill/names.h"
#include "drill/parse.h"

#include <ctype.h>
#include <string.h>
#include <tern/event.h>

static void parse_tos(struct parse *c, struct pkt *k)
{
    static const struct {
        const char *name;
        uint8_t ecn;
    } words[] = {{"noecn", ECN_NONE},
                 {"ect0", ECN_ECT0},
                 {"ect1", ECN_ECT1},
                 {"ect01", ECN_ECT01},
                 {"ce", ECN_CE}};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (parse_take(c, words[i].name)) {
            k->ecn = words[i].ecn;
            return;
        }
    }
    if (parse_take(c, "tos"))
        k->tos = (int16_t)parse_range(c, "tos", 0, 255);
    else if (parse_take(c, "ttl"))
        k->ttl = (int16_t)parse_range(c, "ttl", 0, 255);
    else
        parse_fail(
            c, c->pos,
            "what may stand here about the IP header: noecn ect0 ect1 ect01 ce, tos N, ttl N");
}

/* [ect0, ttl 64] or the same in round brackets. */
static void parse_ip(struct parse *c, struct pkt *k)
{
    char open = parse_peek(c);
    if (open != '[' && open != '(')
        return;
    parse_skip(c, 1);
    do {
        parse_tos(c, k);
    } while (parse_take(c, ","));
    parse_need(c, open == '[' ? "]" : ")");
}

/* seq:end(len); the end is checked, it says nothing new. */
static void parse_seq(struct parse *c, struct pkt *k)
{
    parse_space(c);
    struct pos at = c->pos;
    k->seq = (uint32_t)parse_range(c, "a sequence number", 0, UINT32_MAX);
    parse_need(c, ":");
    uint32_t end = (uint32_t)parse_range(c, "a sequence number", 0, UINT32_MAX);
    parse_need(c, "(");
    k->len = (uint32_t)parse_range(c, "the payload's length", 0, 1u << 20);
    parse_need(c, ")");
    if (end != k->seq + k->len)
        parse_fail(c, at, "%u octets from %u on end at %u, not at %u", k->len, k->seq,
                   k->seq + k->len, end);
}

static void parse_flags(struct parse *c, struct pkt *k)
{
    static const char letters[] = "FSRP.UEWCA";
    static const uint16_t bits[] = {TERN_TH_FIN, TERN_TH_SYN, TERN_TH_RST, TERN_TH_PSH, TERN_TH_ACK,
                                    TERN_TH_URG, TERN_TH_ECE, TERN_TH_CWR, TERN_TH_CWR, TH_AE};
    char first = parse_peek(c);
    unsigned n = 0;
    if (first == '-') { /* none at all */
        parse_skip(c, 1);
        return;
    }
    for (; *c->p && strchr(letters, *c->p); n++) {
        k->th = (uint16_t)(k->th | bits[strchr(letters, *c->p) - letters]);
        parse_skip(c, 1);
    }
    if (n == 0 || isalpha((unsigned char)*c->p))
        parse_fail(c, c->pos,
                   "flags were expected here: letters of SFRP.UEWA ('.' is ACK), or '-' for none");
}

static void parse_tcp(struct parse *c, struct pkt *k)
{
    parse_flags(c, k);
    parse_seq(c, k);
    if (parse_take(c, "ack")) {
        k->has_ack = true;
        k->ack = (uint32_t)parse_range(c, "ack", 0, UINT32_MAX);
    }
    if (parse_take(c, "win")) {
        k->has_win = true;
        k->win = (uint32_t)parse_range(c, "win", 0, 65535);
    }
    if (parse_take(c, "urg")) {
        k->has_urg = true;
        k->urg = (uint32_t)parse_range(c, "urg", 0, 65535);
    }
    /* An option list and the next line's packet both begin with '<' only in appearance: a line
     * begins with its time. */
    if (parse_take(c, "<"))
        parse_options(c, k);
    if (k->has_ack && !(k->th & TERN_TH_ACK))
        parse_fail(c, c->pos,
                   "an acknowledgment number needs the ACK flag: write '.' among the flags");
}

static void parse_icmp(struct parse *c, struct pkt *k)
{
    k->proto = PKT_ICMP;
    parse_space(c);
    struct pos at = c->pos;
    const char *type = parse_word(c), *code = parse_word(c);
    bool mtu = code && strcmp(code, "mtu") == 0;
    if (!type || !name_icmp(type, mtu ? NULL : code, &k->type, &k->code))
        parse_fail(c, at, "no such ICMP message: icmp TYPE [CODE], see docs/drill.md");
    if (mtu || parse_take(c, "mtu"))
        k->mtu = (uint16_t)parse_range(c, "mtu", 0, 65535);
    if (parse_take(c, "[")) {
        k->has_quote = true;
        parse_seq(c, k);
        parse_need(c, "]");
    }
}

static void parse_ports(struct parse *c, struct pkt *k)
{
    if (!parse_digit(c))
        return;
    k->has_ports = true;
    k->sport = (uint16_t)parse_range(c, "a port", 1, 65535);
    parse_need(c, ">");
    k->dport = (uint16_t)parse_range(c, "a port", 1, 65535);
}

struct pkt *parse_packet(struct parse *c)
{
    struct pkt *k = script_take(c->s, sizeof *k);
    k->out = parse_peek(c) == '>';
    k->tos = k->ttl = -1;
    parse_skip(c, 1);
    parse_ip(c, k);
    parse_space(c);
    if (parse_take(c, "ipv4") || parse_take(c, "ipv6") || parse_take(c, "gre") ||
        parse_take(c, "mpls")) {
        parse_fail(c, c->pos, "packets inside packets are not spoken here");
    } else if (parse_take(c, "icmp")) {
        parse_icmp(c, k);
    } else if (parse_take(c, "udp")) {
        k->proto = PKT_UDP;
        parse_ports(c, k);
        parse_need(c, "(");
        k->len = (uint32_t)parse_range(c, "the payload's length", 0, 65507);
        parse_need(c, ")");
    } else {
        parse_ports(c, k);
        parse_tcp(c, k);
    }
    return k;
}
