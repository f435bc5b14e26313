/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/pcapng.h"

#include "port/why.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SHB 0x0a0d0d0au
#define BLOCK_IDB 1u
#define BLOCK_EPB 6u

#define OPT_COMMENT    1
#define OPT_SHB_APPL   4
#define OPT_IF_NAME    2
#define OPT_IF_TSRESOL 9
#define OPT_EPB_FLAGS  2

struct pcapng {
    FILE *file;
    char *path;
    bool dirty, failed;
};

static void pcapng_fail(struct pcapng *w)
{
    if (w->failed)
        return;
    w->failed = true;
    (void)fprintf(stderr, "tern: capture %s: %s: it ends here\n", w->path, strerror(errno));
}

static void put(struct pcapng *w, const void *p, size_t n)
{
    if (!w->failed && n > 0 && fwrite(p, 1, n, w->file) != n)
        pcapng_fail(w);
}

static void put_u32(struct pcapng *w, uint32_t v)
{
    put(w, &v, sizeof v); /* the byte-order magic says which end comes first */
}

static uint32_t pad4(uint32_t n)
{
    return (4 - (n & 3)) & 3;
}

static void put_padded(struct pcapng *w, const void *p, uint32_t n)
{
    static const uint8_t zero[4];
    put(w, p, n);
    put(w, zero, pad4(n));
}

static uint32_t opt_size(uint32_t n)
{
    return n ? 4 + n + pad4(n) : 0;
}

/* An option; none when it is empty. */
static void put_opt(struct pcapng *w, uint16_t code, const void *p, uint32_t n)
{
    if (n == 0)
        return;
    put_u32(w, code | n << 16);
    put_padded(w, p, n);
}

static uint32_t text_len(const char *s)
{
    size_t n = s ? strlen(s) : 0;
    return n > 1024 ? 1024 : (uint32_t)n;
}

static void put_headers(struct pcapng *w, enum pcapng_link link, const char *ifname)
{
    const char *appl = "tern";
    uint32_t len = 28 + opt_size(text_len(appl)) + 4;
    put_u32(w, BLOCK_SHB);
    put_u32(w, len);
    put_u32(w, 0x1a2b3c4d);
    put_u32(w, 1); /* version 1.0 */
    put_u32(w, UINT32_MAX);
    put_u32(w, UINT32_MAX); /* section length: unknown */
    put_opt(w, OPT_SHB_APPL, appl, text_len(appl));
    put_u32(w, 0);
    put_u32(w, len);

    const uint8_t nano = 9;
    len = 20 + opt_size(text_len(ifname)) + opt_size(1) + 4;
    put_u32(w, BLOCK_IDB);
    put_u32(w, len);
    put_u32(w, (uint32_t)link);
    put_u32(w, 0); /* snaplen: no limit */
    put_opt(w, OPT_IF_NAME, ifname, text_len(ifname));
    put_opt(w, OPT_IF_TSRESOL, &nano, 1);
    put_u32(w, 0);
    put_u32(w, len);
}

struct pcapng *pcapng_open(const char *path, enum pcapng_link link, const char *ifname, char *why)
{
    struct pcapng *w = calloc(1, sizeof *w);
    if (!w) {
        why_set(why, "%.150s: out of memory", path);
        return NULL;
    }
    w->path = strdup(path);
    w->file = w->path ? fopen(path, "wbe") : NULL;
    if (!w->file) {
        why_set(why,
                "%.150s: cannot write the capture: %s: give a file in a folder you may write to",
                path, strerror(errno));
        free(w->path);
        free(w);
        return NULL;
    }
    (void)setvbuf(w->file, NULL, _IOFBF, 256 << 10);
    put_headers(w, link, ifname);
    w->dirty = true;
    pcapng_flush(w);
    return w;
}

void pcapng_packet(struct pcapng *w, uint64_t ns, enum pcapng_dir dir, const uint8_t *data,
                   uint32_t len, const char *comment)
{
    if (w->failed)
        return;
    uint32_t note = text_len(comment);
    uint32_t flags = (uint32_t)dir;
    uint32_t size = 32 + len + pad4(len) + opt_size(note) + opt_size(4) + 4;
    put_u32(w, BLOCK_EPB);
    put_u32(w, size);
    put_u32(w, 0); /* interface */
    put_u32(w, (uint32_t)(ns >> 32));
    put_u32(w, (uint32_t)ns);
    put_u32(w, len);
    put_u32(w, len);
    put_padded(w, data, len);
    put_opt(w, OPT_COMMENT, comment, note);
    put_opt(w, OPT_EPB_FLAGS, &flags, 4);
    put_u32(w, 0);
    put_u32(w, size);
    w->dirty = true;
}

void pcapng_flush(struct pcapng *w)
{
    if (!w->dirty || w->failed)
        return;
    w->dirty = false;
    if (fflush(w->file) != 0)
        pcapng_fail(w);
}

void pcapng_close(struct pcapng *w)
{
    pcapng_flush(w);
    (void)fclose(w->file);
    free(w->path);
    free(w);
}
