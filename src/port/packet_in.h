/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/packet_in.h: what a packet link receives: two rings that the kernel fills, the SYNs in one
 * of their own (packet_in.c says why).
 */
#ifndef PORT_PACKET_IN_H
#define PORT_PACKET_IN_H

#include <tern/port.h>

#define PACKET_CAP (65535u + 14u)              /* octets of the longest frame */
#define PACKET_BIG ((PACKET_CAP + 63u) & ~63u) /* ... in memory */

/* Slots that the kernel fills, and the socket to which they belong. */
struct in_ring {
    int fd;        /* -1 = there is none */
    uint8_t *slot; /* the first */
    uint32_t len;  /* octets of one; a power of two */
    uint32_t n;    /* how many; a power of two */
    uint32_t at;   /* the one that is filled next */
    uint32_t held; /* slots before it that the last rx has handed out */
};

struct packet_in {
    struct in_ring all; /* whatever is no SYN; and SYNs, when they have no ring */
    struct in_ring syn;
    uint32_t turn; /* calls that found SYNs waiting */
    uint8_t *big;  /* a frame that is larger than a slot */
};

/* Before packet_in_open(); packet_in_close() may follow at once. */
void packet_in_init(struct packet_in *in);
/* Opens in->all.fd, so that the device can be asked. 0, or -1 with errno. */
int packet_in_socket(struct packet_in *in);
/* Rings and all, and listens at the device of this number. 0 or -1 with why. */
int packet_in_open(struct packet_in *in, const char *name, int index, uint16_t mtu, char *why);
/* The same, for SYNs that a program at the device's ingress has left over: no group, a filter each.
 */
int packet_in_open_after(struct packet_in *in, const char *name, int index, uint16_t mtu,
                         char *why);
/* As rx of struct tern_port_ops. */
size_t packet_in_rx(struct packet_in *in, struct tern_frame *frames, size_t n,
                    struct tern_time now);
void packet_in_close(struct packet_in *in);

/* A socket's buffer: past the system's limit if that is allowed, else as far as it goes. */
void packet_buffer(int fd, int force, int plain, int octets);
/* One line for what errno says; -1. */
int packet_why(const char *name, const char *what, char *why);

#endif
