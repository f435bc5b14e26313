/* SPDX-License-Identifier: BSD-2-Clause */
/* programs/udp_same.c: what UDP sockets say. See same.h. */
#include "same.h"

#include <sys/epoll.h>
#include <sys/uio.h>

static int bound(void)
{
    int fd = udp();
    if (bind_to(fd, "127.0.0.1", 0) < 0) {
        perror("bound");
        exit(1);
    }
    return fd;
}

static long send_to(int fd, const void *buf, size_t len, unsigned port)
{
    struct sockaddr_in sin = at("127.0.0.1", port);
    return sendto(fd, buf, len, 0, (struct sockaddr *)&sin, sizeof sin);
}

static void unconnected(void)
{
    int a = bound(), b = udp();
    char buf[64] = "";
    struct sockaddr_in sin = {0};
    socklen_t len = sizeof sin;
    printf("type %d protocol %d\n", get_int(b, SOL_SOCKET, SO_TYPE),
           get_int(b, SOL_SOCKET, SO_PROTOCOL));
    printf("name: %s\n", name_of(getsockname(b, (void *)&sin, &len), &sin));
    printf("peer: %s\n", name_of(getpeername(b, (void *)&sin, &len), &sin));
    printf("sendto: %s\n", res(send_to(b, "hello", 5, port_of(a))));
    printf("name now: %s\n", name_of(getsockname(b, (void *)&sin, &len), &sin));
    printf("poll: %#x\n", wait_for(a, POLLIN));
    printf("recvfrom: %s", res(recvfrom(a, buf, sizeof buf, 0, (void *)&sin, &len)));
    printf(" %s from %s %d\n", buf, name_of(0, &sin), ntohs(sin.sin_port) == port_of(b));
    printf("nothing more: %s\n",
           res(recvfrom(a, buf, sizeof buf, MSG_DONTWAIT, (void *)&sin, &len)));
    send_to(b, "one", 3, port_of(a));
    send_to(b, "", 0, port_of(a));
    send_to(b, "three", 5, port_of(a));
    wait_for(a, POLLIN);
    printf("bounds: %s", res(recvfrom(a, buf, sizeof buf, 0, NULL, NULL)));
    printf(" %s", res(recvfrom(a, buf, sizeof buf, 0, (void *)&sin, &len)));
    printf(" cut %s", res(recvfrom(a, buf, 2, MSG_TRUNC, (void *)&sin, &len)));
    printf(" none left %s\n", res(recv(a, buf, 2, MSG_DONTWAIT)));
    send_to(b, "peeked", 6, port_of(a));
    wait_for(a, POLLIN);
    printf("peek: %s", res(recvfrom(a, buf, sizeof buf, MSG_PEEK, (void *)&sin, &len)));
    printf(" then %s\n", res(recv(a, buf, sizeof buf, 0)));
    printf("to port 0: %s\n", res(send_to(b, "x", 1, 0)));
    printf("too long: %s\n", res(send_to(b, buf, 70000, 9)));
    printf("bad pointer: %s\n", res(sendto(b, (void *)8, 10, 0, (void *)&sin, sizeof sin)));
    printf("listen: %s", res(listen(b, 1)));
    printf(" accept: %s\n", res(accept(b, NULL, NULL)));
    close(a);
    close(b);
}

static void connected(void)
{
    int a = bound(), b = udp(), c = bound();
    char buf[64] = "";
    struct sockaddr_in sin = {0};
    socklen_t len = sizeof sin;
    printf("connect: %s\n", res(connect_to(b, "127.0.0.1", port_of(a))));
    printf("name: %s", name_of(getsockname(b, (void *)&sin, &len), &sin));
    printf(" peer: %s\n", name_of(getpeername(b, (void *)&sin, &len), &sin));
    printf("send: %s", res(send(b, "ping", 4, 0)));
    wait_for(a, POLLIN);
    printf(" recvfrom: %s", res(recvfrom(a, buf, sizeof buf, 0, (void *)&sin, &len)));
    send_to(c, "stranger", 8, port_of(b));
    printf(" answer: %s", res(sendto(a, "pong!", 5, 0, (void *)&sin, sizeof sin)));
    wait_for(b, POLLIN);
    printf(" read: %s", res(read(b, buf, sizeof buf)));
    printf(" and no stranger: %s\n", res(recv(b, buf, sizeof buf, MSG_DONTWAIT)));
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    printf("dissolve: %s\n", res(connect(b, &none, sizeof none)));
    printf("peer: %s\n", name_of(getpeername(b, (void *)&sin, &len), &sin));
    printf("again: %s", res(connect_to(b, "127.0.0.1", port_of(c))));
    printf(" %s\n", res(write(b, "x", 1)));
    wait_for(c, POLLIN);
    printf("read: %s\n", res(read(c, buf, 8)));
    close(a);
    close(b);
    close(c);
}

