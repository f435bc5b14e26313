/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run/sup.h: what the files of the launcher share: the supervisor, its sockets, its calls.
 *
 * Words: "the program" is the program and everything it forks; "its socket" is the AF_UNIX socket
 * that it was given instead of an AF_INET one; "our end" is the other end of that socket's
 * connection, which the supervisor keeps; "the handle" is the connection, listener or port of the
 * stack.
 */
#ifndef RUN_SUP_H
#define RUN_SUP_H

#include "run/run.h"
#include <tern/inspect.h>
#include <tern/socket.h>

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/un.h>

/* UDP sockets get descriptor numbers in [LO, HI): below select()'s limit, and where the filter
 * takes sendmsg() and its like. */
#define RUN_UDP_FD_LO 768
#define RUN_UDP_FD_HI 1024
/* octets that an AF_UNIX socket may hold; with more, data falls out of the cache on the way */
#define RUN_BUF  (512 << 10)
#define RUN_OPTS 32 /* options remembered per socket (sockopt.c) */

enum sk_state {
    SK_NEW,        /* a socket, perhaps bound */
    SK_DEFERRED,   /* connect() has returned, and the SYN waits for data (early.c) */
    SK_CONNECTING, /* SYN sent */
    SK_OPEN,       /* connected (TCP) */
    SK_LISTEN,
    SK_FAILED, /* connect() failed; the program has not been told yet, or has just been */
    SK_DONE,   /* the stack's part is over; the program may still hold the descriptor */
};

struct lis;
struct sk_keys;
struct usock;

/* One socket of the program. Found by inode number, so that dup, fork, exec and SCM_RIGHTS need not
 * be followed. */
struct sk {
    struct run *run;
    struct sk *next;    /* in the table's chain */
    struct sk *queued;  /* the next delivered connection that accept() has not taken yet */
    uint64_t ino;       /* of the program's socket; 0 = accept() has not taken it yet */
    uint64_t id;        /* generation << 32 | slot + 1: the stack's user number */
    struct tern_sock h; /* the handle; id 0 = none */
    struct tern_endpoint local, remote; /* what the program is told */
    uint16_t port; /* the stack's local port of a connection; 0 = not known yet */
    uint8_t proto; /* IPPROTO_TCP or IPPROTO_UDP */
    uint8_t state; /* enum sk_state */
    bool bound;    /* bind() was called */
    bool loop;     /* talks to 127.0.0.0/8: both sides are shown loopback addresses */
    bool told;     /* connect() has returned the outcome */
    bool mute;     /* connect() said EINPROGRESS to a thread that no longer listened */
    bool spent;    /* the program's AF_UNIX socket is used up: another connect() needs a new one */
    bool in_queue; /* delivered, not yet taken by accept() */
    bool watched;
    bool can_read, can_write; /* our end: no EAGAIN since the last edge */
    bool up_eof;              /* the program has shut down its sending side */
    bool down_eof;            /* our end was shut down: the peer's FIN has been passed on */
    bool discard;             /* the program reads no more: what comes is dropped, as TCP does */
    bool oob;                 /* the program sent an urgent octet that is still in our end */
    bool linger0;             /* SO_LINGER {1, 0}: close sends RST */
    bool reuseport;   /* SO_REUSEPORT: TCP listeners that share a port share its connections */
    bool small;       /* the program's send buffer is still that of the plug */
    bool reset_shown; /* the program's end was made to say ECONNRESET */
    bool early;       /* connect() returned before there was a connection (early.c) */
    uint8_t fo_keys;  /* TCP_FASTOPEN_KEY: how many of fo_key */
    uint8_t fo_key[32];
    int err;              /* what SO_ERROR will say */
    int end;              /* our end, or -1 */
    int app;              /* our duplicate of the program's socket while it is plugged, or -1 */
    int tid, fd;          /* where the program's socket was seen last */
    size_t fast;          /* octets of the program that went with the SYN, not yet told */
    size_t plug;          /* filler octets in our end that are not data (connect.c) */
    int sndbuf, rcvbuf;   /* as getsockopt() tells them; 0 = never set */
    struct sk_keys *keys; /* of signed segments, keys.c */
    uint32_t opt_set;     /* bit i: opt[i] was set */
    int32_t opt[RUN_OPTS];
    uint32_t held;     /* calls waiting for this socket */
    struct lis *lis;   /* listeners */
    struct usock *udp; /* UDP sockets */
};

