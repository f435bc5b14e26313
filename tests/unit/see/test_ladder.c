/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pictures from made-up traces, compared with golden/NAME.golden. TERN_GOLDEN=update rewrites
 * those: look at the difference before it is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "see/ladder.h"
#include "see/line.h"
#include "story.h"

struct scene {
    struct ladder *ld;
    struct story s;
};

static void tell(void *ctx, unsigned stack, const struct tern_trace *r)
{
    ladder_add(ctx, stack, r);
}

static struct scene scene_new(bool one_sided, unsigned max_conns, unsigned max_rows)
{
    struct ladder_config cfg = {.one_sided = one_sided,
                                .left = "guest",
                                .right = one_sided ? "peer" : "gateway",
                                .max_conns = max_conns,
                                .max_rows = max_rows};
    struct ladder *ld = ladder_new(&cfg);
    assert_non_null(ld);
    return (struct scene){ld, {.tell = tell, .ctx = ld, .port = 49152, .serial = {1, 1}}};
}

static char *scene_text(struct scene *sc, bool utf8, bool colour)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    struct ladder_style style = {.utf8 = utf8, .colour = colour};
    assert_int_equal(ladder_draw(sc->ld, f, &style), 0);
    assert_int_equal(fclose(f), 0);
    ladder_free(sc->ld);
    return text;
}

static void assert_narrow(const char *text)
{
    char line[1024];
    for (const char *end; *text; text = end + 1) {
        end = strchr(text, '\n');
        assert_non_null(end);
        assert_true((size_t)(end - text) < sizeof line);
        memcpy(line, text, (size_t)(end - text));
        line[end - text] = '\0';
        if (line_width(line) > LINE_COLS)
            fail_msg("more than %d columns: %s", LINE_COLS, line);
    }
}

static void assert_golden(struct scene *sc, const char *name, bool utf8)
{
    char path[512], want[32768];
    char *got = scene_text(sc, utf8, false);
    (void)snprintf(path, sizeof path, "%s/%s.golden", GOLDEN_DIR, name);
    assert_narrow(got);
    const char *mode = getenv("TERN_GOLDEN");
    if (mode && strcmp(mode, "update") == 0) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        (void)fputs(got, f);
        assert_int_equal(fclose(f), 0);
    }
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is missing; the picture:\n%s", path, got);
    size_t n = fread(want, 1, sizeof want - 1, f);
    want[n] = '\0';
    (void)fclose(f);
    assert_string_equal(got, want);
    free(got);
}

static void http(struct story *s, int64_t us)
{
    story_seg(s, 0, TERN_TH_PSH | TERN_TH_ACK, 79, CAUSE_TX_DATA_PUSH, us);
    s->us += 800;
    story_seg(s, 1, TERN_TH_PSH | TERN_TH_ACK, 1024, CAUSE_TX_DATA_PUSH, us);
    s->us += 40000;
    story_seg(s, 0, TERN_TH_ACK, 0, CAUSE_TX_ACK_DELAYED, us);
}

static void whole_life(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    story_handshake(&sc.s, 3);
    http(&sc.s, 3);
    story_close(&sc.s, 3);
    assert_golden(&sc, "life", true);
}

static void ascii(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    story_handshake(&sc.s, 3);
    http(&sc.s, 3);
    story_close(&sc.s, 3);
    assert_golden(&sc, "ascii", false);
}

static void delayed_link_has_rows_for_arrivals(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    story_handshake(&sc.s, 50000);
    http(&sc.s, 50000);
    story_close(&sc.s, 50000);
    assert_golden(&sc, "delay", true);
}

/* AE, ECE, CWR, congestion marks (of a near and of a far link) and the user timeout. */
static void marks(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    struct story *s = &sc.s;
    s->ecn = TERN_TR_AE;
    s->uto = 300;
    story_open(s, 0);
    story_seg(s, 0, TERN_TH_SYN | TERN_TH_ECE | TERN_TH_CWR, 0, CAUSE_TX_SYN, 3);
    s->ecn = 0;
    s->uto = 0x8000 | 10;
    story_seg(s, 1, TERN_TH_SYN | TERN_TH_ACK | TERN_TH_CWR, 0, CAUSE_TX_SYN_ACK, 3);
    s->uto = 300;
    story_seg(s, 0, TERN_TH_ACK, 0, CAUSE_TX_HANDSHAKE_ACK, 3);
    s->uto = 0;
    s->ecn = 2;
    s->mark = 3;
    story_seg(s, 0, TERN_TH_PSH | TERN_TH_ACK, 1000, CAUSE_TX_DATA_PUSH, 3);
    story_seg(s, 0, TERN_TH_PSH | TERN_TH_ACK, 1000, CAUSE_TX_DATA_PUSH, 50000);
    s->ecn = TERN_TR_AE;
    s->mark = 0;
    story_seg(s, 1, TERN_TH_ACK | TERN_TH_ECE, 0, CAUSE_TX_ACK_ECN, 3);
    assert_golden(&sc, "marks", true);
}

