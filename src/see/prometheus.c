/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/prometheus.c: one walk over the documents for each metric, because all samples of a metric
 * must follow its TYPE line.
 */
#include "see/prometheus.h"

#include <jansson.h>
#include <string.h>

/* A label's value: backslash, quote and newline are escaped, control characters are not printed. */
static void label(FILE *f, const char *name, const char *value)
{
    (void)fprintf(f, "%s=\"", name);
    for (const char *c = value ? value : ""; *c; c++) {
        if (*c == '"' || *c == '\\')
            (void)fputc('\\', f);
        if ((unsigned char)*c >= 0x20)
            (void)fputc(*c, f);
    }
    (void)fputc('"', f);
}

static void sample(FILE *f, const char *metric, const json_t *run, const json_t *stack,
                   const char *key, const char *value, const json_t *number)
{
    (void)fprintf(f, "%s{", metric);
    label(f, "run", json_string_value(json_object_get(run, "name")));
    (void)fprintf(f, ",pid=\"%" JSON_INTEGER_FORMAT "\",",
                  json_integer_value(json_object_get(run, "pid")));
    label(f, "stack", json_string_value(json_object_get(stack, "name")));
    if (key) {
        (void)fputc(',', f);
        label(f, key, value);
    }
    if (json_is_boolean(number))
        (void)fprintf(f, "} %d\n", json_is_true(number));
    else
        (void)fprintf(f, "} %" JSON_INTEGER_FORMAT "\n", json_integer_value(number));
}

/* How one metric is found in a stack's document. */
struct metric {
    const char *name, *type, *help;
    const char *group, *field; /* group: an object of the stack, field: a number in it, or */
    const char *key;           /* ... an object of numbers, whose names become this label */
};

static const struct metric metrics[] = {
    {"tern_syn_verdict", "gauge", "0 normal, 1 suspicious, 2 flood", "syn", "verdict_number", NULL},
    {"tern_syn_reason", "gauge", "Why the verdict is not normal", "syn", "reason_flags", "reason"},
    {"tern_syns_per_second", "gauge", "SYNs to listeners in the last second", "syn", "per_second",
     NULL},
    {"tern_syn_completed_per_second", "gauge", "Handshakes completed in the last second", "syn",
     "completed", NULL},
    {"tern_syn_source_entropy_millibits", "gauge",
     "Entropy of the SYNs' sources: 0 one network, 8000 random", "syn", "entropy_mbit", NULL},
    {"tern_syns_total", "counter", "SYNs that reached a listener", "syn", "total", NULL},
    {"tern_syn_outcomes_total", "counter", "What became of SYNs and of the ACKs that followed",
     "syn", "outcomes", "outcome"},
    {"tern_syn_offload", "gauge", "1: a program at the device gives out cookies, too", "syn",
     "offload", NULL},
    {"tern_syn_offloaded_total", "counter", "SYNs answered at the device", "syn", "offloaded",
     NULL},
    {"tern_half_open", "gauge", "Half-open records", "syn", "half_open", NULL},
    {"tern_half_open_limit", "gauge", "Half-open records that may be", "syn", "half_open_max",
     NULL},
    {"tern_causes_total", "counter", "How often a cause was the reason of something", "counters",
     NULL, "cause"},
};

static void stack_print(FILE *f, const struct metric *m, const json_t *run, const json_t *stack)
{
    json_t *v = json_object_get(stack, m->group);
    if (m->field)
        v = json_object_get(v, m->field);
    if (!v)
        return;
    if (!m->key) {
        sample(f, m->name, run, stack, NULL, NULL, v);
        return;
    }
    const char *key;
    json_t *number;
    json_object_foreach(v, key, number) sample(f, m->name, run, stack, m->key, key, number);
}

int prometheus_print(FILE *f, struct json_t *const *runs, unsigned n)
{
    for (unsigned i = 0; i < sizeof metrics / sizeof metrics[0]; i++) {
        const struct metric *m = &metrics[i];
        (void)fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
        for (unsigned k = 0; k < n; k++) {
            size_t s;
            json_t *stack;
            json_array_foreach(json_object_get(runs[k], "stacks"), s, stack)
                stack_print(f, m, runs[k], stack);
        }
    }
    return fflush(f) == 0 && !ferror(f) ? 0 : -1;
}
