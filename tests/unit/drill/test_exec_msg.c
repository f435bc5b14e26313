/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll, pipes, splice, the error queue and control messages, as scripts see them: each once as it
 * is, and once not. */
#include "drill/drill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPEN                                                                                       \
    "--any_push\n"                                                                                 \
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"                                                \
    "+0 setsockopt(3, SOL_SOCKET, SO_ZEROCOPY, [1], 4) = 0\n"                                      \
    "+0 setsockopt(3, SOL_TCP, TCP_INQ, [1], 4) = 0\n"                                             \
    "+0 bind(3, ..., ...) = 0\n+0 listen(3, 5) = 0\n"                                              \
    "+0 < S 0:0(0) win 65535 <mss 1460>\n"                                                         \
    "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.01 < . 1:1(0) ack 1 win 65535\n"                           \
    "+0 accept(3, ..., ...) = 4\n+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
#define EPOLL(events)                                                                              \
    OPEN "+0 epoll_create(1) = 5\n+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=" events               \
         ", fd=4}) = 0\n"
#define DATA(from, to)                                                                             \
    "+0 < P. " #from ":" #to "(100) ack 1 win 65535\n+0~+.5 > . 1:1(0) ack " #to "\n"
#define NOTHING       "+0 epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0\n"
#define READY(events) "+0 epoll_wait(5, {events=" events ", fd=4}, 1, 0) = 1\n"
#define SENT(from, to)                                                                             \
    "+0 send(4, ..., 100, MSG_ZEROCOPY) = 100\n+0 > P. " #from ":" #to "(100) ack 1\n"             \
    "+.1 < . 1:1(0) ack " #to " win 65535\n"
#define COMPLETION(lo, hi, code)                                                                   \
    "+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=MSG_ERRQUEUE,"              \
    "  msg_control=[{cmsg_level=CMSG_LEVEL_IP, cmsg_type=CMSG_TYPE_RECVERR,"                       \
    "  cmsg_data={ee_errno=0, ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, ee_code=" code ","       \
    "  ee_info=" #lo ", ee_data=" #hi "}}]}, MSG_ERRQUEUE) = 0\n"
#define NO_COMPLETION                                                                              \
    "+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=MSG_ERRQUEUE,"              \
    "  msg_control=[]}, MSG_ERRQUEUE) = -1 EAGAIN\n"
#define COPIED "SO_EE_CODE_ZEROCOPY_COPIED"

static char *report;

static bool run(const char *script)
{
    const struct drill_options opt = {.strict = true};
    size_t len;
    free(report);
    FILE *f = open_memstream(&report, &len);
    bool ok = drill_text("test.pkt", script, strlen(script), &opt, f);
    (void)fclose(f);
    return ok;
}
static void passes(const char *script)
{
    if (!run(script))
        fail_msg("%s", report);
}
static void fails(const char *script, const char *piece)
{
    assert_false(run(script));
    if (!strstr(report, piece))
        fail_msg("wanted %s; got:\n%s", piece, report);
}

static void test_level_triggered(void **state)
{
    (void)state;
    passes(EPOLL("EPOLLIN") NOTHING DATA(1, 101) READY("EPOLLIN")
               READY("EPOLLIN") "+0 read(4, ..., 100) = 100\n" NOTHING);
    fails(EPOLL("EPOLLIN") DATA(1, 101) READY("EPOLLOUT"), "events = 1, expected 4");
    fails(EPOLL("EPOLLIN") DATA(1, 101) "+0 epoll_wait(5, {events=EPOLLIN, fd=9}, 1, 0) = 1\n",
          "fd = 4, expected 9");
    fails(EPOLL("EPOLLIN") READY("EPOLLIN"), "returned 0, expected 1");
}

/* Reported again only when octets come, read or not. */
static void test_edge_triggered(void **state)
{
    (void)state;
    passes(EPOLL("EPOLLIN|EPOLLOUT|EPOLLET") READY("EPOLLOUT") NOTHING DATA(1, 101)
               READY("EPOLLIN|EPOLLOUT") NOTHING "+0 read(4, ..., 50) = 50\n" NOTHING DATA(101, 201)
                   READY("EPOLLIN|EPOLLOUT") NOTHING);
}

static void test_one_shot(void **state)
{
    (void)state;
    passes(EPOLL("EPOLLOUT|EPOLLONESHOT") READY("EPOLLOUT") NOTHING
           "+0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLOUT, "
           "fd=4}) = 0\n" READY("EPOLLOUT") READY(
               "EPOLLOUT") "+0 epoll_ctl(5, EPOLL_CTL_DEL, 4, {events=0, fd=4}) = 0\n" NOTHING);
}

static void test_epoll_errors(void **state)
{
    (void)state;
    passes(OPEN "+0 epoll_create(0) = -1 EINVAL\n+0 epoll_create(1) = 5\n"
                "+0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLIN, fd=4}) = -1 ENOENT\n"
                "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0\n"
                "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = -1 EEXIST\n"
                "+0 epoll_ctl(5, EPOLL_CTL_ADD, 77, {events=EPOLLIN, fd=4}) = -1 EBADF\n"
                "+0 close(5) = 0\n+0 epoll_wait(5, {events=0, ptr=0}, 1, 0) = -1 EBADF\n");
}

/* It may wait: until something comes, or until its time is over. */
static void test_epoll_waits(void **state)
{
    (void)state;
    passes(EPOLL("EPOLLIN") "+.1...0.3 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 1000) = 1\n"
                            "+.2 < P. 1:101(100) ack 1 win 65535\n+0~+.5 > . 1:1(0) ack 101\n");
    passes(EPOLL("EPOLLIN") "+.1...0.6 epoll_wait(5, {events=0, ptr=0}, 1, 500) = 0\n");
    fails(EPOLL("EPOLLIN") "+.1...0.6 epoll_wait(5, {events=0, ptr=0}, 1, 100) = 0\n",
          "epoll_wait() returned");
}

