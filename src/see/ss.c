/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * see/ss.c: the client's half of `tern ss`. Everything is read from the run's JSON document, which
 * may come from another version of tern: what is missing is left out, what is unknown is not read.
 */
#include "see/ss.h"

#include "base/assert.h"
#include "see/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum ss_col { COL_NETID, COL_STATE, COL_RECVQ, COL_SENDQ, COL_LOCAL, COL_PEER, COL_REST, SS_COLS };

struct ss_row {
    char cell[COL_REST][TEXT_ENDPOINT + 8];
    char *rest;    /* process, timer, extended: after the last column */
    char *details; /* a line of its own */
};

struct ss_table {
    struct ss_row *row;
    size_t n, cap;
    bool failed;
};

/* ---- reading a document ---- */

static const char *get_str(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static uint64_t get_int(const json_t *o, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

static bool get_bool(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static void get_endpoint(const json_t *o, const char *key, struct tern_endpoint *e)
{
    const json_t *ep = json_object_get(o, key);
    memset(e, 0, sizeof *e);
    if (inet_pton(AF_INET, get_str(ep, "addr"), e->addr.b) == 1)
        e->addr.fam = TERN_AF_IP4;
    e->port = (uint16_t)get_int(ep, "port");
}

static enum tern_tcp_state get_state(const json_t *o)
{
    const char *name = get_str(o, "state");
    for (unsigned s = 0; s < TERN_TCP_STATES; s++) {
        if (strcmp(name, tern_tcp_state_name((enum tern_tcp_state)s)) == 0)
            return (enum tern_tcp_state)s;
    }
    return TERN_TCP_CLOSED;
}

static bool is_udp(const json_t *o)
{
    return strcmp(get_str(o, "proto"), "udp") == 0;
}

static bool ss_shows(const struct ss_style *style, const json_t *o)
{
    struct tern_endpoint local, remote;
    if (is_udp(o) ? !style->udp : !style->tcp)
        return false;
    get_endpoint(o, "local", &local);
    get_endpoint(o, "remote", &remote);
    return filter_match(&style->filter, get_state(o), &local, &remote);
}

/* Only the first stack, the program's own, unless all are wanted. */
static bool ss_shows_stack(const struct ss_style *style, size_t index)
{
    return index == 0 || style->all_stacks;
}

/* ---- cells ---- */

const char *ss_countdown(char buf[32], uint64_t us)
{
    uint64_t ms = us / 1000, s = ms / 1000;
    if (s >= 600 || (s >= 60 && s % 60 == 0))
        (void)snprintf(buf, 32, "%" PRIu64 "min", s / 60);
    else if (s >= 60)
        (void)snprintf(buf, 32, "%" PRIu64 "min%" PRIu64 "sec", s / 60, s % 60);
    else if (s >= 10 || (s > 0 && ms % 1000 < 100))
        (void)snprintf(buf, 32, "%" PRIu64 "sec", s);
    else if (s > 0)
        (void)snprintf(buf, 32, "%" PRIu64 ".%" PRIu64 "sec", s, ms % 1000 / 100);
    else
        (void)snprintf(buf, 32, "%" PRIu64 "ms", ms);
    return buf;
}

static const char *ss_state_name(enum tern_tcp_state s, bool udp)
{
    switch (s) {
    case TERN_TCP_ESTABLISHED:
        return "ESTAB";
    case TERN_TCP_SYN_RECEIVED:
        return "SYN-RECV";
    case TERN_TCP_CLOSED:
        return udp ? "UNCONN" : "CLOSED";
    default:
        return tern_tcp_state_name(s);
    }
}

static void cell_endpoint(char cell[TEXT_ENDPOINT + 8], const struct tern_endpoint *e, bool udp,
                          bool numeric)
{
    char addr[TEXT_ENDPOINT], buf[1024];
    struct servent se, *found = NULL;
    (void)text_addr(addr, &e->addr);
    if (!numeric && e->port)
        (void)getservbyport_r(htons(e->port), udp ? "udp" : "tcp", &se, buf, sizeof buf, &found);
    if (found && strlen(found->s_name) < 16)
        (void)snprintf(cell, TEXT_ENDPOINT + 8, "%.45s:%.15s", addr, found->s_name);
    else if (e->port)
        (void)snprintf(cell, TEXT_ENDPOINT + 8, "%.45s:%u", addr, (unsigned)e->port);
    else
        (void)snprintf(cell, TEXT_ENDPOINT + 8, "%.45s:*", addr);
}

/* What comes from another process must not move the cursor of this terminal. */
static void put_safe(FILE *f, const char *s)
{
    for (; *s; s++)
        (void)fputc((unsigned char)*s < 0x20 || *s == 0x7f || *s == '"' ? '?' : *s, f);
}

static char *cell_rest(const json_t *o, const struct ss_style *style)
{
    char *text = NULL, buf[32];
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    const json_t *process = json_object_get(o, "process"), *timer = json_object_get(o, "timer");
    if (style->process && process) {
        (void)fputs(" users:((\"", f);
        put_safe(f, get_str(process, "name"));
        (void)fprintf(f, "\",pid=%" PRIu64 "))", get_int(process, "pid"));
    }
    if (json_object_get(o, "cookie")) {
        uint64_t ms = get_int(o, "age_ms");
        (void)fprintf(f, " age:%" PRIu64 ".%" PRIu64 "s retries:%" PRIu64 " %s", ms / 1000,
                      ms % 1000 / 100, get_int(o, "retries"),
                      get_bool(o, "cookie") ? "cookie" : "kept");
    }
    if (style->timers && timer) {
        (void)fputs(" timer:(", f);
        put_safe(f, get_str(timer, "kind"));
        (void)fprintf(f, ",%s,%" PRIu64 ")", ss_countdown(buf, get_int(timer, "us")),
                      get_int(timer, "retries"));
    }
    if (style->extended) {
        (void)fprintf(f, " serial:%" PRIu64, get_int(o, "serial"));
        (void)fputs(get_bool(o, "orphan") ? " orphan" : "", f);
        (void)fputs(get_bool(o, "held") ? " held" : "", f);
    }
    return fclose(f) == 0 ? text : NULL;
}

static void put_ms(FILE *f, const char *name, uint64_t us)
{
    (void)fprintf(f, " %s:%" PRIu64, name, us / 1000);
    if (us % 1000)
        (void)fprintf(f, ".%03" PRIu64, us % 1000);
}

static void put_counts(FILE *f, const json_t *i)
{
    static const char *const keys[] = {
        "bytes_acked",     "bytes_received",    "segs_out",       "segs_in",
        "retrans",         "out_of_order",      "bytes_sent",     "bytes_retrans",
        "data_segs_out",   "data_segs_in",      "delivered_segs", "not_sent",
        "rcv_space",       "reordered",         "rto_total",      "busy_us",
        "rwnd_limited_us", "sndbuf_limited_us", "last_sent_ms",   "last_received_ms",
        "last_ack_ms",
    };
    for (unsigned k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        uint64_t v = get_int(i, keys[k]);
        if (v || k < 4)
            (void)fprintf(f, " %s:%" PRIu64, keys[k], v);
    }
}

/* What is known of the path. */
static void put_path(FILE *f, const json_t *i)
{
    if (get_int(i, "pmtu"))
        (void)fprintf(f, " pmtu:%" PRIu64, get_int(i, "pmtu"));
    if (get_int(i, "min_rtt_us"))
        put_ms(f, "minrtt", get_int(i, "min_rtt_us"));
    if (get_int(i, "rcv_rtt_us"))
        put_ms(f, "rcv_rtt", get_int(i, "rcv_rtt_us"));
    if (get_int(i, "delivery_bps"))
        (void)fprintf(f, " delivery_rate:%" PRIu64 "bps%s", get_int(i, "delivery_bps") * 8,
                      get_bool(i, "app_limited") ? " app_limited" : "");
    if (get_int(i, "pacing_bps"))
        (void)fprintf(f, " pacing_rate:%" PRIu64 "bps", get_int(i, "pacing_bps") * 8);
}

/* " md5", or " ao keyid:1,2": what signs, and what the peer is asked to sign with. */
static void put_signed(FILE *f, const json_t *i)
{
    if (!json_object_get(i, "signed"))
        return;
    (void)fputc(' ', f);
    put_safe(f, get_str(i, "signed"));
    if (json_object_get(i, "ao_key"))
        (void)fprintf(f, " keyid:%" PRIu64 ",%" PRIu64, get_int(i, "ao_key"),
                      get_int(i, "ao_rnext"));
}

static char *cell_details(const json_t *o)
{
    const json_t *i = json_object_get(o, "info");
    char *text = NULL;
    size_t n = 0;
    if (!i)
        return NULL;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    uint64_t mss = get_int(i, "mss");
    (void)fputs(get_bool(i, "timestamps") ? " ts" : "", f);
    (void)fputs(get_bool(i, "sack") ? " sack" : "", f);
    if (json_object_get(i, "ecn"))
        (void)fprintf(f, " %s%s", get_bool(i, "ecn_seen") ? "ecnseen " : "",
                      strcmp(get_str(i, "ecn"), "accurate") == 0 ? "accecn" : "ecn");
    (void)fputs(get_bool(i, "fastopen") ? " fastopen" : "", f);
    put_signed(f, i);
    (void)fputc(' ', f);
    put_safe(f, get_str(i, "cc"));
    if (json_object_get(i, "snd_wscale"))
        (void)fprintf(f, " wscale:%" PRIu64 ",%" PRIu64, get_int(i, "snd_wscale"),
                      get_int(i, "rcv_wscale"));
    put_ms(f, "rto", get_int(i, "rto_us"));
    put_ms(f, "rtt", get_int(i, "srtt_us"));
    uint64_t var = get_int(i, "rttvar_us");
    (void)fprintf(f, "/%" PRIu64 ".%03" PRIu64, var / 1000, var % 1000);
    (void)fprintf(f, " mss:%" PRIu64 " rcvmss:%" PRIu64 " cwnd:%" PRIu64, mss,
                  get_int(i, "rcv_mss"), mss ? get_int(i, "cwnd") / mss : 0);
    if (json_object_get(i, "ssthresh"))
        (void)fprintf(f, " ssthresh:%" PRIu64, mss ? get_int(i, "ssthresh") / mss : 0);
    (void)fprintf(f, " snd_wnd:%" PRIu64 " rcv_wnd:%" PRIu64, get_int(i, "snd_wnd"),
                  get_int(i, "rcv_wnd"));
    put_path(f, i);
    put_counts(f, i);
    return fclose(f) == 0 ? text : NULL;
}

/* ---- the table ---- */

static struct ss_row *table_row(struct ss_table *t)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        struct ss_row *row = realloc(t->row, cap * sizeof *row);
        if (!row) {
            t->failed = true;
            return NULL;
        }
        t->row = row;
        t->cap = cap;
    }
    memset(&t->row[t->n], 0, sizeof t->row[t->n]);
    return &t->row[t->n++];
}

static void table_add(struct ss_table *t, const json_t *o, const struct ss_style *style)
{
    struct tern_endpoint local, remote;
    struct ss_row *r = table_row(t);
    if (!r)
        return;
    bool udp = is_udp(o);
    get_endpoint(o, "local", &local);
    get_endpoint(o, "remote", &remote);
    (void)snprintf(r->cell[COL_NETID], sizeof r->cell[0], "%s", udp ? "udp" : "tcp");
    (void)snprintf(r->cell[COL_STATE], sizeof r->cell[0], "%s", ss_state_name(get_state(o), udp));
    (void)snprintf(r->cell[COL_RECVQ], sizeof r->cell[0], "%" PRIu64, get_int(o, "recv_q"));
    (void)snprintf(r->cell[COL_SENDQ], sizeof r->cell[0], "%" PRIu64, get_int(o, "send_q"));
    cell_endpoint(r->cell[COL_LOCAL], &local, udp, style->numeric);
    cell_endpoint(r->cell[COL_PEER], &remote, udp, style->numeric);
    r->rest = cell_rest(o, style);
    r->details = style->details ? cell_details(o) : NULL;
}

static void table_free(struct ss_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->row[i].rest);
        free(t->row[i].details);
    }
    free(t->row);
}

