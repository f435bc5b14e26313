/* SPDX-License-Identifier: BSD-2-Clause */
#include "see/filter.h"

#include "base/assert.h"
#include "base/bytes.h"
#include <tern/port.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

struct filter_input {
    char *const *words;
    int n, at;        /* the word */
    const char *rest; /* in it */
    char tok[WORD_MAX];
    bool end;
    struct filter *f;
    char *why;
    bool bad;
    unsigned depth;
};

static int filter_bad(struct filter_input *in, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int filter_bad(struct filter_input *in, const char *fmt, ...)
{
    va_list ap;
    if (!in->bad) {
        va_start(ap, fmt);
        (void)vsnprintf(in->why, TERN_WHY, fmt, ap);
        va_end(ap);
    }
    in->bad = true;
    return -1;
}

/* ---- words ---- */

static bool is_sign(char c)
{
    return c == '(' || c == ')' || c == '=' || c == '!' || c == '<' || c == '>' || c == '&' ||
           c == '|';
}

/* Octets of the token at p. */
static size_t token_length(const char *p)
{
    size_t n = 1;
    if (is_sign(*p)) {
        bool twice = (*p == '&' || *p == '|') && p[1] == *p;
        return twice || (strchr("=!<>", *p) && p[1] == '=') ? 2 : 1;
    }
    while (p[n] && !isspace((unsigned char)p[n]) && !is_sign(p[n]))
        n++;
    return n;
}

static void filter_next(struct filter_input *in)
{
    for (;;) {
        while (in->rest && isspace((unsigned char)*in->rest))
            in->rest++;
        if (in->rest && *in->rest)
            break;
        if (in->at >= in->n) {
            in->end = true;
            in->tok[0] = '\0';
            return;
        }
        in->rest = in->words[in->at++];
    }
    size_t n = token_length(in->rest);
    size_t keep = n < WORD_MAX ? n : WORD_MAX - 1;
    memcpy(in->tok, in->rest, keep);
    in->tok[keep] = '\0';
    in->rest += n;
}

static bool filter_is(const struct filter_input *in, const char *const *names)
{
    for (; *names; names++) {
        if (!in->end && strcmp(in->tok, *names) == 0)
            return true;
    }
    return false;
}

/* ---- states ---- */

static const struct {
    const char *name;
    uint32_t states;
} state_names[] = {
    {"established", 1u << TERN_TCP_ESTABLISHED},
    {"estab", 1u << TERN_TCP_ESTABLISHED},
    {"syn-sent", 1u << TERN_TCP_SYN_SENT},
    {"syn-recv", 1u << TERN_TCP_SYN_RECEIVED},
    {"syn-received", 1u << TERN_TCP_SYN_RECEIVED},
    {"fin-wait-1", 1u << TERN_TCP_FIN_WAIT_1},
    {"fin-wait-2", 1u << TERN_TCP_FIN_WAIT_2},
    {"time-wait", 1u << TERN_TCP_TIME_WAIT},
    {"close-wait", 1u << TERN_TCP_CLOSE_WAIT},
    {"last-ack", 1u << TERN_TCP_LAST_ACK},
    {"closing", 1u << TERN_TCP_CLOSING},
    {"closed", 1u << TERN_TCP_CLOSED},
    {"unconnected", 1u << TERN_TCP_CLOSED},
    {"listening", 1u << TERN_TCP_LISTEN},
    {"listen", 1u << TERN_TCP_LISTEN},
    {"all", FILTER_ALL},
    {"connected", FILTER_ALL & ~FILTER_LISTENING},
    {"synchronized", FILTER_ALL & ~FILTER_LISTENING & ~(1u << TERN_TCP_SYN_SENT)},
    {"bucket", FILTER_BUCKET},
    {"big", FILTER_ALL & ~FILTER_BUCKET},
};

static int filter_state(struct filter_input *in, bool exclude)
{
    filter_next(in);
    for (size_t i = 0; i < sizeof state_names / sizeof state_names[0]; i++) {
        if (in->end || strcasecmp(in->tok, state_names[i].name) != 0)
            continue;
        if (!in->f->states_given)
            in->f->states = exclude ? FILTER_ALL : 0;
        in->f->states_given = true;
        if (exclude)
            in->f->states &= ~state_names[i].states;
        else
            in->f->states |= state_names[i].states;
        filter_next(in);
        return 0;
    }
    return filter_bad(
        in,
        "'%s': not a state: established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, "
        "time-wait, close-wait, last-ack, closing, closed, listening, all, connected, "
        "synchronized, bucket, big",
        in->tok);
}

/* ---- expressions ---- */

static int filter_node(struct filter_input *in, const struct filter_node *nd)
{
    if (in->f->n == FILTER_NODES)
        return filter_bad(in, "the filter is too long: at most %d terms", FILTER_NODES);
    in->f->node[in->f->n] = *nd;
    return (int)in->f->n++;
}

static int filter_port_number(struct filter_input *in, const char *text, uint16_t *port)
{
    char *end = NULL;
    unsigned long v = isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 65536;
    if (end && *end == '\0' && v <= 65535) {
        *port = (uint16_t)v;
        return 0;
    }
    const struct servent *se = end ? NULL : getservbyname(text, "tcp");
    if (!se)
        se = end ? NULL : getservbyname(text, "udp");
    if (!se)
        return filter_bad(in, "'%s': not a port (0..65535) nor a service of /etc/services", text);
    *port = ntohs((uint16_t)se->s_port);
    return 0;
}

static int filter_term_port(struct filter_input *in, bool peer)
{
    static const struct {
        const char *text;
        enum filter_op op;
    } ops[] = {{"=", FILTER_EQ},  {"==", FILTER_EQ},  {"eq", FILTER_EQ},  {"!=", FILTER_NE},
               {"ne", FILTER_NE}, {"neq", FILTER_NE}, {"<", FILTER_LT},   {"lt", FILTER_LT},
               {"<=", FILTER_LE}, {"le", FILTER_LE},  {"leq", FILTER_LE}, {">", FILTER_GT},
               {"gt", FILTER_GT}, {">=", FILTER_GE},  {"ge", FILTER_GE},  {"geq", FILTER_GE}};
    struct filter_node nd = {.kind = FILTER_PORT, .peer = peer, .op = FILTER_EQ};
    filter_next(in);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (!in->end && strcmp(in->tok, ops[i].text) == 0) {
            nd.op = ops[i].op;
            filter_next(in);
            break;
        }
    }
    const char *text = in->tok[0] == ':' ? in->tok + 1 : in->tok;
    if (in->end || filter_port_number(in, text, &nd.port) < 0)
        return filter_bad(in, "'%s': a port is missing, as in 'dport = :443'", in->tok);
    filter_next(in);
    return filter_node(in, &nd);
}

