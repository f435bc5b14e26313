/* SPDX-License-Identifier: BSD-2-Clause */
/* programs/tcp_same.c: what TCP sockets say: calls, polling, errors, options. See same.h. */
#include "same.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static void connects(void)
{
    int l = listener(), fd = tcp();
    unsigned port = port_of(l), none = closed_port();
    printf("refused: %s\n", res(connect_to(fd, "127.0.0.1", none)));
    printf("the same socket again: %s\n", res(connect_to(fd, "127.0.0.1", port)));
    printf("twice: %s\n", res(connect_to(fd, "127.0.0.1", port)));
    close(fd);

    fd = tcp();
    nonblock(fd);
    printf("unconnected poll: %#x\n", wait_for(fd, POLLIN | POLLOUT | POLLRDHUP));
    printf("non-blocking: %s\n", res(connect_to(fd, "127.0.0.1", port)));
    printf("poll: %#x error %d\n", wait_for(fd, POLLOUT), get_int(fd, SOL_SOCKET, SO_ERROR));
    printf("finish: %s", res(connect_to(fd, "127.0.0.1", port)));
    printf(" again: %s\n", res(connect_to(fd, "127.0.0.1", port)));
    close(fd);

    fd = tcp();
    nonblock(fd);
    printf("non-blocking to nobody: %s\n", res(connect_to(fd, "127.0.0.1", none)));
    int events = wait_for(fd, POLLIN | POLLOUT | POLLRDHUP);
    printf("poll: %#x error %s", events, strerrorname_np(get_int(fd, SOL_SOCKET, SO_ERROR)));
    printf(" then %d\n", get_int(fd, SOL_SOCKET, SO_ERROR));
    printf("the same socket again: %s", res(connect_to(fd, "127.0.0.1", port)));
    printf(" poll %#x\n", wait_for(fd, POLLOUT));
    close(fd);

    struct sockaddr_in sin = at("127.0.0.1", port);
    fd = tcp();
    printf("short address: %s\n", res(connect(fd, (struct sockaddr *)&sin, 8)));
    sin.sin_family = AF_UNIX;
    printf("wrong family: %s\n", res(connect(fd, (struct sockaddr *)&sin, sizeof sin)));
    printf("no memory: %s\n", res(connect(fd, (struct sockaddr *)8, sizeof sin)));
    printf("no socket: %s\n", res(connect(0x7fff, (struct sockaddr *)&sin, sizeof sin)));
    close(fd);
    close(l);
    fd = tcp();
    printf("after the listener closed: %s\n", res(connect_to(fd, "127.0.0.1", port)));
    close(fd);
}

static void names(void)
{
    struct sockaddr_in sin = {0};
    socklen_t len = sizeof sin;
    int l = listener(), fd = tcp();
    printf("name of a new socket: %s\n", name_of(getsockname(fd, (void *)&sin, &len), &sin));
    printf("peer of a new socket: %s\n", name_of(getpeername(fd, (void *)&sin, &len), &sin));
    connect_to(fd, "127.0.0.1", port_of(l));
    printf("name: %s\n", name_of(getsockname(fd, (void *)&sin, &len), &sin));
    unsigned mine = ntohs(sin.sin_port);
    printf("peer: %s %d\n", name_of(getpeername(fd, (void *)&sin, &len), &sin),
           sin.sin_port == htons((uint16_t)port_of(l)));
    len = 4;
    int a = accept(l, (void *)&sin, &len);
    printf("accepted with little room: len %u\n", len);
    len = sizeof sin;
    printf("its peer: %s %d\n", name_of(getpeername(a, (void *)&sin, &len), &sin),
           sin.sin_port == htons((uint16_t)mine));
    printf("its name: %s\n", name_of(getsockname(a, (void *)&sin, &len), &sin));
    char buf[8];
    write(fd, "x", 1);
    len = sizeof sin;
    printf("recvfrom: %s", res(recvfrom(a, buf, 8, 0, (void *)&sin, &len)));
    printf(" len %u\n", len);
    printf("listener connects: %s\n", res(connect_to(l, "127.0.0.1", mine)));
    close(a);
    close(fd);
    close(l);
}

