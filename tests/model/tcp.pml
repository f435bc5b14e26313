/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model/tcp.pml: opening and closing of TCP connections, as RFC 9293 3.10 has them with RFC 5961
 * and RFC 6191, between two ends and a wire that does its worst. spin visits every state.
 *
 * Sequence numbers are counted modulo 16, the window is 3, an end sends at most one octet and its
 * FIN. The wire is a bag for each direction: any segment in it may arrive next, so all reordering
 * is included. Losing a segment, delivering one twice, and a timer that fires too early each cost
 * one of FAULTS: then the wire has healed. Otherwise a timer fires when nothing else can happen
 * (Promela's `timeout`), and TIME-WAIT ends only then: 2 MSL is the time in which everything on the
 * wire has died.
 *
 * What is proved, in each configuration that tests/model/run lists:
 *   - both ends are never in ESTABLISHED with different sequence spaces;
 *   - no octet is accepted twice, and none of another incarnation;
 *   - every run is finite (no cycle at all: no ACK storm, no endless retransmission) and ends with
 *     both ends CLOSED: that is the liveness, and it needs no fairness;
 *   - with CLEAN: both octets and both FINs have arrived, whatever a forger without exact numbers
 *     has sent.
 * `generation` and `taken` are ghosts: they travel with segments, and no end looks at them before
 * the assertions.
 *
 * What it leaves out: text out of order is dropped and comes again; no delayed ACKs; no windows.
 *
 * The verifier also prints each distinct step it takes: `step STATE EVENT FLAGS NEXT`. From these
 * tests/model/run makes the relation that traces of the simulator are compared with.
 */

/* ---- the configuration: -DNAME=VALUE ---- */
#ifndef FAULTS
#define FAULTS 1 /* losses, duplicates and early timers */
#endif
#ifndef MODE0
#define MODE0 ACTIVE
#endif
#ifndef MODE1
#define MODE1 PASSIVE
#endif
#ifndef OPENS0 /* how often each end opens */
#define OPENS0 1
#endif
#ifndef OPENS1
#define OPENS1 1
#endif
#ifndef EAGER0 /* 1: may close at any time; 0: only after the peer's FIN */
#define EAGER0 1
#endif
#ifndef EAGER1
#define EAGER1 0
#endif
#ifndef DATA0 /* octets that each end may send */
#define DATA0 1
#endif
#ifndef DATA1
#define DATA1 1
#endif
#ifndef DEATHS0 /* aborts, give-ups and crashes */
#define DEATHS0 0
#endif
#ifndef DEATHS1
#define DEATHS1 0
#endif
#ifndef FORGED /* segments from a forger */
#define FORGED 0
#endif
#ifndef OLD /* segments of former connections that are on the wire in the beginning */
#define OLD 0
#endif
#ifndef COOKIE
#define COOKIE 0
#endif
#ifndef CLEAN
#define CLEAN 0
#endif
#ifndef FREE_ISS /* 1: after TIME-WAIT the first number is any (the octets outran the clock); 2: the same again */
#define FREE_ISS 0
#endif

#define ACTIVE  0
#define PASSIVE 1
#define EITHER  2 /* listens, and may then open actively from the same port */

/* ---- numbers ---- */
#define MOD(x)          ((x) & 15)
#define IN(x, from, n)  (MOD((x) - (from)) < (n))
#define LE(a, b)        (MOD((b) - (a)) < 8)
#define LT(a, b)        (LE(a, b) && MOD(a) != MOD(b))
#define WND             3
#define BAG             10 /* more are never on the way */

/* ---- states, in the order of enum tern_tcp_state ---- */
#define CLOSED       0
#define LISTEN       1
#define SYN_SENT     2
#define SYN_RECEIVED 3
#define ESTABLISHED  4
#define FIN_WAIT_1   5
#define FIN_WAIT_2   6
#define CLOSE_WAIT   7
#define CLOSING      8
#define LAST_ACK     9
#define TIME_WAIT    10

/* ---- segments: flags, seq, ack and the sender's generation in one number ---- */
#define SYN  1
#define ACK  2
#define FIN  4
#define RST  8
#define TEXT 16 /* one octet */
#define SEG(f, s, k, g) ((f) | (MOD(s) << 5) | (MOD(k) << 9) | ((g) << 13))
#define M_FLAGS         (m & 31)
#define M_SEQ           ((m >> 5) & 15)
#define M_ACK           ((m >> 9) & 15)
#define M_GEN           ((m >> 13) & 7)
#define HAS(f)          ((m & (f)) != 0)
#define LEN             (((m & SYN) != 0) + ((m & FIN) != 0) + ((m & TEXT) != 0))
#define STALE           7 /* the generation of segments that neither end has sent */

/* ---- events, as the relation names them ---- */
#define EV_RX    0
#define EV_TX    1
#define EV_CALL  2
#define EV_TIMER 3

c_decl {
    static unsigned char steps_seen[11][4][32][11];
    static void step(int from, int event, int flags, int to)
    {
        static const char *const names[] = {"rx", "tx", "call", "timer"};
        if (!steps_seen[from][event][flags][to]) {
            steps_seen[from][event][flags][to] = 1;
            printf("step %d %s %d %d\n", from, names[event], flags, to);
        }
    }
}

chan wire[2] = [BAG] of { int }; /* wire[e]: towards end e; sorted, since order means nothing */
chan aside = [BAG] of { int };   /* empty between two steps */

byte st[2];
byte iss[2], irs[2], una[2], nxt[2], rnxt[2];
byte opens[2], deaths[2], faults, forged;
bit opener[2];   /* how the connection began */
bit has_sent[2]; /* its octet */
bit spoke[2];    /* an ACK that nothing asked for was sent since time last passed [RFC5961:7] */
byte generation[2], pgeneration[2], taken[2];
byte tries[2];   /* SYN-ACKs sent again */
bit waited[2];   /* the last connection ended with TIME-WAIT */
bit clean[2];    /* the peer's octet and FIN have come */

/* What one step works with; nothing of it outlives the step. */
hidden byte g_from, g_event, g_flags, g_to, g_len, g_seq;
hidden byte g_moved, g_ok, g_owe, g_text, g_fin, g_done;

#define PEER            (1 - e)
#define SYNCHRONIZED(s) ((s) >= ESTABLISHED)
#define MODE            (e == 0 -> MODE0 : MODE1)
#define EAGER           (e == 0 -> EAGER0 : EAGER1)
#define DATA            (e == 0 -> DATA0 : DATA1)
#define PEER_DATA       (e == 0 -> DATA1 : DATA0)
#define FIN_SENT(s)     ((s) == FIN_WAIT_1 || (s) == CLOSING || (s) == LAST_ACK)
#define COOKIE_OF(n)    MOD(9 + 3 * (n))

inline begin(event, flags)
{
    g_event = event;
    g_flags = flags;
    g_moved = 0
}

inline log_step()
{
    c_code { step(g_from, g_event, g_flags, g_to); }
    printf("host %d: state %d, event %d, flags %d -> state %d\n", e, g_from, g_event, g_flags, g_to)
}

inline enter(to)
{
    g_from = st[e];
    g_to = to;
    g_moved = 1;
    log_step();
    st[e] = to
}

/* An event that changed no state is a step too. */
inline finish()
{
    if
    :: !g_moved ->
        g_from = st[e];
        g_to = st[e];
        log_step()
    :: else
    fi;
    assert(!(st[0] == ESTABLISHED && st[1] == ESTABLISHED) || (irs[0] == iss[1] && irs[1] == iss[0]))
}

inline send_seg(f, s, k)
{
    assert(nfull(wire[PEER]));
    g_to = st[e];
    g_len = f;
    c_code { step(g_to, 1, g_len, g_to); }
    printf("host %d: state %d sends flags %d seq %d ack %d\n", e, g_to, f, MOD(s), MOD(k));
    wire[PEER]!!SEG(f, s, k, generation[e])
}

inline forget(to)
{
    enter(to);
    irs[e] = 0;
    una[e] = 0;
    rnxt[e] = 0;
    pgeneration[e] = 0;
    has_sent[e] = 0;
    opener[e] = 0;
    tries[e] = 0
}

/* <SND.NXT, RCV.NXT, ACK> to what should not have come: challenges, segments out of the window. */
inline unasked_ack()
{
    if
    :: !spoke[e] ->
#ifndef MUTANT_STORM
        spoke[e] = 1;
#endif
        send_seg(ACK, nxt[e], rnxt[e])
    :: else
    fi
}

inline challenge()
{
#ifndef MUTANT_NO_CHALLENGE
    unasked_ack()
#else
    skip
#endif
}

/* ---- opening ---- */

/* A SYN at LISTEN, or one that TIME-WAIT gives way to [RFC6191:2]. */
inline passive_open(first)
{
    irs[e] = M_SEQ;
    rnxt[e] = MOD(M_SEQ + 1);
    pgeneration[e] = M_GEN;
    generation[e] = generation[e] + 1;
    assert(generation[e] < STALE);
    iss[e] = MOD(first);
    una[e] = iss[e];
    nxt[e] = MOD(iss[e] + 1);
    opener[e] = 0;
    has_sent[e] = 0;
    tries[e] = 0
}

inline rx_closed() /* 3.10.7.1 */
{
    if
    :: HAS(RST) -> skip
    :: !HAS(RST) && HAS(ACK) -> send_seg(RST, M_ACK, 0)
    :: else -> send_seg(RST | ACK, 0, M_SEQ + LEN)
    fi
}

inline rx_listen() /* 3.10.7.2 */
{
    if
    :: HAS(RST) -> skip
    :: !HAS(RST) && HAS(ACK) ->
        if
        :: COOKIE && !HAS(SYN) && M_ACK == MOD(COOKIE_OF(M_SEQ - 1) + 1) -> /* [RFC4987:3.6] */
            passive_open(M_ACK - 1);
            irs[e] = MOD(M_SEQ - 1);
            rnxt[e] = M_SEQ;
            una[e] = nxt[e];
            enter(ESTABLISHED);
            g_done = 0
        :: else -> send_seg(RST, M_ACK, 0)
        fi
    :: !HAS(RST) && !HAS(ACK) && HAS(SYN) ->
        if
        :: COOKIE ->
            generation[e]++; /* of the connection that may come of it */
            send_seg(SYN | ACK, COOKIE_OF(M_SEQ), M_SEQ + 1);
            generation[e]--
        :: else ->
            passive_open(iss[e] + 4);
            enter(SYN_RECEIVED);
            send_seg(SYN | ACK, iss[e], rnxt[e])
        fi
    :: else
    fi
}

inline rx_syn_sent() /* 3.10.7.3 */
{
#ifdef MUTANT_ANY_ACK
    g_ok = HAS(ACK);
#else
    g_ok = HAS(ACK) && M_ACK == nxt[e];
#endif
    if
    :: HAS(ACK) && !g_ok && !HAS(RST) -> send_seg(RST, M_ACK, 0)
    :: HAS(RST) && g_ok -> forget(CLOSED)
    :: !HAS(RST) && HAS(SYN) && (g_ok || !HAS(ACK)) ->
        irs[e] = M_SEQ;
        rnxt[e] = MOD(M_SEQ + 1);
        pgeneration[e] = M_GEN;
        if
        :: g_ok ->
            una[e] = nxt[e];
            enter(ESTABLISHED);
            send_seg(ACK, nxt[e], rnxt[e])
        :: else -> /* [RFC9293:MUST-10] */
            enter(SYN_RECEIVED);
            send_seg(SYN | ACK, iss[e], rnxt[e])
        fi
    :: else
    fi
}

/* ---- closing ---- */

inline rx_time_wait()
{
    g_len = LEN;
    if
    :: HAS(SYN) && !HAS(ACK) && !HAS(RST) ->
        if
        :: MODE != ACTIVE && LE(rnxt[e], M_SEQ) -> /* newer than all of the old [RFC6191:2] */
            passive_open(nxt[e] + 1);
            enter(SYN_RECEIVED);
            send_seg(SYN | ACK, iss[e], rnxt[e])
        :: else
        fi
    :: HAS(RST) -> skip /* [RFC1337:3] */
    :: !HAS(RST) && HAS(FIN) && MOD(M_SEQ + g_len) == rnxt[e] -> send_seg(ACK, nxt[e], rnxt[e])
    :: !HAS(RST) && !HAS(FIN) && !HAS(SYN) && IN(M_SEQ, rnxt[e], WND) && !HAS(TEXT) -> skip
    :: else -> unasked_ack()
    fi
}

/* ---- 3.10.7.4 ---- */

inline reset()
{
    if
    :: st[e] == SYN_RECEIVED && !opener[e] -> forget(LISTEN)
    :: else -> forget(CLOSED)
    fi
}

/* Steps 1 to 4; g_done stays 1 unless the segment goes on to step 5. */
inline rx_check()
{
    g_len = LEN;
    g_seq = M_SEQ;
    g_ok = IN(M_SEQ, rnxt[e], WND) || (g_len > 0 && IN(M_SEQ + g_len - 1, rnxt[e], WND));
    if
    :: st[e] == SYN_RECEIVED && HAS(SYN) && HAS(ACK) && !HAS(RST) && M_SEQ == irs[e] &&
       M_ACK == MOD(iss[e] + 1) -> /* Figure 7: only its ACK counts */
        m = m & ~(SYN | FIN | TEXT);
        g_seq = rnxt[e];
        g_done = 0
#ifdef MUTANT_RST_ANYWHERE
    :: HAS(RST) -> reset()
#endif
    :: HAS(SYN) && !HAS(RST) && SYNCHRONIZED(st[e]) -> challenge() /* [RFC5961:4] */
    :: else ->
        if
        :: !g_ok && HAS(RST) -> skip
        :: !g_ok && !HAS(RST) && st[e] == SYN_RECEIVED && HAS(SYN) && M_SEQ == irs[e] ->
            pgeneration[e] = M_GEN; /* the same number is the same connection */
            send_seg(SYN | ACK, iss[e], rnxt[e]) /* it missed our SYN-ACK */
        :: g_ok && HAS(RST) && M_SEQ == rnxt[e] -> reset()
        :: g_ok && HAS(RST) && M_SEQ != rnxt[e] -> challenge() /* [RFC5961:3] */
        :: g_ok && !HAS(RST) && HAS(SYN) ->
            if
            :: opener[e] -> challenge()
            :: else -> forget(LISTEN)
            fi
        :: g_ok && !HAS(RST) && !HAS(SYN) && HAS(ACK) -> g_done = 0
        :: g_ok && !HAS(RST) && !HAS(SYN) && !HAS(ACK) -> skip
        :: else -> unasked_ack()
        fi
    fi
}

/* Step 5. The FIN of this segment is next in order if g_fin. */
inline rx_ack()
{
    g_text = HAS(TEXT) && g_seq == rnxt[e];
    g_fin = HAS(FIN) && (MOD(g_seq + HAS(TEXT)) == rnxt[e] || g_text);
    g_owe = HAS(TEXT) || HAS(FIN);
    if
    :: st[e] == SYN_RECEIVED && !(LT(una[e], M_ACK) && LE(M_ACK, nxt[e])) ->
        send_seg(RST, M_ACK, 0);
        g_done = 1
    :: st[e] != SYN_RECEIVED && (LT(nxt[e], M_ACK) || LT(M_ACK, iss[e])) -> /* [RFC5961:5] */
        unasked_ack();
        g_done = 1
    :: else ->
        if
        :: st[e] == SYN_RECEIVED -> enter(ESTABLISHED)
        :: else
        fi;
        if
        :: LT(una[e], M_ACK) -> una[e] = M_ACK
        :: else
        fi;
        if
        :: una[e] == nxt[e] && st[e] == FIN_WAIT_1 && !g_fin -> enter(FIN_WAIT_2)
        :: una[e] == nxt[e] && st[e] == CLOSING ->
            enter(TIME_WAIT);
            g_done = 1
        :: una[e] == nxt[e] && st[e] == LAST_ACK ->
            forget(CLOSED);
            g_done = 1
        :: else
        fi
    fi
}

/* Steps 7 and 8. */
inline rx_text_fin()
{
    if
    :: st[e] == ESTABLISHED || st[e] == FIN_WAIT_1 || st[e] == FIN_WAIT_2 ->
        if
        :: g_text ->
            assert(M_GEN == pgeneration[e]);               /* of this connection */
            assert((taken[e] & (1 << M_GEN)) == 0);        /* and never before */
            taken[e] = taken[e] | (1 << M_GEN);
            rnxt[e] = MOD(rnxt[e] + 1)
        :: else
        fi;
        if
        :: g_fin ->
            rnxt[e] = MOD(rnxt[e] + 1);
            clean[e] = !PEER_DATA || (taken[e] & (1 << M_GEN)) != 0;
            if
            :: st[e] == ESTABLISHED -> enter(CLOSE_WAIT)
            :: st[e] == FIN_WAIT_1 && una[e] != nxt[e] -> enter(CLOSING)
#ifdef MUTANT_NO_TIME_WAIT
            :: else ->
                send_seg(ACK, nxt[e], rnxt[e]);
                g_owe = 0;
                waited[e] = FREE_ISS != 0;
                forget(CLOSED)
#else
            :: else -> enter(TIME_WAIT)
#endif
            fi
        :: else
        fi;
        if
        :: g_owe -> send_seg(ACK, nxt[e], rnxt[e])
        :: else
        fi
    :: else ->
        if
        :: g_owe -> unasked_ack()
        :: else
        fi
    fi
}

inline deliver()
{
    begin(EV_RX, M_FLAGS);
    g_done = 1;
    if
    :: st[e] == CLOSED -> rx_closed()
    :: st[e] == LISTEN ->
        rx_listen();
        if
        :: !g_done ->
            g_seq = M_SEQ;
            rx_ack();
            rx_text_fin()
        :: else
        fi
    :: st[e] == SYN_SENT -> rx_syn_sent()
    :: st[e] == TIME_WAIT -> rx_time_wait()
    :: else ->
        rx_check();
        if
        :: !g_done -> rx_ack()
        :: else
        fi;
        if
        :: !g_done -> rx_text_fin()
        :: else
        fi
    fi;
    finish()
}

/* ---- calls and timers ---- */

inline call_open(to)
{
    begin(EV_CALL, 0);
    enter(to);
    if
    :: to == SYN_SENT ->
        generation[e] = generation[e] + 1;
        assert(generation[e] < STALE);
        una[e] = iss[e];
        nxt[e] = MOD(iss[e] + 1);
        opener[e] = 1;
        send_seg(SYN, iss[e], 0)
    :: else
    fi
}

inline call_close()
{
    begin(EV_CALL, 0);
    if
    :: st[e] == LISTEN || st[e] == SYN_SENT -> forget(CLOSED)
    :: else ->
        if
        :: st[e] == CLOSE_WAIT -> enter(LAST_ACK)
        :: else -> enter(FIN_WAIT_1)
        fi;
        send_seg(FIN | ACK, nxt[e], rnxt[e]);
        nxt[e] = MOD(nxt[e] + 1)
    fi
}

inline call_send()
{
    begin(EV_CALL, 0);
    has_sent[e] = 1;
    send_seg(TEXT | ACK, nxt[e], rnxt[e]);
    nxt[e] = MOD(nxt[e] + 1);
    finish()
}

/* ABORT, with a RST where 3.10.5 says so. */
inline call_abort()
{
    begin(EV_CALL, 0);
    if
    :: st[e] >= SYN_RECEIVED && st[e] <= CLOSE_WAIT -> send_seg(RST | ACK, nxt[e], rnxt[e])
    :: else
    fi;
    forget(CLOSED)
}

/* R2 is reached, or the host has crashed: nobody is told. */
inline give_up()
{
    begin(EV_TIMER, 0);
    reset()
}

inline retransmit()
{
    begin(EV_TIMER, 0);
    if
    :: una[e] == iss[e] && st[e] == SYN_SENT -> send_seg(SYN, iss[e], 0)
    :: una[e] == iss[e] && st[e] != SYN_SENT -> send_seg(SYN | ACK, iss[e], rnxt[e])
    :: una[e] != iss[e] && has_sent[e] && una[e] == MOD(iss[e] + 1) ->
        if
        :: FIN_SENT(st[e]) -> send_seg(TEXT | FIN | ACK, una[e], rnxt[e])
        :: else -> send_seg(TEXT | ACK, una[e], rnxt[e])
        fi
    :: else -> send_seg(FIN | ACK, una[e], rnxt[e])
    fi;
    finish()
}

#define IN_FLIGHT(x)  (st[x] >= SYN_SENT && st[x] != TIME_WAIT && una[x] != nxt[x])
#define SYN_ACK_DUE   (st[e] != SYN_SENT && una[e] == iss[e])
#define MAY_DIE       (deaths[e] > 0 && st[e] > LISTEN && st[e] != TIME_WAIT && (opens[e] > 0 || EAGER0 && EAGER1))
#define MAY_CLOSE     (CLEAN -> MAY_CLOSE_CLEAN : MAY_CLOSE_EVER)
#define MAY_CLOSE_CLEAN (st[e] == LISTEN && clean[e] || \
    (DATA == 0 || has_sent[e]) && (st[e] == CLOSE_WAIT || EAGER && st[e] == ESTABLISHED))
