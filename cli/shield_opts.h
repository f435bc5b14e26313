/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/shield_opts.h: the options of `tern shield`, checked before anything is started. */
#ifndef CLI_SHIELD_OPTS_H
#define CLI_SHIELD_OPTS_H

#include "shield/shield.h"
#include "values.h"

struct shield_opts {
    struct value_device device;  /* name NULL = not given */
    struct tern_addr addr, gw;   /* gw NONE = clients of this network only */
    uint8_t prefix;              /* 24 */
    uint16_t mtu;                /* 0 = the device's */
    uint8_t syn_offload;         /* enum value_offload */
    const char *name, *pcapng;   /* name "shield" */
    struct shield_config shield; /* service, policy, proxy, backlog, max_conns */
};

enum shield_opts_result { SHIELD_OPTS_GO, SHIELD_OPTS_HELP, SHIELD_OPTS_BAD };

/* argv[0] is "shield". Strings in *o point into argv. BAD: *why says what is wrong. */
enum shield_opts_result shield_opts_parse(int argc, char **argv, struct shield_opts *o, char *why);

#endif