static const char *const headers[SS_COLS] = {
    "Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process"};

static void print_cell(FILE *f, const char *text, size_t width, bool last)
{
    if (last)
        (void)fputs(text, f);
    else
        (void)fprintf(f, "%-*s ", (int)width, text);
}

static void table_widths(const struct ss_table *t, const struct ss_style *style,
                         size_t width[COL_REST])
{
    for (unsigned c = 0; c < COL_REST; c++) {
        width[c] = style->no_header ? 0 : strlen(headers[c]);
        for (size_t i = 0; i < t->n; i++) {
            size_t w = strlen(t->row[i].cell[c]);
            width[c] = w > width[c] ? w : width[c];
        }
    }
}

static void row_print(FILE *f, const struct ss_row *r, unsigned first, const size_t width[COL_REST])
{
    bool rest = r->rest && r->rest[0];
    for (unsigned c = first; c <= COL_PEER; c++)
        print_cell(f, r->cell[c], width[c], c == COL_PEER && !rest);
    (void)fprintf(f, "%s\n", rest ? r->rest + 1 : "");
    if (r->details)
        (void)fprintf(f, "\t%s\n", r->details);
}

static void table_print(FILE *f, const struct ss_table *t, const struct ss_style *style)
{
    size_t width[COL_REST];
    unsigned first = style->tcp && style->udp ? COL_NETID : COL_STATE;
    table_widths(t, style, width);
    for (unsigned c = first; !style->no_header && c <= COL_PEER; c++)
        print_cell(f, headers[c], width[c], c == COL_PEER && !style->process);
    if (!style->no_header)
        (void)fprintf(f, "%s\n", style->process ? headers[COL_REST] : "");
    for (size_t i = 0; i < t->n; i++)
        row_print(f, &t->row[i], first, width);
}

