/* SPDX-License-Identifier: BSD-2-Clause */
/* An Ethernet frame; ARP and RARP packets in it are read as well. */
#include "base/causes.h"
#include "fuzz/fuzz.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include <string.h>

static void arp_laws(const uint8_t *p, size_t n)
{
    struct arp_pkt a;
    uint8_t again[ARP_PKT_LEN];
    int r = arp_parse(p, n, &a);

    fuzz_law(r == 0 || r == CAUSE_DROP_SHORT || r == CAUSE_DROP_ARP_BAD);
    fuzz_law((r == CAUSE_DROP_SHORT) == (n < ARP_PKT_LEN));
    if (r != 0)
        return;
    fuzz_law(a.op >= ARP_OP_REQUEST && a.op <= ARP_OP_RARP_REPLY);
    fuzz_law(arp_build(again, sizeof again, &a) == sizeof again);
    fuzz_law(memcmp(p, again, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct eth_hdr h;
    uint8_t again[ETH_HDR_LEN];

    if (eth_parse(data, n, &h) != 0) {
        fuzz_law(n < ETH_HDR_LEN);
        return 0;
    }
    fuzz_law(eth_build(again, sizeof again, &h) == sizeof again);
    fuzz_law(memcmp(data, again, sizeof again) == 0);
    if (h.type == ETH_TYPE_ARP || h.type == ETH_TYPE_RARP)
        arp_laws(data + ETH_HDR_LEN, n - ETH_HDR_LEN);
    return 0;
}
