/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * programs/same.h: helpers of the programs that are run twice, on the kernel's TCP and under `tern
 * run`, and must say the same both times. They print results by name, no times, no ephemeral
 * numbers.
 */
#ifndef PROGRAMS_SAME_H
#define PROGRAMS_SAME_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* The result of a call as text: its value, or the errno's name. */
static inline const char *res(long rc)
{
    static char text[8][32];
    static unsigned next;
    char *t = text[next++ % 8];
    if (rc < 0)
        return strerrorname_np(errno);
    snprintf(t, sizeof text[0], "%ld", rc);
    return t;
}

static inline struct sockaddr_in at(const char *ip, unsigned port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, ip, &sin.sin_addr);
    return sin;
}

static inline int tcp(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static inline int udp(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0);
}

static inline int bind_to(int fd, const char *ip, unsigned port)
{
    struct sockaddr_in sin = at(ip, port);
    return bind(fd, (struct sockaddr *)&sin, sizeof sin);
}

static inline int connect_to(int fd, const char *ip, unsigned port)
{
    struct sockaddr_in sin = at(ip, port);
    return connect(fd, (struct sockaddr *)&sin, sizeof sin);
}

static inline unsigned port_of(int fd)
{
    struct sockaddr_in sin = {0};
    socklen_t len = sizeof sin;
    getsockname(fd, (struct sockaddr *)&sin, &len);
    return ntohs(sin.sin_port);
}

/* A listener on a loopback port of the kernel's choice. */
static inline int listener(void)
{
    int fd = tcp();
    if (bind_to(fd, "127.0.0.1", 0) < 0 || listen(fd, 8) < 0) {
        perror("listener");
        exit(1);
    }
    return fd;
}

/* A port where nobody listens. */
static inline unsigned closed_port(void)
{
    int fd = tcp();
    bind_to(fd, "127.0.0.1", 0);
    unsigned port = port_of(fd);
    close(fd);
    return port;
}

/* Both ends of a connection. */
static inline void pair(int end[2])
{
    int l = listener();
    end[0] = tcp();
    if (connect_to(end[0], "127.0.0.1", port_of(l)) < 0) {
        perror("pair");
        exit(1);
    }
    end[1] = accept(l, NULL, NULL);
    close(l);
}

static inline void nonblock(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static inline int get_int(int fd, int level, int name)
{
    int v = -1;
    socklen_t len = sizeof v;
    return getsockopt(fd, level, name, &v, &len) < 0 ? -1 : v;
}

static inline int set_int(int fd, int level, int name, int v)
{
    return setsockopt(fd, level, name, &v, sizeof v);
}

/* Waits for any of `events` (bounded); what poll() says. */
static inline int wait_for(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = (short)events};
    return poll(&p, 1, 10000) > 0 ? p.revents : 0;
}

static inline const char *name_of(int rc, const struct sockaddr_in *sin)
{
    static char text[4][32];
    static unsigned next;
    char *t = text[next++ % 4];
    if (rc < 0)
        return strerrorname_np(errno);
    char ip[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &sin->sin_addr, ip, sizeof ip);
    snprintf(t, sizeof text[0], "%s:%s", ip, sin->sin_port ? "port" : "0");
    return t;
}

#endif
