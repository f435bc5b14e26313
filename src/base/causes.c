/* SPDX-License-Identifier: BSD-2-Clause */
/* base/causes.c: the table behind tern_cause_name() and its sisters, made from causes.def. */
#include "base/causes.h"
#include <tern/types.h>

static const struct {
    const char *name, *ref, *text;
} cause_table[CAUSES] = {
#define CAUSE(id, name, ref, text) {name, ref, text},
#include "base/causes.def"
#undef CAUSE
};

unsigned tern_cause_count(void)
{
    return CAUSES;
}
const char *tern_cause_name(unsigned cause)
{
    return cause < CAUSES ? cause_table[cause].name : "unknown";
}
const char *tern_cause_ref(unsigned cause)
{
    return cause < CAUSES ? cause_table[cause].ref : "tern";
}
const char *tern_cause_text(unsigned cause)
{
    return cause < CAUSES ? cause_table[cause].text : "A cause this library does not know";
}
