/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/inner.h"

#include "base/assert.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static const char *const attacks[LAB_ATTACKS] = {"syn", "syn-same", "ack",        "syn-ack",
                                                 "rst", "stall",    "zero-window"};

const char *lab_attack_name(unsigned attack)
{
    return attack < LAB_ATTACKS ? attacks[attack] : NULL;
}

static int lab_said(FILE *f)
{
    return fflush(f) == 0 && !ferror(f) ? 0 : -1;
}

static double lab_percent(const struct lab_row *r)
{
    return r->tried ? 100.0 * (double)r->done / (double)r->tried : 0;
}

/* Nanoseconds, or "-" for what was not measured. */
static const char *lab_ns(char buf[24], double ns)
{
    (void)snprintf(buf, 24, isnan(ns) ? "-" : "%.0f", ns);
    return buf;
}

static void lab_table_row(FILE *f, const struct lab_row *r, int width, unsigned seconds)
{
    char grown[32] = "-", honest[48] = "-", cpu[24], beyond[24], device[24] = "-";
    if (r->failed) {
        (void)fprintf(f, "%-*s not run: %s\n", width, r->name, r->why);
        return;
    }
    if (r->memory != LAB_NO_MEMORY)
        (void)snprintf(grown, sizeof grown, "%" PRId64 " KB%s", r->grown / 1024,
                       r->memory == LAB_SLAB ? " slab" : "");
    if (r->offload && r->offloaded >= 0)
        (void)snprintf(device, sizeof device, "%" PRId64, r->offloaded);
    if (r->tried > 0)
        (void)snprintf(honest, sizeof honest, "%" PRIu64 "/%" PRIu64, r->done, r->tried);
    (void)fprintf(f, "%-*s %9.0f %9.0f %11s %9.3f %9.3f %13s %7s %7s %9" PRIu64 " %9s\n", width,
                  r->name, r->offered, (double)r->taken / seconds, honest, r->median_ms, r->p99_ms,
                  grown, lab_ns(cpu, r->cpu_ns), lab_ns(beyond, r->beyond_ns), r->syn_acks, device);
}

int lab_table(FILE *f, const struct lab_config *cfg, const struct lab_row *rows, unsigned n)
{
    int width = 24;
    for (unsigned i = 0; i < n; i++)
        width = (int)strlen(rows[i].name) > width ? (int)strlen(rows[i].name) : width;
    (void)fprintf(f,
                  "attack %s, %u a second for %u s, %u honest connects a second, seed %" PRIu64
                  ", %s clock\n%-*s %9s %9s %11s %9s %9s %13s %7s %7s %9s %9s\n",
                  lab_attack_name(cfg->attack), cfg->rate, cfg->seconds, cfg->honest, cfg->seed,
                  cfg->virtual ? "virtual" : "real", width, "policy", "forged/s", "arrived/s",
                  "honest", "median ms", "p99 ms", "memory", "CPU ns", "-link", "SYN-ACKs",
                  "at device");
    for (unsigned i = 0; i < n; i++)
        lab_table_row(f, &rows[i], width, cfg->seconds);
    return lab_said(f);
}

static json_t *lab_row_json(const struct lab_row *r, unsigned seconds)
{
    if (r->failed)
        return json_pack("{s:s, s:s}", "policy", r->name, "not_run", r->why);
    json_t *o = json_pack(
        "{s:s, s:I, s:f, s:I, s:f, s:I, s:I, s:f, s:f, s:I, s:I}", "policy", r->name, "forged",
        (json_int_t)r->forged, "forged_per_s", r->offered, "arrived", (json_int_t)r->taken,
        "arrived_per_s", (double)r->taken / seconds, "honest_tried", (json_int_t)r->tried,
        "honest_done", (json_int_t)r->done, "median_ms", r->median_ms, "p99_ms", r->p99_ms,
        "syn_acks", (json_int_t)r->syn_acks, "answers", (json_int_t)r->answers);
    if (o && !isnan(r->cpu_ns))
        (void)json_object_set_new(o, "cpu_ns_per_frame", json_real(r->cpu_ns));
    if (o && !isnan(r->beyond_ns))
        (void)json_object_set_new(o, "cpu_ns_beyond_link", json_real(r->beyond_ns));
    if (o && r->offloaded >= 0) {
        (void)json_object_set_new(o, "syn_offload", json_boolean(r->offload));
        (void)json_object_set_new(o, "syns_offloaded", json_integer(r->offloaded));
    }
    if (o && r->memory != LAB_NO_MEMORY)
        (void)json_object_set_new(o, r->memory == LAB_OWN ? "memory_grown" : "machine_slab_grown",
                                  json_integer(r->grown));
    return o;
}

