/* SPDX-License-Identifier: BSD-2-Clause */
#include "see/netstat.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

/* The state's name there: SYN-RECEIVED is SYN_RECV, FIN-WAIT-1 is FIN_WAIT1. */
static const char *state_name(const char *state)
{
    static const struct {
        const char *rfc, *name;
    } names[] = {{"SYN-RECEIVED", "SYN_RECV"}, {"SYN-SENT", "SYN_SENT"},
                 {"FIN-WAIT-1", "FIN_WAIT1"},  {"FIN-WAIT-2", "FIN_WAIT2"},
                 {"CLOSE-WAIT", "CLOSE_WAIT"}, {"LAST-ACK", "LAST_ACK"},
                 {"TIME-WAIT", "TIME_WAIT"}};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(state, names[i].rfc) == 0)
            return names[i].name;
    }
    return state;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static const char *endpoint(char buf[80], const json_t *o)
{
    json_int_t port = json_integer_value(json_object_get(o, "port"));
    if (port)
        (void)snprintf(buf, 80, "%.45s:%" JSON_INTEGER_FORMAT, text_of(o, "addr"), port);
    else
        (void)snprintf(buf, 80, "%.45s:*", text_of(o, "addr"));
    return buf;
}

static bool shown(const struct netstat_style *style, const json_t *o)
{
    bool udp = strcmp(text_of(o, "proto"), "udp") == 0;
    const char *state = text_of(o, "state");
    bool listening = strcmp(state, udp ? "CLOSED" : "LISTEN") == 0;
    if (udp ? !style->udp : !style->tcp)
        return false;
    return style->all || listening == style->listening;
}

static void line_print(FILE *f, const json_t *o)
{
    char local[80], remote[80];
    bool udp = strcmp(text_of(o, "proto"), "udp") == 0;
    const char *state = text_of(o, "state");
    (void)fprintf(f, "%-5s %6" JSON_INTEGER_FORMAT " %6" JSON_INTEGER_FORMAT " %-23s %-23s %s\n",
                  text_of(o, "proto"), json_integer_value(json_object_get(o, "recv_q")),
                  json_integer_value(json_object_get(o, "send_q")),
                  endpoint(local, json_object_get(o, "local")),
                  endpoint(remote, json_object_get(o, "remote")),
                  udp && strcmp(state, "CLOSED") == 0 ? "" : state_name(state));
}

int netstat_print(FILE *f, struct json_t *const *runs, unsigned n,
                  const struct netstat_style *style)
{
    (void)fprintf(f, "Active Internet connections (%s)\n",
                  style->all         ? "servers and established"
                  : style->listening ? "only servers"
                                     : "w/o servers");
    (void)fputs("Proto Recv-Q Send-Q Local Address           Foreign Address         State\n", f);
    for (unsigned k = 0; k < n; k++) {
        const json_t *stack = json_array_get(json_object_get(runs[k], "stacks"), 0);
        size_t i;
        json_t *o;
        json_array_foreach(json_object_get(stack, "sockets"), i, o)
        {
            if (shown(style, o))
                line_print(f, o);
        }
    }
    return fflush(f) == 0 && !ferror(f) ? 0 : -1;
}
