/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/main.c: `tern COMMAND ...`: finds the command in one table. */
#include "cmd.h"
#include "suggest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifndef TERN_VERSION
#error "cli/meson.build gives TERN_VERSION"
#endif

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *args, *what;
} commands[] = {
    {"run", cmd_run, "[OPTION...] -- PROGRAM [ARG...]",
     "run a program on a TCP/IP stack of its own"},
    {"ss", cmd_ss, "[NAME] [OPTION...] [FILTER]", "show the sockets of running programs"},
    {"netstat", cmd_netstat, "[-anltu] [-p tcp|udp] [NAME]", "the same in the shape of netstat(8)"},
    {"policy", cmd_policy, "NAME :PORT [POLICY]",
     "show or change what a listener does with SYNs, while it burns"},
    {"cookie", cmd_cookie, "NAME LOCAL REMOTE SYNSEQ SEQ", "decode a SYN cookie of a run"},
    {"cap", cmd_cap, "FILE", "draw the connections of a capture (pcap, pcapng)"},
    {"drill", cmd_drill, "[OPTION...] FILE.pkt...", "run packetdrill scripts in virtual time"},
    {"shield", cmd_shield, "[OPTION...] PORT=ADDRESS:PORT...",
     "stand in front of servers and take their floods"},
    {"flood-lab", cmd_floodlab, "[OPTION...]",
     "measure policies under a flood, in memory or a namespace of its own"},
    {"help", cmd_help, "[COMMAND]", "say this, or a command's options"},
    {"version", cmd_version, "", "say the version"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *command_find(const char *name)
{
    for (unsigned i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int command_unknown(const char *name)
{
    const char *best = NULL;
    unsigned near = 3;
    for (unsigned i = 0; i < COMMANDS; i++) {
        unsigned d = suggest_distance(name, strlen(name), commands[i].name);
        if (d < near) {
            near = d;
            best = commands[i].name;
        }
    }
    (void)fprintf(stderr, "tern: '%.60s': no such command%s%s%s `tern help` lists them\n", name,
                  best ? ": did you mean '" : ":", best ? best : "", best ? "'?" : "");
    return 2;
}

/* What was printed must have arrived. */
static int flushed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)fprintf(stderr, "tern: cannot write to standard output: %s\n", strerror(errno));
    return status ? status : 1;
}

static int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)puts("tern " TERN_VERSION);
    return flushed(0);
}

static void usage(FILE *f)
{
    (void)fputs("tern: programs on a TCP/IP stack of their own\n\n", f);
    for (unsigned i = 0; i < COMMANDS; i++)
        (void)fprintf(f, "  tern %-9s %-32s %s\n", commands[i].name, commands[i].args,
                      commands[i].what);
    (void)fputs("\n`tern help run` has the options of a command; tern(1) has the rest.\n", f);
}

static int cmd_help(int argc, char **argv)
{
    if (argc < 2) {
        usage(stdout);
        return flushed(0);
    }
    const struct command *c = command_find(argv[1]);
    if (!c)
        return command_unknown(argv[1]);
    if (c->run == cmd_help || c->run == cmd_version) {
        (void)printf("Usage: tern %s %s\n  %s\n", c->name, c->args, c->what);
        return flushed(0);
    }
    char help[] = "--help";
    char *args[] = {argv[1], help, NULL};
    return flushed(c->run(2, args));
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return cmd_version(argc, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cmd_help(1, argv);
    const struct command *c = command_find(argv[1]);
    if (!c)
        return command_unknown(argv[1]);
    return c->run(argc - 1, argv + 1);
}
