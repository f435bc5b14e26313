/* SPDX-License-Identifier: BSD-2-Clause */
/* port/syn_answer_shared.h: the one global variable of the program in the kernel. */
#ifndef PORT_SYN_ANSWER_SHARED_H
#define PORT_SYN_ANSWER_SHARED_H

#include "port/syn_answer.h"

struct syn_shared {
    struct tern_syn_offload offload;
    struct syn_opts opts[TERN_OFFLOAD_CPUS]; /* of the SYN that a CPU is at */
};

#endif
