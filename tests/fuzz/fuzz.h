/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz/fuzz.h: what the libFuzzer targets share. A target parses its input, and when that succeeds
 * the value must be as valid as the header promises and must survive building and parsing again.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include "base/assert.h"
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry point. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A law: its violation is a crash for the fuzzer to keep. */
#define fuzz_law(x) tern_assert(x)

/* A copy of the input in a block of just its size, so that AddressSanitizer sees each octet read
 * beyond it. The caller frees it; never NULL, for n = 0 too. */
uint8_t *fuzz_copy(const uint8_t *data, size_t n);

#endif