/* The handshake's third segment is lost; the SYN-ACK is repeated; data comes to the rescue. */
static void lost_third_ack(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    struct story *s = &sc.s;
    story_open(s, 0);
    story_state(s, 0, TERN_TCP_CLOSED, TERN_TCP_SYN_SENT, CAUSE_ST_ACTIVE_OPEN);
    story_seg(s, 0, TERN_TH_SYN, 0, CAUSE_TX_SYN, 5);
    story_state(s, 1, TERN_TCP_LISTEN, TERN_TCP_SYN_RECEIVED, CAUSE_ST_SYN);
    story_seg(s, 1, TERN_TH_SYN | TERN_TH_ACK, 0, CAUSE_TX_SYN_ACK, 5);
    story_state(s, 0, TERN_TCP_SYN_SENT, TERN_TCP_ESTABLISHED, CAUSE_ST_SYN_ACKED);
    struct tern_trace ack = story_tx(s, 0, TERN_TH_ACK, 0, CAUSE_TX_HANDSHAKE_ACK);
    story_link(s, 0, &ack, CAUSE_LINK_LOST);
    s->us += 1000000;
    struct tern_trace again =
        story_tx_at(s, 1, TERN_TH_SYN | TERN_TH_ACK, 0, 0, CAUSE_TX_SYN_ACK_REXMT);
    s->us += 5;
    story_drop(s, 1, &again, CAUSE_DROP_OUT_OF_WINDOW);
    story_seg(s, 0, TERN_TH_ACK, 0, CAUSE_TX_ACK_OUT_OF_WINDOW, 5);
    story_state(s, 1, TERN_TCP_SYN_RECEIVED, TERN_TCP_ESTABLISHED, CAUSE_ST_HANDSHAKE_DONE);
    http(s, 5);
    assert_golden(&sc, "third-ack", true);
}

/* Fates of data: lost, queue full, corrupted, duplicated, reordered; both directions. */
static void every_fate(void **state)
{
    (void)state;
    static const uint16_t fate[] = {CAUSE_LINK_LOST, CAUSE_LINK_QUEUE_FULL, CAUSE_LINK_CORRUPTED,
                                    CAUSE_LINK_DUPLICATED, CAUSE_LINK_REORDERED};
    struct scene sc = scene_new(false, 0, 0);
    struct story *s = &sc.s;
    story_handshake(s, 3);
    for (unsigned i = 0; i < 10; i++) {
        unsigned from = i / 5;
        struct tern_trace t = story_tx(s, from, TERN_TH_ACK, 1448, CAUSE_TX_DATA);
        story_link(s, from, &t, fate[i % 5]);
        s->us += 20;
        if (i % 5 < 3) {
            struct tern_trace r = story_tx_at(s, from, TERN_TH_ACK, s->nxt[from] - 1448, 1448,
                                              i % 5 ? CAUSE_TX_REXMT_FAST : CAUSE_TX_REXMT_RTO);
            s->us += 3;
            story_rx(s, from, &r);
            continue;
        }
        story_rx(s, from, &t);
        s->us += 7;
        if (i % 5 == 3)
            story_drop(s, from, &t, CAUSE_DROP_DUPLICATE);
    }
    assert_golden(&sc, "fates", true);
}

static void refused(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    struct story *s = &sc.s;
    story_open(s, 0);
    story_state(s, 0, TERN_TCP_CLOSED, TERN_TCP_SYN_SENT, CAUSE_ST_ACTIVE_OPEN);
    story_seg(s, 0, TERN_TH_SYN, 0, CAUSE_TX_SYN, 5);
    story_state(s, 1, TERN_TCP_LISTEN, TERN_TCP_SYN_RECEIVED, CAUSE_ST_SYN);
    s->us += 250;
    story_state(s, 1, TERN_TCP_SYN_RECEIVED, TERN_TCP_LISTEN, CAUSE_ST_ANSWER_REFUSED);
    struct tern_trace rst =
        story_tx_at(s, 1, TERN_TH_RST | TERN_TH_ACK, 6, 0, CAUSE_TX_RST_REFUSED);
    s->us += 5;
    story_rx(s, 1, &rst);
    story_state(s, 0, TERN_TCP_SYN_SENT, TERN_TCP_CLOSED, CAUSE_ST_REFUSED);
    assert_golden(&sc, "refused", true);
}

