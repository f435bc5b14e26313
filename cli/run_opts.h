/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/run_opts.h: the options of `tern run`: one table, one struct, everything checked before
 * anything is started.
 */
#ifndef CLI_RUN_OPTS_H
#define CLI_RUN_OPTS_H

#include "values.h"
#include <tern/config.h>
#include <tern/socket.h>

enum run_link { RUN_LINK_WIRE, RUN_LINK_DEVICE };

#define RUN_FORWARDS 64

#define ECN_UNSAID         255
#define MTU_PROBING_UNSAID 255

struct run_opts {
    enum run_link link;
    struct value_device device; /* RUN_LINK_DEVICE */
    struct tern_addr addr;      /* 10.0.2.15 */
    uint8_t prefix;             /* 24 */
    struct tern_addr gw;        /* 10.0.2.2; NONE = none (only on a real link) */
    struct tern_addr dns;       /* NONE = where the program sent it */
    struct value_forward forward[RUN_FORWARDS];
    unsigned nforward;
    uint16_t mtu;                     /* 1500; 0 = the device's own */
    struct tern_impair_config impair; /* both directions; its seed is set from `seed` */
    const char *pcapng, *events;
    bool ladder;
    const char *ladder_file; /* NULL = standard error */
    bool seeded;
    uint64_t seed;
    const char *name; /* NULL = from the program's */
    uint8_t cc;       /* enum tern_cc */
    bool cc_given;
    uint8_t ecn;         /* as tern_config.ecn; ECN_UNSAID = the profile's */
    uint8_t profile;     /* enum tern_profile */
    uint8_t syn_offload; /* enum value_offload */
    uint8_t mtu_probing; /* as tern_config.mtu_probing; MTU_PROBING_UNSAID = the profile's */
    uint32_t uto_s;      /* as tern_config.uto_s */
    bool policy_given;
    struct tern_listener_policy policy; /* of the program's listeners */
    uint32_t backlog;                   /* 0 = what the program asks for */
    uint32_t msl_ms;                    /* 0 = the stack's default */
    char **argv;                        /* the program and its arguments, NULL-terminated */
};

enum run_opts_result {
    RUN_OPTS_GO,   /* run the program */
    RUN_OPTS_HELP, /* the help was printed */
    RUN_OPTS_BAD,  /* *why says what is wrong, "tern run: " in front left out */
};

/* argv[0] is "run". Strings in *o point into argv. */
enum run_opts_result run_opts_parse(int argc, char **argv, struct run_opts *o, char *why);

#endif
