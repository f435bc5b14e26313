/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer to a SYN in front of the stack (port/syn_answer.h) is the stack's own, to the last
 * bit: the same random SYNs are given to both. As a function of this program; and, as root, as the
 * program in the kernel, which the kernel's verifier has let in. */
#include "frames.h"

#include "base/prng.h"
#include "fuzz/front.h"
#include "port/offload.h"
#include "port/syn_answer_shared.h"
#include <tern/loop.h>
#include <tern/socket.h>

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
#if TERN_BPF
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#endif

#define MANY 20000u
#define PORT 443

static const uint8_t ours[6] = {2, 't', 10, 9, 0, 2}, router[6] = {2, 0, 0, 0, 0, 1};

struct both {
    struct tern_stack *st;
    struct syn_shared *s;
    struct tern_sock listener;
    struct tern_time now;
    struct prng r;
    uint8_t tx[2048];
    uint8_t *frame; /* the SYN */
    uint32_t len;
    bool begun; /* its checksum is */
};
static struct both b;

/* ---- the stack ---- */

static size_t stack_hears(struct tern_frame in)
{
    struct tern_frame out = {.data = b.tx, .cap = sizeof b.tx};
    in.time = b.now;
    tern_rx(b.st, 0, &in, 1, b.now);
    return tern_tx(b.st, 0, &out, 1, b.now) == 1 ? out.len : 0;
}

/* ... the SYN. */
static size_t stack_says(void)
{
    return stack_hears((struct tern_frame){
        .data = b.frame, .len = b.len, .csum = b.begun ? TERN_CSUM_PARTIAL : TERN_CSUM_NONE});
}

/* The stack learns where its router is. */
static void learn_router(void)
{
    uint8_t arp[FRONT_ARP];
    front_router(arp, router);
    struct tern_frame out = {.data = b.tx, .cap = sizeof b.tx};
    while (tern_tx(b.st, 0, &out, 1, b.now) == 1) /* its own announcement */
        ;
    assert_true(stack_hears((struct tern_frame){.data = arp, .len = sizeof arp}) > 0);
}

static void begin(uint32_t rate, const char *profile, struct syn_shared *s, struct tern_time now)
{
    struct tern_config cfg;
    struct tern_iface_config ic = {.link = TERN_LINK_ETHER, .mtu = 1500};
    struct tern_endpoint at = {.port = PORT};
    struct tern_listener_policy pol;
    char why[TERN_WHY] = "";
    tern_config_init(&cfg);
    if (strcmp(profile, "linux") == 0)
        tern_config_profile(&cfg, TERN_PROFILE_LINUX);
    if (strcmp(profile, "freebsd") == 0)
        tern_config_profile(&cfg, TERN_PROFILE_FREEBSD);
    if (strcmp(profile, "accurate") == 0)
        cfg.ecn = 3;
    tern_seed_from(cfg.seed, 7);
    cfg.prefix_answers_per_s = rate;
    b.now = now;
    b.s = s;
    prng_init(&b.r, 99);
    b.st = tern_stack_new(&cfg, b.now, why);
    assert_non_null(b.st);
    memcpy(ic.mac, ours, 6);
    ic.addr[0].addr = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 9, 0, 2}};
    ic.addr[0].prefix = 24;
    ic.gateway = (struct tern_addr){.fam = TERN_AF_IP4, .b = {10, 9, 0, 1}};
    assert_int_equal(tern_iface_add(b.st, &ic), 0);
    assert_int_equal(tern_syn_offload_begin(b.st, 0, &s->offload, b.now), TERN_OK);
    assert_int_equal(tern_tcp_listen(b.st, &at, 16, 0, &b.listener), TERN_OK);
    assert_int_equal(tern_listener_policy_get(b.st, b.listener, &pol), TERN_OK);
    pol.policy = TERN_SYN_COOKIES_ALWAYS;
    assert_int_equal(tern_listener_policy(b.st, b.listener, &pol), TERN_OK);
    tern_syn_offload_sync(b.st, b.now);
    learn_router();
    b.frame = malloc(256);
    assert_non_null(b.frame);
}

static struct syn_shared *fresh(void)
{
    struct syn_shared *s = aligned_alloc(64, sizeof *s);
    assert_non_null(s);
    memset(s, 0, sizeof *s);
    return s;
}

static void end(bool free_shared)
{
    tern_syn_offload_end(b.st, b.now);
    tern_stack_free(b.st);
    free(b.frame);
    if (free_shared)
        free(b.s);
}

/* ---- SYNs ---- */

static uint32_t any(uint32_t n)
{
    return (uint32_t)(prng_next(&b.r) >> 33) % n;
}

/* One option at p, of at most `room` octets: mostly what peers send, now and then what none should.
 */
