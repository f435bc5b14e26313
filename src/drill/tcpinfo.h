/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/tcpinfo.h: TCP_INFO in Linux's layout, and its fields by name. */
#ifndef DRILL_TCPINFO_H
#define DRILL_TCPINFO_H

#include <linux/tcp.h>
#include <stdio.h>
#include <tern/inspect.h>

/* in NULL: no connection. */
void drill_tcp_info(const struct tern_info *in, struct tcp_info *ti);
/* Writes every field as a line `'tcpi_x': 17,` of a Python dictionary. */
void drill_tcp_info_print(const struct tcp_info *ti, FILE *f);

#endif