/* ADDR[/PREFIX][:PORT], or :PORT */
static int filter_term_host(struct filter_input *in, bool peer)
{
    static const char *const eq[] = {"=", "==", "eq", NULL};
    struct filter_node nd = {.kind = FILTER_HOST, .peer = peer, .prefix = 32};
    char buf[WORD_MAX];
    filter_next(in);
    if (filter_is(in, eq))
        filter_next(in);
    memcpy(buf, in->tok, sizeof buf);
    char *colon = strrchr(buf, ':');
    if (colon) {
        *colon = '\0';
        if (strcmp(colon + 1, "*") != 0 && filter_port_number(in, colon + 1, &nd.port) < 0)
            return -1;
    }
    char *slash = strchr(buf, '/');
    if (slash) {
        char *end = NULL;
        *slash = '\0';
        unsigned long v = isdigit((unsigned char)slash[1]) ? strtoul(slash + 1, &end, 10) : 99;
        if (!end || *end || v > 32)
            return filter_bad(in, "'%s': not a prefix length of 0..32", in->tok);
        nd.prefix = (uint8_t)v;
    }
    if (buf[0] && strcmp(buf, "*") != 0) {
        if (inet_pton(AF_INET, buf, nd.addr.b) != 1)
            return filter_bad(in, "'%s': not an address[/prefix][:port], such as 10.0.0.0/8",
                              in->tok);
        nd.addr.fam = TERN_AF_IP4;
    } else if (in->end) {
        return filter_bad(in, "an address is missing after '%s'", peer ? "dst" : "src");
    }
    filter_next(in);
    return filter_node(in, &nd);
}

static int filter_or(struct filter_input *in);

static int filter_unary(struct filter_input *in)
{
    static const char *const nots[] = {"not", "!", NULL};
    if (in->bad || ++in->depth > 32)
        return filter_bad(in, "the filter is nested too deeply");
    int node = -1;
    if (filter_is(in, nots)) {
        filter_next(in);
        node = filter_unary(in);
        struct filter_node nd = {.kind = FILTER_NOT, .a = (uint8_t)node};
        node = node < 0 ? -1 : filter_node(in, &nd);
    } else if (strcmp(in->tok, "(") == 0) {
        filter_next(in);
        node = filter_or(in);
        if (node >= 0 && strcmp(in->tok, ")") != 0)
            return filter_bad(in, "a ')' is missing in the filter");
        filter_next(in);
    } else if (strcmp(in->tok, "dport") == 0 || strcmp(in->tok, "sport") == 0) {
        node = filter_term_port(in, in->tok[0] == 'd');
    } else if (strcmp(in->tok, "dst") == 0 || strcmp(in->tok, "src") == 0) {
        node = filter_term_host(in, in->tok[0] == 'd');
    } else {
        return filter_bad(in, "'%s': not a filter: state, exclude, dport, sport, dst, src, not, (",
                          in->tok);
    }
    in->depth--;
    return node;
}

