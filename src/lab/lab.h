/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab/lab.h: the flood laboratory: one server, honest clients and a forger, all in this process.
 *
 * A row is one policy under one attack. The honest clients are a stack at 10.9.0.1, the server is
 * at 10.9.0.2: a stack of tern's joined by function calls, or the kernel of this machine in a
 * network namespace that the row makes for itself, at a TUN that exists only there. No frame can go
 * anywhere else: there is nothing else on the link.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include <stdio.h>
#include <tern/socket.h>

enum lab_attack {
    LAB_SYN,         /* SYNs from random sources */
    LAB_SYN_SAME,    /* SYNs from one source, random ports */
    LAB_ACK,         /* ACKs that answer nothing */
    LAB_SYN_ACK,     /* SYN-ACKs that answer nothing */
    LAB_RST,         /* resets of nothing */
    LAB_STALL,       /* connects (the forger answers the SYN-ACK) and says nothing */
    LAB_ZERO_WINDOW, /* connects, asks, and never opens its window */
    LAB_ATTACKS
};
/* "syn", ...: NULL beyond the last. */
const char *lab_attack_name(unsigned attack);

#define LAB_KERNEL_NONE (-1)

/* Who is attacked over a veth (src/lab/veth.h); LAB_MEMORY: no veth, victim.c. */
enum lab_victim {
    LAB_MEMORY,
    LAB_DROP, /* no server: frames are dropped at the device's ingress, what the link costs */
    LAB_SINK, /* ... are read and forgotten */
    LAB_ECHO, /* ... and sent back */
    LAB_RUN,  /* the server under `tern run` */
    LAB_SHIELD,
    LAB_KERNEL,
    LAB_SYNPROXY,
};

struct lab_config {
    enum lab_attack attack;
    uint64_t seed;
    uint32_t rate;    /* forged frames a second, 1.. */
    uint32_t seconds; /* 1..600 */
    uint32_t honest;  /* honest connects a second */
    bool virtual;     /* the clock is advanced, not read: the same again with the same seed */
    uint32_t backlog;
    bool spoil;     /* forged frames have a wrong IP checksum: what the link alone costs */
    int syncookies; /* LAB_KERNEL_NONE: tern with `policy`; else the kernel, tcp_syncookies = this
                     */
    struct tern_listener_policy policy;
    enum lab_victim victim;
    bool softirq;    /* the victim's end of the veth is served by softirq, not by a thread */
    bool no_offload; /* tern's victim answers every SYN itself: --syn-offload=off */
    const char *policy_text; /* `policy` as the command line of tern has it */
    const char *server;      /* a shell command that serves port 80; NULL = the laboratory's own */
};

enum lab_memory {
    LAB_NO_MEMORY, /* not seen */
    LAB_OWN,       /* the server's processes */
    LAB_SLAB,      /* the kernel's objects, those of the whole machine */
};

struct lab_row {
    char name[48];     /* the policy, as text */
    uint64_t forged;   /* frames that the server was given */
    uint64_t taken;    /* of those the ones that the link did not drop */
    uint64_t syn_acks; /* what the server sent to the forger's addresses; over a veth: all
                          that the forger's end received, whoever in the victim sent it */
    uint64_t answers;  /* ... all of it, RSTs included */
    int64_t offloaded; /* SYNs answered at the device (veth), warming up included; -1 = not known */
    uint64_t tried, done;     /* honest connects; those that got their answer in time */
    double median_ms, p99_ms; /* of those done, from connect() to the server's first octet */
    double cpu_ns;            /* CPU time per frame taken, its answer included; NAN = unknown */
    double beyond_ns;         /* ... less what LAB_DROP takes: the link alone (veth; else NAN) */
    double offered;           /* forged frames a second that were reached */
    int64_t grown;            /* octets of memory touched in addition; by whom: memory */
    enum lab_memory memory;
    bool offload; /* a program at the device answers SYNs (veth) */
    bool failed;
    char why[256]; /* failed: the reason */
};

/* Runs one row in a child process, so that its memory and its namespace vanish with it. */
void lab_run(const struct lab_config *cfg, struct lab_row *row);
/* The laboratory's own server: plain sockets, port 80; it ends only when it cannot begin: 1. */
int lab_serve(uint32_t backlog);

/* All three return 0, or -1 with errno of the stream. */
int lab_table(FILE *f, const struct lab_config *cfg, const struct lab_row *rows, unsigned n);
int lab_json(FILE *f, const struct lab_config *cfg, const struct lab_row *rows, unsigned n);
int lab_svg(FILE *f, const struct lab_config *cfg, const struct lab_row *rows, unsigned n);

#endif
