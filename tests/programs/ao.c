/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP-AO by Linux's interface, both ends in one program: TCP_AO_ADD_KEY, DEL_KEY, INFO and
 * GET_KEYS. Usage: ao ADDRESS. Prints "ok" and ends with 0, or says what went wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* As linux/tcp.h of 6.7 has them. */
enum { AO_ADD_KEY = 38, AO_DEL_KEY, AO_INFO, AO_GET_KEYS };
struct add {
    struct sockaddr_storage addr;
    char alg_name[64];
    int32_t ifindex;
    uint32_t set_current : 1, set_rnext : 1, reserved : 30;
    uint16_t reserved2;
    uint8_t prefix, sndid, rcvid, maclen, keyflags, keylen, key[80];
} __attribute__((aligned(8)));
struct del {
    struct sockaddr_storage addr;
    int32_t ifindex;
    uint32_t set_current : 1, set_rnext : 1, del_async : 1, reserved : 29;
    uint16_t reserved2;
    uint8_t prefix, sndid, rcvid, current_key, rnext, keyflags;
} __attribute__((aligned(8)));
struct info {
    uint32_t set_current : 1, set_rnext : 1, ao_required : 1, set_counters : 1, accept_icmps : 1,
        reserved : 27;
    uint16_t reserved2;
    uint8_t current_key, rnext;
    uint64_t good, bad, not_found, required, icmp;
} __attribute__((aligned(8)));
struct got {
    struct sockaddr_storage addr;
    char alg_name[64];
    uint8_t key[80];
    uint32_t nkeys;
    uint16_t is_current : 1, is_rnext : 1, get_all : 1, reserved : 13;
    uint8_t sndid, rcvid, prefix, maclen, keyflags, keylen;
    int32_t ifindex;
    uint64_t good, bad;
} __attribute__((aligned(8)));

#define SAY(what)                                                                                  \
    do {                                                                                           \
        printf("line %d: %s: %s\n", __LINE__, what, strerror(errno));                              \
        exit(1);                                                                                   \
    } while (0)
