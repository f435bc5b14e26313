/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port/vnet.h: the virtio-net header, in which the Linux kernel says of a frame that it is a
 * super-segment or that its checksum is still to be completed (virtio 1.1, 5.1.6).
 */
#ifndef PORT_VNET_H
#define PORT_VNET_H

#include <linux/virtio_net.h>
#include <tern/iface.h>

/* The header as attributes of f, whose len is known; false when it makes no sense. */
bool vnet_read(const struct virtio_net_hdr *h, struct tern_frame *f);
/* The header for a frame that is sent over a link of this kind (enum tern_link). */
void vnet_write(uint8_t link, const struct tern_frame *f, struct virtio_net_hdr *h);

#endif
