/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/parse_opt.c: TCP options between < and >:
 *
 *     mss 1460   sackOK   TS val 1 ecr 2   nop   eol   wscale 7   sack 1:2 5:6   FO 0a0b0c   FO
 *     FOEXP 0a0b   md5 HEX   uto 80   ao HEX   kind 77 HEX (any other)   ...
 */
#include "drill/parse.h"

#include <string.h>

static void opt_sack(struct parse *c, struct popt *o)
{
    o->kind = OPT_SACK;
    while (parse_digit(c)) {
        if (o->nblk == PKT_BLOCKS) {
            parse_fail(c, c->pos, "an option holds at most %d SACK blocks", PKT_BLOCKS);
            return;
        }
        o->blk[o->nblk].lo = (uint32_t)parse_range(c, "a sequence number", 0, UINT32_MAX);
        parse_need(c, ":");
        o->blk[o->nblk].hi = (uint32_t)parse_range(c, "a sequence number", 0, UINT32_MAX);
        o->nblk++;
    }
}

/* Octets in hexadecimal behind `lead` octets of their own. */
static void opt_raw(struct parse *c, struct popt *o, uint8_t kind, unsigned lead)
{
    o->kind = kind;
    char next = parse_peek(c);
    if (next != ',' && next != '>')
        o->len = (uint8_t)parse_hex(c, o->raw + lead, (unsigned)sizeof o->raw - 2 - lead);
    o->len = (uint8_t)(o->len + lead);
}

static void opt_ts(struct parse *c, struct popt *o)
{
    o->kind = OPT_TS;
    parse_need(c, "val");
    o->a = (uint32_t)parse_range(c, "TS val", 0, UINT32_MAX);
    parse_need(c, "ecr");
    o->b = (uint32_t)parse_range(c, "TS ecr", 0, UINT32_MAX);
}

static void opt_any(struct parse *c, struct popt *o)
{
    parse_space(c);
    struct pos at = c->pos;
    if (parse_take(c, "nop")) {
        o->kind = OPT_NOP;
    } else if (parse_take(c, "eol")) {
        o->kind = OPT_EOL;
    } else if (parse_take(c, "mss")) {
        o->kind = OPT_MSS;
        o->a = (uint32_t)parse_range(c, "mss", 0, 65535);
    } else if (parse_take(c, "wscale")) {
        o->kind = OPT_WS;
        o->a = (uint32_t)parse_range(c, "wscale", 0, 255);
    } else if (parse_take(c, "sackOK")) {
        o->kind = OPT_SACKOK;
    } else if (parse_take(c, "sack")) {
        opt_sack(c, o);
    } else if (parse_take(c, "TS")) {
        opt_ts(c, o);
    } else if (parse_take(c, "FO")) {
        opt_raw(c, o, OPT_FO, 0);
    } else if (parse_take(c, "FOEXP")) { /* RFC 6994: experiment 0xf989 */
        o->raw[0] = 0xf9;
        o->raw[1] = 0x89;
        opt_raw(c, o, OPT_EXP, 2);
    } else if (parse_take(c, "md5")) {
        opt_raw(c, o, OPT_MD5, 0);
    } else if (parse_take(c, "ao")) {
        opt_raw(c, o, OPT_AO, 0);
    } else if (parse_take(c, "uto")) {
        int64_t v = parse_range(c, "uto", 0, 65535);
        *o = (struct popt){.kind = OPT_UTO, .len = 2, .raw = {(uint8_t)(v >> 8), (uint8_t)v}};
    } else if (parse_take(c, "kind")) {
        uint8_t kind = (uint8_t)parse_range(c, "an option's kind", 2, 255);
        opt_raw(c, o, kind, 0);
    } else {
        parse_fail(c, at,
                   "no such TCP option: mss sackOK TS nop eol wscale sack FO FOEXP md5 ao uto, or "
                   "`kind N HEX` for any other");
    }
}

void parse_options(struct parse *c, struct pkt *k)
{
    if (parse_take(c, "...")) {
        k->any_opts = true;
        parse_need(c, ">");
        return;
    }
    if (parse_take(c, ">"))
        return;
    do {
        if (k->nopts == PKT_OPTS) {
            parse_fail(c, c->pos, "a TCP header has room for 40 octets of options");
            return;
        }
        opt_any(c, &k->opt[k->nopts]);
        k->nopts++;
    } while (parse_take(c, ","));
    parse_need(c, ">");
}
