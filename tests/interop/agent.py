#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""An ordinary program with sockets, driven by lines on standard input: the commands of interop/peer.c.

On the kernel's sockets it is the other end of tern; under `tern run` it is the program. What peer.c calls
`abort` is here SO_LINGER {1, 0} and close(). `serve`, `usage` and `counters` are peer.c's alone.
"""
import errno
import hashlib
import random
import socket
import struct
import sys
import threading

PIECE = 256 * 1024


class Agent:
    def __init__(self):
        self.socks = {}
        self.last = 0

    def keep(self, sock):
        self.last += 1
        self.socks[self.last] = sock
        return self.last

    # ---- opening ----

    @staticmethod
    def sign(s, peer, key):
        """TCP_MD5SIG: struct tcp_md5sig, a sockaddr_storage before it."""
        if key:
            s.setsockopt(socket.IPPROTO_TCP, 14, struct.pack(
                "=HH4s120xBBHI80s", socket.AF_INET, 0, socket.inet_aton(peer), 0, 0, len(key), 0, key.encode()))

    def do_listen(self, port, backlog=16, peer="", key=""):
        s = socket.socket()
        self.sign(s, peer, key)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", int(port)))
        s.listen(int(backlog))
        return self.keep(s)

    def do_accept(self, i):
        s, (addr, port) = self.socks[int(i)].accept()
        return self.keep(s), addr, port

    def open(self, port):
        s = socket.socket()
        if int(port):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("", int(port)))
        return s

    def do_connect(self, addr, port, lport=0, peer="", key=""):
        s = self.open(lport)
        self.sign(s, peer, key)
        try:
            s.connect((addr, int(port)))
        except OSError:
            s.close()
            raise
        return self.keep(s)

    # ---- data in the SYN ----

    def do_fastlisten(self, port, qlen=16):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("", int(port)))
        s.listen(16)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, int(qlen))
        return self.keep(s)

    def do_fastopen(self, addr, port, n, seed=1):
        """connect() by sendto(MSG_FASTOPEN), then the rest: what was sent with the call, and the hash of all."""
        s = socket.socket()
        data = random.Random(int(seed)).randbytes(int(n))
        first = s.sendto(data, socket.MSG_FASTOPEN, (addr, int(port)))
        s.sendall(data[first:])
        return self.keep(s), first, hashlib.sha256(data).hexdigest()

    def do_option(self, i, name):
        """An octet of TCP_INFO's tcpi_options: 8 ECN, 16 ECN seen, 32 data of the SYN taken."""
        return self.socks[int(i)].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[5] & int(name)

    def do_start(self, addr, port, lport=0, peer="", key=""):
        s = self.open(lport)
        self.sign(s, peer, key)
        s.setblocking(False)
        err = s.connect_ex((addr, int(port)))
        if err not in (0, errno.EINPROGRESS):
            s.close()
            raise OSError(err, "connect")
        return self.keep(s)

    def do_finish(self, i):
        import select
        s = self.socks[int(i)]
        poll = select.poll()
        poll.register(s, select.POLLOUT)
        poll.poll()
        err = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if err:
            self.socks.pop(int(i)).close()
            raise OSError(err, "connect")
        s.setblocking(True)
        return i

    # ---- data ----

    def send(self, s, n, seed):
        block = bytearray(random.Random(int(seed)).randbytes(PIECE))
        digest = hashlib.sha256()
        done = 0
        while done < n:
            struct.pack_into("<Q", block, 0, done)  # no two pieces are equal
            piece = memoryview(block)[:min(PIECE, n - done)]
            s.sendall(piece)
            digest.update(piece)
            done += len(piece)
        return done, digest.hexdigest()

    def recv(self, s, n):
        buf = bytearray(PIECE)
        view = memoryview(buf)
        digest = hashlib.sha256()
        done = 0
        while n == 0 or done < n:
            got = s.recv_into(view, PIECE if n == 0 else min(PIECE, n - done))
            if got == 0:
                return done, digest.hexdigest(), "eof"
            digest.update(view[:got])
            done += got
        return done, digest.hexdigest(), "more"

    def do_send(self, i, n, seed):
        return self.send(self.socks[int(i)], int(n), seed)

    def do_recv(self, i, n):
        return self.recv(self.socks[int(i)], int(n))

    def do_both(self, i, n, seed):
        s = self.socks[int(i)]
        sent = []

        def sender():
            try:
                sent.append(self.send(s, int(n), seed))
            except OSError as e:
                sent.append(e)

        t = threading.Thread(target=sender)
        t.start()
        got = self.recv(s, int(n))
        t.join()
        if isinstance(sent[0], OSError):
            raise sent[0]
        return sent[0] + got[:2]

    # ---- closing ----

    def do_shut(self, i):
        self.socks[int(i)].shutdown(socket.SHUT_WR)
        return ()

    def do_close(self, i):
        self.socks.pop(int(i)).close()
        return ()

    def do_abort(self, i):
        s = self.socks.pop(int(i))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        return ()

    # ---- the rest ----

    def do_names(self, i):
        s = self.socks[int(i)]
        return s.getsockname() + s.getpeername()

    def do_udp(self, port):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("", int(port)))
        return self.keep(s)

    def do_sendto(self, i, addr, port, text=""):
        self.socks[int(i)].sendto(bytes.fromhex(text), (addr, int(port)))
        return ()

    def do_recvfrom(self, i):
        data, (addr, port) = self.socks[int(i)].recvfrom(2048)
        return addr, port, data.hex()


def main():
    agent = Agent()
    print("ok agent", flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        try:
            answer = getattr(agent, "do_" + name)(*words)
            if not isinstance(answer, tuple):
                answer = (answer,)
            print(" ".join(["ok"] + [str(x) for x in answer]), flush=True)
        except OSError as e:
            print("err", errno.errorcode.get(e.errno, "?"), flush=True)


if __name__ == "__main__":
    main()
