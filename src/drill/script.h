/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/script.h: a script of packetdrill's language as it was read: a list of events in order,
 * each at an instant. docs/drill.md describes the language as far as it is spoken here.
 *
 * Everything that a script points to lives in its own arena and goes with script_free().
 */
#ifndef DRILL_SCRIPT_H
#define DRILL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pos {
    unsigned line, col; /* both from 1; the column counts octets */
};

/* ---- instants ---- */

enum when_kind {
    WHEN_ABS,       /* 1.5        since the script's begin */
    WHEN_REL,       /* +.1        since the event before */
    WHEN_ANY,       /* *          whenever it comes; outbound packets only */
    WHEN_ABS_RANGE, /* 1~2 */
    WHEN_REL_RANGE, /* +1~+2 */
};

struct when {
    enum when_kind kind;
    int64_t us, us2; /* us2: end of a range */
};

/* ---- expressions: arguments and results of calls ---- */

enum expr_kind {
    EXPR_ELLIPSIS, /* ...                     the runner's own choice */
    EXPR_INT,      /* 17, 0x11, -1 */
    EXPR_WORD,     /* SOL_SOCKET */
    EXPR_STRING,   /* "text", escapes resolved; an ellipsis behind it is ignored */
    EXPR_OR,       /* a|b: kids */
    EXPR_LIST,     /* [a, b] */
    EXPR_STRUCT,   /* {a, b} */
    EXPR_CALL,     /* htons(8080): text and kids */
    EXPR_ASSIGN,   /* events=POLLIN: text is the left side's name, its kid the right side */
};

struct expr {
    enum expr_kind kind;
    struct pos pos;
    int64_t num;
    const char *text;
    size_t len; /* of text; strings may hold zero octets */
    struct expr *kids, *next;
};

struct call {
    const char *name;
    struct expr *args;
    struct expr *result;
    const char *err; /* errno's name, NULL = none said */
    bool blocking;   /* t...t2 call(): may block until us2 */
    int64_t end_us;  /* on the same scale as the event's us */
};

/* ---- packets ---- */

enum pkt_proto { PKT_TCP, PKT_UDP, PKT_ICMP };

enum ecn_want { ECN_UNSAID, ECN_NONE, ECN_ECT0, ECN_ECT1, ECN_ECT01, ECN_CE };

#define PKT_OPTS   40 /* options of one packet: each takes an octet at least */
#define PKT_BLOCKS 4
#define TH_AE      0x100u /* the AccECN bit, beside TERN_TH_* */

struct popt {
    uint8_t kind;  /* as on the wire */
    uint8_t len;   /* octets of raw[], for kinds that are not spelled out below */
    uint8_t nblk;  /* SACK blocks */
    uint32_t a, b; /* mss; shift; TS val, ecr */
    struct {
        uint32_t lo, hi;
    } blk[PKT_BLOCKS];
    uint8_t raw[40];
};

enum {
    OPT_EOL = 0,
    OPT_NOP = 1,
    OPT_MSS = 2,
    OPT_WS = 3,
    OPT_SACKOK = 4,
    OPT_SACK = 5,
    OPT_TS = 8
};
enum {
    OPT_MD5 = 19,
    OPT_UTO = 28,
    OPT_AO = 29,
    OPT_FO = 34,
    OPT_ACC0 = 172,
    OPT_ACC1 = 174,
    OPT_EXP = 254
};

struct pkt {
    bool out; /* '>': the stack sends it */
    enum pkt_proto proto;
    bool has_ports; /* sport > dport were said */
    uint16_t sport, dport;
    uint8_t ecn;      /* enum ecn_want */
    int16_t tos, ttl; /* -1 = not said */
    uint16_t th;      /* TERN_TH_* and TH_AE */
    uint32_t seq, len, ack, win, urg;
    bool has_ack, has_win, has_urg;
    bool any_opts; /* <...> */
    uint8_t nopts;
    struct popt opt[PKT_OPTS];
    /* ICMP */
    uint8_t type, code;
    uint16_t mtu;
    bool has_quote; /* [seq:end(len)] */
};

/* ---- events ---- */

enum event_kind { EVENT_CALL, EVENT_PACKET, EVENT_COMMAND, EVENT_CODE };

struct event {
    enum event_kind kind;
    struct pos pos;   /* of its first octet */
    struct when when; /* commands before the first instant: absolute 0 */
    bool timeless;    /* a command without an instant: an init command */
    const char *text; /* EVENT_COMMAND, EVENT_CODE */
    struct pos text_pos;
    struct call *call;
    struct pkt *pkt;
    struct event *next;
};

struct option {
    struct pos pos;
    const char *name, *value; /* without the dashes; value "" when there is none */
    struct option *next;
};

struct chunk;

struct script {
    const char *path;
    char *src; /* the whole text, zero-terminated */
    size_t len;
    struct option *options;
    struct event *events;
    struct chunk *arena;
    struct pos err_pos; /* where it could not be read, and why; "" = it could */
    char err[256];
};

/* Reads a file (path is not copied). False: s->err says why; script_free() is due all the same. */
bool script_load(struct script *s, const char *path);
/* The same from memory; the text is copied. */
bool script_parse(struct script *s, const char *path, const char *text, size_t len);
void script_free(struct script *s);

/* Zeroed memory that lives as long as the script. */
void *script_take(struct script *s, size_t n);
char *script_text(struct script *s, const char *from, size_t n);

/* A line of the source, without its end; its length in *n. */
const char *script_line(const struct script *s, unsigned line, size_t *n);

#endif
