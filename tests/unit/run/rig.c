/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit/run/rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define RIG_PATIENCE_MS 5000
#define RIG_TURNS       20

struct rig rig;

/* ---- the kernel's part ---- */

static int kernel_take(struct seccomp_notif *out)
{
    char octet;
    if (!rig.asked || read(rig.pipe[0], &octet, 1) != 1) {
        errno = ENOENT;
        return -1;
    }
    rig.asked = false;
    *out = rig.ask;
    return 0;
}

static int kernel_answer(const struct seccomp_notif_resp *resp)
{
    rig.answers++;
    rig.answer_id = resp->id;
    if (rig.deaf) {
        rig.answer = RIG_HELD;
        errno = ENOENT;
        return -1;
    }
    if (resp->flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE)
        rig.answer = RIG_CONTINUED;
    else
        rig.answer = resp->error ? resp->error : resp->val;
    return 0;
}

static int kernel_give(const struct seccomp_notif_addfd *add)
{
    int cloexec = add->newfd_flags & O_CLOEXEC ? 1 : 0, fd;
    if (rig.give_error) {
        errno = rig.give_error;
        return -1;
    }
    if (add->flags & SECCOMP_ADDFD_FLAG_SETFD)
        fd = dup3((int)add->srcfd, (int)add->newfd, cloexec ? O_CLOEXEC : 0);
    else
        fd = fcntl((int)add->srcfd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 3);
    if (fd >= 0 && (add->flags & SECCOMP_ADDFD_FLAG_SEND)) {
        rig.answers++;
        rig.answer_id = add->id;
        rig.answer = fd;
    }
    return fd;
}

/* In the place of the C library's: the listener's requests end here, all others in the kernel. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (rig.run && fd == rig.pipe[0] && fd >= 0) {
        switch (request) {
        case SECCOMP_IOCTL_NOTIF_RECV:
            return kernel_take(arg);
        case SECCOMP_IOCTL_NOTIF_SEND:
            return kernel_answer(arg);
        case SECCOMP_IOCTL_NOTIF_ADDFD:
            return kernel_give(arg);
        case SECCOMP_IOCTL_NOTIF_ID_VALID:
            errno = ENOENT;
            return rig.killed ? -1 : 0;
        default:
            break;
        }
    }
    return (int)syscall(SYS_ioctl, fd, request, arg);
}

int64_t rig_call(int nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                 uint64_t a5)
{
    static uint64_t id;
    rig.ask =
        (struct seccomp_notif){.id = ++id,
                               .pid = (uint32_t)(rig.tid ? rig.tid : (int)syscall(SYS_gettid)),
                               .data = {.nr = nr, .args = {a0, a1, a2, a3, a4, a5}}};
    rig.asked = true;
    rig.answer = RIG_HELD;
    unsigned before = rig.answers;
    assert_int_equal(write(rig.pipe[1], "", 1), 1);
    notify_ready(rig.run, rig.pipe[0], EPOLLIN);
    assert_false(rig.asked);
    assert_in_range(rig.answers - before, 0, 1); /* never answered twice */
    return rig.answer;
}

/* ---- turning the loop ---- */

static struct {
    bool (*done)(void *ctx);
    void *ctx;
    unsigned turns;
    bool said;
} wait_for;

static void on_turn(void *ctx)
{
    (void)ctx;
    wait_for.turns++;
    if (!wait_for.said) /* a turn may follow the one that stopped the loop */
        wait_for.said = wait_for.done(wait_for.ctx);
    if (wait_for.said)
        tern_loop_stop(rig.loop);
}

static void on_late(void *ctx)
{
    (void)ctx;
    tern_loop_stop(rig.loop);
}

static void on_beat(void *ctx)
{
    struct tern_loop_timer *t = ctx;
    tern_loop_timer_set(rig.loop, t, (struct tern_time){tern_loop_now(rig.loop).ns + 1000000});
}

