/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/told.c: what a victim of tern's tells of itself, asked as a user asks: `tern ss --json`.
 *
 * From outside nobody sees whether the stack has answered a SYN or the program at the device did it
 * for it, and a row that is said to have the program and has not (a kernel that loads none) would
 * be a wrong row.
 */
#include "lab/veth.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The document, or NULL. */
static json_t *told_ask(const char *run)
{
    int fd[2];
    if (pipe(fd) < 0)
        return NULL;
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(fd[1], STDOUT_FILENO);
        (void)close(fd[0]);
        (void)close(fd[1]);
        (void)execl("/proc/self/exe", "tern", "ss", "-s", "--json", "-p", run, (char *)NULL);
        _exit(127);
    }
    (void)close(fd[1]);
    json_t *doc = pid > 0 ? json_loadfd(fd[0], 0, NULL) : NULL;
    (void)close(fd[0]);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return doc;
}

int64_t told_offloaded(const struct veth *v, bool *offload)
{
    *offload = false;
    if (v->cfg->victim != LAB_RUN && v->cfg->victim != LAB_SHIELD)
        return -1;
    json_t *doc = told_ask(v->run);
    json_t *run = json_array_get(json_object_get(doc, "runs"), 0);
    json_t *stack = json_array_get(json_object_get(run, "stacks"), 0);
    const json_t *syn = json_object_get(stack, "syn"), *n = json_object_get(syn, "offloaded");
    *offload = json_is_true(json_object_get(syn, "offload"));
    int64_t offloaded = json_is_integer(n) ? json_integer_value(n) : -1;
    json_decref(doc);
    return offloaded;
}
