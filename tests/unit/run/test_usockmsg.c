/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>

struct world {
    int fd;               /* the program's, bound to port 5000 */
    struct tern_sock p53; /* the peer's ports */
    struct tern_sock p54;
};

static struct world world(int flags)
{
    struct world w;
    struct sockaddr_in at = rig_sin(1, 5000);
    struct tern_endpoint a = {.port = 53}, b = {.port = 54};
    w.fd = (int)rig_call(SYS_socket, AF_INET, (uint64_t)(SOCK_DGRAM | flags), 0, 0, 0, 0);
    assert_true(w.fd >= 0);
    assert_int_equal(rig_call(SYS_bind, (uint64_t)w.fd, rig_at(&at), sizeof at, 0, 0, 0), 0);
    assert_int_equal(tern_udp_open(rig.peer, &a, 0, &w.p53), 0);
    assert_int_equal(tern_udp_open(rig.peer, &b, 0, &w.p54), 0);
    return w;
}

static void from_peer(struct tern_sock s, const char *text)
{
    struct tern_endpoint to = rig_ep(1, 5000);
    assert_int_equal(
        tern_udp_sendto(rig.peer, s, NULL, &to, text, strlen(text), tern_loop_now(rig.loop)), 0);
}

static int64_t send_to(int fd, const void *buf, size_t n, const struct sockaddr_in *to)
{
    return rig_call(SYS_sendto, (uint64_t)fd, rig_at(buf), n, 0, rig_at(to), to ? sizeof *to : 0);
}

static int64_t recv_from(int fd, void *buf, size_t n, int flags, struct sockaddr_in *from)
{
    static int len;
    len = sizeof *from;
    return rig_call(SYS_recvfrom, (uint64_t)fd, rig_at(buf), n, (uint64_t)flags, rig_at(from),
                    rig_at(&len));
}

struct datagram {
    struct tern_sock s;
    char data[64];
    int64_t n;
};

static bool came(void *ctx)
{
    struct datagram *d = ctx;
    d->n = tern_udp_recvfrom(rig.peer, d->s, d->data, sizeof d->data, NULL, NULL);
    return d->n != TERN_EAGAIN;
}

static void expect_at(struct tern_sock s, const char *text)
{
    struct datagram d = {.s = s};
    assert_true(rig_until(came, &d));
    assert_int_equal(d.n, strlen(text));
    assert_memory_equal(d.data, text, strlen(text));
}

/* Each datagram's own sender, also when two are in the queue. */
static void test_to_and_from(void **state)
{
    (void)state;
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in a = rig_sin(2, 53), b = rig_sin(2, 54), from = {0};
    char buf[16];
    assert_int_equal(send_to(w.fd, "to a", 4, &a), 4);
    assert_int_equal(send_to(w.fd, "to b!", 5, &b), 5);
    expect_at(w.p53, "to a");
    expect_at(w.p54, "to b!");
    from_peer(w.p54, "from b");
    from_peer(w.p53, "from a");
    rig_turn();
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, 0, &from), 6);
    assert_memory_equal(buf, "from b", 6);
    assert_memory_equal(&from, &b, sizeof b);
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, 0, &from), 6);
    assert_memory_equal(buf, "from a", 6);
    assert_memory_equal(&from, &a, sizeof a);
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, 0, &from), -EAGAIN);
    (void)close(w.fd);
}

static void test_peek_and_truncate(void **state)
{
    (void)state;
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in from = {0};
    char buf[16] = "................";
    from_peer(w.p53, "0123456789");
    rig_turn();
    assert_int_equal(recv_from(w.fd, buf, 4, MSG_PEEK, &from), 4);
    assert_memory_equal(buf, "0123....", 8);
    assert_int_equal(recv_from(w.fd, buf, 4, MSG_TRUNC, &from), 10); /* the full length */
    assert_int_equal(recv_from(w.fd, buf, 4, 0, &from), -EAGAIN);    /* the rest is gone */
    (void)close(w.fd);
}

/* A signal came between doing and answering (kernels before 5.19): the same call comes again. */
static void test_sent_once_though_unheard(void **state)
{
    (void)state;
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in a = rig_sin(2, 53);
    const char *first = "first", *next = "next";
    rig.deaf = true;
    assert_true(send_to(w.fd, first, 5, &a) == RIG_HELD);
    rig.deaf = false;
    assert_int_equal(send_to(w.fd, first, 5, &a), 5); /* said now, not sent again */
    assert_int_equal(send_to(w.fd, next, 4, &a), 4);
    expect_at(w.p53, "first");
    expect_at(w.p53, "next");
    assert_int_equal(send_to(w.fd, first, 5, &a), 5); /* a new one */
    expect_at(w.p53, "first");
    (void)close(w.fd);
}

