/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/vnet.h"

#include "port/frame.h"

#include <string.h>
#include <tern/event.h>

bool vnet_read(const struct virtio_net_hdr *h, struct tern_frame *f)
{
    switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
        f->gso = TERN_GSO_NONE;
        break;
    case VIRTIO_NET_HDR_GSO_TCPV4:
        f->gso = TERN_GSO_TCP4;
        break;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        f->gso = TERN_GSO_TCP6;
        break;
    default:
        return false;
    }
    if (f->gso) {
        f->gso_size = h->gso_size;
        if (f->gso_size == 0)
            return false;
    }
    if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        f->csum = TERN_CSUM_PARTIAL;
        f->csum_start = h->csum_start;
        f->csum_offset = h->csum_offset;
        return (uint32_t)h->csum_start + h->csum_offset + 2 <= f->len;
    }
    f->csum = h->flags & VIRTIO_NET_HDR_F_DATA_VALID ? TERN_CSUM_OK : TERN_CSUM_NONE;
    return true;
}

void vnet_write(uint8_t link, const struct tern_frame *f, struct virtio_net_hdr *h)
{
    memset(h, 0, sizeof *h);
    if (f->csum == TERN_CSUM_PARTIAL) {
        h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h->csum_start = f->csum_start;
        h->csum_offset = f->csum_offset;
    }
    struct frame_view v;
    if (f->gso == TERN_GSO_TCP4 && frame_view(link, f->data, f->len, &v) && v.tcp) {
        h->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
        h->gso_size = f->gso_size;
        h->hdr_len = (uint16_t)v.data;
        if (v.th & TERN_TH_CWR)
            h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    }
}
