/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy_text.h"

#include "port/why.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

void policy_text_init(struct tern_listener_policy *p)
{
    *p = (struct tern_listener_policy){.policy = TERN_SYN_COOKIES_OVERFLOW,
                                       .retries = TERN_SYN_RETRIES_DEFAULT};
}

/* The words that stand alone. */
static bool policy_flag(const char *word, struct tern_listener_policy *p)
{
    static const struct {
        const char *word;
        enum tern_syn_policy policy;
    } names[] = {{"cookies=overflow", TERN_SYN_COOKIES_OVERFLOW},
                 {"cookies=always", TERN_SYN_COOKIES_ALWAYS},
                 {"drop", TERN_SYN_DROP_NEW},
                 {"drop-oldest", TERN_SYN_DROP_OLDEST}};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(word, names[i].word) == 0) {
            p->policy = (uint8_t)names[i].policy;
            return true;
        }
    }
    bool on = strcmp(word, "staged") == 0 || strcmp(word, "abort") == 0;
    if (on || strcmp(word, "staged=off") == 0 || strcmp(word, "abort=off") == 0) {
        *(word[0] == 's' ? &p->staged : &p->abort_on_overflow) = on;
        return true;
    }
    if (strcmp(word, "default") != 0)
        return false;
    policy_text_init(p);
    return true;
}

/* HALF/RETRIED */
static int policy_staged(const char *text, struct tern_listener_policy *p, char *why)
{
    char half[16];
    uint64_t a, b;
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : 0;
    if (n > 0 && n < sizeof half) {
        memcpy(half, text, n);
        half[n] = '\0';
        if (value_number(half, 1, 1u << 24, &a, why) == 0 &&
            value_number(slash + 1, 1, 1u << 24, &b, why) == 0) {
            p->staged = true;
            p->staged_half = (uint32_t)a;
            p->staged_retried = (uint32_t)b;
            return 0;
        }
    }
    why_set(why, VALUE_QUOTE ": not two thresholds such as 400/200", text);
    return -1;
}

/* NAME=VALUE; 1 = it is none of these. */
static int policy_value(const char *word, struct tern_listener_policy *p, char *why)
{
    uint64_t n;
    if (strncmp(word, "queue=", 6) == 0) {
        if (value_number(word + 6, 1, 1u << 24, &n, why) < 0)
            return -1;
        p->queue = (uint32_t)n;
    } else if (strncmp(word, "retries=", 8) == 0) {
        if (value_number(word + 8, 0, 11, &n, why) < 0)
            return -1;
        p->retries = (uint8_t)n;
    } else if (strncmp(word, "prefix=", 7) == 0) {
        if (value_number(word + 7, 1, 1u << 24, &n, why) < 0)
            return -1;
        p->prefix_half = (uint32_t)n;
    } else if (strncmp(word, "timeout=", 8) == 0) {
        if (value_time_us(word + 8, &n, why) < 0)
            return -1;
        p->timeout_ms = (uint32_t)((n + 999) / 1000);
    } else if (strncmp(word, "staged=", 7) == 0) {
        return policy_staged(word + 7, p, why);
    } else {
        return 1;
    }
    return 0;
}

const char *policy_text_print(const struct tern_listener_policy *p, char buf[POLICY_TEXT])
{
    static const char *const names[] = {"cookies=overflow", "cookies=always", "drop",
                                        "drop-oldest"};
    FILE *f = fmemopen(buf, POLICY_TEXT, "w");
    if (!f)
        return "?";
    (void)fputs(names[p->policy < 4 ? p->policy : 0], f);
    if (p->queue)
        (void)fprintf(f, ",queue=%u", (unsigned)p->queue);
    if (p->timeout_ms)
        (void)fprintf(f, ",timeout=%ums", (unsigned)p->timeout_ms);
    if (p->retries != TERN_SYN_RETRIES_DEFAULT)
        (void)fprintf(f, ",retries=%u", (unsigned)p->retries);
    if (p->prefix_half)
        (void)fprintf(f, ",prefix=%u", (unsigned)p->prefix_half);
    if (p->staged && p->staged_half && p->staged_retried)
        (void)fprintf(f, ",staged=%u/%u", (unsigned)p->staged_half, (unsigned)p->staged_retried);
    else if (p->staged)
        (void)fputs(",staged", f);
    if (p->abort_on_overflow)
        (void)fputs(",abort", f);
    (void)fclose(f);
    return buf;
}

int policy_text_parse(const char *text, struct tern_listener_policy *p, char *why)
{
    char buf[160];
    struct tern_listener_policy out = *p;
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof buf) {
        why_set(why, VALUE_QUOTE ": not a policy: " POLICY_WORDS, text);
        return -1;
    }
    memcpy(buf, text, len + 1);
    char *rest = buf;
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        if (policy_flag(word, &out))
            continue;
        int r = policy_value(word, &out, why);
        if (r > 0)
            why_set(why, VALUE_QUOTE ": not a policy: " POLICY_WORDS, word);
        if (r != 0)
            return -1;
    }
    *p = out;
    return 0;
}
