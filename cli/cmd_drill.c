/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cli/cmd_drill.c: `tern drill FILE.pkt...`: runs scripts of packetdrill's language on a stack in
 * virtual time. A folder stands for every .pkt file in it and below, in order of their names.
 */
#include "cmd.h"
#include "drill/drill.h"
#include "see/text.h"

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DRILL_SETS  32
#define DRILL_DEPTH 16

enum { KEY_SET = 256, KEY_STRICT, KEY_TAP, KEY_NO_LADDER };

struct drill_args {
    struct drill_options run;
    const char *set[DRILL_SETS + 1];
    unsigned nset;
    const char *filter;
    bool quiet, tap;
    char **path;
    unsigned npath, cap, passed, failed;
};

static const struct argp_option options[] = {
    {"filter", 'k', "TEXT", 0, "only scripts whose path contains TEXT", 0},
    {"quiet", 'q', 0, 0, "say only what failed, and the count", 0},
    {"strict", KEY_STRICT, 0, 0, "an option or a command that means nothing here fails its script",
     0},
    {"set", KEY_SET, "NAME=VALUE", 0,
     "a setting of tern's (include/tern/config.h, or mtu), before the script's own; may be given "
     "again",
     0},
    {"no-ladder", KEY_NO_LADDER, 0, 0, "a failure without the picture of its connection", 0},
    {"tap", KEY_TAP, 0, 0, "results as TAP, one test a script", 0},
    {0},
};

static void path_add(struct drill_args *a, const char *path)
{
    if (a->npath == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 64;
        a->path = realloc(a->path, a->cap * sizeof *a->path);
    }
    char *copy = strdup(path);
    if (!a->path || !copy) {
        (void)fputs("tern drill: out of memory\n", stderr);
        exit(1);
    }
    a->path[a->npath++] = copy;
}

static int path_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Scripts in a folder and below. False: it cannot be read (said). */
static bool folder_add(struct drill_args *a, const char *dir, unsigned depth)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    bool ok = true;
    if (!d || depth > DRILL_DEPTH) {
        (void)fprintf(stderr, "tern drill: %s: cannot read this folder: %s\n", dir,
                      d ? "nested too deeply" : strerror(errno));
        if (d)
            (void)closedir(d);
        return false;
    }
    while ((e = readdir(d)) != NULL) {
        char path[4096];
        struct stat st;
        size_t n = strlen(e->d_name);
        if (e->d_name[0] == '.' ||
            (size_t)snprintf(path, sizeof path, "%s/%s", dir, e->d_name) >= sizeof path ||
            stat(path, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            ok = folder_add(a, path, depth + 1) && ok;
        else if (n > 4 && strcmp(e->d_name + n - 4, ".pkt") == 0)
            path_add(a, path);
    }
    (void)closedir(d);
    return ok;
}

static error_t parse_arg(int key, char *arg, struct argp_state *state)
{
    struct drill_args *a = state->input;
    struct stat st;
    switch (key) {
    case 'k':
        a->filter = arg;
        return 0;
    case 'q':
        a->quiet = true;
        return 0;
    case KEY_STRICT:
        a->run.strict = true;
        return 0;
    case KEY_NO_LADDER:
        a->run.ladder = false;
        return 0;
    case KEY_TAP:
        a->tap = true;
        return 0;
    case KEY_SET:
        if (a->nset == DRILL_SETS)
            argp_error(state, "--set: at most %d settings", DRILL_SETS);
        a->set[a->nset++] = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (stat(arg, &st) == 0 && S_ISDIR(st.st_mode)) {
            unsigned first = a->npath;
            if (!folder_add(a, arg, 0))
                a->failed++;
            qsort(a->path + first, a->npath - first, sizeof *a->path, path_order);
        } else {
            path_add(a, arg);
        }
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a script or a folder of scripts is needed: tern drill FILE.pkt...");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* TAP: what was reported becomes comments. */
static void tell_tap(const struct drill_args *a, const char *path, bool ok, const char *text)
{
    (void)printf("%s %u - %s\n", ok ? "ok" : "not ok", a->passed + a->failed, path);
    while (*text) {
        size_t n = strcspn(text, "\n");
        (void)printf("# %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void run_one(struct drill_args *a, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    FILE *report = open_memstream(&text, &len);
    if (!report) {
        (void)fputs("tern drill: out of memory\n", stderr);
        exit(1);
    }
    bool ok = drill_file(path, &a->run, report);
    (void)fclose(report);
    a->passed += ok;
    a->failed += !ok;
    if (a->tap)
        tell_tap(a, path, ok, text);
    else if (!ok)
        (void)printf("FAILED %s\n%s\n", path, text);
    else if (!a->quiet)
        (void)printf("%sok %s\n", text, path);
    free(text);
    (void)fflush(stdout);
}

int cmd_drill(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse_arg,
        "FILE.pkt...",
        "Runs scripts of packetdrill's language on a stack in virtual time, without any network or "
        "privilege. "
        "A folder stands for the .pkt files in it. The exit status is 0 if every script passed.",
        NULL,
        NULL,
        NULL};
    struct drill_args a = {.run = {.ladder = true}};
    char name[] = "tern drill";
    argp_err_exit_status = 2;
    argv[0] = name;
    a.run.utf8 = text_utf8();
    a.run.colour = text_colour(stdout);
    if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
        return 2;
    a.run.set = a.set;
    unsigned count = 0;
    for (unsigned i = 0; i < a.npath; i++)
        count += !a.filter || strstr(a.path[i], a.filter);
    if (a.tap)
        (void)printf("1..%u\n", count);
    for (unsigned i = 0; i < a.npath; i++) {
        if (!a.filter || strstr(a.path[i], a.filter))
            run_one(&a, a.path[i]);
        free(a.path[i]);
    }
    free(a.path);
    if (!a.tap)
        (void)printf("%u passed, %u failed\n", a.passed, a.failed);
    if (count == 0) {
        (void)fputs("tern drill: no script was found\n", stderr);
        return 1;
    }
    return a.failed ? 1 : 0;
}
