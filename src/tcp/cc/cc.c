/* SPDX-License-Identifier: BSD-2-Clause */
/* tcp/cc/cc.c: the congestion controls there are, by number. */
#include "tcp/cc/cc.h"
#include "base/assert.h"
#include <stddef.h>
#include <tern/config.h>

static const struct cc_ops *const plugins[TERN_CC_COUNT] = {
    [TERN_CC_RENO] = &cc_reno,
    [TERN_CC_CUBIC] = &cc_cubic,
    [TERN_CC_BBR] = &cc_bbr,
    [TERN_CC_NONE] = &cc_none,
};

const struct cc_ops *cc_ops_of(unsigned which) /* [RFC9293:MAY-18] */
{
    tern_assert(which < TERN_CC_COUNT);
    tern_assert(plugins[which] != NULL && plugins[which]->ext_size <= CC_EXT_MAX);
    return plugins[which];
}
