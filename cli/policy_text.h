/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/policy_text.h: a listener's policy as people type it. */
#ifndef CLI_POLICY_TEXT_H
#define CLI_POLICY_TEXT_H

#include <stdbool.h>
#include <tern/socket.h>

#define POLICY_WORDS                                                                               \
    "cookies=overflow|always, drop, drop-oldest, queue=N, timeout=TIME, retries=N, prefix=N, "     \
    "staged[=HALF/RETRIED|=off], abort[=off], default"
#define POLICY_TEXT 256

/* What a policy is before anything was said: the stack's defaults. */
void policy_text_init(struct tern_listener_policy *p);
/* One or more words with commas between them, such as "cookies=always,timeout=5s"; later words win.
 * Adds to *p. 0, or -1 with one line in why[TERN_WHY]; then *p is as it was. */
int policy_text_parse(const char *text, struct tern_listener_policy *p, char *why);
/* The policy in the same words; buf. */
const char *policy_text_print(const struct tern_listener_policy *p, char buf[POLICY_TEXT]);

#endif