int lab_json(FILE *f, const struct lab_config *cfg, const struct lab_row *rows, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        (void)json_array_append_new(list, lab_row_json(&rows[i], cfg->seconds));
    json_t *doc = json_pack("{s:i, s:s, s:i, s:i, s:i, s:I, s:b, s:o}", "v", 1, "attack",
                            lab_attack_name(cfg->attack), "rate", (int)cfg->rate, "seconds",
                            (int)cfg->seconds, "honest_per_s", (int)cfg->honest, "seed",
                            (json_int_t)cfg->seed, "virtual", (int)cfg->virtual, "rows", list);
    int r = doc ? json_dumpf(doc, f, JSON_INDENT(1)) : -1;
    json_decref(doc);
    (void)fputc('\n', f);
    return r == 0 ? lab_said(f) : -1;
}

#define SVG_LEFT 320
#define SVG_BAR  300
#define SVG_LINE 26

/* A bar a row: the share of honest connects that succeeded; behind it times and cost. */
static bool svg_kernel(const struct lab_row *r)
{
    return strncmp(r->name, "kernel", 6) == 0 || strncmp(r->name, "veth", 4) == 0;
}

/* What stands behind the bar. */
static void svg_words(FILE *f, const struct lab_row *r)
{
    char cpu[24];
    if (r->failed)
        (void)fputs("not run", f);
    else if (r->tried == 0)
        (void)fprintf(f, "no server, %s ns a frame", lab_ns(cpu, r->cpu_ns));
    else
        (void)fprintf(f, "%.1f %%, p99 %.2f ms, %s ns a frame", lab_percent(r), r->p99_ms,
                      lab_ns(cpu, r->cpu_ns));
}

int lab_svg(FILE *f, const struct lab_config *cfg, const struct lab_row *rows, unsigned n)
{
    (void)fprintf(f,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
                  "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%%\" "
                  "height=\"100%%\" fill=\"#fff\"/>\n<text x=\"10\" y=\"24\" font-weight=\"bold\">"
                  "Honest connects that succeed: %s, %u a second</text>\n",
                  SVG_LEFT + SVG_BAR + 330, 50 + n * SVG_LINE, lab_attack_name(cfg->attack),
                  cfg->rate);
    for (unsigned i = 0; i < n; i++) {
        const struct lab_row *r = &rows[i];
        unsigned y = 44 + i * SVG_LINE;
        double share = r->failed ? 0 : lab_percent(r);
        (void)fprintf(f, "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">%s</text>\n", SVG_LEFT - 10,
                      y + 14, r->name);
        (void)fprintf(f,
                      "<rect x=\"%d\" y=\"%u\" width=\"%d\" height=\"18\" fill=\"#eee\"/>"
                      "<rect x=\"%d\" y=\"%u\" width=\"%.1f\" height=\"18\" fill=\"%s\"/>\n",
                      SVG_LEFT, y, SVG_BAR, SVG_LEFT, y, share * SVG_BAR / 100,
                      svg_kernel(r) ? "#999" : "#2a7f62");
        (void)fprintf(f, "<text x=\"%d\" y=\"%u\">", SVG_LEFT + SVG_BAR + 10, y + 14);
        svg_words(f, r);
        (void)fputs("</text>\n", f);
    }
    (void)fputs("</svg>\n", f);
    return lab_said(f);
}