/* In SYN-RECEIVED not after an old duplicate: the states behind it do not answer an ACK for another sequence
 * space with a RST, so that both ends would go on until R2. */
#define MAY_CLOSE_EVER  (st[e] == CLOSE_WAIT || st[e] == LISTEN || EAGER0 && EAGER1 && st[e] == SYN_SENT || \
    EAGER && (st[e] == ESTABLISHED || st[e] == SYN_RECEIVED && opener[e] && !OLD))
/* Nothing that time brings will move this end. */
#define STUCK(x) (!IN_FLIGHT(x) && st[x] != TIME_WAIT && (st[x] != FIN_WAIT_2 || st[1 - (x)] > SYN_SENT))
#define OVER (st[0] == CLOSED && st[1] == CLOSED && opens[0] + opens[1] == 0 && empty(wire[0]) && empty(wire[1]))

proctype host(bit e)
{
    int m, other;
end:
    do
    :: atomic { /* a segment arrives, or does not */
        nempty(wire[e]) ->
        do
        :: len(wire[e]) > 1 ->
            wire[e]?other;
            aside!other
        :: wire[e]?m -> break
        od;
        do
        :: nempty(aside) ->
            aside?other;
            wire[e]!!other
        :: empty(aside) -> break
        od;
        other = 0;
        if
        :: d_step { deliver(); m = 0 }
        :: faults > 0 -> /* once more later */
            d_step { faults--; wire[e]!!m; deliver(); m = 0 }
        :: faults > 0 -> /* lost */
            d_step { faults--; m = 0 }
        fi
    }
    :: atomic {
        st[e] == CLOSED && opens[e] > 0 && (!CLEAN || MODE != ACTIVE || st[PEER] != CLOSED) ->
        opens[e] = opens[e] - 1;
        if
        :: MODE != ACTIVE -> d_step { call_open(LISTEN) }
        :: else ->
            if
            :: generation[e] == 0 -> skip
            :: generation[e] != 0 && !waited[e] -> iss[e] = MOD(iss[e] + 4)
            :: generation[e] != 0 && waited[e] && FREE_ISS == 2 -> skip
            :: generation[e] != 0 && waited[e] && FREE_ISS == 1 ->
                do
                :: other < 15 -> other++
                :: break
                od;
                /* Not the last number of the old connection: a peer that is still in it would acknowledge the SYN
                 * without being asked, and wait in vain for a RST until R2. */
                iss[e] = (MOD(other + 1) == nxt[e] -> nxt[e] : other)
            fi;
            other = 0;
            waited[e] = 0;
            d_step { call_open(SYN_SENT) }
        fi
    }
    :: d_step { st[e] == LISTEN && MODE == EITHER -> call_open(SYN_SENT) }
    :: d_step { MAY_CLOSE -> call_close() }
    :: d_step { (st[e] == ESTABLISHED || st[e] == CLOSE_WAIT) && DATA != 0 && !has_sent[e] -> call_send() }
    :: d_step { MAY_DIE -> deaths[e]--; call_abort() }
    :: d_step { MAY_DIE -> deaths[e]--; give_up() }
    :: d_step { faults > 0 && IN_FLIGHT(e) -> faults--; retransmit() }
    :: atomic { /* forged segments come by themselves: the wire cannot lose them */
        forged > 0 && st[e] > LISTEN ->
        forged--;
        other = 0;
        do
        :: other < 15 -> other++
        :: break
        od;
        if
        :: !(SYNCHRONIZED(st[e]) || st[e] == SYN_RECEIVED) || other != rnxt[e] -> m = SEG(RST, other, 0, STALE)
        :: SYNCHRONIZED(st[e]) -> m = SEG(SYN, other, 0, STALE)
        :: other == rnxt[e] -> m = 0
        fi;
        d_step {
            other = 0;
            if
            :: m != 0 -> deliver(); m = 0
            :: else
            fi
        }
    }
    od
}

