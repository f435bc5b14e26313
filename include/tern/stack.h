/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tern/stack.h: one TCP/IP host as an object.
 *
 * Frames, calls and time go in; frames, events and one deadline come out. A stack has no socket,
 * clock, thread or allocation of its own, and is used by one thread at a time. The loop around it:
 *
 *     tern_rx(frames that came)  ->  tern_tx(until fewer than asked)  ->  tern_event_next(...)
 *     -> the application's calls ->  tern_tx(...)  ->  sleep until a frame or tern_deadline()
 *     -> tern_tick()
 */
#ifndef TERN_STACK_H
#define TERN_STACK_H

#include <tern/config.h>
#include <tern/types.h>

struct tern_stack;

/* Octets of memory that a stack with these settings takes, 0 if tern_config_check() objects. */
TERN_API size_t tern_stack_size(const struct tern_config *cfg);

/* Makes a stack in mem (64-octet aligned, at least tern_stack_size() octets, all zero: as mmap
 * gives it). The memory stays the caller's and must outlive the stack; there is nothing to free
 * but it. NULL if the settings or the size are wrong. */
TERN_API struct tern_stack *tern_stack_init(void *mem, size_t size, const struct tern_config *cfg,
                                            struct tern_time now);

/* Other settings from now on, for what begins from now on; what exists keeps what it took when it
 * began. The limits that the memory was laid out for, the seed and `cpu` stay as they are. EINVAL
 * if tern_config_check() objects. */
TERN_API int tern_stack_config(struct tern_stack *st, const struct tern_config *cfg);

/* Forgets what was learnt about other hosts and the ways to them: cookies of Fast Open, path MTUs.
 */
TERN_API void tern_forget_paths(struct tern_stack *st);

/* Runs the timers that are due. */
TERN_API void tern_tick(struct tern_stack *st, struct tern_time now);

/* When tern_tick() must be called next, or TERN_NEVER. May be early, never late. */
TERN_API struct tern_time tern_deadline(const struct tern_stack *st);

/* False when tern_tx() of that interface would build nothing now. True when it may: whether a
 * connection has something to send is only found out when a frame is asked for. */
TERN_API bool tern_tx_pending(const struct tern_stack *st, int iface);

/* How many octets and objects are in use: all zero when a stack is at rest with nothing open. */
struct tern_usage {
    uint32_t conns, half_open, time_wait, listeners, udp, ooo, answers;
    uint64_t buf_bytes;
};
TERN_API void tern_stack_usage(const struct tern_stack *st, struct tern_usage *out);

/* For anomaly tests: the n-th take from any pool from now on fails (n = 1 is the next), and with
 * `persist` all later ones too; n = 0 switches it off. Returns the takes since the last call. */
TERN_API uint64_t tern_stack_fail_take(struct tern_stack *st, uint64_t n, bool persist);

#endif