/* One notified system call. */
struct call {
    struct run *run;
    uint64_t id;
    int tid, nr;
    uint64_t arg[6];
    int fd;        /* our duplicate of descriptor arg[0], or -1; closed when the handler returns */
    struct sk *sk; /* what it is, or NULL */
};

/* A call that would block: answered later, or interrupted by a signal. */
struct hold {
    struct hold *next;
    struct call call;
    uint64_t sk_id;
    bool (*retry)(struct call *c); /* true when it has answered */
    struct tern_time deadline;     /* SO_RCVTIMEO, SO_SNDTIMEO */
    int late;                      /* errno at the deadline */
};

#define RUN_HASH   8192
#define RUN_PIDFDS 64
#define RUN_TAGS   64

struct run {
    struct run_config cfg;
    int notify; /* the seccomp listener */
    int pidfd;  /* the program's own process */
    int pid;
    int hub; /* AF_UNIX listener through which program sockets get connected to our ends */
    struct sockaddr_un hub_addr;
    socklen_t hub_len;
    uint64_t sock_dev; /* st_dev of all sockets */
    uint64_t key[2];   /* makes our abstract names ours alone */
    uint64_t names;    /* names given so far */
    struct seccomp_notif *req;
    size_t req_size;
    struct sk *by_ino[RUN_HASH];
    struct sk **slot;
    uint32_t slots, slot_free_hint, sks;
    uint32_t sweep_at; /* look for closed sockets when there are so many */
    struct {
        int tid, fd;
    } pidfds[RUN_PIDFDS];
    struct hold *holds;
    uint32_t nholds, hold_turn;   /* hold_turn: the first that the next tick asks after */
    struct tern_loop_timer tick;  /* while holds exist */
    struct tern_loop_timer retry; /* while a listener's queue is full */
    struct tern_loop_timer look;  /* while there are listeners */
    struct tern_loop_timer drain; /* while closed UDP sockets have something to send */
    struct tern_loop_timer idle;  /* after the last process ended */
    struct tern_time idle_progress;
    uint64_t idle_left;
    uint32_t udp_fd; /* where to look next for a free UDP descriptor number */
    struct tag {
        struct tern_endpoint ep;
        int fd;       /* 0 = none yet */
    } tags[RUN_TAGS]; /* descriptors that name the sender of a datagram (usock.c) */
    uint32_t tag_next;
    bool gone;    /* no process of the run is left */
    uint8_t *buf; /* RUN_SCRATCH octets for datagrams and copies */
};
#define RUN_SCRATCH 65536

/* ---- mem.c: the program's memory. 0 or an errno; never partly done ---- */
int mem_read(int tid, uint64_t addr, void *buf, size_t n);
int mem_write(int tid, uint64_t addr, const void *buf, size_t n);

/* ---- proc.c: the program's processes ---- */
/* Our duplicate (close-on-exec) of a descriptor of a thread; or -errno. */
int proc_getfd(struct run *r, int tid, int fd);
/* A signal waits that is neither blocked nor ignored; true too when the thread is gone. */
bool proc_signalled(int tid);
bool proc_cloexec(int tid, int fd);
/* Our duplicate of the socket `ino`: at (tid, fd), else elsewhere in that process or its children;
 * -1. */
int proc_find(struct run *r, int tid, int fd, uint64_t ino);
bool proc_name(int tid, char *name, size_t len, int *pid);

/* ---- notify.c: taking and answering calls ---- */
void notify_ready(void *ctx, int fd, uint32_t events);
/* False: the thread no longer waits; unless it was killed, it will ask again. */
bool call_return(const struct call *c, int64_t value);
bool call_fail(const struct call *c, int err);
void call_continue(
    const struct call *c);             /* the kernel does it: never after reading memory for it */