static void test_received_though_unheard(void **state)
{
    (void)state;
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in a = rig_sin(2, 53), from = {0};
    char buf[16] = {0};
    from_peer(w.p53, "hello");
    rig_turn();
    rig.deaf = true;
    assert_true(recv_from(w.fd, buf, sizeof buf, 0, &from) == RIG_HELD);
    rig.deaf = false;
    memset(buf, 0, sizeof buf);
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, 0, &from), 5);
    assert_memory_equal(buf, "hello", 5);
    assert_memory_equal(&from, &a, sizeof a);
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, 0, &from), -EAGAIN);
    (void)close(w.fd);
}

static void test_blocking_is_held(void **state)
{
    (void)state;
    struct world w = world(0);
    struct sockaddr_in a = rig_sin(2, 53), from = {0};
    char buf[16];
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, MSG_DONTWAIT, &from), -EAGAIN);
    assert_true(recv_from(w.fd, buf, sizeof buf, 0, &from) == RIG_HELD);
    from_peer(w.p53, "late");
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, 4);
    assert_memory_equal(buf, "late", 4);
    assert_memory_equal(&from, &a, sizeof a);
    (void)close(w.fd);
}

static void test_vectors(void **state)
{
    (void)state;
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in a = rig_sin(2, 53), from = {0};
    char x[] = "pie", y[] = "ces", in1[2], in2[3];
    struct iovec out[2] = {{x, 3}, {y, 3}}, in[2] = {{in1, 2}, {in2, 3}};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = out, .msg_iovlen = 2};
    assert_int_equal(rig_call(SYS_sendmsg, (uint64_t)w.fd, rig_at(&m), 0, 0, 0, 0), 6);
    expect_at(w.p53, "pieces");
    from_peer(w.p53, "longer");
    rig_turn();
    m = (struct msghdr){
        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = in, .msg_iovlen = 2};
    assert_int_equal(rig_call(SYS_recvmsg, (uint64_t)w.fd, rig_at(&m), 0, 0, 0, 0), 5);
    assert_memory_equal(in1, "lo", 2);
    assert_memory_equal(in2, "nge", 3);
    assert_int_equal(m.msg_flags, MSG_TRUNC);
    assert_int_equal(m.msg_namelen, sizeof from);
    assert_int_equal(m.msg_controllen, 0); /* the tag is ours */
    assert_memory_equal(&from, &a, sizeof a);
    (void)close(w.fd);
}

static void test_many(void **state)
{
    (void)state;
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in a = rig_sin(2, 53), b = rig_sin(2, 54);
    char x[8] = "first", y[8] = "second", z[8];
    struct iovec iov[3] = {{x, 5}, {y, 6}, {z, 8}};
    struct mmsghdr mm[3] = {
        {.msg_hdr = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &iov[0], .msg_iovlen = 1}},
        {.msg_hdr = {.msg_name = &b, .msg_namelen = sizeof b, .msg_iov = &iov[1], .msg_iovlen = 1}},
    };
    assert_int_equal(rig_call(SYS_sendmmsg, (uint64_t)w.fd, rig_at(mm), 2, 0, 0, 0), 2);
    assert_int_equal(mm[0].msg_len, 5);
    assert_int_equal(mm[1].msg_len, 6);
    expect_at(w.p53, "first");
    expect_at(w.p54, "second");
    from_peer(w.p53, "xyz");
    from_peer(w.p54, "w");
    rig_turn();
    mm[0] = mm[1] = (struct mmsghdr){0};
    for (int i = 0; i < 3; i++)
        mm[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    assert_int_equal(rig_call(SYS_recvmmsg, (uint64_t)w.fd, rig_at(mm), 3, 0, 0, 0),
                     2); /* no more */
    assert_int_equal(mm[0].msg_len, 3);
    assert_int_equal(mm[1].msg_len, 1);
    assert_memory_equal(x, "xyz", 3);
    assert_memory_equal(y, "w", 1);
    (void)close(w.fd);
}

static void test_refused(void **state)
{
    (void)state;
    static char big[70000];
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in a = rig_sin(2, 53);
    struct msghdr m = {.msg_iovlen = 65};
    assert_int_equal(send_to(w.fd, "x", 1, NULL), -EDESTADDRREQ);
    assert_int_equal(send_to(w.fd, big, 65508, &a), -EMSGSIZE);
    assert_int_equal(send_to(w.fd, (const void *)(uintptr_t)8, 4, &a), -EFAULT);
    assert_int_equal(send_to(w.fd, "x", 1, (const void *)(uintptr_t)8), -EFAULT);
    assert_int_equal(rig_call(SYS_sendmsg, (uint64_t)w.fd, rig_at(&m), 0, 0, 0, 0), -EMSGSIZE);
    assert_int_equal(rig_call(SYS_sendmsg, (uint64_t)w.fd, 8, 0, 0, 0, 0), -EFAULT);
    (void)close(w.fd);
}