static int filter_and(struct filter_input *in)
{
    static const char *const ands[] = {"and", "&&", "&", NULL};
    static const char *const starts[] = {"dport", "sport", "dst", "src", "not", "!", "(", NULL};
    int node = filter_unary(in);
    while (node >= 0 && (filter_is(in, ands) || filter_is(in, starts))) {
        if (filter_is(in, ands))
            filter_next(in);
        int right = filter_unary(in);
        struct filter_node nd = {.kind = FILTER_AND, .a = (uint8_t)node, .b = (uint8_t)right};
        node = right < 0 ? -1 : filter_node(in, &nd);
    }
    return node;
}

static int filter_or(struct filter_input *in)
{
    static const char *const ors[] = {"or", "||", "|", NULL};
    int node = filter_and(in);
    while (node >= 0 && filter_is(in, ors)) {
        filter_next(in);
        int right = filter_and(in);
        struct filter_node nd = {.kind = FILTER_OR, .a = (uint8_t)node, .b = (uint8_t)right};
        node = right < 0 ? -1 : filter_node(in, &nd);
    }
    return node;
}

int filter_parse(struct filter *f, uint32_t states, char *const *words, int n, char *why)
{
    tern_assert(n >= 0);
    memset(f, 0, sizeof *f);
    f->states = states;
    f->root = -1;
    struct filter_input in = {.words = words, .n = n, .f = f};
    in.why = why;
    filter_next(&in);
    while (!in.end && (strcmp(in.tok, "state") == 0 || strcmp(in.tok, "exclude") == 0)) {
        if (filter_state(&in, in.tok[0] == 'e') < 0)
            return -1;
    }
    if (in.end)
        return 0;
    f->root = filter_or(&in);
    if (f->root < 0)
        return -1;
    if (!in.end)
        return filter_bad(&in, "'%s': the filter ends before it", in.tok);
    return 0;
}

/* ---- matching ---- */

static bool node_port(const struct filter_node *nd, uint16_t port)
{
    switch (nd->op) {
    case FILTER_NE:
        return port != nd->port;
    case FILTER_LT:
        return port < nd->port;
    case FILTER_LE:
        return port <= nd->port;
    case FILTER_GT:
        return port > nd->port;
    case FILTER_GE:
        return port >= nd->port;
    default:
        return port == nd->port;
    }
}

static bool node_host(const struct filter_node *nd, const struct tern_endpoint *e)
{
    if (nd->port && e->port != nd->port)
        return false;
    if (nd->addr.fam == TERN_AF_NONE || nd->prefix == 0)
        return true;
    uint32_t mask = ~(nd->prefix == 32 ? 0u : 0xffffffffu >> nd->prefix);
    return e->addr.fam == nd->addr.fam &&
           ((be32_load(e->addr.b) ^ be32_load(nd->addr.b)) & mask) == 0;
}

static bool node_match(const struct filter *f, unsigned i, const struct tern_endpoint *local,
                       const struct tern_endpoint *remote)
{
    tern_assert(i < f->n);
    const struct filter_node *nd = &f->node[i];
    const struct tern_endpoint *e = nd->peer ? remote : local;
    switch (nd->kind) {
    case FILTER_AND:
        return node_match(f, nd->a, local, remote) && node_match(f, nd->b, local, remote);
    case FILTER_OR:
        return node_match(f, nd->a, local, remote) || node_match(f, nd->b, local, remote);
    case FILTER_NOT:
        return !node_match(f, nd->a, local, remote);
    case FILTER_PORT:
        return node_port(nd, e->port);
    default:
        return node_host(nd, e);
    }
}

bool filter_match(const struct filter *f, enum tern_tcp_state state,
                  const struct tern_endpoint *local, const struct tern_endpoint *remote)
{
    if (!(f->states >> state & 1))
        return false;
    return f->root < 0 || node_match(f, (unsigned)f->root, local, remote);
}

bool filter_keyword(const char *word)
{
    static const char *const words[] = {"state", "exclude", "dport", "sport", "dst",
                                        "src",   "not",     "(",     "!",     NULL};
    for (const char *const *w = words; *w; w++) {
        size_t n = strlen(*w);
        if (strncmp(word, *w, n) == 0 && !isalnum((unsigned char)word[n]) && word[n] != '-' &&
            word[n] != '_' && word[n] != '.')
            return true;
    }
    return word[0] == '(' || word[0] == '!';
}