static uint32_t put_option(uint8_t *p, uint32_t room)
{
    static const struct {
        uint8_t n, octets[18];
    } some[] = {
        {4, {2, 4, 5, 0xb4}},
        {4, {2, 4, 0, 0}},
        {3, {3, 3, 7}},
        {3, {3, 3, 20}},
        {2, {4, 2}},
        {10, {8, 10, 1, 2, 3, 4, 0, 0, 0, 0}},
        {1, {1}},
        {1, {0}},
        {5, {200, 5, 1, 1, 1}},
        {4, {28, 4, 0x80, 9}},
        {2, {34, 2}},
        {10, {34, 10, 1, 2, 3, 4, 5, 6, 7, 8}},
        {3, {2, 3, 5}},
        {2, {8, 40}},
        {2, {99, 1}},
        {18, {19, 18}},
    };
    uint32_t i = any(any(8) == 0 ? sizeof some / sizeof some[0] : 9);
    if (some[i].n > room)
        return 0;
    memcpy(p, some[i].octets, some[i].n);
    if (some[i].octets[0] == 2 && some[i].n == 4 && any(2))
        be16_store(p + 2, (uint16_t)any(10000));
    return some[i].n;
}

static uint32_t put_options(uint8_t *p)
{
    static const uint8_t usual[20] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 9, 8,
                                      7, 6, 0, 0,    0, 0, 1, 3,  3, 7};
    uint32_t n = 0, step;
    if (any(4) == 0) {
        memcpy(p, usual, sizeof usual);
        return sizeof usual;
    }
    for (uint32_t k = any(9); k > 0 && (step = put_option(p + n, 40 - n)) > 0; k--)
        n += step;
    while (n % 4 != 0)
        p[n++] = 1;
    return n;
}

static void put_cksums(uint8_t *f, uint32_t hlen, bool begun)
{
    uint32_t pseudo = fr_pseudo(f, hlen);
    be16_store(f + 24, 0);
    be16_store(f + 24, (uint16_t)~fr_fold(fr_sum(f + 14, 20)));
    be16_store(f + 50, 0);
    be16_store(f + 50, begun ? fr_fold(pseudo) : (uint16_t)~fr_fold(fr_sum(f + 34, hlen) + pseudo));
}

/* A SYN; `plain` = of the kind that must be answered. */
static bool make_syn(void)
{
    static const uint8_t flags[] = {0x02, 0x02, 0x02, 0xc2, 0x42, 0x82, 0x0a, 0x22, 0x03};
    uint8_t *f = b.frame;
    memset(f, 0, 256);
    memcpy(f, ours, 6);
    memcpy(f + 6, router, 6);
    f[12] = 8;
    f[14] = 0x45;
    f[15] = any(8) == 0 ? (uint8_t)any(4) : 0;
    f[22] = 64;
    f[23] = 6;
    be32_store(f + 26, 0x0b000000u + any(0xb0000000u));
    memcpy(f + 30, (const uint8_t[4]){10, 9, 0, 2}, 4);
    be16_store(f + 34, (uint16_t)(1 + any(65535)));
    be16_store(f + 36, PORT);
    be32_store(f + 38, (uint32_t)prng_next(&b.r));
    uint32_t hlen = 20 + put_options(f + 54);
    f[46] = (uint8_t)(hlen / 4 << 4 | (any(8) == 0));
    f[47] = flags[any(sizeof flags)];
    be16_store(f + 48, (uint16_t)any(65536));
    be16_store(f + 16, (uint16_t)(20 + hlen));
    b.begun = any(4) == 0;
    put_cksums(f, hlen, b.begun);
    b.len = 34 + hlen;
    return f[26] != 127;
}

/* Something about the frame that is not to be answered, or not here. */
static void spoil(void)
{
    static const uint8_t at[] = {0, 12, 14, 20, 23, 24, 30, 37, 46, 47, 50};
    uint32_t i = any(sizeof at);
    b.frame[at[i]] ^= (uint8_t)(1u << any(8));
}

static enum syn_verdict front(struct syn_frame *f, uint32_t *len, struct tern_time now)
{
    return front_hears(&b.s->offload, b.frame, b.len, f, len, now.ns);
}

static void equal_to_stack(const struct syn_frame *f, uint32_t len)
{
    uint8_t mine[128];
    size_t n = stack_says();
    assert_int_equal(n, len);
    memcpy(mine, front_said(f), len);
    if (b.begun) { /* the sum of the pseudo-header, as the device wants it */
        assert_int_equal(be16_load(mine + 50), fr_fold(fr_pseudo(mine, len - 34)));
        memcpy(mine + 50, b.tx + 50, 2);
    }
    assert_memory_equal(mine, b.tx, len);
}

