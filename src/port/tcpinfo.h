/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/tcpinfo.h: a connection as Linux's TCP_INFO shows it. The struct is declared here because
 * the system's header may be older than programs that ask: all 280 octets of it, in Linux's layout.
 * The one place that fills it; the launcher, `tern drill` and the packetdrill object show it.
 */
#ifndef PORT_TCPINFO_H
#define PORT_TCPINFO_H

#include <stdint.h>
#include <stdio.h>
#include <tern/inspect.h>

/* Every member of plain type, in its order: F(type, name); B(type, name, bits) for bit-fields. */
#define TCPINFO_MEMBERS(F, B)                                                                      \
    F(uint8_t, state)                                                                              \
    F(uint8_t, ca_state)                                                                           \
    F(uint8_t, retransmits)                                                                        \
    F(uint8_t, probes)                                                                             \
    F(uint8_t, backoff)                                                                            \
    F(uint8_t, options)                                                                            \
    B(uint8_t, snd_wscale, 4)                                                                      \
    B(uint8_t, rcv_wscale, 4)                                                                      \
    B(uint8_t, delivery_rate_app_limited, 1)                                                       \
    B(uint8_t, fastopen_client_fail, 2)                                                            \
    F(uint32_t, rto)                                                                               \
    F(uint32_t, ato)                                                                               \
    F(uint32_t, snd_mss)                                                                           \
    F(uint32_t, rcv_mss)                                                                           \
    F(uint32_t, unacked)                                                                           \
    F(uint32_t, sacked)                                                                            \
    F(uint32_t, lost)                                                                              \
    F(uint32_t, retrans)                                                                           \
    F(uint32_t, fackets)                                                                           \
    F(uint32_t, last_data_sent)                                                                    \
    F(uint32_t, last_ack_sent)                                                                     \
    F(uint32_t, last_data_recv)                                                                    \
    F(uint32_t, last_ack_recv)                                                                     \
    F(uint32_t, pmtu)                                                                              \
    F(uint32_t, rcv_ssthresh)                                                                      \
    F(uint32_t, rtt)                                                                               \
    F(uint32_t, rttvar)                                                                            \
    F(uint32_t, snd_ssthresh)                                                                      \
    F(uint32_t, snd_cwnd)                                                                          \
    F(uint32_t, advmss)                                                                            \
    F(uint32_t, reordering)                                                                        \
    F(uint32_t, rcv_rtt)                                                                           \
    F(uint32_t, rcv_space)                                                                         \
    F(uint32_t, total_retrans)                                                                     \
    F(uint64_t, pacing_rate)                                                                       \
    F(uint64_t, max_pacing_rate)                                                                   \
    F(uint64_t, bytes_acked)                                                                       \
    F(uint64_t, bytes_received)                                                                    \
    F(uint32_t, segs_out)                                                                          \
    F(uint32_t, segs_in)                                                                           \
    F(uint32_t, notsent_bytes)                                                                     \
    F(uint32_t, min_rtt)                                                                           \
    F(uint32_t, data_segs_in)                                                                      \
    F(uint32_t, data_segs_out)                                                                     \
    F(uint64_t, delivery_rate)                                                                     \
    F(uint64_t, busy_time)                                                                         \
    F(uint64_t, rwnd_limited)                                                                      \
    F(uint64_t, sndbuf_limited)                                                                    \
    F(uint32_t, delivered)                                                                         \
    F(uint32_t, delivered_ce)                                                                      \
    F(uint64_t, bytes_sent)                                                                        \
    F(uint64_t, bytes_retrans)                                                                     \
    F(uint32_t, dsack_dups)                                                                        \
    F(uint32_t, reord_seen)                                                                        \
    F(uint32_t, rcv_ooopack)                                                                       \
    F(uint32_t, snd_wnd)                                                                           \
    F(uint32_t, rcv_wnd)                                                                           \
    F(uint32_t, rehash)                                                                            \
    F(uint16_t, total_rto)                                                                         \
    F(uint16_t, total_rto_recoveries)                                                              \
    F(uint32_t, total_rto_time)                                                                    \
    F(uint32_t, received_ce)                                                                       \
    F(uint32_t, delivered_e1_bytes)                                                                \
    F(uint32_t, delivered_e0_bytes)                                                                \
    F(uint32_t, delivered_ce_bytes)                                                                \
    F(uint32_t, received_e1_bytes)                                                                 \
    F(uint32_t, received_e0_bytes)                                                                 \
    F(uint32_t, received_ce_bytes)                                                                 \
    B(uint32_t, ecn_mode, 2)                                                                       \
    B(uint32_t, accecn_opt_seen, 2)                                                                \
    B(uint32_t, accecn_fail_mode, 4)                                                               \
    B(uint32_t, options2, 24)

/* Types take no parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
#define TCPINFO_F(type, name)       type tcpi_##name;
#define TCPINFO_B(type, name, bits) type tcpi_##name : bits;
/* NOLINTEND(bugprone-macro-parentheses) */
struct tcpinfo {
    TCPINFO_MEMBERS(TCPINFO_F, TCPINFO_B)
};
#undef TCPINFO_F
#undef TCPINFO_B

/* What the stack does not measure is zero; in NULL: there is no connection. */
void tcpinfo_of(const struct tern_info *in, struct tcpinfo *ti);
/* SO_MEMINFO: octets in the queues and their limits; the rest is memory that is not counted here,
 * and all is zero for a socket without a handle. */
#define MEMINFO_VARS 9
void meminfo_of(struct tern_stack *st, struct tern_sock s, uint32_t mem[MEMINFO_VARS]);
/* Writes every member as a line `'tcpi_x': 17,` of a Python dictionary. */
void tcpinfo_print(const struct tcpinfo *ti, FILE *f);

#endif