/* An error of the port is the next call's, once. */
static void test_error_is_told_once(void **state)
{
    (void)state;
    struct world w = world(SOCK_NONBLOCK);
    struct sockaddr_in a = rig_sin(2, 53), from;
    char buf[4];
    sk_by_fd(rig.run, w.fd)->err = ECONNREFUSED;
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, 0, &from), -ECONNREFUSED);
    assert_int_equal(recv_from(w.fd, buf, sizeof buf, 0, &from), -EAGAIN);
    sk_by_fd(rig.run, w.fd)->err = EHOSTUNREACH;
    assert_int_equal(send_to(w.fd, "x", 1, &a), -EHOSTUNREACH);
    assert_int_equal(send_to(w.fd, "x", 1, &a), 1);
    (void)close(w.fd);
}

/* TCP takes sendto()'s address and looks the other way; the rest is the kernel's. */
static void test_tcp_passes_by(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(80);
    struct sockaddr_in a = rig_sin(2, 9);
    char buf[8];
    uint64_t fd = (uint64_t)c.fd;
    assert_int_equal(send_to(c.fd, "data", 4, &a), 4);
    assert_int_equal(rig_peer_read(c.peer, buf, 4), 4);
    assert_memory_equal(buf, "data", 4);
    assert_int_equal(rig_call(SYS_sendto, fd, rig_at("x"), 1, MSG_FASTOPEN, rig_at(&a), sizeof a),
                     1);
    assert_int_equal(rig_peer_read(c.peer, buf, 1), 1); /* it is open: a flag like any other */
    assert_true(recv_from(c.fd, buf, 4, 0, &a) == RIG_CONTINUED);
    assert_true(rig_call(SYS_sendmsg, fd, rig_at(buf), 0, 0, 0, 0) == RIG_CONTINUED);
    assert_true(rig_call(SYS_recvmsg, fd, rig_at(buf), 0, 0, 0, 0) == RIG_CONTINUED);
    assert_true(rig_call(SYS_sendmmsg, fd, rig_at(buf), 1, 0, 0, 0) == RIG_CONTINUED);
    assert_true(rig_call(SYS_recvmmsg, fd, rig_at(buf), 1, 0, 0, 0) == RIG_CONTINUED);
    int fresh = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
    assert_int_equal(send_to(fresh, "x", 1, &a), -EPIPE);
    (void)close(fresh);
    /* a new one connects: with no cookie nothing goes with the SYN */
    fresh = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, 0, 0, 0);
    fd = (uint64_t)fresh;
    assert_int_equal(rig_call(SYS_sendto, fd, rig_at("x"), 1, MSG_FASTOPEN, 0, 0), -EINVAL);
    assert_int_equal(rig_call(SYS_sendto, fd, rig_at("x"), 1, MSG_FASTOPEN, rig_at(&a), sizeof a),
                     -EINPROGRESS);
    (void)close(fresh);
    (void)close(c.fd);
}

/* MSG_EOR: what came before it goes before it, and the peer's segments end there. */
static void test_records(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(7300);
    char buf[64], cd[] = "cd", ef[] = "ef";
    struct iovec v[2] = {{cd, 2}, {ef, 2}};
    struct msghdr h = {.msg_iov = v, .msg_iovlen = 2};
    assert_int_equal(send(c.fd, "ab", 2, 0), 2); /* by way of the program's own socket */
    assert_int_equal(rig_call(SYS_sendmsg, (uint64_t)c.fd, rig_at(&h), MSG_EOR, 0, 0, 0), 4);
    assert_int_equal(rig_call(SYS_sendto, (uint64_t)c.fd, rig_at("gh"), 2, MSG_EOR, 0, 0), 2);
    assert_int_equal(rig_peer_read(c.peer, buf, 8), 8);
    assert_memory_equal(buf, "abcdefgh", 8);
    /* a signal between the sending and the answer: nothing goes twice */
    rig.deaf = true;
    assert_true(rig_call(SYS_sendto, (uint64_t)c.fd, rig_at("ij"), 2, MSG_EOR, 0, 0) == RIG_HELD);
    rig.deaf = false;
    assert_int_equal(rig_call(SYS_sendto, (uint64_t)c.fd, rig_at("ij"), 2, MSG_EOR, 0, 0), 2);
    assert_int_equal(rig_call(SYS_sendto, (uint64_t)c.fd, rig_at("k"), 1, MSG_EOR, 0, 0), 1);
    assert_int_equal(rig_peer_read(c.peer, buf, 3), 3);
    assert_memory_equal(buf, "ijk", 3);
    (void)close(c.fd);
}