#define MUST(x)                                                                                    \
    do {                                                                                           \
        if (!(x))                                                                                  \
            SAY(#x);                                                                               \
    } while (0)
#define FAILS(call, why) MUST((call) < 0 && errno == (why))

static struct sockaddr_in server = {.sin_family = AF_INET};

static struct add key(int sndid, int rcvid, const char *text)
{
    struct add a = {.alg_name = "hmac(sha1)",
                    .prefix = 32,
                    .sndid = (uint8_t)sndid,
                    .rcvid = (uint8_t)rcvid,
                    .keylen = (uint8_t)strlen(text)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = server.sin_addr};
    memcpy(&a.addr, &to, sizeof to);
    memcpy(a.key, text, a.keylen);
    return a;
}

static int add(int fd, const struct add *a)
{
    return setsockopt(fd, IPPROTO_TCP, AO_ADD_KEY, a, sizeof *a);
}

static struct info info(int fd)
{
    struct info i;
    socklen_t n = sizeof i;
    memset(&i, 0, sizeof i);
    MUST(getsockopt(fd, IPPROTO_TCP, AO_INFO, &i, &n) == 0 && n == sizeof i);
    return i;
}

/* Wrong arguments, on a socket without a connection: nothing goes out. */
static void refusals(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct add a = key(1, 2, "secret"), b = a;
    struct info i = {0};
    struct got g = {.nkeys = 1, .get_all = 1};
    struct del d = {.prefix = 32, .sndid = 1, .rcvid = 2};
    socklen_t n = sizeof g;
    memcpy(&d.addr, &a.addr, sizeof d.addr);
    FAILS(getsockopt(fd, IPPROTO_TCP, AO_INFO, &i, &(socklen_t){sizeof i}), ENOENT);
    FAILS(getsockopt(fd, IPPROTO_TCP, AO_GET_KEYS, &g, &n), ENOENT);
    FAILS(setsockopt(fd, IPPROTO_TCP, AO_DEL_KEY, &d, sizeof d), ENOENT);
    FAILS(setsockopt(fd, IPPROTO_TCP, AO_ADD_KEY, &a, sizeof a - 1), EINVAL);
    b.reserved2 = 1;
    FAILS(add(fd, &b), EINVAL);
    b = a;
    b.alg_name[0] = 'x'; /* no such algorithm */
    FAILS(add(fd, &b), ENOENT);
    b = a;
    b.prefix = 24;
    FAILS(add(fd, &b), EINVAL); /* bits beyond the prefix */
    b = a;
    b.keylen = 0;
    FAILS(add(fd, &b), EINVAL);
    MUST(add(fd, &a) == 0);
    FAILS(add(fd, &a), EEXIST);
    a.sndid = 9;
    FAILS(add(fd, &a), EEXIST); /* the RecvID is taken */
    MUST(getsockopt(fd, IPPROTO_TCP, AO_GET_KEYS, &g, &n) == 0 && g.nkeys == 1 && g.sndid == 1 &&
         g.rcvid == 2 && g.maclen == 12 && g.keylen == 6 && !strcmp(g.alg_name, "hmac(sha1)"));
    i.set_current = 1;
    i.current_key = 77;
    FAILS(setsockopt(fd, IPPROTO_TCP, AO_INFO, &i, sizeof i), ENOENT);
    struct sockaddr_in other = {.sin_family = AF_INET, .sin_port = htons(9)};
    MUST(inet_pton(AF_INET, "10.0.2.99", &other.sin_addr) == 1);
    FAILS(connect(fd, (void *)&other, sizeof other), EKEYREJECTED);
    MUST(setsockopt(fd, IPPROTO_TCP, AO_DEL_KEY, &d, sizeof d) == 0);
    close(fd);
}

static int listen_with(struct add *a, struct add *b, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    MUST(fd >= 0 && add(fd, a) == 0);
    MUST(bind(fd, (void *)&at, sizeof at) == 0 && listen(fd, 5) == 0);
    MUST(add(fd, b) == 0); /* while it listens */
    b->set_current = 1;
    FAILS(add(fd, b), EINVAL); /* a listener has no current key */
    b->set_current = 0;
    return fd;
}

/* Echoes two pieces on one connection, with the keys the other way round. */
static void serve(int fd)
{
    char buf[64];
    int c = accept(fd, NULL, NULL);
    MUST(c >= 0);
    for (ssize_t n; (n = read(c, buf, sizeof buf)) > 0;)
        MUST(write(c, buf, (size_t)n) == n);
    struct info i = info(c);
    MUST(i.good >= 4 && i.bad == 0 && i.current_key == 3 && i.rnext == 1);
    close(c);
    exit(0);
}

static void echo(int fd, const char *text)
{
    char buf[64] = "";
    MUST(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    for (size_t n = 0; n < strlen(text);) {
        ssize_t got = read(fd, buf + n, sizeof buf - n);
        MUST(got > 0);
        n += (size_t)got;
    }
    MUST(strcmp(buf, text) == 0);
}

/* The first key opens; the second is chosen while the connection is open [RFC5925:6.1]. */
static void call(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct add a = key(1, 2, "secret"), b = key(4, 3, "second");
    struct got g[4] = {{.nkeys = 4, .get_all = 1}};
    socklen_t n = sizeof g[0];
    MUST(add(fd, &b) == 0);
    a.set_current = a.set_rnext = 1;
    MUST(add(fd, &a) == 0);
    MUST(connect(fd, (void *)&server, sizeof server) == 0);
    struct info i = info(fd);
    MUST(i.set_current && i.current_key == 1 && i.set_rnext && i.rnext == 2);
    echo(fd, "first");
    MUST(getsockopt(fd, IPPROTO_TCP, AO_GET_KEYS, g, &n) == 0 && g[0].nkeys == 2);
    for (int k = 0; k < 2; k++) {
        MUST(g[k].is_current == (g[k].sndid == 1) && g[k].is_rnext == (g[k].rcvid == 2));
        MUST((g[k].good > 0) == (g[k].sndid == 1) && g[k].bad == 0);
        for (int m = 0; m < 80; m++)
            MUST(g[k].key[m] == 0); /* tern tells no secret */
    }
    struct info to = {.set_rnext = 1, .rnext = 3};
    MUST(setsockopt(fd, IPPROTO_TCP, AO_INFO, &to, sizeof to) == 0);
    echo(fd, "now sign with the other");
    echo(fd, "done");
    i = info(fd);
    MUST(i.rnext == 3 && i.good >= 4 && i.bad == 0 && i.not_found == 0);
    struct got h = {.nkeys = 1, .is_rnext = 1};
    n = sizeof h;
    MUST(getsockopt(fd, IPPROTO_TCP, AO_GET_KEYS, &h, &n) == 0 && h.rcvid == 3 && h.good > 0);
    struct del d = {.prefix = 32, .sndid = 4, .rcvid = 3};
    memcpy(&d.addr, &a.addr, sizeof d.addr);
    FAILS(setsockopt(fd, IPPROTO_TCP, AO_DEL_KEY, &d, sizeof d), EBUSY);
    close(fd);
}

/* A stranger's SYN is not answered; nor is one with the wrong secret. */
static void stranger(const char *secret)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval soon = {.tv_usec = 200000};
    if (secret) {
        struct add a = key(1, 2, secret);
        MUST(add(fd, &a) == 0);
    }
    MUST(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon) == 0);
    FAILS(connect(fd, (void *)&server, sizeof server), EINPROGRESS);
    close(fd);
}

int main(int argc, char **argv)
{
    int status = 0;
    server.sin_port = htons(7171);
    MUST(argc == 2 && inet_pton(AF_INET, argv[1], &server.sin_addr) == 1);
    refusals();
    struct add a = key(2, 1, "secret"), b = key(3, 4, "second");
    int fd = listen_with(&a, &b, 7171);
    pid_t child = fork();
    if (child == 0)
        serve(fd);
    call();
    MUST(waitpid(child, &status, 0) == child);
    if (status != 0)
        return 1;
    stranger(NULL);
    stranger("wrong");
    puts("ok");
    return 0;
}
