/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/values.h: the values that options take, as people type them. Each parser returns 0, or -1
 * with one line in why[TERN_WHY] that quotes the text and says what would have been right; on an
 * error nothing has been written.
 */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <tern/port.h>
#include <tern/types.h>

/* Quoted text in a message is cut to this many octets. */
#define VALUE_QUOTE "'%.48s'"

/* "50ms", "200us", "1.5s"; a bare 0. Microseconds, at most an hour. */
int value_time_us(const char *text, uint64_t *us, char *why);
/* "10mbit", "1.5gbit", "800kbit", "9600bit": bits a second. */
int value_rate_bps(const char *text, uint64_t *bps, char *why);
/* "0.01" or "1%". */
int value_probability(const char *text, double *p, char *why);
/* A whole number lo..hi in decimal (or 0x hexadecimal). */
int value_number(const char *text, uint64_t lo, uint64_t hi, uint64_t *n, char *why);
/* "10.0.2.15" */
int value_addr(const char *text, struct tern_addr *addr, char *why);
/* "10.0.2.15/24"; the prefix 8..30, and the address a host of that network. */
int value_addr_prefix(const char *text, struct tern_addr *addr, uint8_t *prefix, char *why);

/* "8080:80", "127.0.0.1:8080:80", "5353:53/udp". */
struct value_forward {
    bool udp;
    struct tern_endpoint host; /* addr NONE when none was given */
    uint16_t port;
};
int value_forward(const char *text, struct value_forward *fw, char *why);

/* A name of an instance: 1..32 of letters, digits, '_', '-', '.'; not beginning with '.' or '-'. */
int value_name(const char *text, char *why);
/* Makes such a name out of a program's path: its last part, other characters as '_'. */
void value_name_from_path(const char *path, char name[33]);

enum value_device_kind { VALUE_TAP, VALUE_TUN, VALUE_PACKET };
struct value_device {
    enum value_device_kind kind;
    const char *name; /* points into the text */
};
/* "tap:t0", "tun:t1", "packet:eth0": a device of this machine. */
int value_device(const char *text, struct value_device *out, char *why);
/* Shall the kernel give out SYN cookies at a packet link (tern/syn_offload.h)? AUTO: where it can
 * be had; ON: or the link is refused. */
enum value_offload { VALUE_OFFLOAD_AUTO, VALUE_OFFLOAD_ON, VALUE_OFFLOAD_OFF };
#define OFFLOAD_WORDS "auto (default), on or off"
int value_offload(const char *text, uint8_t *offload, char *why);

/* Opens it as a link. `wrapped`: somebody around the link is to see or to change each frame, so
 * nobody may answer any before. */
int value_device_open(const struct value_device *dev, enum value_offload offload, bool wrapped,
                      struct tern_port **port, char *why);

/* True when both lie in the same network of that prefix length. */
bool value_same_net(const struct tern_addr *a, const struct tern_addr *b, uint8_t prefix);

#endif
