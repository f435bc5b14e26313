/* SPDX-License-Identifier: BSD-2-Clause */
/* drill/tcpinfo.c: what a connection looks like through Linux's window; what the stack does not
 * measure is zero. */
#include "drill/tcpinfo.h"

#include <string.h>

static const uint8_t linux_state[TERN_TCP_STATES] = {
    [TERN_TCP_CLOSED] = 7,       [TERN_TCP_LISTEN] = 10,     [TERN_TCP_SYN_SENT] = 2,
    [TERN_TCP_SYN_RECEIVED] = 3, [TERN_TCP_ESTABLISHED] = 1, [TERN_TCP_FIN_WAIT_1] = 4,
    [TERN_TCP_FIN_WAIT_2] = 5,   [TERN_TCP_CLOSE_WAIT] = 8,  [TERN_TCP_CLOSING] = 11,
    [TERN_TCP_LAST_ACK] = 9,     [TERN_TCP_TIME_WAIT] = 6,
};

/* Flight is told in segments; a part of one is one. */
static uint32_t segments(uint64_t octets, uint32_t mss)
{
    return mss ? (uint32_t)((octets + mss - 1) / mss) : 0;
}

void drill_tcp_info(const struct tern_info *in, struct tcp_info *ti)
{
    memset(ti, 0, sizeof *ti);
    ti->tcpi_state = linux_state[TERN_TCP_CLOSED];
    if (!in)
        return;
    uint32_t mss = in->mss ? in->mss : 1;
    ti->tcpi_state = in->state < TERN_TCP_STATES ? linux_state[in->state] : 7;
    ti->tcpi_retransmits = (uint8_t)in->retries;
    ti->tcpi_options =
        (uint8_t)((in->ts_ok ? TCPI_OPT_TIMESTAMPS : 0) | (in->sack_ok ? TCPI_OPT_SACK : 0) |
                  (in->wscale_ok ? TCPI_OPT_WSCALE : 0));
    ti->tcpi_snd_wscale = in->snd_wscale & 15u;
    ti->tcpi_rcv_wscale = in->rcv_wscale & 15u;
    ti->tcpi_rto = in->rto_us;
    ti->tcpi_snd_mss = in->mss;
    ti->tcpi_rcv_mss = in->rcv_mss;
    ti->tcpi_advmss = in->rcv_mss;
    ti->tcpi_unacked = segments(in->snd_nxt - in->snd_una, mss);
    ti->tcpi_rtt = in->srtt_us;
    ti->tcpi_rttvar = in->rttvar_us;
    ti->tcpi_snd_ssthresh = in->ssthresh == UINT32_MAX ? INT32_MAX : in->ssthresh / mss;
    ti->tcpi_snd_cwnd = in->cwnd / mss;
    ti->tcpi_rcv_space = in->rcv_wnd;
    ti->tcpi_total_retrans = (uint32_t)in->retrans;
    ti->tcpi_bytes_acked = in->bytes_acked;
    ti->tcpi_bytes_received = in->bytes_received;
    ti->tcpi_segs_out = (uint32_t)in->segs_out;
    ti->tcpi_segs_in = (uint32_t)in->segs_in;
    ti->tcpi_dsack_dups = (uint32_t)in->dsack;
    ti->tcpi_snd_wnd = in->snd_wnd;
    ti->tcpi_ca_state = in->rto_recovery ? 4 : in->recovery ? 3 : in->sacked ? 1 : 0;
    ti->tcpi_sacked = segments(in->sacked, mss);
    ti->tcpi_lost = segments(in->lost, mss);
    ti->tcpi_min_rtt = in->min_rtt_us;
    ti->tcpi_delivery_rate = in->delivery_bps;
    ti->tcpi_pacing_rate = in->pacing_bps ? in->pacing_bps : UINT64_MAX;
    ti->tcpi_delivery_rate_app_limited = in->app_limited;
    ti->tcpi_rcv_ooopack = in->ooo;
}

#define F(x) (void)fprintf(f, "'tcpi_" #x "': %llu,\n", (unsigned long long)ti->tcpi_##x)

void drill_tcp_info_print(const struct tcp_info *ti, FILE *f)
{
    F(state), F(ca_state), F(retransmits), F(probes), F(backoff), F(options), F(snd_wscale);
    F(rcv_wscale), F(delivery_rate_app_limited), F(rto), F(ato), F(snd_mss), F(rcv_mss), F(unacked);
    F(sacked), F(lost), F(retrans), F(fackets), F(last_data_sent), F(last_ack_sent);
    F(last_data_recv), F(last_ack_recv), F(pmtu), F(rcv_ssthresh), F(rtt), F(rttvar);
    F(snd_ssthresh), F(snd_cwnd), F(advmss), F(reordering), F(rcv_rtt), F(rcv_space);
    F(total_retrans), F(pacing_rate), F(max_pacing_rate), F(bytes_acked), F(bytes_received);
    F(segs_out), F(segs_in), F(notsent_bytes), F(min_rtt), F(data_segs_in), F(data_segs_out);
    F(delivery_rate), F(busy_time), F(rwnd_limited), F(sndbuf_limited), F(delivered);
    F(delivered_ce), F(bytes_sent), F(bytes_retrans), F(dsack_dups), F(reord_seen), F(rcv_ooopack);
    F(snd_wnd);
}
