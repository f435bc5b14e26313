/* SPDX-License-Identifier: BSD-2-Clause */
/* port/tcpinfo.c: what a connection looks like through Linux's window. */
#include "port/tcpinfo.h"

#include <stddef.h>
#include <string.h>
#include <tern/socket.h>

_Static_assert(sizeof(struct tcpinfo) == 280, "Linux's layout");
_Static_assert(offsetof(struct tcpinfo, tcpi_rtt) == 68, "Linux's layout");
_Static_assert(offsetof(struct tcpinfo, tcpi_pacing_rate) == 104, "Linux's layout");
_Static_assert(offsetof(struct tcpinfo, tcpi_snd_wnd) == 228, "Linux's layout");
_Static_assert(offsetof(struct tcpinfo, tcpi_received_ce) == 248, "Linux's layout");

static const uint8_t linux_state[TERN_TCP_STATES] = {
    [TERN_TCP_CLOSED] = 7,       [TERN_TCP_LISTEN] = 10,     [TERN_TCP_SYN_SENT] = 2,
    [TERN_TCP_SYN_RECEIVED] = 3, [TERN_TCP_ESTABLISHED] = 1, [TERN_TCP_FIN_WAIT_1] = 4,
    [TERN_TCP_FIN_WAIT_2] = 5,   [TERN_TCP_CLOSE_WAIT] = 8,  [TERN_TCP_CLOSING] = 11,
    [TERN_TCP_LAST_ACK] = 9,     [TERN_TCP_TIME_WAIT] = 6,
};

/* Duplicates that show a loss, before time does [RFC8985:3.3]; it does not adapt. */
#define REORDERING 3

/* Flight is told in segments; a part of one is one. */
static uint32_t segments(uint64_t octets, uint32_t mss)
{
    return mss ? (uint32_t)((octets + mss - 1) / mss) : 0;
}

static void fill_counts(const struct tern_info *in, struct tcpinfo *ti)
{
    ti->tcpi_total_retrans = (uint32_t)in->retrans;
    ti->tcpi_bytes_acked = in->bytes_acked;
    ti->tcpi_bytes_received = in->bytes_received;
    ti->tcpi_segs_out = (uint32_t)in->segs_out;
    ti->tcpi_segs_in = (uint32_t)in->segs_in;
    ti->tcpi_dsack_dups = (uint32_t)in->dsack;
    ti->tcpi_delivery_rate = in->delivery_bps;
    ti->tcpi_pacing_rate = in->pacing_bps ? in->pacing_bps : UINT64_MAX;
    ti->tcpi_delivery_rate_app_limited = in->app_limited ? 1 : 0;
    ti->tcpi_rcv_ooopack = in->ooo;
    ti->tcpi_max_pacing_rate = UINT64_MAX; /* no ceiling */
    ti->tcpi_data_segs_out = in->data_out;
    ti->tcpi_data_segs_in = in->data_in;
    /* the SYN is one of them, when it is acknowledged */
    ti->tcpi_delivered = in->delivered_segs + (in->state >= TERN_TCP_ESTABLISHED ? 1 : 0);
    ti->tcpi_delivered_ce = in->delivered_ce;
    ti->tcpi_received_ce = in->received_ce;
    ti->tcpi_bytes_sent = in->bytes_sent;
    ti->tcpi_bytes_retrans = in->bytes_rexmt;
    ti->tcpi_reord_seen = in->reordered;
    ti->tcpi_total_rto = (uint16_t)in->rto_total;
    ti->tcpi_total_rto_recoveries = (uint16_t)in->rto_recoveries;
    ti->tcpi_total_rto_time = in->rto_ms;
}

/* Times: what is going on, and how long ago something was. last_ack_sent is zero on Linux too. */
static void fill_times(const struct tern_info *in, struct tcpinfo *ti)
{
    ti->tcpi_rto = in->rto_us;
    ti->tcpi_ato = in->ato_us;
    ti->tcpi_rtt = in->srtt_us;
    ti->tcpi_rttvar = in->rttvar_us;
    ti->tcpi_min_rtt = in->min_rtt_us;
    ti->tcpi_rcv_rtt = in->rcv_rtt_us;
    ti->tcpi_last_data_sent = in->data_tx_ms;
    ti->tcpi_last_data_recv = in->data_rx_ms;
    ti->tcpi_last_ack_recv = in->ack_rx_ms;
    ti->tcpi_busy_time = in->busy_us;
    ti->tcpi_rwnd_limited = in->rwnd_us;
    ti->tcpi_sndbuf_limited = in->sndbuf_us;
}