bool call_valid(const struct call *c); /* the thread still waits: what was read was its memory */
/* Gives the program a descriptor as the answer; its number there, or -errno (then not answered). */
int call_give(const struct call *c, int fd, bool cloexec);
int call_give_at(const struct call *c, int fd, int at, bool cloexec, bool answer);
/* Reads/answers parts of a call: 0 or an errno. */
int call_read_addr(const struct call *c, uint64_t addr, uint64_t len, struct sockaddr_in *out);
int call_write_addr(const struct call *c, uint64_t addr, uint64_t len_at,
                    const struct tern_endpoint *ep);

/* ---- hold.c ---- */
/* Keeps the call until retry answers it. option is SO_RCVTIMEO or SO_SNDTIMEO of c->fd, late the
 * errno when that has passed. */
void hold_add(struct call *c, bool (*retry)(struct call *), int option, int late);
void hold_retry(struct sk *sk);
void hold_tick(void *ctx);
void hold_free(struct run *r);

/* ---- sock.c: the table ---- */
struct sk *sk_new(struct run *r, uint8_t proto, uint64_t ino); /* NULL: no memory */
void sk_set_ino(struct sk *sk, uint64_t ino);
void sk_free(struct sk *sk); /* closes everything that is still open */
struct sk *sk_by_id(const struct run *r, uint64_t id);
struct sk *sk_by_fd(const struct run *r, int fd);
uint64_t sk_inode(const struct run *r, int fd); /* 0: not a socket */
struct sk *sk_each(const struct run *r, uint32_t *cursor);
/* Frees the sockets that the program has closed without our hearing of it. */
void sk_sweep(struct run *r);
/* Whether the program's socket is still open: asks the kernel's list (slow). */
bool sk_alive(struct sk *sk);
void sk_big_buffer(int fd, int octets);
int sk_name(struct run *r, struct sockaddr_un *un, socklen_t *len, char kind);

/* ---- addr.c: what the program sees and what the stack is told ---- */
bool addr_is_loop(const struct tern_addr *a);
bool addr_is_any(const struct tern_addr *a);
struct tern_addr addr_ip4(uint32_t host_order);
struct tern_endpoint addr_from(const struct sockaddr_in *sin);
struct sockaddr_in addr_to(const struct tern_endpoint *ep);
/* Where `shown` really is; *loop: it is a loopback address. ECONNREFUSED when nowhere. */
int addr_out(struct run *r, uint8_t proto, const struct tern_endpoint *shown,
             struct tern_endpoint *real, bool *loop);

/* ---- open.c: socket, bind, names ---- */
void open_socket(struct call *c);
void open_bind(struct call *c);
void open_getsockname(struct call *c);
void open_getpeername(struct call *c);
uint16_t open_port(struct run *r, uint8_t proto); /* a free ephemeral port, 0 = none */

/* ---- connect.c ---- */
void connect_call(struct call *c);
/* sendto(MSG_FASTOPEN) of a new socket: connects, with as much of the n octets as may go with the
 * SYN (sk->fast). 0 or an errno; EINPROGRESS: a non-blocking one that took nothing. */
int connect_fast(struct call *c, const struct sockaddr_in *to, const void *buf, size_t n,
                 bool nonblock);
/* Data that may go with the SYN. */
struct early {
    const void *buf;
    size_t n;
};
/* Begins the handshake, with e (NULL = a plain SYN): 0 or an errno. */
int connect_open(struct sk *sk, const struct tern_endpoint *shown, const struct early *e);
int connect_hook(struct call *c); /* connects the program's socket to an end of ours */
void connect_failed(struct sk *sk, int err);
void connect_event(struct sk *sk, const struct tern_event *ev);
/* A blocked connect() is interrupted or late: it goes on by itself. */
void connect_detach(struct sk *sk, int fd);

/* ---- early.c ---- */
/* connect() with TCP_FASTOPEN_CONNECT: true when it was answered, false: it is one like any other.
 */
bool early_connect(struct call *c, const struct tern_endpoint *shown);

/* ---- listen.c ---- */
void listen_call(struct call *c);
void listen_accept_call(struct call *c);
void listen_event(struct sk *sk, const struct tern_event *ev);
bool listen_alive(struct sk *sk); /* closes the handle when the program has closed its socket */
void listen_free(struct sk *sk);
void listen_retry(void *ctx);
void listen_look(void *ctx); /* closes the handles of listeners that the program has closed */
struct sk *listen_find(struct run *r, const struct tern_endpoint *at);