static void messages(void)
{
    int a = bound(), b = udp();
    char x[3] = "", y[16] = "";
    struct sockaddr_in sin = at("127.0.0.1", port_of(a)), from = {0};
    struct iovec v[2] = {{(char *)"abc", 3}, {(char *)"defgh", 5}}, w[2] = {{x, 2}, {y, 3}};
    struct msghdr m = {.msg_name = &sin, .msg_namelen = sizeof sin, .msg_iov = v, .msg_iovlen = 2};
    printf("sendmsg: %s\n", res(sendmsg(b, &m, 0)));
    wait_for(a, POLLIN);
    struct msghdr r = {
        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = w, .msg_iovlen = 2};
    printf("recvmsg: %s", res(recvmsg(a, &r, 0)));
    printf(" %s %s flags %#x len %u from %s %d\n", x, y, r.msg_flags, r.msg_namelen,
           name_of(0, &from), ntohs(from.sin_port) == port_of(b));
    struct mmsghdr mm[3] = {{.msg_hdr = m}, {.msg_hdr = m}, {.msg_hdr = m}};
    printf("sendmmsg: %s", res(sendmmsg(b, mm, 3, 0)));
    printf(" %u %u\n", mm[0].msg_len, mm[2].msg_len);
    for (int i = 0; i < 3; i++)
        mm[i].msg_hdr = r;
    int got = 0;
    while (got < 3 && wait_for(a, POLLIN)) {
        int n = recvmmsg(a, mm + got, (unsigned)(3 - got), MSG_DONTWAIT, NULL);
        if (n <= 0)
            break;
        got += n;
    }
    printf("recvmmsg: %d %u\n", got, mm[2].msg_len);
    connect_to(b, "127.0.0.1", port_of(a));
    m.msg_name = NULL;
    m.msg_namelen = 0;
    printf("sendmsg when connected: %s\n", res(sendmsg(b, &m, 0)));
    wait_for(a, POLLIN);
    printf("recvmsg: %s\n", res(recvmsg(a, &r, MSG_TRUNC)));
    close(a);
    close(b);
}

static void waits(void)
{
    int a = bound(), ep = epoll_create1(0), b = udp();
    char buf[8];
    struct sockaddr_in sin;
    socklen_t len = sizeof sin;
    struct timeval tv = {.tv_usec = 50000};
    setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    printf("timeout: %s\n", res(recvfrom(a, buf, 8, 0, (void *)&sin, &len)));
    tv.tv_usec = 0;
    setsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    unsigned port = port_of(a);
    if (fork() == 0) {
        usleep(60000);
        _exit(send_to(b, "late", 4, port) != 4);
    }
    printf("waiting: %s\n", res(recvfrom(a, buf, 8, 0, (void *)&sin, &len)));
    wait(NULL);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET}, got = {0};
    epoll_ctl(ep, EPOLL_CTL_ADD, a, &ev);
    send_to(b, "edge", 4, port);
    printf("epoll: %d", epoll_wait(ep, &got, 1, 10000));
    printf(" %#x\n", got.events);
    close(a);
    int c = udp();
    printf("the port is free again: %s\n", res(bind_to(c, "127.0.0.1", port)));
    int d = udp();
    printf("and taken: %s\n", res(bind_to(d, "127.0.0.1", port)));
    close(b);
    close(c);
    close(d);
    close(ep);
}

static void options(void)
{
    int fd = udp();
    printf("SO_BROADCAST: %s\n", res(set_int(fd, SOL_SOCKET, SO_BROADCAST, 1)));
    printf("IP_RECVERR: %s %d\n", res(set_int(fd, IPPROTO_IP, IP_RECVERR, 1)),
           get_int(fd, IPPROTO_IP, IP_RECVERR));
    printf("error: %d\n", get_int(fd, SOL_SOCKET, SO_ERROR));
    printf("TCP_NODELAY: %s\n", res(set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1)));
    close(fd);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    unconnected();
    connected();
    messages();
    waits();
    options();
    return 0;
}
