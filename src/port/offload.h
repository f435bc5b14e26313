/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/offload.h: the program in the kernel that answers SYNs at a device (syn_answer.bpf.c): loads
 * it, puts it at the device's ingress, takes it away.
 */
#ifndef PORT_OFFLOAD_H
#define PORT_OFFLOAD_H

#include <stdbool.h>
#include <tern/syn_offload.h>

struct bpf_object;

struct offload {
    struct tern_syn_offload *shared; /* in the program's memory; NULL = there is none */
    struct bpf_object *object;
    int link; /* descriptor of the attachment: closing it ends it; -1 = none, as before Linux 6.6 */
    int index;       /* of the device */
    uint32_t handle; /* of the classic attachment; 0 = none */
    bool classic;    /* attach as before Linux 6.6, whatever this kernel can (a test's) */
};

void offload_init(struct offload *o);
/* 0, or -1 with why (TERN_WHY octets); *o can be closed in either case. */
int offload_open(struct offload *o, const char *device, int index, char *why);
void offload_close(struct offload *o);

#endif