/* ---- -s ---- */

static void summary_print(FILE *f, const json_t *sockets)
{
    unsigned by[TERN_TCP_STATES] = {0}, tcp = 0, udp = 0, orphans = 0;
    size_t i;
    json_t *o;
    json_array_foreach(sockets, i, o)
    {
        if (is_udp(o)) {
            udp++;
            continue;
        }
        tcp++;
        by[get_state(o)]++;
        orphans += get_bool(o, "orphan") && get_state(o) != TERN_TCP_TIME_WAIT;
    }
    (void)fprintf(
        f,
        "Total: %u\nTCP:   %u (estab %u, listening %u, syn-recv %u, orphaned %u, timewait "
        "%u)\nUDP:   %u\n",
        tcp + udp, tcp, by[TERN_TCP_ESTABLISHED], by[TERN_TCP_LISTEN], by[TERN_TCP_SYN_RECEIVED],
        orphans, by[TERN_TCP_TIME_WAIT], udp);
}

static void reasons_print(FILE *f, const json_t *syn)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(syn, "reasons"), i, o)
    {
        (void)fputs(i ? ", " : " (", f);
        put_safe(f, json_string_value(o) ? json_string_value(o) : "");
    }
    (void)fputs(i ? ")\n" : "\n", f);
}

/* The listeners: verdict, last second, all time, who sends most. */
static void syn_print(FILE *f, const json_t *syn)
{
    const char *key;
    json_t *v;
    size_t i;
    bool offload = json_is_true(json_object_get(syn, "offload"));
    if (!syn || (!offload && get_int(syn, "total") == 0 && get_int(syn, "verdict_number") == 0))
        return;
    (void)fputs("SYN:   ", f);
    put_safe(f, get_str(syn, "verdict"));
    reasons_print(f, syn);
    uint64_t bits = get_int(syn, "entropy_mbit");
    (void)fprintf(f,
                  "       %" PRIu64 "/s, completed %" PRIu64 "/s, SYN-ACKs sent again %" PRIu64
                  "/s, source entropy %" PRIu64 ".%" PRIu64 " of 8 bits, half-open %" PRIu64
                  " of %" PRIu64 "\n       all time: %" PRIu64,
                  get_int(syn, "per_second"), get_int(syn, "completed"),
                  get_int(syn, "retransmitted"), bits / 1000, bits % 1000 / 100,
                  get_int(syn, "half_open"), get_int(syn, "half_open_max"), get_int(syn, "total"));
    json_object_foreach(json_object_get(syn, "outcomes"), key, v)
    {
        if (json_integer_value(v) == 0)
            continue;
        (void)fputs(", ", f);
        put_safe(f, key);
        (void)fprintf(f, " %" JSON_INTEGER_FORMAT, json_integer_value(v));
    }
    if (offload || get_int(syn, "offloaded") != 0)
        (void)fprintf(f, "\n       at the device: %s, %" PRIu64 " cookies given out",
                      offload ? "helps" : "helps no longer", get_int(syn, "offloaded"));
    json_array_foreach(json_object_get(syn, "top"), i, v)
    {
        if (i == 5)
            break;
        (void)fputs(i ? ", " : "\n       most from: ", f);
        put_safe(f, get_str(v, "prefix"));
        (void)fprintf(f, "/%" PRIu64 " %" PRIu64, get_int(v, "length"), get_int(v, "syns"));
    }
    (void)fputc('\n', f);
}

