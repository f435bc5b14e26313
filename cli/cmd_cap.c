/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_cap.c: `tern cap FILE`: the ladder of the connections in a capture. A capture shows
 * segments, not what the ends made of them: there are no states and no causes here.
 */
#include "cmd.h"
#include "port/frame.h"
#include "see/ladder.h"
#include "see/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tern/port.h>

static void cap_frame(struct ladder *ld, uint8_t link, const struct tern_frame *f)
{
    struct frame_view v;
    if (!frame_view(link, f->data, f->len, &v) || !v.tcp)
        return;
    struct tern_trace r = {.time = f->time,
                           .kind = TERN_TR_SEG_TX,
                           .th = v.th,
                           .seq = v.seq,
                           .ack = v.ack,
                           .len = v.data_len,
                           .wnd = v.wnd,
                           .lport = v.sport,
                           .rport = v.dport,
                           .gso = 1};
    r.laddr.fam = r.raddr.fam = TERN_AF_IP4;
    memcpy(r.laddr.b, v.src, 4);
    memcpy(r.raddr.b, v.dst, 4);
    ladder_add(ld, 0, &r);
}

static int cap_draw(struct tern_port *port)
{
    struct ladder_config cfg = {.one_sided = true, .left = "client", .right = "server"};
    struct ladder *ld = ladder_new(&cfg);
    if (!ld) {
        (void)fputs("tern cap: out of memory\n", stderr);
        return 1;
    }
    struct tern_frame frames[16];
    /* The first look sets the file's clock to 0; then everything is due. */
    size_t n = port->ops->rx(port, frames, 16, (struct tern_time){0});
    while (n > 0) {
        for (size_t i = 0; i < n; i++)
            cap_frame(ld, port->link, &frames[i]);
        n = port->ops->rx(port, frames, 16, (struct tern_time){INT64_MAX - 1});
    }
    struct ladder_style style = {.utf8 = text_utf8(), .colour = text_colour(stdout)};
    int rc = ladder_draw(ld, stdout, &style);
    ladder_free(ld);
    if (rc == 0)
        return 0;
    (void)fprintf(stderr, "tern cap: cannot write to standard output: %s\n", strerror(errno));
    return 1;
}

int cmd_cap(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)puts("Usage: tern cap FILE\n"
                   "Draws the TCP connections of a capture (pcap or pcapng), segment by segment.");
        return 0;
    }
    if (argc != 2 || argv[1][0] == '-') {
        (void)fputs("tern cap: one capture file is needed: tern cap FILE\n", stderr);
        return 2;
    }
    char why[TERN_WHY] = "";
    struct tern_port *port = NULL;
    if (tern_pcap_open(argv[1], &port, why) < 0) {
        (void)fprintf(stderr, "tern cap: %s\n", why);
        return 1;
    }
    int status = cap_draw(port);
    port->ops->close(port);
    return status;
}
