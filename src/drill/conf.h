/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drill/conf.h: what a script says about its surroundings (option lines, sysctl and other commands)
 * as settings of the virtual host.
 */
#ifndef DRILL_CONF_H
#define DRILL_CONF_H

#include "drill/vhost.h"

struct conf {
    struct vhost_config host;
    struct tern_addr remote;
    uint16_t bind_port, connect_port;
    int64_t tolerance_us;
    double tolerance_percent;
    bool any_push;        /* PSH of outbound packets is not compared */
    bool strict_segments; /* one outbound line = one segment */
    bool
        forget; /* the command to forget cookies and path MTUs was there; who does it clears this */
    uint32_t ts_tick_us; /* 0 = outbound TS val is not looked at */
};

void conf_init(struct conf *c);

enum conf_verdict {
    CONF_DONE,
    CONF_UNKNOWN, /* means nothing here: a warning */
    CONF_WRONG,   /* known, and the value cannot be: an error */
};
/* All of them write one line to why (128 octets) unless the verdict is CONF_DONE. */

/* --NAME=VALUE, without the dashes. */
enum conf_verdict conf_option(struct conf *c, const char *name, const char *value, char *why);
/* A sysctl by Linux's name ("net.ipv4.tcp_sack"). */
enum conf_verdict conf_sysctl(struct conf *c, const char *name, const char *value, char *why);
/* A field of struct tern_config, or mtu. */
enum conf_verdict conf_field(struct conf *c, const char *name, const char *value, char *why);
/* The commands between back quotes, one a line. Stops at the first that is not CONF_DONE, which is
 * put to *rest; call again from *rest on to go on. *changed: a setting was made. */
enum conf_verdict conf_command(struct conf *c, const char **rest, bool *changed, char *why);

#define CONF_WHY 160

#endif