/* ---- runs ---- */

static void heading_print(FILE *f, const json_t *run, const json_t *stack,
                          const struct ss_style *style)
{
    (void)fputs(style->colour ? "\033[1m# " : "# ", f);
    put_safe(f, get_str(run, "name"));
    (void)fprintf(f, ", pid %" PRIu64 ", ", get_int(run, "pid"));
    put_safe(f, get_str(stack, "name"));
    (void)fputs(style->colour ? "\033[0m\n" : "\n", f);
}

/* One stack's table. False when there was no memory. */
static bool stack_print(FILE *f, const json_t *stack, const struct ss_style *style)
{
    const json_t *sockets = json_object_get(stack, "sockets");
    struct ss_table t = {0};
    size_t i;
    json_t *o;
    if (style->summary) {
        summary_print(f, sockets);
        syn_print(f, json_object_get(stack, "syn"));
        return true;
    }
    json_array_foreach(sockets, i, o)
    {
        if (ss_shows(style, o))
            table_add(&t, o, style);
    }
    table_print(f, &t, style);
    table_free(&t);
    return !t.failed;
}

int ss_print(FILE *f, struct json_t *const *runs, unsigned n, const struct ss_style *style)
{
    bool ok = true, none = true;
    bool headings = (n > 1 || style->all_stacks) && !style->no_header;
    for (unsigned k = 0; k < n; k++) {
        size_t s;
        json_t *stack;
        json_array_foreach(json_object_get(runs[k], "stacks"), s, stack)
        {
            if (!ss_shows_stack(style, s))
                continue;
            if (headings)
                heading_print(f, runs[k], stack, style);
            ok &= stack_print(f, stack, style);
            none = false;
        }
    }
    if (none && !style->summary)
        table_print(f, &(struct ss_table){0}, style);
    return ok && fflush(f) == 0 && !ferror(f) ? 0 : -1;
}