bool rig_until(bool (*done)(void *ctx), void *ctx)
{
    struct tern_loop_timer late = {.cb = on_late}, beat = {.cb = on_beat, .ctx = &beat};
    struct tern_time now = tern_clock_now();
    wait_for.done = done;
    wait_for.ctx = ctx;
    wait_for.turns = 0;
    wait_for.said = false;
    tern_loop_timer_set(rig.loop, &late,
                        (struct tern_time){now.ns + (int64_t)RIG_PATIENCE_MS * 1000000});
    tern_loop_timer_set(rig.loop, &beat, now);
    tern_loop_on_turn(rig.loop, on_turn, NULL);
    assert_int_equal(tern_loop_run(rig.loop), 0);
    tern_loop_timer_stop(rig.loop, &late);
    tern_loop_timer_stop(rig.loop, &beat);
    return wait_for.said;
}

bool rig_answered(void *ctx)
{
    (void)ctx;
    return rig.answer != RIG_HELD;
}

static bool turned_enough(void *ctx)
{
    (void)ctx;
    return wait_for.turns >= RIG_TURNS;
}

void rig_turn(void)
{
    (void)rig_until(turned_enough, NULL);
}

/* ---- stacks ---- */

struct tern_endpoint rig_ep(uint8_t host, uint16_t port)
{
    return (struct tern_endpoint){addr_ip4(0x0a000000u | host), port};
}

struct sockaddr_in rig_sin(uint8_t host, uint16_t port)
{
    struct tern_endpoint ep = rig_ep(host, port);
    return addr_to(&ep);
}

static void peer_event(void *ctx, const struct tern_event *ev)
{
    (void)ctx;
    (void)ev;
}

static struct tern_stack *stack_on(struct tern_port *port, uint8_t host)
{
    struct tern_config cfg;
    char why[TERN_WHY] = "";
    tern_config_init(&cfg);
    tern_seed_from(cfg.seed, host);
    cfg.max_conns = cfg.max_half_open = cfg.max_time_wait = 64;
    cfg.buf_bytes = 16u << 20;
    struct tern_stack *st = tern_stack_new(&cfg, tern_loop_now(rig.loop), why);
    if (!st)
        fail_msg("%s", why);
    struct tern_iface_config ic = {.link = port->link,
                                   .mac = {2, 0, 0, 0, 0, host},
                                   .tx_csum = port->tx_csum,
                                   .mtu = port->mtu,
                                   .gso_max = port->gso_max,
                                   .addr = {{rig_ep(host, 0).addr, 24}}};
    assert_int_equal(tern_iface_add(st, &ic), 0);
    bool guest = host == 1;
    assert_int_equal(tern_loop_attach(rig.loop, st, 0, port, guest ? run_on_event : peer_event,
                                      guest ? rig.run : NULL, why),
                     0);
    return st;
}

/* ---- the supervisor ---- */

static void on_exit_told(void *ctx, int status)
{
    (void)ctx;
    rig.exits++;
    rig.status = status;
}

static void on_idle_told(void *ctx)
{
    (void)ctx;
    rig.idles++;
}

static void timers(struct run *r)
{
    r->tick.cb = hold_tick;
    r->retry.cb = listen_retry;
    r->look.cb = listen_look;
    r->drain.cb = usock_drain;
    r->idle.cb = exit_idle;
    r->tick.ctx = r->look.ctx = r->drain.ctx = r->retry.ctx = r->idle.ctx = r;
}

static void supervisor(struct run *r)
{
    struct stat st;
    r->pidfd = -1;
    r->sweep_at = 512;
    r->key[0] = (uint64_t)getpid();
    r->key[1] = (uint64_t)tern_clock_now().ns;
    r->hub = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(fstat(r->hub, &st), 0);
    r->sock_dev = st.st_dev;
    assert_int_equal(sk_name(r, &r->hub_addr, &r->hub_len, 'h'), 0);
    assert_int_equal(bind(r->hub, (const struct sockaddr *)&r->hub_addr, r->hub_len), 0);
    assert_int_equal(listen(r->hub, 64), 0);
    r->req_size = sizeof *r->req;
    r->req = calloc(1, r->req_size);
    r->buf = malloc(RUN_SCRATCH);
    assert_true(r->req && r->buf);
    assert_int_equal(pipe2(rig.pipe, O_CLOEXEC | O_NONBLOCK), 0);
    r->notify = rig.pipe[0];
    timers(r);
}