static void binds(void)
{
    int a = tcp(), b = tcp();
    printf("bind: %s\n", res(bind_to(a, "127.0.0.1", 0)));
    printf("twice: %s\n", res(bind_to(a, "127.0.0.1", 0)));
    printf("taken: %s\n", res(bind_to(b, "127.0.0.1", port_of(a))));
    set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
    printf("with SO_REUSEADDR: %s\n", res(bind_to(b, "127.0.0.1", port_of(a))));
    printf("listen: %s", res(listen(a, 5)));
    printf(" other: %s\n", res(listen(b, 5)));
    int c = tcp();
    set_int(c, SOL_SOCKET, SO_REUSEADDR, 1);
    printf("beside a listener: %s\n", res(bind_to(c, "127.0.0.1", port_of(a))));
    printf("at any address: %s\n", res(bind_to(c, "0.0.0.0", port_of(a))));
    printf("not ours: %s\n", res(bind_to(c, "192.0.2.1", 0)));
    unsigned port = port_of(a);
    close(a);
    close(b);
    printf("after it closed: %s\n", res(bind_to(c, "127.0.0.1", port)));
    close(c);
    struct sockaddr_in sin = at("127.0.0.1", 0);
    c = tcp();
    printf("short: %s\n", res(bind(c, (struct sockaddr *)&sin, 8)));
    sin.sin_family = AF_INET6;
    printf("wrong family: %s\n", res(bind(c, (struct sockaddr *)&sin, sizeof sin)));
    printf("listen unbound: %s", res(listen(c, 5)));
    printf(" port %d\n", port_of(c) != 0);
    close(c);
}

