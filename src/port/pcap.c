/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/pcap.c: a capture file as a link: its packets arrive at the pace at which they were
 * captured.
 *
 * libpcap reads the file (pcap and pcapng). A packet is due at (its time - the first's) after the
 * first look at the port. Packets that the capture cut short are passed on as short as they are: a
 * stack will drop them. Checksums are verified like any others, so captures taken on a host with
 * checksum offload lose what that host sent. What is sent into this link is dropped.
 */
#include "base/assert.h"
#include "base/time.h"
#include "port/frame.h"
#include "port/why.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define PCAP_BATCH 16u
#define PCAP_CAP   65549u

struct pcap_port {
    struct tern_port port;
    pcap_t *file;
    bool begun, have; /* have: `next` holds the packet that comes next */
    struct tern_time base;
    int64_t first_ns, next_ns;
    uint32_t next_len;
    uint8_t next[PCAP_CAP];
    uint8_t slot[PCAP_BATCH][PCAP_CAP];
    uint8_t sink[PCAP_BATCH][PCAP_CAP]; /* what is sent goes here and is forgotten */
};

static struct pcap_port *pcap_of(struct tern_port *p)
{
    return (struct pcap_port *)(void *)p;
}

/* Reads one packet ahead; have = false at the end of the file or when it cannot be read on. */
static void pcap_ahead(struct pcap_port *pp)
{
    struct pcap_pkthdr *h;
    const u_char *data;
    pp->have = pcap_next_ex(pp->file, &h, &data) == 1;
    if (!pp->have)
        return;
    pp->next_ns = (int64_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec;
    pp->next_len = h->caplen > PCAP_CAP ? PCAP_CAP : h->caplen;
    memcpy(pp->next, data, pp->next_len);
}

static struct tern_time pcap_due(const struct pcap_port *pp)
{
    int64_t ns = pp->next_ns - pp->first_ns;
    return time_add_ns(pp->base, ns > 0 ? ns : 0);
}

static size_t pcap_rx(struct tern_port *self, struct tern_frame *frames, size_t n,
                      struct tern_time now)
{
    struct pcap_port *pp = pcap_of(self);
    if (!pp->begun) {
        pp->begun = true;
        pp->base = now;
    }
    size_t k = 0;
    while (k < n && k < PCAP_BATCH && pp->have && time_le(pcap_due(pp), now)) {
        memcpy(pp->slot[k], pp->next, pp->next_len);
        frames[k] =
            (struct tern_frame){.data = pp->slot[k], .len = pp->next_len, .time = pcap_due(pp)};
        k++;
        pcap_ahead(pp);
    }
    return k;
}

static size_t pcap_tx_get(struct tern_port *self, struct tern_frame *frames, size_t n,
                          struct tern_time now)
{
    (void)now;
    struct pcap_port *pp = pcap_of(self);
    if (n > PCAP_BATCH)
        n = PCAP_BATCH;
    for (size_t i = 0; i < n; i++)
        frames[i] = (struct tern_frame){.data = pp->sink[i], .cap = PCAP_CAP};
    return n;
}

static void pcap_tx_put(struct tern_port *self, struct tern_frame *frames, size_t n,
                        struct tern_time now)
{
    (void)self;
    (void)frames;
    (void)n;
    (void)now;
}

static struct tern_time pcap_deadline(const struct tern_port *self)
{
    const struct pcap_port *pp = (const struct pcap_port *)(const void *)self;
    if (!pp->have)
        return TERN_NEVER;
    return pp->begun ? pcap_due(pp) : (struct tern_time){INT64_MIN};
}

static int pcap_fd_none(const struct tern_port *self)
{
    (void)self;
    return -1;
}

static void pcap_port_close(struct tern_port *self)
{
    struct pcap_port *pp = pcap_of(self);
    pcap_close(pp->file);
    free(pp);
}

static const struct tern_port_ops pcap_port_ops = {
    .name = "pcap",
    .rx = pcap_rx,
    .tx_get = pcap_tx_get,
    .tx_put = pcap_tx_put,
    .deadline = pcap_deadline,
    .fd = pcap_fd_none,
    .close = pcap_port_close,
};

/* enum tern_link of a file's link type, 0 = one that is not understood. */
static uint8_t pcap_link(int dlt)
{
    switch (dlt) {
    case DLT_EN10MB:
        return TERN_LINK_ETHER;
    case DLT_RAW:
    case DLT_IPV4:
        return TERN_LINK_IP;
    default:
        return 0;
    }
}

int tern_pcap_open(const char *path, struct tern_port **port, char *why)
{
    tern_assert(path && port);
    char err[PCAP_ERRBUF_SIZE] = "";
    pcap_t *file = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, err);
    if (!file) {
        why_set(why, "%.100s: cannot read the capture: %.120s", path, err);
        return -1;
    }
    int dlt = pcap_datalink(file);
    struct pcap_port *pp = pcap_link(dlt) ? calloc(1, sizeof *pp) : NULL;
    if (!pp) {
        const char *name = pcap_datalink_val_to_name(dlt);
        why_set(why, "%.100s: link type %s: want a capture of Ethernet or raw IP", path,
                name ? name : "unknown");
        pcap_close(file);
        return -1;
    }
    pp->file = file;
    pp->port = (struct tern_port){.ops = &pcap_port_ops, .link = pcap_link(dlt), .mtu = 65535};
    pcap_ahead(pp);
    pp->first_ns = pp->next_ns;
    *port = &pp->port;
    return 0;
}