/* ---- data.c: our end <-> the stack ---- */
int data_start(struct sk *sk); /* 0 or -errno */
void data_event(struct sk *sk, const struct tern_event *ev);
void data_close_end(struct sk *sk);
void data_show_reset(
    struct sk *sk); /* makes the program's socket say ECONNRESET once it is closed */
/* Octets straight into the stack, behind what the program has written before; flags are enum
 * tern_send_flags. How many were taken, or -errno. */
int64_t data_direct(struct sk *sk, const void *buf, size_t n, uint32_t flags);

/* ---- sockopt.c, tcpinfo.c ---- */
void sockopt_set(struct call *c);
void sockopt_get(struct call *c);
void sockopt_apply(struct sk *sk); /* tells the handle what was set before there was one */
bool sockopt_flag(const struct sk *sk, int name); /* a flag of IPPROTO_TCP, as it was set */
void sockopt_inherit(struct sk *to, const struct sk *from);
void sockopt_fastopen_key(const struct sk *sk); /* tells the listener, if one was set */
size_t tcpinfo_fill(const struct sk *sk, void *buf, size_t len);

/* ---- keys.c ---- */
/* 0 or an errno. */
int keys_set_md5(struct sk *sk, const void *value, size_t len, bool ext);
int keys_set_ao(struct sk *sk, int name, const void *value, size_t len);
/* TCP_AO_INFO: its length, or -errno. */
int keys_info(const struct sk *sk, void *out, size_t room);
/* TCP_AO_GET_KEYS, straight into the program's memory: 0 or an errno. */
int keys_get(struct call *c, uint64_t at, size_t len);
/* Tells them to a listener, or with the handle 0 to the next connection, which will be to `peer`. 0
 * or an errno: EKEYREJECTED, there are AO keys and none for that peer. */
int keys_apply(const struct sk *sk, struct tern_sock to, const struct tern_addr *peer);
/* That connection has its handle. */
void keys_opened(const struct sk *sk);
void keys_free(struct sk *sk);

/* ---- usock.c ---- */
int usock_new(struct call *c, int type); /* answers; or an errno, then not answered */
/* Sends one datagram: to NULL = the connected peer. Its length, or -errno. */
int64_t usock_send(struct sk *sk, const struct sockaddr_in *to, const void *buf, size_t len);
/* The call has sent, but its answer reached nobody: for when the thread makes it again. */
void usock_unheard(const struct call *c, int64_t answer);
bool usock_heard_now(const struct call *c, int64_t *answer); /* it does; once */
/* Back into the program's queue: what was received, but nobody heard so. buf is not kept. */
void usock_again(struct sk *sk, void *buf, size_t len, const struct tern_endpoint *from);
/* What a tag that came with a datagram says; false when it is none. */
bool usock_tag_read(int fd, struct tern_endpoint *from);
void usock_connect(struct call *c, const struct sockaddr_in *sin);
int usock_bind(struct sk *sk); /* opens sk->local; 0 or errno */
void usock_event(struct sk *sk, const struct tern_event *ev);
void usock_free(struct sk *sk);
bool usock_leaving(const struct sk *sk);
void usock_drain(void *ctx);
/* ---- usockmsg.c: calls with an address ---- */
void msg_sendto(struct call *c);
void msg_recvfrom(struct call *c);
void msg_sendmsg(struct call *c);
void msg_recvmsg(struct call *c);
void msg_sendmmsg(struct call *c);
void msg_recvmmsg(struct call *c);

/* ---- exit.c ---- */
void exit_child(void *ctx, int fd, uint32_t events);
void exit_last(struct run *r);
void exit_idle(void *ctx);

/* ---- child.c: starting the program ---- */
/* Fills r->pid, r->pidfd, r->notify. 0, or -1 with why and errno; then no process is left. */
int child_start(struct run *r, char *why);
/* The program's path: malloc'd, or NULL with why and errno (ENOENT, EACCES). */
char *child_find(const char *name, char *why);

#endif
