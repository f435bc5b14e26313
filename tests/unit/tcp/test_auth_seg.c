/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signed segments through the whole of TCP: two stacks on a wire, one listening, with keys of every
 * kind; what one of them signs the other must take, and everything else must be met with silence.
 */
#include "unit/tcp/rig.h"

struct pair {
    struct rig a, b; /* a connects, b listens */
    unsigned lost;   /* segments that a sent and b dropped */
    unsigned last;   /* verdict */
};

static const struct tern_addr any4 = {.fam = TERN_AF_IP4};

static struct pair *pair_new(void)
{
    struct pair *p = calloc(1, sizeof *p);
    rig_init(&p->a);
    rig_init(&p->b);
    p->a.local = p->b.peer;
    p->a.peer = p->b.local;
    rig_start(&p->a);
    rig_start(&p->b);
    return p;
}

static void pair_free(struct pair *p)
{
    rig_stop(&p->a);
    rig_stop(&p->b);
    free(p);
}

static bool carry(struct pair *p, struct rig *from, struct rig *to)
{
    struct rig_out *o = rig_pull1(from);
    if (o == NULL)
        return false;
    struct tcp_pkt k = {.src = from->local.addr,
                        .dst = to->local.addr,
                        .p = o->buf,
                        .n = o->out.len,
                        .csum = TERN_CSUM_NONE};
    p->last = tcp_rx(to->t, &k, to->now);
    rig_laws(to);
    return true;
}

static void pump(struct pair *p)
{
    bool more = true;
    for (unsigned i = 0; i < 200 && more; i++) {
        more = carry(p, &p->a, &p->b);
        more |= carry(p, &p->b, &p->a);
    }
}

static void pass(struct pair *p, int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 10) {
        p->a.now = time_add_ms(p->a.now, 10);
        p->b.now = p->a.now;
        tcp_tick(p->a.t, p->a.now);
        tcp_tick(p->b.t, p->b.now);
        pump(p);
    }
}

static void md5(struct rig *r, struct tern_sock s, const char *key)
{
    assert_int_equal(tcp_md5_key(r->t, s, &any4, 0, key, strlen(key)), TERN_OK);
}

static int ao(struct rig *r, struct tern_sock s, unsigned send, unsigned recv, const char *key,
              unsigned alg)
{
    struct tern_ao_key k = {.peer = any4,
                            .send_id = (uint8_t)send,
                            .recv_id = (uint8_t)recv,
                            .alg = (uint8_t)alg,
                            .key_len = (uint8_t)strlen(key)};
    memcpy(k.key, key, strlen(key));
    return tcp_ao_add(r->t, s, &k);
}

/* Opens, with what keys there are. */
static bool open_up(struct pair *p)
{
    assert_int_equal(tcp_connect(p->a.t, &p->a.local, &p->a.peer, 0, &p->a.sock, p->a.now), 0);
    pump(p);
    return tcp_accept(p->b.t, p->b.lis, &p->b.sock) == TERN_OK;
}

/* Text both ways, then both close: TIME-WAIT answers a repeated FIN too. */
static void talk_and_close(struct pair *p)
{
    static const char text[5000] = "signed";
    char got[sizeof text];
    assert_int_equal(tcp_send(p->a.t, p->a.sock, text, sizeof text, 0, p->a.now), sizeof text);
    pass(p, 100);
    assert_int_equal(tcp_recv(p->b.t, p->b.sock, got, sizeof got, p->b.now), sizeof text);
    assert_memory_equal(got, text, sizeof text);
    assert_int_equal(tcp_send(p->b.t, p->b.sock, text, 7, 0, p->b.now), 7);
    pass(p, 100);
    assert_int_equal(tcp_recv(p->a.t, p->a.sock, got, sizeof got, p->a.now), 7);
    assert_int_equal(tcp_close(p->a.t, p->a.sock, p->a.now), TERN_OK);
    pass(p, 100);
    assert_int_equal(tcp_close(p->b.t, p->b.sock, p->b.now), TERN_OK);
    /* The last ACK is lost: b repeats its FIN, TIME-WAIT must answer with a signature. */
    while (rig_pull1(&p->b) != NULL)
        ;
    pass(p, 2000);
    assert_int_equal(p->b.t->conns.used, 0);
    assert_int_equal(p->a.t->tws.used, 1);
    pass(p, 70000);
    assert_int_equal(p->a.t->tws.used, 0);
    assert_int_equal(tcp_close(p->b.t, p->b.lis, p->b.now), TERN_OK);
    rig_empty(&p->a);
    rig_empty(&p->b);
    assert_int_equal(p->a.t->keys.used + p->a.t->auths.used, 0);
    assert_int_equal(p->b.t->keys.used + p->b.t->auths.used, 0);
}

static const struct tern_sock next = {0};

