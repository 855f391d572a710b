#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy on the loopback address whose faults are switched on by files.

    proxy.py TARGET_PORT FOLDER

Writes the port it listens on into FOLDER/port. While FOLDER/cut exists, connections are closed and new ones
refused; while FOLDER/stall exists, nothing is carried in either direction, without a sign to anybody;
FOLDER/reset closes what there is once, with RST, and is removed. Ends with its standard input.
"""

import os
import selectors
import socket
import struct
import sys
import time

PIECE = 65536


class Proxy:
    """One listener, many pairs of sockets."""

    def __init__(self, target, folder):
        self.target, self.folder = target, folder
        self.sel = selectors.DefaultSelector()
        self.peer = {}     # socket -> the socket of the other side
        self.pending = {}  # socket -> bytes that it has not taken yet
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sel.register(self.listener, selectors.EVENT_READ)
        self.sel.register(sys.stdin, selectors.EVENT_READ)

    def flag(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def close(self, sock, reset=False):
        other = self.peer.pop(sock, None)
        for s in (sock, other):
            if s is None or s.fileno() < 0:
                continue
            self.peer.pop(s, None)
            self.pending.pop(s, None)
            self.sel.unregister(s)
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()

    def accept(self):
        client, _ = self.listener.accept()
        if self.flag("cut"):
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 5)
        except OSError:
            client.close()
            return
        for a, b in ((client, server), (server, client)):
            a.setblocking(False)
            a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.peer[a], self.pending[a] = b, b""
            self.sel.register(a, selectors.EVENT_READ)

    def watch(self, sock):
        """A side is read while what it sends can be passed on, and written while something waits."""
        events = 0 if self.pending[self.peer[sock]] else selectors.EVENT_READ
        if self.pending[sock]:
            events |= selectors.EVENT_WRITE
        try:
            if events:
                self.sel.modify(sock, events)
        except KeyError:
            self.sel.register(sock, events)

    def carry(self, sock, mask):
        try:
            if mask & selectors.EVENT_WRITE and self.pending[sock]:
                self.pending[sock] = self.pending[sock][sock.send(self.pending[sock]):]
            if mask & selectors.EVENT_READ and not self.pending[self.peer[sock]]:
                data = sock.recv(PIECE)
                if not data:
                    self.close(sock)
                    return
                other = self.peer[sock]
                try:
                    sent = other.send(data)
                except BlockingIOError:
                    sent = 0
                self.pending[other] = data[sent:]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.close(sock)
            return
        for s in (sock, self.peer[sock]):
            self.watch(s)

    def run(self):
        with open(os.path.join(self.folder, "port.new"), "w", encoding="ascii") as f:
            f.write(str(self.listener.getsockname()[1]))
        os.rename(os.path.join(self.folder, "port.new"), os.path.join(self.folder, "port"))
        while True:
            reset = self.flag("reset")
            if reset or self.flag("cut"):
                for sock in list(self.peer):
                    self.close(sock, reset)
                if reset:
                    os.unlink(os.path.join(self.folder, "reset"))
            ready = self.sel.select(0.02)
            # Asked now: whoever stalls the line, and then ends a side of it, must not be seen through.
            stalled = self.flag("stall")
            for key, mask in ready:
                if key.fileobj is sys.stdin:
                    if not os.read(0, PIECE):
                        return
                elif key.fileobj is self.listener:
                    if not stalled:
                        self.accept()
                elif key.fileobj in self.peer and not stalled:
                    self.carry(key.fileobj, mask)
            if stalled:
                # Ready sockets stay ready: do not spin on them.
                time.sleep(0.02)


if __name__ == "__main__":
    Proxy(int(sys.argv[1]), sys.argv[2]).run()
