/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio-net header: what the stack says of a frame is what comes back. */
#include "frames.h"
#include "port/vnet.h"

static void plain_and_partial(void **state)
{
    (void)state;
    uint8_t data[64] = {0};
    struct virtio_net_hdr h;
    struct tern_frame f = {.data = data, .len = sizeof data}, g = f;
    vnet_write(TERN_LINK_IP, &f, &h);
    assert_int_equal(h.flags, 0);
    assert_true(vnet_read(&h, &g));
    assert_int_equal(g.csum, TERN_CSUM_NONE);
    f.csum = TERN_CSUM_PARTIAL;
    f.csum_start = 20;
    f.csum_offset = 16;
    vnet_write(TERN_LINK_IP, &f, &h);
    assert_true(vnet_read(&h, &g));
    assert_int_equal(g.csum, TERN_CSUM_PARTIAL);
    assert_int_equal(g.csum_start, 20);
    assert_int_equal(g.csum_offset, 16);
}

static void verified_by_the_link(void **state)
{
    (void)state;
    struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_DATA_VALID};
    struct tern_frame f = {.len = 64};
    assert_true(vnet_read(&h, &f));
    assert_int_equal(f.csum, TERN_CSUM_OK);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct tern_frame f = {.len = 64};
    const struct virtio_net_hdr bad[] = {
        {.gso_type = 77},
        {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0},
        {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 60, .csum_offset = 4},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(vnet_read(&bad[i], &f));
    const struct virtio_net_hdr good = {
        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, .gso_size = 1448};
    assert_true(vnet_read(&good, &f));
    assert_int_equal(f.gso, TERN_GSO_TCP4);
    assert_int_equal(f.gso_size, 1448);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_partial),
        cmocka_unit_test(verified_by_the_link),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
