/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_syn_answer: a frame for the answerer in front of the stack (port/syn_answer.h). What it
 * answers the stack answers, too, with the same octets; and it reads nothing beyond the frame's
 * headers.
 *
 * The first octet says what is mended in the rest, an IPv4 packet: 1 the addresses of destination,
 * 2 the header's checksum, 4 TCP's, 8 TCP's is left to the device, 16 the total length.
 */
#include "base/bytes.h"
#include "base/cksum.h"
#include "fuzz/front.h"
#include "fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>
#include <tern/iface.h>
#include <tern/socket.h>
#include <tern/stack.h>

#define PORT 80
#define MOST 1514u

static const uint8_t ours[6] = {2, 0, 10, 9, 0, 2}, router[6] = {2, 0, 0, 0, 0, 1};
static const struct tern_time now = {5000000000};
static struct tern_stack *st;
static struct tern_syn_offload *shared;
static uint8_t tx[2048];

/* Its answer's length; 0 = none. */
static uint32_t stack_hears(uint8_t *p, uint32_t n, bool begun)
{
    struct tern_frame in = {.data = p, .len = n, .time = now}, out = {.data = tx, .cap = sizeof tx};
    in.csum = begun ? TERN_CSUM_PARTIAL : TERN_CSUM_NONE;
    tern_rx(st, 0, &in, 1, now);
    uint32_t len = tern_tx(st, 0, &out, 1, now) == 1 ? out.len : 0;
    uint8_t rest[2048];
    struct tern_frame more = {.data = rest, .cap = sizeof rest};
    while (tern_tx(st, 0, &more, 1, now) == 1)
        ;
    return len;
}

static void begin(void)
{
    uint8_t arp[FRONT_ARP];
    struct tern_config cfg;
    struct tern_iface_config ic = {.link = TERN_LINK_ETHER, .mtu = 1500};
    struct tern_endpoint at = {.port = PORT};
    struct tern_listener_policy pol;
    struct tern_sock l;
    tern_config_init(&cfg);
    cfg.prefix_answers_per_s = 0;
    cfg.ecn = 3;
    size_t size = (tern_stack_size(&cfg) + 63) & ~(size_t)63;
    void *mem = aligned_alloc(64, size);
    shared = aligned_alloc(64, sizeof *shared);
    if (mem == NULL || shared == NULL)
        abort();
    memset(mem, 0, size);
    memset(shared, 0, sizeof *shared);
    st = tern_stack_init(mem, size, &cfg, now);
    memcpy(ic.mac, ours, 6);
    ic.addr[0].addr = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 9, 0, 2}};
    ic.addr[0].prefix = 24;
    ic.gateway = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 9, 0, 1}};
    fuzz_law(tern_iface_add(st, &ic) == 0);
    fuzz_law(tern_syn_offload_begin(st, 0, shared, now) == TERN_OK);
    fuzz_law(tern_tcp_listen(st, &at, 16, 0, &l) == TERN_OK);
    fuzz_law(tern_listener_policy_get(st, l, &pol) == TERN_OK);
    pol.policy = TERN_SYN_COOKIES_ALWAYS;
    fuzz_law(tern_listener_policy(st, l, &pol) == TERN_OK);
    tern_syn_offload_sync(st, now);
    front_router(arp, router);
    (void)stack_hears(arp, sizeof arp, false);
}

static uint16_t tcp_sum(const uint8_t *ip, uint32_t n)
{
    uint64_t sum = cksum_pseudo4(ip + 12, ip + 16, 6, n - 20);
    return cksum_fold(cksum_add(sum, cksum_ops(0)->sum(ip + 20, n - 20)));
}

/* True: TCP's checksum is left to the device. */
static bool mend(uint8_t *ip, uint32_t n, unsigned what)
{
    if (what & 1) {
        memcpy(ip + 16, (const uint8_t[4]){10, 9, 0, 2}, 4);
        be16_store(ip + 22, PORT);
    }
    if (what & 16)
        be16_store(ip + 2, (uint16_t)n);
    if (what & 2) {
        be16_store(ip + 10, 0);
        uint16_t ck = cksum_fold(cksum_header(ip, 20));
        memcpy(ip + 10, &ck, 2);
    }
    if (!(what & 12))
        return false;
    be16_store(ip + 36, 0);
    uint16_t ck = tcp_sum(ip, n);
    if (what & 8)
        ck = (uint16_t)~cksum_fold(cksum_pseudo4(ip + 12, ip + 16, 6, n - 20));
    memcpy(ip + 36, &ck, 2);
    return what & 8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct syn_frame f;
    uint32_t len, n = (uint32_t)size + SYN_ETH - 1;
    uint8_t frame[MOST];
    if (st == NULL)
        begin();
    if (size < 41 || n > MOST)
        return 0;
    memcpy(frame, ours, 6);
    memcpy(frame + 6, router, 6);
    be16_store(frame + 12, 0x0800);
    memcpy(frame + SYN_ETH, data + 1, size - 1);
    bool begun = mend(frame + SYN_ETH, n - SYN_ETH, data[0]);
    enum syn_verdict v = front_hears(shared, frame, n, &f, &len, now.ns);
    fuzz_law(v == SYN_PASS || len <= SYN_ETH + TERN_OFFLOAD_HEAD);
    fuzz_law(v != SYN_DROP);
    uint32_t own = stack_hears(frame, n, begun);
    bool near =
        memcmp(frame + 26, frame + 30, 3) == 0; /* the stack asks for its MAC address first */
    if (v != SYN_ANSWER || near)
        return 0;
    if (own == 0 && !begun) { /* a wrong checksum that is the sum with which others begin */
        uint16_t sum = (uint16_t)~cksum_fold(cksum_pseudo4(frame + 26, frame + 30, 6, n - 34));
        fuzz_law(memcmp(frame + 50, &sum, 2) == 0);
        return 0;
    }
    fuzz_law(own == len);
    const uint8_t *mine = front_said(&f);
    fuzz_law(memcmp(mine, tx, 50) == 0 && memcmp(mine + 52, tx + 52, len - 52) == 0);
    fuzz_law(begun || memcmp(mine + 50, tx + 50, 2) == 0);
    return 0;
}