/* The retransmission timer. A handshake that is never acknowledged ends. */
inline timer()
{
    if
    :: !IN_FLIGHT(e) -> skip
    :: IN_FLIGHT(e) && SYN_ACK_DUE && tries[e] > FAULTS -> give_up() /* [RFC4987:3.3] */
    :: IN_FLIGHT(e) && SYN_ACK_DUE && tries[e] <= FAULTS ->
        tries[e]++;
        retransmit()
    :: else -> retransmit()
    fi
}

inline last_timer(x)
{
    e = x;
    begin(EV_TIMER, 0);
    waited[e] = FREE_ISS != 0 && st[e] == TIME_WAIT;
    forget(CLOSED);
    e = 0
}

/* When nothing else can happen, time passes: all that waits for an answer is sent again. */
proctype clock()
{
    bit e;
    do
    :: atomic { timeout && (IN_FLIGHT(0) || IN_FLIGHT(1)) ->
        d_step {
            spoke[0] = 0;
            spoke[1] = 0;
            e = 0;
            timer();
            e = 1;
            timer();
            e = 0
        }
    }
    :: atomic { timeout && (st[0] == TIME_WAIT) -> d_step { last_timer(0) } }
    :: atomic { timeout && (st[1] == TIME_WAIT) -> d_step { last_timer(1) } }
    /* Not the RFC's: nobody waits for ever for the FIN of a host that is gone. */
    :: atomic { timeout && (st[0] == FIN_WAIT_2 && st[1] <= SYN_SENT) -> d_step { last_timer(0) } }
    :: atomic { timeout && (st[1] == FIN_WAIT_2 && st[0] <= SYN_SENT) -> d_step { last_timer(1) } }
    :: timeout && STUCK(0) && STUCK(1) -> break
    od;
    assert(OVER);
    assert(!CLEAN || (clean[0] && clean[1]))
}

