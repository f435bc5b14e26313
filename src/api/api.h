/* SPDX-License-Identifier: BSD-2-Clause */
/* api/api.h: what the public calls share: judging the addresses that an application gives. */
#ifndef API_API_H
#define API_API_H

#include "stack/stack.h"

/* Where a packet from `local` (addr may be unspecified) to `remote` would go, and its source. */
struct api_way {
    unsigned iface;
    struct tern_addr src;
    bool group; /* remote is a broadcast or multicast address */
};
/* 0, or EINVAL (no remote), EAFNOSUPPORT, ENETUNREACH (no route), EADDRNOTAVAIL (local is not ours,
 * or cannot be used towards remote). */
int api_way(const struct tern_stack *st, const struct tern_addr *local,
            const struct tern_addr *remote, struct api_way *out);
/* May something be bound to this address? 0, EAFNOSUPPORT or EADDRNOTAVAIL. */
int api_bind_ok(const struct tern_stack *st, const struct tern_addr *local);

#endif