/* enum tcpi_opts; SYN_DATA: data went with a SYN and was taken. */
static uint8_t options(const struct tern_info *in)
{
    return (uint8_t)((in->ts_ok ? 1 : 0) | (in->sack_ok ? 2 : 0) | (in->wscale_ok ? 4 : 0) |
                     (in->ecn != 0 ? 8 : 0) | (in->ecn_seen ? 16 : 0) | (in->syn_data ? 32 : 0));
}

void tcpinfo_of(const struct tern_info *in, struct tcpinfo *ti)
{
    memset(ti, 0, sizeof *ti);
    ti->tcpi_state = linux_state[TERN_TCP_CLOSED];
    if (!in)
        return;
    uint32_t mss = in->mss ? in->mss : 1;
    ti->tcpi_state = in->state < TERN_TCP_STATES ? linux_state[in->state] : 7;
    ti->tcpi_retransmits = (uint8_t)in->retries;
    ti->tcpi_options = options(in);
    ti->tcpi_probes = in->probes;
    ti->tcpi_backoff = in->backoff;
    ti->tcpi_snd_wscale = in->snd_wscale & 15u;
    ti->tcpi_rcv_wscale = in->rcv_wscale & 15u;
    ti->tcpi_snd_mss = in->mss;
    ti->tcpi_rcv_mss = in->rcv_mss;
    ti->tcpi_advmss = in->adv_mss;
    ti->tcpi_pmtu = in->path_mtu;
    ti->tcpi_reordering = in->reorder_segs > REORDERING ? in->reorder_segs : REORDERING;
    ti->tcpi_rcv_ssthresh = in->rcv_limit;
    ti->tcpi_notsent_bytes = in->not_sent;
    ti->tcpi_retrans = segments(in->again, mss);
    ti->tcpi_ecn_mode = in->ecn & 3u;
    ti->tcpi_unacked = segments(in->snd_nxt - in->snd_una, mss);
    ti->tcpi_snd_ssthresh = in->ssthresh == UINT32_MAX ? INT32_MAX : in->ssthresh / mss;
    ti->tcpi_snd_cwnd = in->cwnd / mss;
    ti->tcpi_rcv_space = in->rcv_space != 0 ? in->rcv_space : in->rcv_wnd;
    ti->tcpi_snd_wnd = in->snd_wnd;
    ti->tcpi_rcv_wnd = in->rcv_wnd;
    ti->tcpi_ca_state = in->rto_recovery ? 4 : in->recovery ? 3 : in->sacked ? 1 : 0;
    ti->tcpi_sacked = segments(in->sacked, mss);
    /* what was lost stays so for Linux when it has been sent again */
    ti->tcpi_lost = segments(in->lost + (in->recovery || in->rto_recovery ? in->again : 0), mss);
    fill_times(in, ti);
    fill_counts(in, ti);
}

#define PRINT_F(type, name)                                                                        \
    (void)fprintf(f, "'tcpi_" #name "': %llu,\n", (unsigned long long)ti->tcpi_##name);
#define PRINT_B(type, name, bits) PRINT_F(type, name)

void tcpinfo_print(const struct tcpinfo *ti, FILE *f)
{
    TCPINFO_MEMBERS(PRINT_F, PRINT_B)
}

void meminfo_of(struct tern_stack *st, struct tern_sock s, uint32_t mem[MEMINFO_VARS])
{
    static const struct {
        unsigned at;
        enum tern_opt opt;
    } what[] = {{0, TERN_OPT_RCVQ},
                {1, TERN_OPT_RCVBUF},
                {2, TERN_OPT_SNDQ},
                {3, TERN_OPT_SNDBUF},
                {5, TERN_OPT_SNDQ}};
    memset(mem, 0, MEMINFO_VARS * sizeof *mem);
    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        int64_t v = 0;
        if (s.id != 0 && tern_getopt(st, s, what[i].opt, &v) == 0)
            mem[what[i].at] = (uint32_t)v;
    }
}
