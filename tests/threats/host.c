/* SPDX-License-Identifier: BSD-2-Clause */
#include "threats/host.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"

void host_start(struct host *h)
{
    struct tern_config cfg;
    memset(h, 0, sizeof *h);
    h->now = (struct tern_time){1000000000};
    tern_config_init(&cfg);
    cfg.buf_bytes = 1 << 20;
    cfg.seed[3] = 7;
    size_t n = (tern_stack_size(&cfg) + 4095) & ~(size_t)4095;
    void *mem = aligned_alloc(4096, n);
    assert_non_null(mem);
    memset(mem, 0, n);
    h->st = tern_stack_init(mem, n, &cfg, h->now);
    assert_non_null(h->st);
    struct tern_iface_config ic = {.link = TERN_LINK_IP, .mtu = 1500};
    ic.addr[0].addr = ip(10, 1, 0, 1);
    ic.addr[0].prefix = 24;
    assert_int_equal(tern_iface_add(h->st, &ic), 0);
}

void host_stop(struct host *h)
{
    free(h->st);
}

static void give(struct host *h, uint8_t *p, struct tern_addr src, struct tern_addr dst,
                 uint8_t proto, uint32_t len)
{
    struct ip4_hdr ih = {.ttl = 64, .proto = proto, .df = true, .len = len};
    memcpy(ih.src, src.b, 4);
    memcpy(ih.dst, dst.b, 4);
    ip4_build(p, IP4_HDR_LEN, &ih);
    struct tern_frame f = {.data = p, .len = IP4_HDR_LEN + len, .cap = 2048};
    tern_rx(h->st, 0, &f, 1, h->now);
}

void host_tcp(struct host *h, struct tern_endpoint src, struct tern_endpoint dst, uint32_t seq,
              uint32_t ack, uint8_t th)
{
    uint8_t p[128];
    struct tcp_seg s = {.seq = seq_of(seq),
                        .ack = seq_of(ack),
                        .th = th,
                        .wnd = 1000,
                        .sport = src.port,
                        .dport = dst.port};
    uint32_t n = (uint32_t)tcp_build(p + IP4_HDR_LEN, 60, &s);
    uint64_t sum = cksum_pseudo4(src.addr.b, dst.addr.b, 6, n);
    uint16_t ck = cksum_fold(cksum_add(sum, cksum_ops(0)->sum(p + IP4_HDR_LEN, n)));
    memcpy(p + IP4_HDR_LEN + TCP_CSUM_OFF, &ck, 2);
    give(h, p, src.addr, dst.addr, 6, n);
}

void host_icmp(struct host *h, struct tern_addr src, uint8_t type, uint8_t code)
{
    uint8_t p[128] = {0}, *m = p + IP4_HDR_LEN;
    m[0] = type;
    m[1] = code;
    memcpy(m + 8, h->out, 28);
    uint16_t ck = cksum_fold(cksum_ops(0)->sum(m, 36));
    memcpy(m + 2, &ck, 2);
    give(h, p, src, ip(10, 1, 0, 1), 1, 36);
}

unsigned host_pull(struct host *h)
{
    unsigned n = 0;
    struct tern_frame f = {.data = h->out, .cap = sizeof h->out};
    while (tern_tx(h->st, 0, &f, 1, h->now) == 1) {
        h->len = f.len;
        n++;
    }
    return n;
}
