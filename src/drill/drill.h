/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/drill.h: runs scripts of packetdrill's language on a stack in virtual time. */
#ifndef DRILL_DRILL_H
#define DRILL_DRILL_H

#include <stdbool.h>
#include <stdio.h>

struct drill_options {
    bool strict;            /* a command or option that means nothing here fails the script */
    bool ladder;            /* a failure is followed by the connection's picture */
    bool utf8, colour;      /* of pictures */
    const char *const *set; /* NAME=VALUE of tern's settings, before the script's own; NULL-ended */
};

/* Runs one script. True: it passed. What went wrong, and warnings, are written to `report`. */
bool drill_file(const char *path, const struct drill_options *opt, FILE *report);
/* The same with the script's text in memory; path is only a name. */
bool drill_text(const char *path, const char *text, size_t len, const struct drill_options *opt,
                FILE *report);

#endif
