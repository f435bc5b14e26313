/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pdso/iface.h: the table of functions through which packetdrill drives a stack in a shared object
 * (its option --so_filename). The order of the members is the contract; packetdrill zeroes the
 * table, packetdrill_interface_init() fills it, and none of the pointers is looked at before it is
 * called. Each function gets `userdata` first; results and errno are POSIX's.
 */
#ifndef PDSO_IFACE_H
#define PDSO_IFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct packetdrill_interface {
    void *userdata;
    void (*free)(void *u);
    int (*socket)(void *u, int domain, int type, int protocol);
    int (*bind)(void *u, int fd, const struct sockaddr *at, socklen_t len);
    int (*listen)(void *u, int fd, int backlog);
    int (*accept)(void *u, int fd, struct sockaddr *peer, socklen_t *len);
    int (*connect)(void *u, int fd, const struct sockaddr *to, socklen_t len);
    ssize_t (*read)(void *u, int fd, void *buf, size_t n);
    ssize_t (*readv)(void *u, int fd, const struct iovec *v, int n);
    ssize_t (*recv)(void *u, int fd, void *buf, size_t n, int flags);
    ssize_t (*recvfrom)(void *u, int fd, void *buf, size_t n, int flags, struct sockaddr *from,
                        socklen_t *len);
    ssize_t (*recvmsg)(void *u, int fd, struct msghdr *m, int flags);
    ssize_t (*write)(void *u, int fd, const void *buf, size_t n);
    ssize_t (*writev)(void *u, int fd, const struct iovec *v, int n);
    ssize_t (*send)(void *u, int fd, const void *buf, size_t n, int flags);
    ssize_t (*sendto)(void *u, int fd, const void *buf, size_t n, int flags,
                      const struct sockaddr *to, socklen_t len);
    ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *m, int flags);
    int (*fcntl)(void *u, int fd, int cmd, ...);           /* the third is an int */
    int (*ioctl)(void *u, int fd, unsigned long cmd, ...); /* the third is an int * */
    int (*close)(void *u, int fd);
    int (*shutdown)(void *u, int fd, int how);
    int (*getsockopt)(void *u, int fd, int level, int name, void *value, socklen_t *len);
    int (*setsockopt)(void *u, int fd, int level, int name, const void *value, socklen_t len);
    int (*poll)(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);
    /* An IP packet for the stack, now. 0 or -1. */
    int (*netdev_send)(void *u, const void *packet, size_t n);
    /* The next packet of the stack: in, *n is the room; out, its length, and the microsecond at
     * which it was sent. *n = 0: there is none. -1 would be asked again for ever. */
    int (*netdev_receive)(void *u, void *packet, size_t *n, long long *time_us);
    int (*usleep)(void *u, useconds_t us);
    int (*gettimeofday)(void *u, struct timeval *tv, struct timezone *tz);
    int (*epoll_create)(void *u, int size);
    int (*epoll_ctl)(void *u, int ep, int op, int fd, struct epoll_event *ev);
    int (*epoll_wait)(void *u, int ep, struct epoll_event *ev, int most, int timeout_ms);
    int (*pipe)(void *u, int fd[2]);
    int (*splice)(void *u, int in, loff_t *in_off, int out, loff_t *out_off, size_t n,
                  unsigned flags);
};

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc);

#endif
