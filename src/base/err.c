/* SPDX-License-Identifier: BSD-2-Clause */
/* base/err.c: names of states and errors. */
#include <tern/types.h>

const char *tern_tcp_state_name(enum tern_tcp_state s)
{
    static const char *const name[TERN_TCP_STATES] = {
        [TERN_TCP_CLOSED] = "CLOSED",           [TERN_TCP_LISTEN] = "LISTEN",
        [TERN_TCP_SYN_SENT] = "SYN-SENT",       [TERN_TCP_SYN_RECEIVED] = "SYN-RECEIVED",
        [TERN_TCP_ESTABLISHED] = "ESTABLISHED", [TERN_TCP_FIN_WAIT_1] = "FIN-WAIT-1",
        [TERN_TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [TERN_TCP_CLOSE_WAIT] = "CLOSE-WAIT",
        [TERN_TCP_CLOSING] = "CLOSING",         [TERN_TCP_LAST_ACK] = "LAST-ACK",
        [TERN_TCP_TIME_WAIT] = "TIME-WAIT",
    };
    return (unsigned)s < TERN_TCP_STATES ? name[s] : "unknown state";
}

const char *tern_strerror(int err)
{
    static const char *const text[] = {
        [-TERN_OK] = "No error",
        [-TERN_EAGAIN] = "Nothing to read, or no room to write, now",
        [-TERN_EINVAL] = "An argument is out of its range",
        [-TERN_EBADF] = "The handle is stale or of another kind",
        [-TERN_ENOBUFS] = "A configured limit is reached",
        [-TERN_EADDRINUSE] = "The address is in use",
        [-TERN_EADDRNOTAVAIL] = "Not an address of this host, or no free port is left",
        [-TERN_EAFNOSUPPORT] = "The address family is not supported",
        [-TERN_ENETUNREACH] = "The network cannot be reached",
        [-TERN_EHOSTUNREACH] = "The host cannot be reached",
        [-TERN_ECONNREFUSED] = "The connection was refused",
        [-TERN_ECONNRESET] = "The peer reset the connection",
        [-TERN_ECONNABORTED] = "The connection was aborted",
        [-TERN_ETIMEDOUT] = "The peer did not answer in time",
        [-TERN_ENOTCONN] = "Not connected",
        [-TERN_EISCONN] = "Already connected",
        [-TERN_EALREADY] = "A connection attempt is already under way",
        [-TERN_EPIPE] = "The sending side is shut down",
        [-TERN_EMSGSIZE] = "The message is too long",
        [-TERN_EOPNOTSUPP] = "The operation does not apply to this kind of handle",
        [-TERN_EACCES] = "Prohibited by an administrator on the way",
        [-TERN_ENOPROTOOPT] = "The option or protocol is unknown",
        [-TERN_EINPROGRESS] = "The connection attempt has begun",
    };
    const int count = (int)(sizeof text / sizeof *text);
    return err <= 0 && err > -count ? text[-err] : "Unknown error";
}