/* Both applications close at one instant, but the gateway's before the guest's FIN reaches it. */
static void both_close(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    struct story *s = &sc.s;
    story_handshake(s, 3);
    s->us += 1000;
    story_state(s, 0, TERN_TCP_ESTABLISHED, TERN_TCP_FIN_WAIT_1, CAUSE_ST_CLOSE);
    struct tern_trace fin = story_tx(s, 0, TERN_TH_FIN | TERN_TH_ACK, 0, CAUSE_TX_FIN);
    s->nxt[0]--;
    story_state(s, 1, TERN_TCP_ESTABLISHED, TERN_TCP_FIN_WAIT_1, CAUSE_ST_CLOSE);
    struct tern_trace fin2 = story_tx(s, 1, TERN_TH_FIN | TERN_TH_ACK, 0, CAUSE_TX_FIN);
    s->nxt[0]++;
    story_rx(s, 0, &fin);
    story_state(s, 1, TERN_TCP_FIN_WAIT_1, TERN_TCP_CLOSING, CAUSE_ST_SIMULTANEOUS_CLOSE);
    s->us += 3;
    story_rx(s, 1, &fin2);
    story_state(s, 0, TERN_TCP_FIN_WAIT_1, TERN_TCP_CLOSING, CAUSE_ST_SIMULTANEOUS_CLOSE);
    for (unsigned i = 0; i < 2; i++) {
        story_seg(s, i, TERN_TH_ACK, 0, CAUSE_TX_ACK_FIN, 3);
        story_state(s, 1 - i, TERN_TCP_CLOSING, TERN_TCP_TIME_WAIT, CAUSE_ST_FIN_ACKED);
        story_timer(s, 1 - i, TERN_TIMER_TIME_WAIT, 60000000);
    }
    assert_golden(&sc, "both-close", true);
}

static void stranger(void **state)
{
    (void)state;
    struct scene sc = scene_new(true, 0, 0);
    struct story *s = &sc.s;
    story_open(s, 0);
    story_state(s, 0, TERN_TCP_CLOSED, TERN_TCP_SYN_SENT, CAUSE_ST_ACTIVE_OPEN);
    (void)story_tx(s, 0, TERN_TH_SYN, 0, CAUSE_TX_SYN);
    s->us += 40;
    struct tern_trace sa = {.seq = GATEWAY_ISN,
                            .ack = GUEST_ISN + 1,
                            .th = TERN_TH_SYN | TERN_TH_ACK,
                            .wnd = 65160,
                            .mss = 1460};
    story_rx(s, 1, &sa);
    s->nxt[1] = 1;
    story_state(s, 0, TERN_TCP_SYN_SENT, TERN_TCP_ESTABLISHED, CAUSE_ST_SYN_ACKED);
    (void)story_tx(s, 0, TERN_TH_ACK, 0, CAUSE_TX_HANDSHAKE_ACK);
    (void)story_tx(s, 0, TERN_TH_PSH | TERN_TH_ACK, 10, CAUSE_TX_DATA_PUSH);
    s->us += 40;
    struct tern_trace rst = {.seq = GATEWAY_ISN + 1, .th = TERN_TH_RST};
    story_rx(s, 1, &rst);
    story_state(s, 0, TERN_TCP_ESTABLISHED, TERN_TCP_CLOSED, CAUSE_ST_RST);
    assert_golden(&sc, "stranger", true);
}

static void bulk(struct story *s, unsigned n, unsigned lose_every)
{
    for (unsigned i = 0; i < n; i++) {
        struct tern_trace t = story_tx(s, 1, TERN_TH_ACK, 1448, CAUSE_TX_DATA);
        s->us += 2;
        if (lose_every && i % lose_every == lose_every - 1) {
            story_link(s, 1, &t, CAUSE_LINK_LOST);
            t = story_tx_at(s, 1, TERN_TH_ACK, s->nxt[1] - 1448, 1448, CAUSE_TX_REXMT_FAST);
            s->us += 2;
        }
        story_rx(s, 1, &t);
        if (i % 2)
            story_seg(s, 0, TERN_TH_ACK, 0, CAUSE_TX_ACK_EVERY_SECOND, 1);
    }
}

static void long_transfer_is_folded(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    story_handshake(&sc.s, 3);
    bulk(&sc.s, 5000, 0);
    story_close(&sc.s, 3);
    assert_golden(&sc, "bulk", true);
}

static void lossy_transfer_fits(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 256);
    story_handshake(&sc.s, 3);
    bulk(&sc.s, 5000, 10);
    story_close(&sc.s, 3);
    char *text = scene_text(&sc, true, false);
    assert_narrow(text);
    unsigned lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    assert_in_range(lines, 60, 190);
    assert_non_null(strstr(text, "lost: 500; sent again: 500 (fast-retransmit 500)"));
    assert_non_null(strstr(text, "gateway sent 8.0 MB in 5,503 segments"));
    assert_non_null(strstr(text, "TIME-WAIT │"));
    free(text);
}

