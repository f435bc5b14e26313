/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/offload.c: syn_answer.bpf.c in the kernel.
 *
 * The program is part of this library (compiled at build time, OFFLOAD_OBJECT) and is loaded with
 * libbpf. What it shares with the stack is its global variable, mapped into this process: neither
 * side needs a system call to see what the other has written.
 *
 * It is attached at ingress of the device's traffic control: as a link where the kernel has those
 * (tcx, Linux 6.6), which ends with its descriptor, however the process ends; else as a filter of
 * `clsact`, which stays when the process is killed. Such a leftover does nothing: it answers while
 * alive_ns is ahead, and nobody keeps it there. The next one to open the device replaces it.
 */
#include "port/offload.h"

#include "port/why.h"
#include <tern/port.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void offload_init(struct offload *o)
{
    *o = (struct offload){.link = -1};
}

#if TERN_BPF
#include "port/syn_answer_object.h"
#include "port/syn_answer_shared.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define OFFLOAD_TCX    46 /* BPF_TCX_INGRESS, which Debian 12's headers do not know yet */
#define OFFLOAD_HANDLE 1u
#define OFFLOAD_PRIORITY                                                                           \
    0x7e12u /* of the classic filter: after what somebody else has put there                       \
             */

static int offload_silent(enum libbpf_print_level level, const char *format, va_list ap)
{
    (void)level, (void)format, (void)ap;
    return 0;
}

static int offload_why(const char *device, const char *what, int err, char *why)
{
    if (err == -EPERM || err == -EACCES)
        why_set(why,
                "%s: SYN offload: %s is not allowed: run as root, or with CAP_BPF, CAP_PERFMON and "
                "CAP_NET_ADMIN",
                device, what);
    else
        why_set(why, "%s: SYN offload: %s: %s", device, what, strerror(-err));
    return -1;
}

static int offload_load(struct offload *o, const char *device, char *why)
{
    const struct bpf_object_open_opts opts = {.sz = sizeof opts, .object_name = "tern_syn"};
    (void)libbpf_set_print(offload_silent);
    o->object = bpf_object__open_mem(syn_answer_object, sizeof syn_answer_object, &opts);
    if (!o->object)
        return offload_why(device, "the program cannot be read", -errno, why);
    struct bpf_map *map = bpf_object__next_map(o->object, NULL);
    if (map) /* libbpf does it by itself only for a program with types (BTF) */
        (void)bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_MMAPABLE);
    int err = bpf_object__load(o->object);
    if (err < 0)
        return offload_why(device, "loading the program", err, why);
    void *m = map && bpf_map__value_size(map) == sizeof(struct syn_shared)
                  ? mmap(NULL, sizeof(struct syn_shared), PROT_READ | PROT_WRITE, MAP_SHARED,
                         bpf_map__fd(map), 0)
                  : MAP_FAILED;
    if (m == MAP_FAILED)
        return offload_why(device, "sharing its memory", -errno, why);
    o->shared = &((struct syn_shared *)m)->offload;
    return 0;
}

static int offload_attach(struct offload *o, const char *device, char *why)
{
    struct bpf_program *prog = bpf_object__next_program(o->object, NULL);
    int fd = prog ? bpf_program__fd(prog) : -ENOENT;
    if (!o->classic)
        o->link = bpf_link_create(fd, o->index, (enum bpf_attach_type)OFFLOAD_TCX, NULL);
    if (o->link >= 0)
        return 0;
    DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = o->index, .attach_point = BPF_TC_INGRESS);
    DECLARE_LIBBPF_OPTS(bpf_tc_opts, tc, .prog_fd = fd, .handle = OFFLOAD_HANDLE,
                        .priority = OFFLOAD_PRIORITY, .flags = BPF_TC_F_REPLACE);
    int err = bpf_tc_hook_create(&hook);
    if (err == 0 || err == -EEXIST)
        err = bpf_tc_attach(&hook, &tc);
    if (err < 0)
        return offload_why(device, "attaching the program", err, why);
    o->handle = OFFLOAD_HANDLE;
    return 0;
}

int offload_open(struct offload *o, const char *device, int index, char *why)
{
    o->index = index;
    if (offload_load(o, device, why) == 0 && offload_attach(o, device, why) == 0)
        return 0;
    offload_close(o);
    return -1;
}

void offload_close(struct offload *o)
{
    if (o->link >= 0)
        (void)close(o->link);
    if (o->handle != 0) {
        DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = o->index, .attach_point = BPF_TC_INGRESS);
        DECLARE_LIBBPF_OPTS(bpf_tc_opts, tc, .handle = o->handle, .priority = OFFLOAD_PRIORITY);
        (void)bpf_tc_detach(&hook, &tc);
    }
    if (o->shared)
        (void)munmap(o->shared, sizeof(struct syn_shared));
    if (o->object)
        bpf_object__close(o->object);
    offload_init(o);
}

#else

int offload_open(struct offload *o, const char *device, int index, char *why)
{
    (void)o, (void)index;
    why_set(why, "%s: SYN offload: this tern was built without libbpf, or without clang", device);
    return -1;
}

void offload_close(struct offload *o)
{
    offload_init(o);
}

#endif
