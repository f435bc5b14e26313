/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of libtern-packetdrill.so, driven as packetdrill drives it: one thread that runs the
 * script and has the clock, and one that makes the calls that block.
 */
#include "pdso/iface.h"
#include "pdso/pdso.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FLAGS "local_ip=192.168.0.1,remote_ip=192.0.2.1,mtu=1500"
#define PORT  40000

static struct packetdrill_interface t;
static uint8_t packet[65536];
static struct tcp_seg seen;
static long long seen_us;
static uint32_t our_next, peer_next;

static void begin(const char *flags)
{
    memset(&t, 0, sizeof t);
    packetdrill_interface_init(flags, &t);
    peer_next = 1000;
}
static int setup(void **state)
{
    (void)state;
    begin(FLAGS);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    t.free(t.userdata);
    return 0;
}

static int64_t now_us(void)
{
    struct timeval tv;
    assert_int_equal(t.gettimeofday(t.userdata, &tv, NULL), 0);
    return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

/* The peer sends. */
static void in(unsigned th, uint32_t len)
{
    static uint8_t p[4096];
    struct tcp_seg s = {.seq = {peer_next},
                        .ack = {our_next},
                        .wnd = 65535,
                        .sport = PORT,
                        .dport = 8080,
                        .th = (uint8_t)th,
                        .len = len};
    if (th & TERN_TH_SYN) {
        s.opt.has_mss = true;
        s.opt.mss = 1000;
    }
    assert_int_equal(t.netdev_send(t.userdata, p, peer_packet(p, there, here, &s)), 0);
    peer_next += len + ((th & (TERN_TH_SYN | TERN_TH_FIN)) != 0);
}

/* The stack has sent: into `seen`. False: it is silent. */
static bool out(void)
{
    size_t n = sizeof packet;
    struct ip4_hdr ip;
    assert_int_equal(t.netdev_receive(t.userdata, packet, &n, &seen_us), 0);
    if (n == 0)
        return false;
    assert_int_equal(ip4_parse(packet, n, &ip), 0);
    assert_int_equal(tcp_parse(ip.data, ip.len, &seen), 0);
    return true;
}

static int listener(int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int fd = t.socket(t.userdata, AF_INET, SOCK_STREAM | type, IPPROTO_TCP);
    assert_true(fd >= 0);
    memcpy(&at.sin_addr, here, 4);
    assert_int_equal(t.bind(t.userdata, fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(t.listen(t.userdata, fd, 1), 0);
    return fd;
}

static void handshake(void)
{
    in(TERN_TH_SYN, 0);
    assert_true(out());
    assert_int_equal(seen.th, TERN_TH_SYN | TERN_TH_ACK);
    our_next = seen.seq.v + 1;
    in(TERN_TH_ACK, 0);
}

static int accepted(int fd)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    int c = t.accept(t.userdata, fd, (struct sockaddr *)&peer, &len);
    assert_true(c >= 0);
    assert_int_equal(len, sizeof peer);
    assert_int_equal(peer.sin_port, htons(PORT));
    assert_memory_equal(&peer.sin_addr, there, 4);
    return c;
}

/* Ends a connection so that nothing is left over. */
static void reset(void)
{
    in(TERN_TH_RST, 0);
}

/* ---- time ---- */

static void test_all_functions_are_there(void **state)
{
    (void)state;
    void *const *at = (void *const *)(const void *)&t;
    assert_int_equal(sizeof t, 264);
    for (size_t i = 0; i < sizeof t / sizeof *at; i++)
        assert_non_null(at[i]);
}

static void test_clock_moves_by_itself(void **state)
{
    (void)state;
    int64_t a = now_us(), b = now_us();
    assert_int_equal(b, a + 1); /* before there is a stack */
    (void)t.usleep(t.userdata, 250);
    assert_int_equal(now_us(), b + 251);
    (void)listener(0);
    a = now_us();
    (void)t.usleep(t.userdata, 3600000000u);
    assert_int_equal(now_us(), a + 3600000001);
}

static void test_waits_for_a_timer(void **state)
{
    (void)state;
    int c;
    int fd = listener(0);
    handshake();
    c = accepted(fd);
    assert_int_equal(t.write(t.userdata, c, packet, 100), 100);
    assert_true(out());
    long long first = seen_us;
    assert_int_equal(seen.len, 100);
    assert_int_equal(seen.seq.v, our_next);
    assert_true(out()); /* nobody acknowledges: the tail loss probe, or the timeout */
    assert_int_equal(seen.seq.v, our_next);
    assert_true(seen_us > first && seen_us < first + 1500000);
    assert_true(now_us() >= seen_us); /* the clock has gone there */
    reset();
}

static void test_silence_is_zero_octets(void **state)
{
    (void)state;
    (void)listener(0);
    assert_false(out());
}

/* ---- calls ---- */

static void test_passive_open_and_data(void **state)
{
    (void)state;
    int fd = listener(SOCK_NONBLOCK), inq = -1;
    uint8_t buf[64];
    struct iovec v[2] = {{buf, 10}, {buf + 32, 32}};
    assert_int_equal(t.accept(t.userdata, fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    handshake();
    int c = accepted(fd);
    assert_int_not_equal(c, fd);
    assert_int_equal(t.fcntl(t.userdata, c, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    assert_int_equal(t.fcntl(t.userdata, c, F_GETFL), O_RDWR | O_NONBLOCK);
    assert_int_equal(t.read(t.userdata, c, buf, 10), -1);
    assert_int_equal(errno, EAGAIN);
    in(TERN_TH_ACK | TERN_TH_PSH, 30);
    assert_int_equal(t.ioctl(t.userdata, c, SIOCINQ, &inq), 0);
    assert_int_equal(inq, 30);
    assert_int_equal(t.readv(t.userdata, c, v, 2), 30);
    assert_true(out());
    assert_int_equal(seen.ack.v, peer_next);
    assert_int_equal(t.close(t.userdata, c), 0);
    assert_true(out());
    assert_true(seen.th & TERN_TH_FIN);
    assert_int_equal(t.read(t.userdata, c, buf, 10), -1);
    assert_int_equal(errno, EBADF);
    reset();
}

static void test_active_open(void **state)
{
    (void)state;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8080)};
    memcpy(&to.sin_addr, there, 4);
    int fd = t.socket(t.userdata, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
    assert_int_equal(t.connect(t.userdata, fd, (struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, EINPROGRESS);
    assert_true(out());
    assert_int_equal(seen.th, TERN_TH_SYN);
    assert_int_equal(seen.dport, 8080);
    assert_int_equal(t.close(t.userdata, fd), 0);
}

/* NULL where octets should be is EFAULT, and no crash. */
static void test_bad_pointers(void **state)
{
    (void)state;
    int fd = listener(0);
    handshake();
    int c = accepted(fd);
    assert_int_equal(t.write(t.userdata, c, NULL, 10), -1);
    assert_int_equal(errno, EFAULT);
    in(TERN_TH_ACK, 10);
    assert_int_equal(t.read(t.userdata, c, NULL, 10), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(t.read(t.userdata, c, packet, 10), 10);
    assert_true(out());
    reset();
}

/* What packetdrill asks of the C library, not of the table. */
static void test_exported_calls(void **state)
{
    (void)state;
    uint8_t info[280];
    socklen_t len = sizeof info;
    int fd = listener(0), other = open("/dev/null", O_RDONLY | O_CLOEXEC), type = 0;
    assert_true(other >= 0);
    handshake();
    int c = accepted(fd);
    assert_int_equal(getsockopt(c, IPPROTO_TCP, TCP_INFO, info, &len), 0);
    assert_int_equal(len, 280);
    assert_int_equal(info[0], TCP_ESTABLISHED);
    len = 20;
    assert_int_equal(getsockopt(c, IPPROTO_TCP, 26 /* TCP_CC_INFO */, info, &len), 0);
    len = 36;
    assert_int_equal(getsockopt(c, SOL_SOCKET, SO_MEMINFO, info, &len), 0);
    assert_int_equal(len, 36);
    len = sizeof type; /* one that is not ours is the kernel's business */
    assert_int_equal(getsockopt(other, SOL_SOCKET, SO_TYPE, &type, &len), -1);
    assert_int_equal(errno, ENOTSOCK);
    assert_int_equal(close(other), 0);
    assert_int_equal(fcntl(other, F_GETFD), -1);
    assert_int_equal(close(c), 0); /* the script is over: its FIN is no leftover */
    assert_int_equal(fcntl(c, F_GETFD), -1);
    assert_int_equal(close(fd), 0);
}

/* ---- the thread of blocking calls ---- */

struct other {
    pthread_t thread;
    int fd;
    pid_t tid;
    int64_t ret, done_us;
};

static void *blocked_read(void *arg)
{
    struct other *o = arg;
    uint8_t buf[100];
    __atomic_store_n(&o->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    o->ret = t.read(t.userdata, o->fd, buf, sizeof buf);
    o->done_us = now_us();
    return NULL;
}

/* Waits until that thread sleeps, as packetdrill does: by its state in /proc. */
static void until_it_sleeps(struct other *o)
{
    char path[64], line[256];
    pid_t tid;
    while ((tid = __atomic_load_n(&o->tid, __ATOMIC_SEQ_CST)) == 0)
        (void)sched_yield();
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    for (;;) {
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        assert_non_null(fgets(line, sizeof line, f));
        (void)fclose(f);
        if (strstr(line, ") S "))
            return;
        (void)sched_yield();
    }
}

static void test_a_call_that_blocks(void **state)
{
    (void)state;
    int fd = listener(0);
    handshake();
    struct other o = {.fd = accepted(fd)};
    assert_int_equal(pthread_create(&o.thread, NULL, blocked_read, &o), 0);
    until_it_sleeps(&o);
    int64_t before = now_us();
    (void)t.usleep(t.userdata, 100000);
    in(TERN_TH_ACK | TERN_TH_PSH, 42);
    int64_t at = now_us();
    (void)t.usleep(t.userdata, 5000000); /* virtual time runs away from the other thread ... */
    assert_int_equal(pthread_join(o.thread, NULL), 0);
    assert_int_equal(o.ret, 42);
    assert_true(o.done_us > before + 99000 && o.done_us <= at); /* ... which sees its own instant */
    reset();
    while (out())
        ;
}

/* A call of the script's own thread that cannot end does not hang the run. */
static void test_a_call_that_never_ends(void **state)
{
    (void)state;
    int fd = listener(0);
    assert_int_equal(t.accept(t.userdata, fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
}

static void test_epoll_and_pipe(void **state)
{
    (void)state;
    int fd = listener(SOCK_NONBLOCK), p[2];
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd}, got;
    int ep = t.epoll_create(t.userdata, 1);
    assert_true(ep >= 0);
    assert_int_equal(t.epoll_ctl(t.userdata, ep, EPOLL_CTL_ADD, fd, &ev), 0);
    int64_t before = now_us();
    assert_int_equal(t.epoll_wait(t.userdata, ep, &got, 1, 50), 0);
    assert_true(now_us() >= before + 50000);
    handshake();
    assert_int_equal(t.epoll_wait(t.userdata, ep, &got, 1, 50), 1);
    assert_int_equal(got.data.fd, fd);
    int c = accepted(fd);
    in(TERN_TH_ACK, 100);
    assert_int_equal(t.pipe(t.userdata, p), 0);
    assert_int_equal(t.splice(t.userdata, c, NULL, p[1], NULL, 99, 0), 99);
    assert_int_equal(t.splice(t.userdata, p[0], NULL, c, NULL, 50, 0), 50);
    while (out() && seen.len == 0)
        ;
    assert_int_equal(seen.len, 50);
    reset();
}

/* ---- the end ---- */

/* Exit status of a script that ends with a packet which nobody asked for. */
static int end_with_leftover(const char *flags)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        (void)freopen("/dev/null", "w", stderr);
        begin(flags);
        (void)listener(0);
        in(TERN_TH_SYN, 0); /* the SYN-ACK is not taken */
        t.free(t.userdata);
        _exit(7);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_leftovers(void **state)
{
    (void)state;
    assert_int_equal(end_with_leftover(FLAGS), 1);
    assert_int_equal(end_with_leftover(FLAGS ",lenient"), 7);
}

static int exit_of_flags(const char *flags)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        (void)freopen("/dev/null", "w", stderr);
        begin(flags);
        _exit(7);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_wrong_flags(void **state)
{
    (void)state;
    assert_int_equal(exit_of_flags(NULL), 7);
    assert_int_equal(exit_of_flags("mtu=1400 ttl=9"), 7);
    assert_int_equal(exit_of_flags("nonsense"), 1);
    assert_int_equal(exit_of_flags("nonsense=1"), 1);
    assert_int_equal(exit_of_flags("local_ip=300.1.1.1"), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_all_functions_are_there),
        T(test_clock_moves_by_itself),
        T(test_waits_for_a_timer),
        T(test_silence_is_zero_octets),
        T(test_passive_open_and_data),
        T(test_active_open),
        T(test_bad_pointers),
        T(test_exported_calls),
        T(test_a_call_that_blocks),
        T(test_a_call_that_never_ends),
        T(test_epoll_and_pipe),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_wrong_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