static void shares(void)
{
    int a = tcp(), b = tcp();
    printf("SO_REUSEPORT: %s\n", res(set_int(a, SOL_SOCKET, SO_REUSEPORT, 1)));
    set_int(b, SOL_SOCKET, SO_REUSEPORT, 1);
    bind_to(a, "127.0.0.1", 0);
    printf("share: %s", res(bind_to(b, "127.0.0.1", port_of(a))));
    printf(" %s", res(listen(a, 64)));
    printf(" %s\n", res(listen(b, 64)));
    nonblock(a);
    nonblock(b);
    int client[32], got = 0, both[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        client[i] = tcp();
        connect_to(client[i], "127.0.0.1", port_of(a));
    }
    struct pollfd p[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    while (got < 32 && poll(p, 2, 10000) > 0) {
        for (int k = 0; k < 2; k++) {
            int fd = p[k].revents ? accept(p[k].fd, NULL, NULL) : -1;
            if (fd >= 0) {
                got++;
                both[k] = 1;
                close(fd);
            }
        }
    }
    printf("accepted %d by both %d\n", got, both[0] && both[1]);
    for (int i = 0; i < 32; i++)
        close(client[i]);
    unsigned port = port_of(a);
    close(a);
    int fd = tcp();
    printf("after one closed: %s\n", res(connect_to(fd, "127.0.0.1", port)));
    close(fd);
    close(b);
}

static void accepts(void)
{
    int l = listener(), fd = tcp();
    printf("accepting: %d\n", get_int(l, SOL_SOCKET, SO_ACCEPTCONN));
    nonblock(l);
    printf("nobody: %s\n", res(accept(l, NULL, NULL)));
    connect_to(fd, "127.0.0.1", port_of(l));
    printf("poll: %#x\n", wait_for(l, POLLIN));
    int a = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    printf("flags: %d %d\n", (fcntl(a, F_GETFL) & O_NONBLOCK) != 0,
           (fcntl(a, F_GETFD) & FD_CLOEXEC) != 0);
    printf("bad flags: %s\n", res(accept4(l, NULL, NULL, 1)));
    printf("not a listener: %s\n", res(accept(fd, NULL, NULL)));
    fcntl(l, F_SETFL, 0);
    struct timeval tv = {.tv_usec = 50000};
    setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    printf("with a timeout: %s\n", res(accept(l, NULL, NULL)));
    printf("nothing to read: %s\n", res(read(a, &tv, 1)));
    close(a);
    close(fd);
    close(l);
}

static void *accept_one(void *arg)
{
    struct sockaddr_in sin;
    socklen_t len = sizeof sin;
    int fd = accept(*(int *)arg, (void *)&sin, &len);
    char c = 0;
    read(fd, &c, 1);
    write(fd, &c, 1);
    close(fd);
    return NULL;
}

static void threads(void)
{
    int l = listener(), sum = 0;
    pthread_t t[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&t[i], NULL, accept_one, &l);
    for (int i = 0; i < 8; i++) {
        int fd = tcp();
        char c = (char)i;
        connect_to(fd, "127.0.0.1", port_of(l));
        write(fd, &c, 1);
        c = 0;
        read(fd, &c, 1);
        sum += c;
        close(fd);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(t[i], NULL);
    printf("threads: %d\n", sum);
    close(l);
}

static void half_close(void)
{
    int e[2];
    char buf[64] = "";
    pair(e);
    write(e[0], "question", 8);
    printf("shutdown: %s\n", res(shutdown(e[0], SHUT_WR)));
    printf("write after it: %s\n", res(send(e[0], "x", 1, MSG_NOSIGNAL)));
    printf("read: %s", res(recv(e[1], buf, sizeof buf, MSG_WAITALL)));
    printf(" then %s\n", res(read(e[1], buf, sizeof buf)));
    printf("poll: %#x\n", wait_for(e[1], POLLIN | POLLOUT | POLLRDHUP));
    write(e[1], "answer", 6);
    close(e[1]);
    printf("answer: %s", res(recv(e[0], buf, 6, MSG_WAITALL)));
    printf(" then %s\n", res(read(e[0], buf, sizeof buf)));
    printf("poll: %#x\n", wait_for(e[0], POLLIN | POLLOUT | POLLRDHUP));
    close(e[0]);
}

static void resets(void)
{
    int e[2];
    char buf[64];
    pair(e);
    write(e[0], "unread", 6);
    wait_for(e[1], POLLIN);
    close(e[1]);
    int events = wait_for(e[0], POLLIN | POLLRDHUP);
    printf("closed with data unread: poll %#x", events);
    printf(" read %s", res(read(e[0], buf, 1)));
    printf(" then %s\n", res(read(e[0], buf, 1)));
    close(e[0]);

    pair(e);
    struct linger l = {1, 0};
    printf("SO_LINGER: %s\n", res(setsockopt(e[1], SOL_SOCKET, SO_LINGER, &l, sizeof l)));
    close(e[1]);
    wait_for(e[0], POLLIN);
    printf("after it: error %s", strerrorname_np(get_int(e[0], SOL_SOCKET, SO_ERROR)));
    printf(" then %d", get_int(e[0], SOL_SOCKET, SO_ERROR));
    printf(" read %s\n", res(read(e[0], buf, 1)));
    close(e[0]);

    pair(e);
    write(e[1], "last words", 10);
    wait_for(e[0], POLLIN);
    setsockopt(e[1], SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(e[1]);
    wait_for(e[0], POLLRDHUP);
    printf("data before a reset: %s", res(read(e[0], buf, sizeof buf)));
    printf(" then %s\n", res(read(e[0], buf, sizeof buf)));
    close(e[0]);

    pair(e);
    close(e[1]);
    wait_for(e[0], POLLIN);
    printf("first write after the peer closed: %s", res(send(e[0], "x", 1, MSG_NOSIGNAL)));
    wait_for(e[0], POLLHUP);
    printf(" second: %s\n", res(send(e[0], "x", 1, MSG_NOSIGNAL)));
    close(e[0]);
}

static void data(void)
{
    int e[2], n = 0, file[2];
    char buf[64] = "";
    pair(e);
    struct iovec v[2] = {{(char *)"abc", 3}, {(char *)"defg", 4}};
    printf("writev: %s\n", res(writev(e[0], v, 2)));
    printf("peek: %s", res(recv(e[1], buf, 7, MSG_PEEK | MSG_WAITALL)));
    ioctl(e[1], FIONREAD, &n);
    printf(" waiting %d", n);
    printf(" read %s\n", res(read(e[1], buf, sizeof buf)));
    printf("no wait: %s\n", res(recv(e[1], buf, 1, MSG_DONTWAIT)));
    pipe(file);
    FILE *f = tmpfile();
    for (int i = 0; i < 5000; i++)
        fputs("0123456789", f);
    fflush(f);
    off_t from = 0;
    long sent = sendfile(e[0], fileno(f), &from, 50000), got = 0;
    static char big[50000];
    while (got < sent) {
        long r = read(e[1], big + got, sizeof big - (size_t)got);
        if (r <= 0)
            break;
        got += r;
    }
    printf("sendfile: %ld %ld %.10s\n", sent, got, big + 49990);
    printf("sendto with an address: %s\n",
           res(sendto(e[0], "x", 1, 0, (void *)&(struct sockaddr_in){.sin_family = AF_INET}, 16)));
    printf("read: %s\n", res(read(e[1], buf, 8)));
    struct timeval tv = {.tv_usec = 30000};
    setsockopt(e[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    printf("read with a timeout: %s\n", res(read(e[1], buf, 8)));
    close(e[0]);
    close(e[1]);
    fclose(f);
}

static void urgent(void)
{
    int e[2], mark = -1;
    char buf[16] = "";
    pair(e);
    send(e[0], "ab", 2, 0);
    printf("urgent: %s\n", res(send(e[0], "!", 1, MSG_OOB)));
    printf("poll: %#x\n", wait_for(e[1], POLLPRI));
    wait_for(e[1], POLLIN);
    printf("read: %s", res(read(e[1], buf, sizeof buf)));
    ioctl(e[1], SIOCATMARK, &mark);
    printf(" %s at mark %d\n", buf, mark);
    printf("out of band: %s", res(recv(e[1], buf, 1, MSG_OOB)));
    printf(" %c\n", buf[0]);
    close(e[0]);
    close(e[1]);
}

static void epolls(void)
{
    int l = listener(), ep = epoll_create1(0), fd = tcp(), n;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP}, got;
    nonblock(fd);
    connect_to(fd, "127.0.0.1", port_of(l));
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    n = epoll_wait(ep, &got, 1, 10000);
    printf("edge: %d %#x", n, got.events);
    int a = accept(l, NULL, NULL);
    n = epoll_wait(ep, &got, 1, 30);
    printf(" then %d\n", n);
    write(a, "x", 1);
    n = epoll_wait(ep, &got, 1, 10000);
    printf("edge: %d %#x\n", n, got.events);
    shutdown(a, SHUT_WR);
    n = epoll_wait(ep, &got, 1, 10000);
    printf("edge: %d %#x\n", n, got.events);
    close(a);
    close(fd);
    close(l);
    close(ep);
}

static void options(void)
{
    static const struct {
        const char *name;
        int level, opt, value;
    } t[] = {
        {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 7},
        {"TCP_CORK", IPPROTO_TCP, TCP_CORK, 1},
        {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 30},
        {"TCP_KEEPIDLE bad", IPPROTO_TCP, TCP_KEEPIDLE, 0},
        {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 5},
        {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3},
        {"TCP_KEEPCNT bad", IPPROTO_TCP, TCP_KEEPCNT, 200},
        {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 20000},
        {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1},
        {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1},
        {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1},
        {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 65536},
        {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 100000},
        {"IP_TTL", IPPROTO_IP, IP_TTL, 33},
        {"IP_TTL bad", IPPROTO_IP, IP_TTL, 300},
        {"IP_TOS", IPPROTO_IP, IP_TOS, 16},
        {"an unknown option", IPPROTO_TCP, 999, 1},

    };
    int e[2];
    pair(e);
    for (int fresh = 0; fresh < 2; fresh++) {
        int fd = fresh ? tcp() : e[0];
        for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
            printf("%s: %s", t[i].name, res(set_int(fd, t[i].level, t[i].opt, t[i].value)));
            int v = -1;
            socklen_t len = sizeof v;
            printf(" %s", res(getsockopt(fd, t[i].level, t[i].opt, &v, &len)));
            printf(" %d\n", v);
        }
    }
    printf("type %d domain %d protocol %d\n", get_int(e[0], SOL_SOCKET, SO_TYPE),
           get_int(e[0], SOL_SOCKET, SO_DOMAIN), get_int(e[0], SOL_SOCKET, SO_PROTOCOL));
    struct tcp_info ti = {0};
    socklen_t len = sizeof ti;
    printf("TCP_INFO: %s", res(getsockopt(e[0], IPPROTO_TCP, TCP_INFO, &ti, &len)));
    printf(" state %d\n", ti.tcpi_state);
    printf("TLS: %s\n", res(setsockopt(e[0], IPPROTO_TCP, TCP_ULP, "no-such", 8)));
    printf("short: %s\n", res(setsockopt(e[0], IPPROTO_TCP, TCP_NODELAY, "x", 1)));
    printf("SO_TYPE set: %s\n", res(set_int(e[0], SOL_SOCKET, SO_TYPE, 1)));
    close(e[0]);
    close(e[1]);
}

static void kinds(void)
{
    printf("stream udp: %s\n", res(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)));
    printf("dgram tcp: %s\n", res(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP)));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    printf("flags: %d %d\n", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0,
           (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(fd);
}

static void nothing(int sig)
{
    (void)sig;
}

static void signals(void)
{
    int l = listener();
    struct sockaddr_in sin;
    socklen_t len = sizeof sin;
    struct sigaction sa = {.sa_handler = nothing};
    struct itimerval t = {.it_value.tv_usec = 60000};
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &t, NULL);
    printf("accept interrupted: %s\n", res(accept(l, (void *)&sin, &len)));
    sa.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &sa, NULL);
    setitimer(ITIMER_REAL, &t, NULL);
    pid_t child = fork();
    if (child == 0) {
        usleep(200000);
        int fd = tcp();
        _exit(connect_to(fd, "127.0.0.1", port_of(l)) != 0);
    }
    int fd = accept(l, (void *)&sin, &len), status = -1;
    printf("accept restarted: %d\n", fd >= 0);
    while (waitpid(child, &status, 0) < 0)
        ;
    printf("child: %d\n", status);
    close(fd);
    close(l);
}

/* Sockets reach other processes by fork, exec and SCM_RIGHTS. */
static void travels(const char *self)
{
    int e[2], u[2];
    char buf[32] = "", num[12];
    pair(e);
    if (fork() == 0) {
        write(e[0], "fork", 4);
        snprintf(num, sizeof num, "%d", e[0]);
        execl(self, self, "say", num, (char *)NULL);
        _exit(127);
    }
    wait(NULL);
    printf("fork and exec: %s", res(recv(e[1], buf, 8, MSG_WAITALL)));
    printf(" %s\n", buf);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, u);
    char room[CMSG_SPACE(sizeof(int))] = "";
    struct iovec iov = {buf, 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &e[0], sizeof(int));
    sendmsg(u[0], &m, 0);
    recvmsg(u[1], &m, 0);
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    struct sockaddr_in sin;
    socklen_t len = sizeof sin;
    printf("passed: %s", name_of(getpeername(fd, (void *)&sin, &len), &sin));
    close(e[0]);
    write(fd, "scm", 3);
    printf(" %s", res(recv(e[1], buf, 3, MSG_WAITALL)));
    int copy = dup2(fd, 50);
    close(fd);
    write(copy, "dup", 3);
    printf(" %s", res(recv(e[1], buf, 3, MSG_WAITALL)));
    close(copy);
    printf(" %s\n", res(read(e[1], buf, 1)));
    close(e[1]);
}

int main(int argc, char **argv)
{
    if (argc == 3) { /* the exec'ed child of travels() */
        write((int)strtol(argv[2], NULL, 10), argv[1], 3);
        return write((int)strtol(argv[2], NULL, 10), "!", 1) != 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    connects();
    names();
    binds();
    shares();
    accepts();
    threads();
    half_close();
    resets();
    data();
    urgent();
    epolls();
    options();
    kinds();
    signals();
    travels(argv[0]);
    return 0;
}
