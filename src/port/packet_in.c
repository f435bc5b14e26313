/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/packet_in.c: frames that a packet socket receives, packet(7).
 *
 * The kernel writes them to a ring of slots (TPACKET_V2): taking a frame costs no system call, so a
 * burst of small frames costs what its octets cost, and a process that is late finds them waiting.
 * A slot holds an MTU; what is larger (the kernel's own super-segments, or those that the device
 * joined) lies in the socket's queue as well, marked in its slot, and is read from there, in its
 * place. Slots are given back at the next rx: frames are read in place.
 *
 * SYNs have a socket and a ring of their own. The two sockets are a group (PACKET_FANOUT), and a
 * small filter program deals the frames out between them: a SYN without ACK, RST and FIN goes to
 * the second, anything else to the first. So
 *
 *   - a flood of SYNs pushes nothing out of a ring but SYNs: the ACK that completes a handshake,
 *     and data, find room, and are taken first;
 *   - the slots of SYNs are small and close together: a ring of them that holds a burst of some ten
 *     milliseconds still fits a core's cache, of which slots for an MTU use a few lines each.
 *
 * Frames of a connection keep their order, since its SYN is answered before anything else of it is
 * sent. A kernel that knows no such groups leaves all frames to the first socket.
 *
 * Where a program in the kernel answers SYNs (offload.h), the second socket hears IPv4 only: the
 * kernel asks such a socket when the program has been run, and one for all protocols before. So it
 * gets the SYNs that were left. There is no group then, but a filter each: SYNs, and all else. (By
 * then the kernel has forgotten the tag of a VLAN that this machine has no device for.)
 */
#include "port/packet_in.h"

#include "base/assert.h"
#include "port/vnet.h"
#include "port/why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ALL_SLOTS 4096u
#define SYN_SLOTS 8192u
#define SYN_LEN   256u /* octets of a slot: room for an IP packet of 166 */
#define BLOCK     (64u << 10)
#define QUEUE     (4 << 20) /* octets of frames that are larger than a slot */

#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000 /* Linux 6.2 */
#endif

int packet_why(const char *name, const char *what, char *why)
{
    if (errno == EPERM || errno == EACCES)
        why_set(why, "%s: a packet socket is not allowed: run as root, or with CAP_NET_RAW", name);
    else
        why_set(why, "%s: %s: %s", name, what, strerror(errno));
    return -1;
}

void packet_buffer(int fd, int force, int plain, int octets)
{
    if (setsockopt(fd, SOL_SOCKET, force, &octets, sizeof octets) < 0)
        (void)setsockopt(fd, SOL_SOCKET, plain, &octets, sizeof octets);
}

static struct tpacket2_hdr *in_slot(const struct in_ring *r, uint32_t i)
{
    return (struct tpacket2_hdr *)(void *)(r->slot + (size_t)(i & (r->n - 1)) * r->len);
}

static uint32_t in_status(const struct in_ring *r)
{
    return __atomic_load_n(&in_slot(r, r->at)->tp_status, __ATOMIC_ACQUIRE);
}

static bool in_waits(const struct in_ring *r)
{
    return r->fd >= 0 && (in_status(r) & TP_STATUS_USER);
}

static void in_give_back(struct in_ring *r)
{
    for (; r->held > 0; r->held--)
        __atomic_store_n(&in_slot(r, r->at - r->held)->tp_status, TP_STATUS_KERNEL,
                         __ATOMIC_RELEASE);
}

