/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * old_kernel PROGRAM ARG...: runs it as if the kernel were Linux 5.14 to 5.18 as far as the
 * launcher can see: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (5.19), SECCOMP_IOCTL_NOTIF_SET_FLAGS
 * (6.6) and nothing else answer EINVAL, as a kernel does that does not know them. Unlike such a
 * kernel it takes no privilege away that root would have.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WAIT_KILLABLE_RECV (1u << 5)
#define NOTIF_SET_FLAGS    0x40082104u /* _IOW('!', 4, uint64_t) */
#define FIELD(f)           BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, f))
#define IS(v, yes, no)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v, yes, no)

int main(int argc, char **argv)
{
    struct sock_filter f[] = {
        FIELD(nr),
        IS(SYS_seccomp, 0, 2),
        FIELD(args[1]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, WAIT_KILLABLE_RECV, 3, 4),
        IS(SYS_ioctl, 0, 3),
        FIELD(args[1]),
        IS(NOTIF_SET_FLAGS, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog p = {.len = sizeof f / sizeof *f, .filter = f};

    if (argc < 2) {
        fprintf(stderr, "usage: old_kernel PROGRAM ARG...\n");
        return 125;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0) {
        perror("old_kernel: seccomp");
        return 125;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
