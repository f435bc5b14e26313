/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/session_link.h: the stacks of a run and the link between or under them. */
#ifndef CLI_SESSION_LINK_H
#define CLI_SESSION_LINK_H

#include "session.h"

/* True when somebody wants the trace. */
bool session_traced(const struct run_opts *o);
/* Makes the stacks and the link and attaches them to the loop. What was made is in s, whatever the
 * result. */
int session_link(struct session *s, char *why);

#endif
