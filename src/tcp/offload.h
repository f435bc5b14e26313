/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp/offload.h: what the stack remembers of those who give out cookies for it: which listener an
 * entry of struct tern_syn_offload belongs to, and what was read of their counters. offload.c says
 * how it works; the hooks, which cost nothing while nobody helps, are in guard.h and conn.h.
 */
#ifndef TCP_OFFLOAD_H
#define TCP_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <tern/iface.h>
#include <tern/syn_offload.h>

struct tcp;
struct tcp_listener;

/* The interface at which SYNs are answered. */
struct offload_iface {
    unsigned index;
    uint8_t mac[6];
    uint8_t naddr;
    uint8_t addr[TERN_IFACE_ADDRS][4];
};

/* Sums over all CPUs, as they stood at the last report. */
struct offload_seen {
    uint64_t answered, overflowed, limited;
    uint64_t unsampled; /* answered, and no sample stood for them yet */
    uint32_t bin[TERN_OFFLOAD_BINS];
    uint32_t nsample[TERN_OFFLOAD_CPUS];
};

struct offload {
    struct offload_iface iface;
    uint16_t owner[TERN_OFFLOAD_LISTENERS]; /* index of the listener; 0 = free */
    struct offload_seen seen;
};

/* What a listener remembers. */
struct offload_listener {
    uint32_t entries; /* a bit for each of its entries */
    bool on;          /* its SYNs are answered outside */
    bool full;        /* cookies=overflow: a limit was met, and half of it is not free again yet */
};

/* Each answers as the public call of its name. */
int tcp_offload_begin(struct tcp *t, struct tern_syn_offload *o, const struct offload_iface *iface,
                      struct tern_time now);
void tcp_offload_sync(struct tcp *t, struct tern_time now);
void tcp_offload_end(struct tcp *t, struct tern_time now);

#endif