/* The sums of a folded picture are those of all its rows. */
static void folding_loses_nothing(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 256);
    story_handshake(&sc.s, 3);
    bulk(&sc.s, 3000, 7);
    char *text = scene_text(&sc, false, false);
    unsigned long segs = 0, lost = 0;
    unsigned drawn = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        char *fold = strstr(line, "; <- ");
        if (fold) {
            char *p = fold + 5;
            unsigned long n = 0;
            for (; *p && *p != ' '; p++)
                n = *p == ',' ? n : n * 10 + (unsigned long)(*p - '0');
            segs += n;
            char *l = strstr(line, " lost,");
            if (l) {
                while (l > line && l[-1] != ' ')
                    l--;
                lost += strtoul(l, NULL, 10);
            }
        } else if (strstr(line, "len 1448")) {
            drawn++;
            lost += strstr(line, "lost x") != NULL;
        }
    }
    assert_int_equal(segs + drawn, 3000 + 3000 / 7);
    assert_int_equal(lost, 3000 / 7);
    free(text);
}

static void same_ports_again_are_a_new_picture(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    story_handshake(&sc.s, 3);
    story_close(&sc.s, 3);
    sc.s.serial[0] = 2;
    sc.s.serial[1] = 2;
    sc.s.nxt[0] = sc.s.nxt[1] = 0;
    sc.s.us += 1000;
    story_handshake(&sc.s, 3);
    char *text = scene_text(&sc, true, false);
    assert_non_null(strstr(text, "connection 1, from 0.000000 s"));
    assert_non_null(strstr(text, "connection 2, from"));
    assert_null(strstr(text, "connection 3"));
    assert_non_null(strstr(text, "states now: guest TIME-WAIT, gateway CLOSED"));
    assert_non_null(strstr(text, "states now: guest ESTABLISHED, gateway ESTABLISHED"));
    free(text);
}

static void limits_are_told(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 2, 0);
    for (unsigned i = 0; i < 5; i++) {
        sc.s.port++;
        sc.s.serial[0]++;
        sc.s.serial[1]++;
        sc.s.nxt[0] = sc.s.nxt[1] = 0;
        story_handshake(&sc.s, 3);
    }
    ladder_missed(sc.ld, 1234567);
    char *text = scene_text(&sc, true, false);
    assert_non_null(strstr(text, "3 more connections are not drawn: only the first 2 are kept."));
    assert_non_null(strstr(text, "1,234,567 records were overwritten"));
    free(text);
}

static void nothing_to_draw(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    struct tern_trace listen = story_record(&sc.s, 0, TERN_TR_STATE, CAUSE_ST_LISTEN);
    listen.rport = 0;
    ladder_add(sc.ld, 0, &listen);
    char *text = scene_text(&sc, true, false);
    assert_string_equal(text, "No TCP connection was made: there is nothing to draw.\n");
    free(text);
}

static void colour_only_when_asked(void **state)
{
    (void)state;
    for (int colour = 0; colour < 2; colour++) {
        struct scene sc = scene_new(false, 0, 0);
        story_handshake(&sc.s, 3);
        char *text = scene_text(&sc, true, colour);
        assert_int_equal(strchr(text, '\033') != NULL, colour);
        free(text);
    }
}

/* Both ends in one stack: the program talks to itself. */
static void both_ends_in_one_stack(void **state)
{
    (void)state;
    struct scene sc = scene_new(false, 0, 0);
    struct tern_trace r = story_record(&sc.s, 0, TERN_TR_SEG_TX, CAUSE_TX_SYN);
    r.raddr = r.laddr;
    r.th = TERN_TH_SYN;
    r.seq = 77;
    r.id = 1;
    ladder_add(sc.ld, 0, &r);
    r.kind = TERN_TR_SEG_RX;
    r.serial = 2;
    r.rport = r.lport;
    r.lport = 8000;
    ladder_add(sc.ld, 0, &r);
    char *text = scene_text(&sc, false, false);
    assert_null(strstr(text, "connection 2"));
    assert_non_null(strstr(text, "SYN seq 0"));
    assert_null(strstr(text, "..."));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_life),
        cmocka_unit_test(ascii),
        cmocka_unit_test(delayed_link_has_rows_for_arrivals),
        cmocka_unit_test(marks),
        cmocka_unit_test(lost_third_ack),
        cmocka_unit_test(every_fate),
        cmocka_unit_test(refused),
        cmocka_unit_test(both_close),
        cmocka_unit_test(stranger),
        cmocka_unit_test(long_transfer_is_folded),
        cmocka_unit_test(lossy_transfer_fits),
        cmocka_unit_test(folding_loses_nothing),
        cmocka_unit_test(same_ports_again_are_a_new_picture),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(nothing_to_draw),
        cmocka_unit_test(colour_only_when_asked),
        cmocka_unit_test(both_ends_in_one_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
