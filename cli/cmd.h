/* SPDX-License-Identifier: BSD-2-Clause */
/* cli/cmd.h: the subcommands. argv[0] is the subcommand's own name; the result is the exit status.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

/* tern's own failure before a program ran; a program that cannot be executed; one not found:
 * env(1)'s. */
enum { EXIT_TERN = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

int cmd_run(int argc, char **argv);
int cmd_ss(int argc, char **argv);
int cmd_netstat(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_cookie(int argc, char **argv);
int cmd_cap(int argc, char **argv);
int cmd_drill(int argc, char **argv);
int cmd_shield(int argc, char **argv);
int cmd_floodlab(int argc, char **argv);

#endif
