/* SPDX-License-Identifier: BSD-2-Clause */
/* run/tcpinfo.c: TCP_INFO. What the stack knows is filled in; what it does not measure stays zero.
 */
#include "run/sup.h"

#include <linux/tcp.h>
#include <string.h>

/* Linux's numbers of the states. */
static const uint8_t linux_state[TERN_TCP_STATES] = {
    [TERN_TCP_CLOSED] = 7,       [TERN_TCP_LISTEN] = 10,     [TERN_TCP_SYN_SENT] = 2,
    [TERN_TCP_SYN_RECEIVED] = 3, [TERN_TCP_ESTABLISHED] = 1, [TERN_TCP_FIN_WAIT_1] = 4,
    [TERN_TCP_FIN_WAIT_2] = 5,   [TERN_TCP_CLOSE_WAIT] = 8,  [TERN_TCP_CLOSING] = 11,
    [TERN_TCP_LAST_ACK] = 9,     [TERN_TCP_TIME_WAIT] = 6,
};

static uint32_t segments(uint64_t octets, uint32_t mss)
{
    return (uint32_t)(octets / (mss ? mss : 1));
}

static uint8_t info_options(const struct tern_info *in)
{
    return (uint8_t)((in->ts_ok ? TCPI_OPT_TIMESTAMPS : 0) | (in->sack_ok ? TCPI_OPT_SACK : 0) |
                     (in->wscale_ok ? TCPI_OPT_WSCALE : 0));
}

size_t tcpinfo_fill(const struct sk *sk, void *buf, size_t len)
{
    struct tcp_info ti = {.tcpi_state = linux_state[TERN_TCP_CLOSED]};
    struct tern_info in;
    if (sk->h.id && tern_inspect(sk->run->cfg.st, sk->h, &in, tern_loop_now(sk->run->cfg.loop))) {
        ti.tcpi_state = in.state < TERN_TCP_STATES ? linux_state[in.state] : 7;
        ti.tcpi_retransmits = (uint8_t)in.retries;
        ti.tcpi_options = info_options(&in);
        ti.tcpi_snd_wscale = in.snd_wscale & 15u;
        ti.tcpi_rcv_wscale = in.rcv_wscale & 15u;
        ti.tcpi_rto = in.rto_us;
        ti.tcpi_snd_mss = in.mss;
        ti.tcpi_rcv_mss = in.rcv_mss;
        ti.tcpi_advmss = in.rcv_mss;
        ti.tcpi_unacked = segments(in.sndq, in.mss);
        ti.tcpi_rtt = in.srtt_us;
        ti.tcpi_rttvar = in.rttvar_us;
        ti.tcpi_snd_ssthresh =
            in.ssthresh == UINT32_MAX ? INT32_MAX : segments(in.ssthresh, in.mss);
        ti.tcpi_snd_cwnd = segments(in.cwnd, in.mss);
        ti.tcpi_rcv_space = in.rcv_wnd;
        ti.tcpi_total_retrans = (uint32_t)in.retrans;
        ti.tcpi_bytes_acked = in.bytes_acked;
        ti.tcpi_bytes_received = in.bytes_received;
        ti.tcpi_segs_out = (uint32_t)in.segs_out;
        ti.tcpi_segs_in = (uint32_t)in.segs_in;
        ti.tcpi_dsack_dups = (uint32_t)in.dsack;
        ti.tcpi_snd_wnd = in.snd_wnd;
    }
    size_t n = sizeof ti < len ? sizeof ti : len;
    memcpy(buf, &ti, n);
    return n;
}