/* MSG_MORE: a small segment waits for what follows it. */
static void test_more(void **state)
{
    (void)state;
    struct rig_conn c = rig_connect(7302);
    struct tern_info in;
    char buf[8];
    int64_t sndq = 0;
    assert_int_equal(rig_call(SYS_sendto, (uint64_t)c.fd, rig_at("ab"), 2, MSG_MORE, 0, 0), 2);
    rig_turn();
    assert_int_equal(tern_getopt(rig.guest, c.sk->h, TERN_OPT_SNDQ, &sndq), 0);
    assert_int_equal(sndq, 2);
    assert_true(tern_inspect(rig.guest, c.sk->h, &in, tern_loop_now(rig.loop)));
    assert_int_equal(in.flight, 0); /* it has not gone */
    assert_int_equal(send(c.fd, "cd", 2, 0), 2);
    assert_int_equal(rig_peer_read(c.peer, buf, 4), 4);
    assert_memory_equal(buf, "abcd", 4);
    (void)close(c.fd);
}

/* A blocking call gives all of it, however much that is. */
static void test_much_more(void **state)
{
    (void)state;
    enum { MUCH = 5 << 20 };
    struct rig_conn c = rig_connect(7303);
    uint8_t *data = malloc(MUCH), *got = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        data[i] = (uint8_t)(i ^ i >> 9 ^ i >> 17);
    assert_int_equal(fcntl(c.fd, F_SETFL, 0), 0);
    assert_true(rig_call(SYS_sendto, (uint64_t)c.fd, rig_at(data), MUCH, MSG_MORE, 0, 0) ==
                RIG_HELD);
    assert_int_equal(rig_peer_read(c.peer, got, MUCH - 100000), MUCH - 100000);
    assert_true(rig_until(rig_answered, NULL));
    assert_int_equal(rig.answer, MUCH);
    assert_int_equal(send(c.fd, "x", 1, 0), 1); /* the end of it need not wait any longer */
    assert_int_equal(rig_peer_read(c.peer, got + MUCH - 100000, 100000), 100000);
    assert_memory_equal(got, data, MUCH);
    assert_int_equal(c.sk->fast, 0);
    free(data);
    free(got);
    (void)close(c.fd);
}

/* A time limit in the middle of it: what has gone is told, as Linux does. */
static void test_interrupted(void **state)
{
    (void)state;
    enum { MUCH = 12 << 20 };
    struct rig_conn c = rig_connect(7304);
    struct timeval soon = {.tv_usec = 20000};
    uint8_t *data = calloc(1, MUCH);
    assert_int_equal(fcntl(c.fd, F_SETFL, 0), 0);
    assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon), 0);
    assert_true(rig_call(SYS_sendto, (uint64_t)c.fd, rig_at(data), MUCH, MSG_EOR, 0, 0) ==
                RIG_HELD);
    assert_true(rig_until(rig_answered, NULL)); /* nobody reads */
    assert_true(rig.answer > 0 && rig.answer < MUCH);
    assert_int_equal(c.sk->fast, 0);
    free(data);
    (void)close(c.fd);
}

/* Without a connection the kernel has the answer; with a full one the call waits its turn. */
static void test_records_that_wait(void **state)
{
    (void)state;
    static char much[60000];
    int fd = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
    assert_true(rig_call(SYS_sendto, (uint64_t)fd, rig_at("x"), 1, MSG_EOR, 0, 0) == RIG_CONTINUED);
    (void)close(fd);
    struct rig_conn c = rig_connect(7301);
    int64_t n = 1, total = 0;
    while (n > 0) {
        n = rig_call(SYS_sendto, (uint64_t)c.fd, rig_at(much), sizeof much, MSG_EOR, 0, 0);
        total += n > 0 ? n : 0;
        assert_true(total < 64 << 20);
    }
    assert_int_equal(n, -EAGAIN);
    (void)close(c.fd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_records),
        T(test_more),
        T(test_much_more),
        T(test_interrupted),
        T(test_records_that_wait),
        T(test_to_and_from),
        T(test_peek_and_truncate),
        T(test_sent_once_though_unheard),
        T(test_received_though_unheard),
        T(test_blocking_is_held),
        T(test_vectors),
        T(test_many),
        T(test_refused),
        T(test_error_is_told_once),
        T(test_tcp_passes_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