/* A frame that is larger than a slot. At most one a call: there is one place for it. */
static bool in_big(const struct in_ring *r, uint8_t *big, struct tern_frame *f)
{
    struct virtio_net_hdr h;
    struct iovec iov[2] = {{&h, sizeof h}, {big, PACKET_CAP}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t n = recvmsg(r->fd, &m, MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) /* told once that the device was down: not what was asked */
        n = recvmsg(r->fd, &m, MSG_DONTWAIT);
    if (n <= (ssize_t)sizeof h || (m.msg_flags & MSG_TRUNC))
        return false;
    f->data = big;
    f->len = (uint32_t)n - (uint32_t)sizeof h;
    return vnet_read(&h, f);
}

/* For a network that is laid over this one: no frame of ours. (Tag 0 only says how urgent it is.)
 */
static bool in_other_vlan(const struct tpacket2_hdr *h)
{
    return (h->tp_status & TP_STATUS_VLAN_VALID) && (h->tp_vlan_tci & 0xfff) != 0;
}

static bool in_small(struct tpacket2_hdr *h, struct tern_frame *f)
{
    struct virtio_net_hdr v;
    f->data = (uint8_t *)h + h->tp_mac;
    f->len = h->tp_snaplen;
    if (h->tp_snaplen < h->tp_len ||
        in_other_vlan(h)) /* no room for the whole of it in the queue */
        return false;
    memcpy(&v, f->data - sizeof v, sizeof v);
    return vnet_read(&v, f);
}

/* Up to n frames of a ring; none after a big one, of this ring or the other. */
static size_t in_take(struct packet_in *in, struct in_ring *r, struct tern_frame *frames, size_t n,
                      bool *big, struct tern_time now)
{
    size_t k = 0;
    while (k < n && !*big) {
        struct tpacket2_hdr *h = in_slot(r, r->at);
        uint32_t status = in_status(r);
        if (!(status & TP_STATUS_USER))
            break;
        __builtin_prefetch(in_slot(r, r->at + 2));
        frames[k] = (struct tern_frame){.time = now};
        *big = (status & TP_STATUS_COPY) != 0;
        k += *big ? in_big(r, in->big, &frames[k]) && !in_other_vlan(h) : in_small(h, &frames[k]);
        r->at++;
        r->held++;
    }
    return k;
}

size_t packet_in_rx(struct packet_in *in, struct tern_frame *frames, size_t n, struct tern_time now)
{
    bool big = false, syns = in_waits(&in->syn);
    /* While both have some a quarter is for SYNs; of calls for less than four each fourth. */
    size_t share = syns && (n >= 4 || in->turn++ % 4 == 0) ? (n + 3) / 4 : 0;
    in_give_back(&in->all);
    size_t k = in_take(in, &in->all, frames, n - share, &big, now);
    if (in->syn.fd < 0)
        return k;
    in_give_back(&in->syn);
    size_t s = in_take(in, &in->syn, frames + k, n - k, &big, now);
    k += s;
    if (s < share)
        k += in_take(in, &in->all, frames + k, n - k, &big, now);
    return k;
}

/* ---- opening ---- */

void packet_in_init(struct packet_in *in)
{
    *in = (struct packet_in){.all.fd = -1, .syn.fd = -1};
}

static void in_close(struct in_ring *r)
{
    if (r->slot)
        (void)munmap(r->slot, (size_t)r->n * r->len);
    if (r->fd >= 0)
        (void)close(r->fd);
    r->slot = NULL;
    r->fd = -1;
}

void packet_in_close(struct packet_in *in)
{
    in_close(&in->all);
    in_close(&in->syn);
    if (in->big)
        (void)munmap(in->big, PACKET_BIG);
}

int packet_in_socket(struct packet_in *in)
{
    in->all.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return in->all.fd < 0 ? -1 : 0;
}

static int in_options(const struct in_ring *r, const char *name, char *why)
{
    static const int flags[] = {PACKET_VNET_HDR, PACKET_COPY_THRESH, PACKET_QDISC_BYPASS,
                                PACKET_IGNORE_OUTGOING};
    int one = 1, version = TPACKET_V2;
    for (unsigned i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (setsockopt(r->fd, SOL_PACKET, flags[i], &one, sizeof one) < 0)
            return packet_why(name, "the kernel's packet sockets are too old (Linux 5.0 is needed)",
                              why);
    }
    packet_buffer(r->fd, SO_RCVBUFFORCE, SO_RCVBUF, QUEUE);
    if (setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0)
        return packet_why(name, "no ring of received frames", why);
    return 0;
}

static int in_slots(struct in_ring *r, const char *name, char *why)
{
    uint32_t block = r->len > BLOCK ? r->len : BLOCK;
    struct tpacket_req req = {.tp_block_size = block,
                              .tp_block_nr = r->n / (block / r->len),
                              .tp_frame_size = r->len,
                              .tp_frame_nr = r->n};
    if (setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) < 0)
        return packet_why(name, "no ring of received frames", why);
    void *m = mmap(NULL, (size_t)r->n * r->len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
    if (m == MAP_FAILED)
        return packet_why(name, "memory for frames", why);
    r->slot = m;
    return 0;
}

static int in_bind(const struct in_ring *r, uint16_t protocol, const char *name, int index,
                   char *why)
{
    struct packet_mreq all = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = index};
    if (setsockopt(r->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0 ||
        bind(r->fd, (const struct sockaddr *)&at, sizeof at) < 0)
        return packet_why(name, "cannot listen at the device", why);
    return 0;
}

/* What the socket hears: nothing, or all but what the host sends. A group of sockets hears that,
 * too, before Linux 6.2; since then the group's flag keeps it away, and no program is needed. */
static int in_hear(const struct in_ring *r, bool something)
{
    struct utsname u;
    char *end = NULL;
    unsigned long major = uname(&u) < 0 ? 0 : strtoul(u.release, &end, 10);
    bool flag = major > 6 || (major == 6 && *end == '.' && strtoul(end + 1, NULL, 10) >= 2);
    if (something && flag)
        return setsockopt(r->fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, sizeof(int));
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, something ? PACKET_CAP : 0),
    };
    const struct sock_fprog p = {.len = sizeof code / sizeof code[0], .filter = code};
    return setsockopt(r->fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}

