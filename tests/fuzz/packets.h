/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz/packets.h: IPv4 packets between two fixed addresses, built and checked by hand and not by
 * the code under test. */
#ifndef FUZZ_PACKETS_H
#define FUZZ_PACKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const uint8_t packet_us[4] = {10, 0, 0, 1}, packet_peer[4] = {10, 0, 0, 2};

static inline void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static inline uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static inline uint32_t sum16(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += get16(p + i);
    if (n & 1)
        sum += (uint32_t)p[n - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static inline uint32_t pseudo(const uint8_t *ip, uint32_t len)
{
    uint32_t sum = sum16(0, ip + 12, 8);
    return sum + ip[9] + len;
}

/* Completes an IP packet of n octets of payload behind the header at ip. */
static inline void ip_finish(uint8_t *ip, uint8_t proto, uint32_t n)
{
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put16(ip + 2, 20 + n);
    ip[8] = 64;
    ip[9] = proto;
    memcpy(ip + 12, packet_peer, 4);
    memcpy(ip + 16, packet_us, 4);
    put16(ip + 10, ~sum16(0, ip, 20) & 0xffff);
}

/* What a TCP segment of the stack says. */
struct sent_tcp {
    uint16_t sport, dport;
    uint8_t th;
    bool ts;
    uint32_t seq_end, ack, tsval;
};

static inline bool packet_options(const uint8_t *p, uint32_t n, struct sent_tcp *t)
{
    for (uint32_t i = 0; i < n && p[i] != 0;) {
        if (p[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= n || p[i + 1] < 2 || i + p[i + 1] > n)
            return false;
        if (p[i] == 8) {
            t->ts = true;
            t->tsval = get32(p + i + 2);
        }
        i += p[i + 1];
    }
    return true;
}

/* Takes apart n octets of TCP behind the IP header; false if the header or the checksum is wrong.
 */
static inline bool packet_tcp(const uint8_t *ip, uint32_t n, struct sent_tcp *t)
{
    const uint8_t *p = ip + 20;
    memset(t, 0, sizeof *t);
    uint32_t hlen = n < 20 ? 0 : (uint32_t)(p[12] >> 4) * 4;
    if (hlen < 20 || hlen > n || sum16(pseudo(ip, n), p, n) != 0xffff)
        return false;
    t->sport = (uint16_t)get16(p);
    t->dport = (uint16_t)get16(p + 2);
    t->th = p[13];
    t->seq_end = get32(p + 4) + n - hlen + ((p[13] & 2) != 0) + (p[13] & 1);
    t->ack = get32(p + 8);
    return packet_options(p + 20, hlen - 20, t);
}

#endif
