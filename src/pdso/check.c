/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pdso/check.c: what packetdrill does not look at in a packet of the stack: the checksums, and that
 * the timestamp echoed is one that the peer has sent on that connection [RFC7323:3.2].
 */
#include "base/cksum.h"
#include "base/seq.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

#include "pdso/pdso.h"

#include <stdio.h>
#include <tern/config.h>

static bool tcp_of(const uint8_t *p, size_t n, struct ip4_hdr *ip, struct tcp_seg *seg)
{
    return ip4_parse(p, n, ip) == 0 && ip->proto == IP4_PROTO_TCP &&
           tcp_parse(ip->data, ip->len, seg) == 0;
}

void pd_note_in(struct pd *pd, const uint8_t *p, size_t n)
{
    struct ip4_hdr ip;
    struct tcp_seg seg;
    if (!tcp_of(p, n, &ip, &seg) || !seg.opt.has_ts)
        return;
    unsigned i = pd->nstamp++ % PD_STAMPS;
    pd->stamp[i].lport = seg.dport;
    pd->stamp[i].rport = seg.sport;
    pd->stamp[i].val = seg.opt.tsval;
}

static bool stamp_known(const struct pd *pd, const struct tcp_seg *seg)
{
    unsigned n = pd->nstamp < PD_STAMPS ? pd->nstamp : PD_STAMPS;
    for (unsigned i = 0; i < n; i++) {
        if (pd->stamp[i].lport == seg->sport && pd->stamp[i].rport == seg->dport &&
            pd->stamp[i].val == seg->opt.tsecr)
            return true;
    }
    return false;
}

const char *pd_check_out(struct pd *pd, const struct vframe *f)
{
    struct ip4_hdr ip;
    struct tcp_seg seg;
    if (ip4_parse(f->data, f->len, &ip) != 0)
        return "its IP header is wrong";
    if (ip.proto != IP4_PROTO_TCP && ip.proto != IP4_PROTO_UDP)
        return NULL;
    uint64_t sum = cksum_add(cksum_pseudo4(ip.src, ip.dst, ip.proto, ip.len),
                             cksum_ops(0)->sum(ip.data, ip.len));
    if (cksum_fold(sum) != 0)
        return "its checksum is wrong";
    if (ip.proto != IP4_PROTO_TCP)
        return NULL;
    if (tcp_parse(ip.data, ip.len, &seg) != 0)
        return "its TCP header is wrong";
    if (!seg.opt.has_ts || (seg.opt.tsecr == 0 && !(seg.th & TERN_TH_ACK)))
        return NULL;
    return stamp_known(pd, &seg) ? NULL : "its TS ecr is no TS val that this peer has sent";
}

void pd_say_frame(const struct vframe *f, char *out, size_t cap)
{
    static const char letters[] = "FSRP.UEW";
    struct ip4_hdr ip;
    struct tcp_seg seg;
    char flags[9];
    unsigned n = 0;
    if (!tcp_of(f->data, f->len, &ip, &seg)) {
        (void)snprintf(out, cap, "a packet of %u octets (%s)", f->len, tern_cause_name(f->cause));
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (seg.th & 1u << i)
            flags[n++] = letters[i];
    }
    flags[n] = 0;
    (void)snprintf(out, cap, "%u > %u %s seq %u (%u) ack %u win %u (%s)", seg.sport, seg.dport,
                   flags, seg.seq.v, seg.len, seg.ack.v, seg.wnd, tern_cause_name(f->cause));
}
