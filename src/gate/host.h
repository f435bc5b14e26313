/* SPDX-License-Identifier: BSD-2-Clause */
/* gate/host.h: ordinary sockets of the host. */
#ifndef GATE_HOST_H
#define GATE_HOST_H

#include <netinet/in.h>
#include <tern/types.h>

struct sockaddr_in host_addr(const struct tern_endpoint *ep); /* fam NONE: 127.0.0.1 */
/* A non-blocking socket on its way to `to`; or -1 with errno. */
int host_dial(int type, int proto, const struct sockaddr_in *to);
/* What became of a connect(2) that has finished: 0 or an errno. */
int host_dialed(int fd);
/* A non-blocking socket bound to (TCP: listening at) `at`; or -1 with errno. */
int host_listen(int type, const struct sockaddr_in *at);
void host_reset(int fd); /* closes it with RST instead of FIN */

#endif
