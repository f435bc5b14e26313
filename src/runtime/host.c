/* SPDX-License-Identifier: BSD-2-Clause */
/* runtime/host.c: what a stack takes from its host: memory, entropy, the clock, the machine's
 * abilities, and the host's error numbers. */
#include "base/assert.h"
#include "port/why.h"
#include <tern/loop.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

/* In front of each stack, in a page of its own: what munmap needs. */
struct host_block {
    uint64_t magic;
    size_t size; /* of the whole mapping */
};
#define HOST_MAGIC 0x6b6361747372657eu
#define HOST_PAGE  4096u

struct tern_time tern_clock_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (struct tern_time){(int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec};
}

uint32_t tern_cpu_features(void)
{
    uint32_t cpu = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        cpu |= TERN_CPU_AVX2;
#endif
    return cpu;
}

int tern_seed_random(uint8_t seed[32])
{
    size_t got = 0;
    while (got < 32) {
        ssize_t n = getrandom(seed + got, 32 - got, 0);
        if (n > 0)
            got += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void tern_seed_from(uint8_t seed[32], uint64_t n)
{
    for (unsigned i = 0; i < 4; i++) {
        uint64_t v = splitmix64(&n);
        for (unsigned b = 0; b < 8; b++)
            seed[8 * i + b] = (uint8_t)(v >> (8 * b)); /* the same on every machine */
    }
}

int tern_errno(int err)
{
    static const int map[] = {
        [-TERN_OK] = 0,
        [-TERN_EAGAIN] = EAGAIN,
        [-TERN_EINVAL] = EINVAL,
        [-TERN_EBADF] = EBADF,
        [-TERN_ENOBUFS] = ENOBUFS,
        [-TERN_EADDRINUSE] = EADDRINUSE,
        [-TERN_EADDRNOTAVAIL] = EADDRNOTAVAIL,
        [-TERN_EAFNOSUPPORT] = EAFNOSUPPORT,
        [-TERN_ENETUNREACH] = ENETUNREACH,
        [-TERN_EHOSTUNREACH] = EHOSTUNREACH,
        [-TERN_ECONNREFUSED] = ECONNREFUSED,
        [-TERN_ECONNRESET] = ECONNRESET,
        [-TERN_ECONNABORTED] = ECONNABORTED,
        [-TERN_ETIMEDOUT] = ETIMEDOUT,
        [-TERN_ENOTCONN] = ENOTCONN,
        [-TERN_EISCONN] = EISCONN,
        [-TERN_EALREADY] = EALREADY,
        [-TERN_EPIPE] = EPIPE,
        [-TERN_EMSGSIZE] = EMSGSIZE,
        [-TERN_EOPNOTSUPP] = EOPNOTSUPP,
        [-TERN_EACCES] = EACCES,
        [-TERN_ENOPROTOOPT] = ENOPROTOOPT,
        [-TERN_EINPROGRESS] = EINPROGRESS,
    };
    const int n = (int)(sizeof map / sizeof map[0]);
    if (err > 0 || err <= -n)
        return EIO;
    return map[-err];
}

struct tern_stack *tern_stack_new(const struct tern_config *cfg, struct tern_time now, char *why)
{
    const char *wrong = tern_config_check(cfg);
    if (wrong) {
        why_set(why, "stack: %s", wrong);
        return NULL;
    }
    size_t size = (tern_stack_size(cfg) + HOST_PAGE - 1) & ~(size_t)(HOST_PAGE - 1);
    void *m = mmap(NULL, HOST_PAGE + size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m == MAP_FAILED) {
        why_set(why,
                "stack: cannot reserve %zu MB of address space: %s: lower the limits, or ulimit -v",
                size >> 20, strerror(errno));
        return NULL;
    }
    struct host_block *b = m;
    b->magic = HOST_MAGIC;
    b->size = HOST_PAGE + size;
    void *mem = (uint8_t *)m + HOST_PAGE;
    struct tern_stack *st = tern_stack_init(mem, size, cfg, now);
    if (!st) {
        why_set(why, "stack: its settings were refused");
        (void)munmap(m, HOST_PAGE + size);
        return NULL;
    }
    tern_assert((void *)st == mem); /* tern_stack_free() finds the block by it */
    return st;
}

void tern_stack_free(struct tern_stack *st)
{
    if (!st)
        return;
    struct host_block *b = (struct host_block *)(void *)((uint8_t *)st - HOST_PAGE);
    tern_assert(b->magic == HOST_MAGIC);
    (void)munmap(b, b->size);
}
