/* SPDX-License-Identifier: BSD-2-Clause */
/* run/tcpinfo.c: TCP_INFO of a program's socket. */
#include "port/tcpinfo.h"

#include "run/sup.h"

#include <string.h>

size_t tcpinfo_fill(const struct sk *sk, void *buf, size_t len)
{
    struct tcpinfo ti;
    struct tern_info in;
    bool there =
        sk->h.id && tern_inspect(sk->run->cfg.st, sk->h, &in, tern_loop_now(sk->run->cfg.loop));
    tcpinfo_of(there ? &in : NULL, &ti);
    size_t n = sizeof ti < len ? sizeof ti : len;
    memcpy(buf, &ti, n);
    return n;
}
