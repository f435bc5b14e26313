/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base/causes.h: the enum, names, references and texts of src/base/causes.def: why anything was
 * sent, dropped, armed or entered. Read through tern_cause_name() and its sisters.
 */
#ifndef BASE_CAUSES_H
#define BASE_CAUSES_H

enum cause {
#define CAUSE(id, name, ref, text) CAUSE_##id,
#include "base/causes.def"
#undef CAUSE
    CAUSES
};

#endif
