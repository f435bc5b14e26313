/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/script.c: a script's memory, and its text line by line. */
#include "drill/script.h"
#include "drill/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_MOST (16u << 20) /* octets of a file */

struct chunk {
    struct chunk *next;
    _Alignas(16) unsigned char mem[];
};

void *script_take(struct script *s, size_t n)
{
    struct chunk *c = calloc(1, sizeof *c + n);
    if (!c) {
        (void)fputs("tern drill: out of memory\n", stderr);
        abort();
    }
    c->next = s->arena;
    s->arena = c;
    return c->mem;
}

char *script_text(struct script *s, const char *from, size_t n)
{
    char *t = script_take(s, n + 1);
    memcpy(t, from, n);
    return t;
}

void script_free(struct script *s)
{
    while (s->arena) {
        struct chunk *c = s->arena;
        s->arena = c->next;
        free(c);
    }
    free(s->src);
    s->src = NULL;
}

bool script_parse(struct script *s, const char *path, const char *text, size_t len)
{
    memset(s, 0, sizeof *s);
    s->path = path;
    s->src = malloc(len + 1);
    if (!s->src) {
        (void)snprintf(s->err, sizeof s->err, "no memory for %zu octets of text", len);
        return false;
    }
    memcpy(s->src, text, len);
    s->src[len] = 0;
    s->len = len;
    return parse_script(s);
}

bool script_load(struct script *s, const char *path)
{
    memset(s, 0, sizeof *s);
    s->path = path;
    FILE *f = fopen(path, "rb");
    if (!f) {
        (void)snprintf(s->err, sizeof s->err, "cannot open it: %s", strerror(errno));
        return false;
    }
    size_t cap = 1u << 16, len = 0;
    char *buf = malloc(cap);
    while (buf && cap <= SCRIPT_MOST) {
        len += fread(buf + len, 1, cap - len, f);
        if (len < cap)
            break;
        cap *= 2;
        char *more = realloc(buf, cap);
        if (!more)
            free(buf);
        buf = more;
    }
    bool bad = ferror(f) != 0;
    int err = errno;
    (void)fclose(f);
    if (bad || !buf || cap > SCRIPT_MOST) {
        free(buf);
        (void)snprintf(s->err, sizeof s->err, "cannot read it: %s",
                       bad ? strerror(err) : "too long for a script (16 MB)");
        return false;
    }
    bool ok = script_parse(s, path, buf, len);
    free(buf);
    return ok;
}

const char *script_line(const struct script *s, unsigned line, size_t *n)
{
    const char *p = s->src;
    for (unsigned i = 1; p && i < line; i++) {
        p = strchr(p, '\n');
        if (p)
            p++;
    }
    *n = p ? strcspn(p, "\n") : 0;
    return p ? p : "";
}