static void test_md5(void **state) /* [RFC2385:2.0] */
{
    struct pair *p = pair_new();
    (void)state;
    rig_listen(&p->b, 4);
    md5(&p->b, p->b.lis, "secret");
    md5(&p->a, next, "secret");
    assert_true(open_up(p));
    struct tcp_conn *c = conn_get(p->b.t, p->b.sock);
    assert_int_equal(c->sig_len, SIGN_MD5_ROOM);
    assert_false(c->ts_ok); /* SACK blocks need the room */
    assert_true(c->sack_ok);
    assert_int_equal(c->cc.mss, 1460 - SIGN_MD5_ROOM);
    talk_and_close(p);
    pair_free(p);
}

static void test_ao(void **state) /* [RFC5925:7] [RFC5925:7.4] */
{
    (void)state;
    for (unsigned alg = 0; alg <= TERN_AO_AES_128_CMAC; alg++) {
        struct pair *p = pair_new();
        rig_listen(&p->b, 4);
        assert_int_equal(ao(&p->b, p->b.lis, 84, 61, "secret", alg), TERN_OK);
        assert_int_equal(ao(&p->a, next, 61, 84, "secret", alg), TERN_OK);
        assert_true(open_up(p));
        assert_true(conn_get(p->a.t, p->a.sock)->ts_ok);
        talk_and_close(p);
        pair_free(p);
    }
}

static void test_cookies(void **state) /* signed as well: the ACK tells both ISNs */
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct pair *p = pair_new();
        rig_listen(&p->b, 4);
        assert_int_equal(
            tcp_setopt(p->b.t, p->b.lis, TERN_OPT_SYN_POLICY, TERN_SYN_COOKIES_ALWAYS, p->b.now),
            TERN_OK);
        if (kind == 0) {
            md5(&p->b, p->b.lis, "secret");
            md5(&p->a, next, "secret");
        } else {
            assert_int_equal(ao(&p->b, p->b.lis, 84, 61, "secret", 0), TERN_OK);
            assert_int_equal(ao(&p->a, next, 61, 84, "secret", 0), TERN_OK);
        }
        assert_true(open_up(p));
        assert_int_equal(rig_count(&p->b, CAUSE_TX_SYN_ACK_COOKIE), 1);
        talk_and_close(p);
        pair_free(p);
    }
}

/* Another key, no key at one end, the other kind: nothing opens, and nobody says anything. */
static void test_silence(void **state) /* [RFC2385:2.0] [RFC5925:7.3] */
{
    static const struct {
        const char *ka, *kb; /* 'm' MD5, 'a' AO, and the key; NULL = none */
        unsigned cause;
    } rows[] = {
        {"mone", "mtwo", CAUSE_DROP_MD5_MISMATCH}, {NULL, "mone", CAUSE_DROP_MD5_MISSING},
        {"mone", NULL, CAUSE_DROP_MD5_UNEXPECTED}, {"aone", "mone", CAUSE_DROP_MD5_MISSING},
        {"aone", "atwo", CAUSE_DROP_AO_MISMATCH},  {NULL, "aone", CAUSE_DROP_AO_MISSING},
        {"mone", "aone", CAUSE_DROP_AO_MISSING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair *p = pair_new();
        rig_listen(&p->b, 4);
        for (unsigned end = 0; end < 2; end++) {
            struct rig *r = end == 0 ? &p->a : &p->b;
            const char *k = end == 0 ? rows[i].ka : rows[i].kb;
            struct tern_sock s = end == 0 ? next : p->b.lis;
            if (k != NULL && *k == 'm')
                md5(r, s, k + 1);
            else if (k != NULL)
                assert_int_equal(ao(r, s, 1, 1, k + 1, 0), TERN_OK);
        }
        assert_false(open_up(p));
        assert_int_equal(rig_count(&p->b, rows[i].cause), 1);
        assert_int_equal(p->b.t->halves.used, 0);
        assert_int_equal(p->b.t->anss.used, 0);
        pair_free(p);
    }
}

static void test_unknown_keyid(void **state) /* [RFC5925:7.5] */
{
    struct pair *p = pair_new();
    (void)state;
    rig_listen(&p->b, 4);
    assert_int_equal(ao(&p->b, p->b.lis, 5, 6, "secret", 0), TERN_OK);
    assert_int_equal(ao(&p->a, next, 7, 5, "secret", 0), TERN_OK);
    assert_false(open_up(p));
    assert_int_equal(rig_count(&p->b, CAUSE_DROP_AO_UNKNOWN), 1);
    pair_free(p);
}

/* A RST that fits in every number but has no signature. */
static void test_forged_rst(void **state) /* [RFC5925:7.4] */
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct pair *p = pair_new();
        rig_listen(&p->b, 4);
        if (kind == 0) {
            md5(&p->b, p->b.lis, "secret");
            md5(&p->a, next, "secret");
        } else {
            assert_int_equal(ao(&p->b, p->b.lis, 1, 1, "secret", 0), TERN_OK);
            assert_int_equal(ao(&p->a, next, 1, 1, "secret", 0), TERN_OK);
        }
        assert_true(open_up(p));
        struct tcp_conn *c = conn_get(p->b.t, p->b.sock);
        struct tcp_seg s = {.seq = c->rcv.nxt, .ack = c->snd.nxt, .th = RST | ACK, .wnd = 100};
        assert_int_equal(rig_seg(&p->b, &s, 0),
                         kind == 0 ? CAUSE_DROP_MD5_MISSING : CAUSE_DROP_AO_MISSING);
        rig_silent(&p->b);
        s.opt.sign = TCP_SIGN_MD5; /* both kinds, and a digest of zeros */
        assert_int_equal(rig_seg(&p->b, &s, 0),
                         kind == 0 ? CAUSE_DROP_MD5_MISMATCH : CAUSE_DROP_AO_MISSING);
        rig_in_state(&p->b, TERN_TCP_ESTABLISHED);
        /* a's own abort is signed and counts */
        assert_int_equal(tcp_abort(p->a.t, p->a.sock, p->a.now), TERN_OK);
        pump(p);
        assert_null(rig_find(&p->b));
        pair_free(p);
    }
}

