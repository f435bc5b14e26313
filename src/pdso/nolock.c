/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pdso/nolock.c: preloaded in front of packetdrill (LD_PRELOAD) when it runs without privilege: it
 * wants its memory locked, which takes root or a large limit, and matters only to a clock that is
 * real.
 */
#include <sys/mman.h>

__attribute__((visibility("default"))) int mlockall(int flags)
{
    (void)flags;
    return 0;
}