static void test_zerocopy(void **state)
{
    (void)state;
    passes(OPEN NO_COMPLETION SENT(1, 101) COMPLETION(0, 0, COPIED) NO_COMPLETION SENT(101, 201)
               SENT(201, 301) COMPLETION(1, 2, COPIED) NO_COMPLETION); /* in a row: one message */
    passes(OPEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n"
                "+.1 < . 1:1(0) ack 101 win 65535\n" NO_COMPLETION); /* not asked for */
    fails(OPEN SENT(1, 101) COMPLETION(0, 1, COPIED), "ee_data = 0, expected 1");
    fails(OPEN SENT(1, 101) COMPLETION(0, 0, "0"), "ee_code = 1, expected 0");
    fails(OPEN "+0 send(4, ..., 100, MSG_ZEROCOPY) = 100\n" COMPLETION(0, 0, COPIED),
          "returned -1 EAGAIN"); /* nothing is acknowledged yet */
}

static void test_zerocopy_is_an_edge(void **state)
{
    (void)state;
    passes(EPOLL("EPOLLOUT|EPOLLET") READY("EPOLLOUT") SENT(1, 101) READY("EPOLLERR|EPOLLOUT")
               NOTHING SENT(101, 201) READY("EPOLLERR|EPOLLOUT") COMPLETION(0, 1, COPIED));
}

#define STAMPING(bits) OPEN "+0 setsockopt(4, SOL_SOCKET, SO_TIMESTAMPING, [" bits "], 4) = 0\n"
#define STAMP(nsec, which, key)                                                                    \
    "+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_flags=MSG_ERRQUEUE|MSG_TRUNC,"    \
    "  msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING,"                           \
    "  cmsg_data={scm_sec=0,scm_nsec=" #nsec "}}, {cmsg_level=CMSG_LEVEL_IP,"                      \
    "  cmsg_type=CMSG_TYPE_RECVERR, cmsg_data={ee_errno=ENOMSG,"                                   \
    "  ee_origin=SO_EE_ORIGIN_TIMESTAMPING, ee_type=0, ee_code=0, ee_info=" which ","              \
    "  ee_data=" #key "}}]}, MSG_ERRQUEUE) = 0\n"
#define ALL                                                                                        \
    "SOF_TIMESTAMPING_TX_SCHED|SOF_TIMESTAMPING_TX_SOFTWARE|SOF_TIMESTAMPING_TX_ACK|"              \
    "SOF_TIMESTAMPING_SOFTWARE|SOF_TIMESTAMPING_OPT_ID"

static void test_timestamps(void **state)
{
    (void)state;
    passes(STAMPING(ALL) SENT(1, 101) STAMP(10000000, "SCM_TSTAMP_SCHED", 99)
               STAMP(10000000, "SCM_TSTAMP_SND", 99) STAMP(110000000, "SCM_TSTAMP_ACK", 99));
    passes(STAMPING("SOF_TIMESTAMPING_TX_ACK|SOF_TIMESTAMPING_OPT_ID") SENT(1, 101)
               STAMP(110000000, "SCM_TSTAMP_ACK", 99));
    fails(STAMPING(ALL) SENT(1, 101) STAMP(90000000, "SCM_TSTAMP_SCHED", 99),
          "a timestamp says it was at 0.010000 s");
    fails(STAMPING(ALL) SENT(1, 101) STAMP(10000000, "SCM_TSTAMP_SCHED", 100),
          "ee_data = 99, expected 100");
}

#define INQ(n, data, ret)                                                                          \
    "+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., " #n "}], msg_flags=0,"                   \
    "  msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=" #data "}]}, 0) = " #ret \
    "\n"

static void test_octets_left(void **state)
{
    (void)state;
    passes(OPEN DATA(1, 101) INQ(60, 40, 60) INQ(60, 0, 40) DATA(
        101, 201) "+0 < F. 201:201(0) ack 1 win 65535\n+0 > . 1:1(0) ack 202\n" INQ(60, 40, 60)
               INQ(60, 1, 40)); /* the end counts as one */
    fails(OPEN DATA(1, 101) INQ(60, 41, 60), "says 40, expected 41");
    fails(OPEN DATA(1, 101) "+0 recvmsg(4, {msg_iov(1)=[{..., 60}], msg_control=[]}, 0) = 60\n",
          "a control message more");
}

static void test_splice(void **state)
{
    (void)state;
    passes(OPEN "+0 pipe([5, 6]) = 0\n" DATA(
        1, 101) "+0 splice(4, NULL, 6, NULL, 60, 0) = 60\n"
                "+0 splice(5, NULL, 4, NULL, 60, 0) = 60\n+0 > P. 1:61(60) ack 101\n"
                "+0 splice(5, NULL, 4, NULL, 60, 2) = -1 EAGAIN\n+0 close(6) = 0\n"
                "+0 splice(5, NULL, 4, NULL, 60, 0) = 0\n"
                "+0 splice(4, NULL, 4, NULL, 60, 0) = -1 EINVAL\n+0 close(5) = 0\n");
}

static int teardown(void **state)
{
    (void)state;
    free(report);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level_triggered),
        cmocka_unit_test(test_edge_triggered),
        cmocka_unit_test(test_one_shot),
        cmocka_unit_test(test_epoll_errors),
        cmocka_unit_test(test_epoll_waits),
        cmocka_unit_test(test_zerocopy),
        cmocka_unit_test(test_zerocopy_is_an_edge),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_octets_left),
        cmocka_unit_test(test_splice),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