static void same_as_the_stack(void **state)
{
    const char *profile = *state;
    uint32_t answered = 0, left = 0;
    begin(0, profile, fresh(), (struct tern_time){5000000000});
    for (uint32_t i = 0; i < MANY; i++) {
        struct syn_frame f;
        uint32_t len;
        bool sane = make_syn(), spoilt = any(5) == 0;
        if (spoilt)
            spoil();
        b.now.ns += any(200000000);
        tern_tick(b.st, b.now);
        learn_router();
        tern_syn_offload_sync(b.st, b.now);
        enum syn_verdict v = front(&f, &len, b.now);
        assert_int_not_equal(v, SYN_DROP);
        if (v == SYN_ANSWER)
            equal_to_stack(&f, len);
        else
            (void)stack_says();
        answered += v == SYN_ANSWER;
        left += v == SYN_PASS && sane && !spoilt;
    }
    /* Left are only those with an option that no peer sends, or more of them than are gone through.
     */
    assert_true(answered > MANY / 2);
    assert_true(left < MANY / 5);
    end(true);
}

static void plain_syn(uint32_t src, uint16_t sport)
{
    (void)make_syn();
    be32_store(b.frame + 26, src);
    be16_store(b.frame + 34, sport);
    b.frame[15] = 0;
    b.frame[46] = 0x50;
    b.frame[47] = 2;
    be16_store(b.frame + 16, 40);
    b.len = 54;
    b.begun = false;
    put_cksums(b.frame, 20, false);
}

static void a_prefix_has_its_share(void **state)
{
    (void)state;
    struct syn_frame f;
    uint32_t len, answered = 0;
    begin(100, "tern", fresh(), (struct tern_time){5000000000});
    for (uint32_t i = 0; i < 50; i++) {
        plain_syn(0x0b010200 + i, (uint16_t)(1000 + i));
        enum syn_verdict v = front(&f, &len, b.now);
        assert_int_equal(v, i < 10 ? SYN_ANSWER : SYN_DROP); /* a tenth at once */
        answered += v == SYN_ANSWER;
    }
    plain_syn(0x0b010300, 99);
    assert_int_equal(front(&f, &len, b.now), SYN_ANSWER); /* a neighbour */
    b.now.ns += 50000000;
    plain_syn(0x0b0102ff, 99);
    assert_int_equal(front(&f, &len, b.now), SYN_ANSWER);
    assert_int_equal(b.s->offload.cpu[1].answered, answered + 2);
    assert_int_equal(b.s->offload.cpu[1].limited, 40);
    end(true);
}

static void what_is_not_answered(void **state)
{
    (void)state;
    struct syn_frame f;
    uint32_t len;
    struct tern_listener_policy pol;
    begin(0, "tern", fresh(), (struct tern_time){5000000000});
    plain_syn(0x0b010203, 7);
    assert_int_equal(front(&f, &len, b.now), SYN_ANSWER);
    /* nobody looks after it any more */
    struct tern_time late = {b.now.ns + TERN_OFFLOAD_ALIVE_MS * 1000000LL};
    assert_int_equal(front(&f, &len, late), SYN_PASS);
    /* a 4-tuple that may be known; text; another listener's; a CPU too many */
    memset(b.s->offload.known, 1, sizeof b.s->offload.known);
    assert_int_equal(front(&f, &len, b.now), SYN_PASS);
    memset(b.s->offload.known, 0, sizeof b.s->offload.known);
    b.len += 1;
    be16_store(b.frame + 16, 41);
    assert_int_equal(front(&f, &len, b.now), SYN_PASS);
    plain_syn(0x0b010203, 7);
    be16_store(b.frame + 36, PORT + 256);
    put_cksums(b.frame, 20, false);
    assert_int_equal(front(&f, &len, b.now), SYN_PASS);
    static const uint32_t nobody[] = {0x0a090002, 0x0a0900ff, 0x0a090000,
                                      0x7f000001, 0xe0000001, 1};
    for (unsigned i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        plain_syn(nobody[i], 7);
        assert_int_equal(front(&f, &len, b.now), SYN_PASS);
        assert_int_equal(stack_says(), 0);
    }
    plain_syn(0x0a0900fe, 7);
    assert_int_equal(front(&f, &len, b.now), SYN_ANSWER);
    plain_syn(0x0b010203, 7);
    assert_int_equal(front(&f, &len, b.now), SYN_ANSWER);
    /* kept in a record, as its operator wants now */
    assert_int_equal(tern_listener_policy_get(b.st, b.listener, &pol), TERN_OK);
    pol.policy = TERN_SYN_DROP_OLDEST;
    assert_int_equal(tern_listener_policy(b.st, b.listener, &pol), TERN_OK);
    assert_int_equal(front(&f, &len, b.now), SYN_PASS);
    end(true);
}