init {
    atomic {
        iss[0] = 14; /* wraps */
        iss[1] = 5;
        opens[0] = OPENS0;
        opens[1] = OPENS1;
        deaths[0] = DEATHS0;
        deaths[1] = DEATHS1;
        faults = FAULTS;
        forged = FORGED;
#if OLD
        byte n = 0, k = 0;
        do
        :: n < 15 -> n++
        :: break
        od;
        do
        :: k < 15 -> k++
        :: break
        od;
        if /* of other sequence spaces: neither number is one of this connection's opening. Two that
              * connect are alike: one of them gets it. */
        :: n != iss[0] -> wire[1]!!SEG(SYN, n, 0, STALE)
        :: n != iss[0] + 1 && ((k - iss[1]) & 3) != 1 && (MODE1 != ACTIVE || IN(n, iss[0], 5)) ->
            wire[1]!!SEG(ACK, n, k, STALE) /* further from the window they are all alike */
        :: MODE1 != ACTIVE && ((n - iss[1]) & 3) != 0 -> wire[0]!!SEG(SYN, n, 0, STALE)
        :: MODE1 != ACTIVE && ((n - iss[1]) & 3) != 0 && k != iss[0] + 1 -> wire[0]!!SEG(SYN | ACK, n, k, STALE)
        :: else -> skip
        fi;
        n = 0;
        k = 0;
#endif
        run host(0);
        run host(1);
        run clock()
    }
}
