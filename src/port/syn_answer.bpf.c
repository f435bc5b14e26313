/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/syn_answer.bpf.c: the program in the kernel, at a device's ingress (tc): a SYN that may be
 * answered becomes its SYN-ACK where it lies, and goes back out by the device it came in by.
 *
 * Frames that it leaves alone cost the first lines of it. One with a VLAN's tag is for another
 * interface than this; the tag is not among its octets here. What is not there in one piece (a
 * frame whose headers are in fragments of its buffer) is left alone, too.
 */
#include "port/syn_answer_shared.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct syn_shared syn_shared;

/* The headers of a SYN that may be answered, into *f: how many octets, or 0. */
static __always_inline uint32_t syn_fetch(struct __sk_buff *skb, struct syn_frame *f)
{
    const uint8_t *p = (const uint8_t *)(unsigned long)skb->data;
    const uint8_t *end = (const uint8_t *)(unsigned long)skb->data_end;
    if (skb->vlan_present || p + SYN_HEAD > end || p[12] != 8 || p[13] != 0 || p[14] != 0x45 ||
        p[23] != 6 || (p[47] & 0x16) != 0x02)
        return 0;
    if (bpf_skb_load_bytes(skb, 0, (uint8_t *)f + sizeof f->pad, SYN_HEAD) < 0)
        return 0;
    uint32_t len = syn_headers(f, skb->len), n = len - SYN_HEAD;
    if (len == 0 || n > 40 || (n > 0 && bpf_skb_load_bytes(skb, SYN_HEAD, &f->w[10], n) < 0))
        return 0;
    return len;
}

SEC("tc")
int syn_answer_tc(struct __sk_buff *skb)
{
    struct syn_frame f = {0};
    uint32_t n = syn_fetch(skb, &f), cpu = bpf_get_smp_processor_id();
    if (n == 0)
        return TC_ACT_UNSPEC;
    enum syn_verdict v =
        syn_answer(&syn_shared.offload, &f, &syn_shared.opts[cpu % TERN_OFFLOAD_CPUS], &n, cpu,
                   (int64_t)bpf_ktime_get_ns());
    if (v == SYN_PASS)
        return TC_ACT_UNSPEC;
    if (v == SYN_DROP || n > SYN_ETH + TERN_OFFLOAD_HEAD || n < SYN_HEAD)
        return TC_ACT_SHOT;
    if ((n != skb->len && bpf_skb_change_tail(skb, n, 0) < 0) ||
        bpf_skb_store_bytes(skb, 0, (uint8_t *)&f + sizeof f.pad, n, BPF_F_RECOMPUTE_CSUM) < 0)
        return TC_ACT_SHOT;
    return (int)bpf_redirect(skb->ifindex, 0);
}

const char syn_answer_license[] SEC("license") = "BSD-2-Clause";
