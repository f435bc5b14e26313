/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/pcapng.h: writing the pcapng capture format (draft-ietf-opsawg-pcapng): one section, one
 * interface, enhanced packet blocks with direction and comment, nanosecond time stamps.
 */
#ifndef PORT_PCAPNG_H
#define PORT_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

struct pcapng;

enum pcapng_link { PCAPNG_ETHER = 1, PCAPNG_RAW = 101 }; /* LINKTYPE_ numbers */
enum pcapng_dir { PCAPNG_IN = 1, PCAPNG_OUT = 2 };       /* epb_flags bits 0-1 */

/* Makes (or empties) the file and writes the headers; NULL with why. ifname may be NULL. */
struct pcapng *pcapng_open(const char *path, enum pcapng_link link, const char *ifname, char *why);
/* One packet. ns: nanoseconds since 1970; comment may be NULL. Once a write has failed nothing more
 * is written; a line on standard error said so. */
void pcapng_packet(struct pcapng *w, uint64_t ns, enum pcapng_dir dir, const uint8_t *data,
                   uint32_t len, const char *comment);
/* Hands what is buffered to the operating system. */
void pcapng_flush(struct pcapng *w);
void pcapng_close(struct pcapng *w);

#endif