static json_t *run_filtered(const json_t *run, const struct ss_style *style)
{
    json_t *copy = json_deep_copy(run), *stacks = json_array(), *stack;
    size_t s;
    json_array_foreach(json_object_get(run, "stacks"), s, stack)
    {
        json_t *kept = json_array(), *o, *out = json_object();
        size_t i;
        if (ss_shows_stack(style, s)) {
            json_array_foreach(json_object_get(stack, "sockets"), i, o)
            {
                if (ss_shows(style, o))
                    (void)json_array_append(kept, o);
            }
            (void)json_object_set(out, "name", json_object_get(stack, "name"));
            (void)json_object_set(out, "sockets", kept);
            if (json_object_get(stack, "syn"))
                (void)json_object_set(out, "syn", json_object_get(stack, "syn"));
            if (json_object_get(stack, "counters"))
                (void)json_object_set(out, "counters", json_object_get(stack, "counters"));
            (void)json_array_append(stacks, out);
        }
        json_decref(kept);
        json_decref(out);
    }
    (void)json_object_set_new(copy, "stacks", stacks);
    return copy;
}

int ss_print_json(FILE *f, struct json_t *const *runs, unsigned n, const struct ss_style *style)
{
    json_t *o = json_object(), *list = json_array();
    for (unsigned k = 0; k < n; k++)
        (void)json_array_append_new(list, run_filtered(runs[k], style));
    (void)json_object_set_new(o, "version", json_integer(1));
    (void)json_object_set_new(o, "runs", list);
    int rc = json_dumpf(o, f, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    (void)fputc('\n', f);
    json_decref(o);
    return rc == 0 && fflush(f) == 0 && !ferror(f) ? 0 : -1;
}