/* ---- in the kernel ---- */

#if TERN_BPF
static void same_in_the_kernel(void **state)
{
    (void)state;
    struct offload o;
    char why[TERN_WHY] = "";
    offload_init(&o);
    if (unshare(CLONE_NEWNET) < 0 || offload_open(&o, "lo", (int)if_nametoindex("lo"), why) < 0) {
        print_message("no program in the kernel: run as root (%s)\n", why);
        skip();
    }
    int fd = bpf_program__fd(bpf_object__next_program(o.object, NULL));
    uint32_t answered = 0;
    begin(0, "tern", (struct syn_shared *)(void *)o.shared, tern_clock_now());
    for (uint32_t i = 0; i < MANY / 4; i++) {
        struct syn_frame f;
        uint8_t out[512];
        uint32_t len, same = 0;
        (void)make_syn();
        if (any(5) == 0)
            spoil();
        DECLARE_LIBBPF_OPTS(bpf_test_run_opts, t, .data_in = b.frame, .data_size_in = b.len,
                            .data_out = out, .data_size_out = sizeof out, .repeat = 1);
        struct tern_time t0 = tern_clock_now();
        tern_syn_offload_sync(b.st, t0);
        assert_int_equal(bpf_prog_test_run_opts(fd, &t), 0);
        struct tern_time t1 = tern_clock_now();
        enum syn_verdict v = front(&f, &len, t0);
        assert_int_equal(t.retval, v == SYN_ANSWER ? 7u /* TC_ACT_REDIRECT */ : UINT32_MAX);
        if (v != SYN_ANSWER) {
            assert_int_equal(t.data_size_out, b.len);
            assert_memory_equal(out, b.frame, b.len);
            continue;
        }
        answered++;
        assert_int_equal(t.data_size_out, len);
        /* at one of the milliseconds that passed meanwhile */
        for (int64_t ns = t0.ns; same == 0 && ns / 1000000 <= t1.ns / 1000000 + 1; ns += 1000000) {
            (void)front(&f, &len, (struct tern_time){ns});
            same = memcmp(out, front_said(&f), len) == 0;
        }
        assert_true(same);
    }
    assert_true(answered > MANY / 8);
    end(false);
    offload_close(&o);
}

static bool attached(const struct offload *o)
{
    DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = o->index, .attach_point = BPF_TC_INGRESS);
    DECLARE_LIBBPF_OPTS(bpf_tc_opts, tc, .handle = 1, .priority = 0x7e12);
    return bpf_tc_query(&hook, &tc) == 0;
}

/* The filter of older kernels: what a process leaves that was killed is replaced by the next. */
static void the_classic_filter(void **state)
{
    (void)state;
    struct offload o[2];
    char why[TERN_WHY] = "";
    bool root = unshare(CLONE_NEWNET) == 0;
    for (unsigned i = 0; i < 2; i++) {
        offload_init(&o[i]);
        o[i].classic = true;
        if (!root || offload_open(&o[i], "lo", (int)if_nametoindex("lo"), why) < 0) {
            print_message("no program in the kernel: run as root (%s)\n", why);
            skip();
        }
        assert_true(o[i].link < 0 && o[i].handle != 0);
        assert_true(attached(&o[i]));
    }
    const struct offload was = o[1];
    offload_close(&o[1]);
    assert_false(attached(&was));
    offload_close(&o[0]);
}

static void refusals_say_why(void **state)
{
    (void)state;
    struct offload o;
    char why[TERN_WHY] = "";
    offload_init(&o);
    assert_int_equal(offload_open(&o, "nosuch0", 999999, why), -1);
    assert_non_null(strstr(why, "nosuch0: SYN offload: "));
    assert_null(o.shared);
}
#else
static void not_built(void **state)
{
    (void)state;
    print_message("no program in the kernel: built without libbpf, or without clang\n");
    skip();
}
#endif

int main(void)
{
    static char tern[] = "tern", linux_[] = "linux", freebsd[] = "freebsd", accurate[] = "accurate";
    const struct CMUnitTest tests[] = {
        {"same_as_the_stack", same_as_the_stack, NULL, NULL, tern},
        {"same_as_the_stack, linux", same_as_the_stack, NULL, NULL, linux_},
        {"same_as_the_stack, freebsd", same_as_the_stack, NULL, NULL, freebsd},
        {"same_as_the_stack, accurate ECN", same_as_the_stack, NULL, NULL, accurate},
        cmocka_unit_test(a_prefix_has_its_share),
        cmocka_unit_test(what_is_not_answered),
#if TERN_BPF
        cmocka_unit_test(same_in_the_kernel),
        cmocka_unit_test(the_classic_filter),
        cmocka_unit_test(refusals_say_why),
#else
        cmocka_unit_test(not_built),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