/* A program that says `syn` of a SYN (of an IPv4 packet's first fragment), `other` of all else.
 * What lies beyond the frame's end ends a program with 0: there is no such frame in either use. A
 * group's program is given the frame from the IP header on, a socket's filter all of it. */
static int in_syns(const struct in_ring *r, int level, int option, uint32_t syn, uint32_t other)
{
    uint32_t ip = level == SOL_SOCKET ? ETH_HLEN : 0;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 9),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ip + 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 7),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ip + 6),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 5, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, ip),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, ip + 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x17), /* ACK, RST, SYN, FIN */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, syn),
        BPF_STMT(BPF_RET | BPF_K, other),
    };
    const struct sock_fprog p = {.len = sizeof code / sizeof code[0], .filter = code};
    return setsockopt(r->fd, level, option, &p, sizeof p);
}

/* Makes the two sockets one group: the first that joins gets what the program calls 0. */
static int in_group(const struct packet_in *in)
{
    const int flags = PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_IGNORE_OUTGOING;
    int first = (int)((unsigned)(flags | PACKET_FANOUT_FLAG_UNIQUEID) << 16), got = 0;
    socklen_t len = sizeof got;
    if (setsockopt(in->all.fd, SOL_PACKET, PACKET_FANOUT, &first, sizeof first) < 0 ||
        getsockopt(in->all.fd, SOL_PACKET, PACKET_FANOUT, &got, &len) < 0 ||
        in_syns(&in->all, SOL_PACKET, PACKET_FANOUT_DATA, 1, 0) < 0)
        return -1;
    int second = (int)((unsigned)flags << 16 | ((unsigned)got & 0xffff));
    return setsockopt(in->syn.fd, SOL_PACKET, PACKET_FANOUT, &second, sizeof second);
}

/* The ring of SYNs: -1 with why. */
static int in_syn_open(struct packet_in *in, uint16_t protocol, const char *name, int index,
                       char *why)
{
    in->syn.n = SYN_SLOTS;
    in->syn.len = SYN_LEN;
    in->syn.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (in->syn.fd < 0)
        return packet_why(name, "packet socket", why);
    if (in_options(&in->syn, name, why) < 0 || in_slots(&in->syn, name, why) < 0)
        return -1;
    if (in_hear(&in->syn, false) < 0)
        return packet_why(name, "no filter for received frames", why);
    return in_bind(&in->syn, protocol, name, index, why);
}

static int in_open_all(struct packet_in *in, const char *name, int index, uint16_t mtu, char *why)
{
    in->all.n = ALL_SLOTS;
    in->all.len = 2048;
    while (in->all.len < mtu + 128u) /* the slot's head, Ethernet, a VLAN's tag */
        in->all.len *= 2;
    void *m = mmap(NULL, PACKET_BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        return packet_why(name, "memory for frames", why);
    in->big = m;
    if (in_options(&in->all, name, why) < 0 || in_slots(&in->all, name, why) < 0)
        return -1;
    if (in_hear(&in->all, false) < 0)
        return packet_why(name, "no filter for received frames", why);
    return in_bind(&in->all, ETH_P_ALL, name, index, why);
}

/* Options first, the ring, and the device last. Until both sockets know what is theirs they hear
 * nothing: each frame would come twice. */
int packet_in_open(struct packet_in *in, const char *name, int index, uint16_t mtu, char *why)
{
    char unsaid[TERN_WHY];
    if (in_open_all(in, name, index, mtu, why) < 0)
        return -1;
    if (in_syn_open(in, ETH_P_ALL, name, index, unsaid) < 0 || in_group(in) < 0)
        in_close(&in->syn); /* this kernel has no such thing */
    if (in_hear(&in->all, true) < 0 || (in->syn.fd >= 0 && in_hear(&in->syn, true) < 0))
        return packet_why(name, "no filter for received frames", why);
    return 0;
}

int packet_in_open_after(struct packet_in *in, const char *name, int index, uint16_t mtu, char *why)
{
    if (in_open_all(in, name, index, mtu, why) < 0 ||
        in_syn_open(in, ETH_P_IP, name, index, why) < 0)
        return -1;
    if (in_syns(&in->all, SOL_SOCKET, SO_ATTACH_FILTER, 0, PACKET_CAP) < 0 ||
        in_syns(&in->syn, SOL_SOCKET, SO_ATTACH_FILTER, PACKET_CAP, 0) < 0)
        return packet_why(name, "no filter for received frames", why);
    return 0;
}