int rig_setup(void **state)
{
    struct tern_port *a, *b;
    char why[TERN_WHY] = "";
    (void)state;
    rig = (struct rig){0};
    rig.run = calloc(1, sizeof *rig.run);
    rig.loop = tern_loop_new(0, why);
    if (!rig.run || !rig.loop)
        return -1;
    supervisor(rig.run);
    assert_int_equal(tern_wire_new(1500, 0, 256, &a, &b, why), 0);
    rig.guest = stack_on(a, 1);
    rig.peer = stack_on(b, 2);
    rig.run->cfg = (struct run_config){.loop = rig.loop,
                                       .st = rig.guest,
                                       .addr = rig_ep(1, 0).addr,
                                       .cc = TERN_CC_CUBIC,
                                       .on_exit = on_exit_told,
                                       .on_idle = on_idle_told};
    return 0;
}

int rig_teardown(void **state)
{
    (void)state;
    run_free(rig.run); /* the listener too */
    rig.run = NULL;
    (void)close(rig.pipe[1]);
    tern_loop_free(rig.loop);
    tern_stack_free(rig.guest);
    tern_stack_free(rig.peer);
    return 0;
}

/* ---- connections ---- */

struct tern_sock rig_peer_listen(uint16_t port)
{
    struct tern_endpoint at = {.port = port};
    struct tern_sock s;
    assert_int_equal(tern_tcp_listen(rig.peer, &at, 8, 0, &s), 0);
    return s;
}

static bool peer_accepted(void *ctx)
{
    struct rig_conn *c = ctx;
    if (!c->peer.id && tern_tcp_accept(rig.peer, c->listener, &c->peer) != TERN_OK)
        c->peer.id = 0;
    return c->peer.id != 0 && c->sk->state == SK_OPEN;
}

struct rig_conn rig_connect(uint16_t port)
{
    struct sockaddr_in to = rig_sin(2, port);
    struct rig_conn c = {.listener = rig_peer_listen(port)};
    c.fd = (int)rig_call(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, 0, 0, 0);
    assert_true(c.fd >= 0);
    c.sk = sk_by_fd(rig.run, c.fd);
    assert_non_null(c.sk);
    assert_int_equal(rig_call(SYS_connect, (uint64_t)c.fd, rig_at(&to), sizeof to, 0, 0, 0),
                     -EINPROGRESS);
    assert_true(rig_until(peer_accepted, &c));
    return c;
}

struct reading {
    struct tern_sock s;
    uint8_t *buf;
    size_t want, have;
    int64_t last;
};

static bool read_some(void *ctx)
{
    struct reading *r = ctx;
    r->last = 1;
    while (r->have < r->want && r->last > 0) {
        r->last = tern_tcp_recv(rig.peer, r->s, r->buf + r->have, r->want - r->have,
                                tern_loop_now(rig.loop));
        r->have += r->last > 0 ? (size_t)r->last : 0;
    }
    return r->have == r->want || (r->last != TERN_EAGAIN && r->last != TERN_ENOTCONN);
}

size_t rig_peer_read(struct tern_sock s, void *buf, size_t n)
{
    struct reading r = {.s = s, .buf = buf, .want = n};
    assert_true(rig_until(read_some, &r));
    return r.have;
}

int64_t rig_peer_end(struct tern_sock s)
{
    uint8_t octet;
    struct reading r = {.s = s, .buf = &octet, .want = 1};
    assert_true(rig_until(read_some, &r));
    return r.last;
}

int rig_so_error(int fd)
{
    int v = -1, len = sizeof v;
    assert_int_equal(
        rig_call(SYS_getsockopt, (uint64_t)fd, SOL_SOCKET, SO_ERROR, rig_at(&v), rig_at(&len), 0),
        0);
    return v;
}
