/* SPDX-License-Identifier: BSD-2-Clause */
/* port/why.h: the one line that a failing function of the shell leaves for a person. */
#ifndef PORT_WHY_H
#define PORT_WHY_H

#include <tern/port.h>

/* printf into why[TERN_WHY], cut to fit; nothing when why is NULL. Say what failed, where, and how
 * to mend it; without "tern:" in front and without a newline. */
__attribute__((format(printf, 2, 3))) void why_set(char *why, const char *fmt, ...);

#endif
