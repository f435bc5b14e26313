/* SPDX-License-Identifier: BSD-2-Clause */
/* base/assert.h: assertions that stay on in production. The hook is the host's: libtern-io prints
 * and aborts; a fuzzer or a kernel-like host may do otherwise, but must not return. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

__attribute__((noreturn, cold, visibility("default"))) void
tern_assert_fail(const char *file, int line, const char *expr);

#define tern_assert(x)                                                                             \
    do {                                                                                           \
        if (__builtin_expect(!(x), 0))                                                             \
            tern_assert_fail(__FILE__, __LINE__, #x);                                              \
    } while (0)

#endif