/* Both ends have two keys; a asks for the other one, b follows, and the old one may go. */
static void test_rollover(void **state) /* [RFC5925:6.1] */
{
    struct pair *p = pair_new();
    struct tern_auth_info in;
    struct tern_ao_key k;
    (void)state;
    rig_listen(&p->b, 4);
    assert_int_equal(ao(&p->b, p->b.lis, 1, 1, "old", 0), TERN_OK);
    assert_int_equal(ao(&p->b, p->b.lis, 2, 2, "new", 1), TERN_OK);
    assert_int_equal(ao(&p->a, next, 1, 1, "old", 0), TERN_OK);
    assert_true(open_up(p));
    assert_int_equal(ao(&p->a, p->a.sock, 2, 2, "new", 1), TERN_OK);
    assert_int_equal(tcp_auth_info(p->b.t, p->b.sock, &in), TERN_OK);
    assert_int_equal(in.current, 1);
    assert_int_equal(tcp_ao_set(p->a.t, p->a.sock, -1, 2), TERN_OK); /* RNext */
    assert_int_equal(tcp_send(p->a.t, p->a.sock, "x", 1, 0, p->a.now), 1);
    pass(p, 100);
    char got;
    assert_int_equal(tcp_recv(p->b.t, p->b.sock, &got, 1, p->b.now), 1);
    assert_int_equal(tcp_auth_info(p->b.t, p->b.sock, &in), TERN_OK);
    assert_int_equal(in.current, 2);
    struct tern_info seen;
    assert_true(tcp_inspect(p->b.t, p->b.sock, &seen, p->b.now));
    assert_int_equal(seen.signed_by, TCP_SIGN_AO);
    assert_int_equal(seen.ao_key, 2);
    assert_int_equal(in.bad + in.unknown + in.missing, 0);
    assert_int_equal(tcp_ao_set(p->a.t, p->a.sock, 2, -1), TERN_OK);
    assert_int_equal(tcp_ao_del(p->a.t, p->a.sock, &any4, 0, 2, 2), TERN_EINVAL); /* in use */
    assert_int_equal(tcp_ao_del(p->a.t, p->a.sock, &any4, 0, 1, 1), TERN_OK);
    assert_int_equal(tcp_ao_get(p->a.t, p->a.sock, 0, &k), 1);
    assert_true(k.current && k.rnext && k.send_id == 2 && k.key_len == 3);
    assert_int_equal(k.key[0], 0); /* never given back */
    assert_int_equal(tcp_ao_get(p->a.t, p->a.sock, 1, &k), 0);
    talk_and_close(p);
    pair_free(p);
}

static void test_icmp_is_ignored(void **state) /* [RFC5925:7.8] */
{
    struct pair *p = pair_new();
    (void)state;
    rig_listen(&p->b, 4);
    assert_int_equal(ao(&p->b, p->b.lis, 1, 1, "k", 0), TERN_OK);
    assert_int_equal(ao(&p->a, next, 1, 1, "k", 0), TERN_OK);
    assert_true(open_up(p));
    assert_int_equal(tcp_send(p->a.t, p->a.sock, "x", 1, 0, p->a.now), 1);
    rig_pull1(&p->a);
    struct tcp_conn *c = conn_get(p->a.t, p->a.sock);
    uint16_t mss = c->mss;
    assert_int_equal(
        tcp_icmp(p->a.t, &p->a.local, &p->a.peer, c->snd.una.v, TERN_EMSGSIZE, true, 576, p->a.now),
        CAUSE_DROP_ICMP_AO);
    assert_int_equal(c->mss, mss);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_md5),           cmocka_unit_test(test_ao),
        cmocka_unit_test(test_cookies),       cmocka_unit_test(test_silence),
        cmocka_unit_test(test_unknown_keyid), cmocka_unit_test(test_forged_rst),
        cmocka_unit_test(test_rollover),      cmocka_unit_test(test_icmp_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
