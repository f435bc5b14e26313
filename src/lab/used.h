/* SPDX-License-Identifier: BSD-2-Clause */
/* lab/used.h: what a row has used, as the kernel counts it. */
#ifndef LAB_USED_H
#define LAB_USED_H

#include <stdint.h>
#include <sys/types.h>

/* How long a CPU had nothing to do, since the machine began: the difference of two such looks. */
int64_t used_idle_ns(unsigned cpu);
/* Memory of its own of a process and of all that it started; octets. */
int64_t used_resident(pid_t root);
/* The kernel's memory for its objects, of the whole machine; octets. */
int64_t used_slab(void);
/* Frames that a device has received. */
uint64_t used_received(const char *dev);

#endif
