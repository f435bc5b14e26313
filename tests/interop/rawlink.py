# SPDX-License-Identifier: BSD-2-Clause
"""A host of our own behind a link: Ethernet, ARP, ping and TCP segments by hand, for differential.py."""

import fcntl
import os
import select
import socket
import struct
import time

US = "10.50.0.9"
MAC = bytes.fromhex("020000000009")
PATIENCE = 30   # seconds for an event that must come
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << i for i in range(8))
M32 = 0xffffffff


class Broken(Exception):
    """The laboratory does not work: no verdict on anybody's TCP."""


# ---- wire formats ----

def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip4(src, dst, proto, payload):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, proto, 0, src, dst)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def tcp(src, dst, sport, dport, seq, ack, flags, wnd, options=b"", data=b"", urg=0):
    options += b"\1" * (-len(options) % 4)
    head = struct.pack(">HHIIBBHHH", sport, dport, seq & M32, ack & M32, (5 + len(options) // 4) << 4, flags, wnd, 0, urg)
    whole = head + options + data
    total = checksum(src + dst + struct.pack(">HH", 6, len(whole)) + whole)
    return whole[:16] + struct.pack(">H", total) + whole[18:]


class Segment:
    def __init__(self, packet):
        size = (packet[0] & 15) * 4
        body = packet[size:struct.unpack(">H", packet[2:4])[0]]
        self.sport, self.dport, self.seq, self.ack, off, self.flags, self.wnd, _, self.urg = \
            struct.unpack(">HHIIBBHHH", body[:20])
        self.options = self.parse(body[20:(off >> 4) * 4])
        self.data = body[(off >> 4) * 4:]
        self.len = len(self.data) + (self.flags & SYN > 0) + (self.flags & FIN > 0)

    @staticmethod
    def parse(raw):
        out = {}
        while raw and raw[0] != 0:
            if raw[0] == 1:
                raw = raw[1:]
                continue
            out[raw[0]] = raw[2:raw[1]]
            raw = raw[raw[1]:]
        return out


# ---- the two links ----

class Link:
    """Frames to and from one stack."""

    def __init__(self, name, addr, ours):
        self.name, self.addr = name, socket.inet_aton(addr)
        self.us = socket.inet_aton(US)
        self.mac = b"\xff" * 6
        self.pings = 0
        self.ours = ours    # the TAP is ours (the kernel is the interface); else a packet socket on it
        if ours:
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.fd, 0x400454ca, struct.pack("16sH22x", name.encode(), 0x1002))    # TUNSETIFF: TAP, no header
        else:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.sock.bind((name, 0))
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.sock.setblocking(False)
            self.fd = self.sock.fileno()

    def write(self, frame):
        if self.ours:
            os.write(self.fd, frame)
        else:
            self.sock.send(frame)

    def send(self, proto, payload):
        self.write(self.mac + MAC + b"\x08\x00" + ip4(self.us, self.addr, proto, payload))

    def resolve(self):
        """The stack's MAC address."""
        self.write(b"\xff" * 6 + MAC + bytes.fromhex("08060001080006040001") + MAC + self.us + b"\0" * 6 + self.addr)
        until = time.monotonic() + PATIENCE
        while (frame := self.frame(until)) is not None:
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2" and frame[28:32] == self.addr:
                self.mac = frame[22:28]
                return
        raise Broken(f"{self.name}: no answer to ARP")

    def frame(self, until):
        """The next frame; None at the time limit."""
        while True:
            try:
                frame = os.read(self.fd, 70000)
            except BlockingIOError:
                left = until - time.monotonic()
                if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                    return None
                continue
            if len(frame) >= 34 and frame[6:12] != MAC:
                return frame

    def answer_arp(self, frame):
        if frame[20:22] == b"\0\1" and frame[38:42] == self.us:
            reply = frame[6:12] + MAC + frame[12:20] + b"\0\2" + MAC + self.us + frame[22:32]
            self.write(reply)

    def ping(self):
        """Everything the stack sends before it answers a ping: TCP segments."""
        self.pings = (self.pings + 1) & 0xffff
        echo = struct.pack(">BBHHH", 8, 0, 0, 77, self.pings)
        self.send(1, echo[:2] + struct.pack(">H", checksum(echo)) + echo[4:])
        out, until = [], time.monotonic() + PATIENCE
        while True:
            frame = self.frame(until)
            if frame is None:
                raise Broken(f"{self.name}: no answer to a ping within {PATIENCE} s")
            kind, packet = frame[12:14], frame[14:]
            if kind == b"\x08\x06":
                self.answer_arp(frame)
            elif kind == b"\x08\x00" and packet[9] == 6:
                out.append(Segment(packet))
            elif kind == b"\x08\x00" and packet[9] == 1:
                icmp = packet[(packet[0] & 15) * 4:]
                if icmp[0] == 0 and struct.unpack(">H", icmp[6:8])[0] == self.pings:
                    return out

    def settle(self):
        """All that the stack sends because of what happened before: a ping may overtake a segment that waits for
        the same turn, a second one, sent after the first was answered, cannot."""
        return self.ping() + self.ping()
