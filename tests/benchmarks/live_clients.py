"""Hundreds of WebSocket clients in one process, cheap beside the server they measure: plain sockets looked at in batches.

    python -m tests.benchmarks.live_clients SETTINGS

SETTINGS is a JSON object, see `Settings`. Each line on stdout is a `Word`: one when all clients are let in, one whenever
another update has reached all of them, and a last one, with what each client counted, when stdin ends.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
import sys
import time
from typing import Final

import msgspec

from tests.benchmarks.frames import CLOSE, FINAL_TEXT, PING, PONG, TEXT, FrameReader, handshake, masked

OPEN_S: Final = 30.0
PAUSE_S: Final = 0.003  # between two looks: woken by each message, this would cost as much as the server
READ_BYTES: Final = 65536


class Settings(msgspec.Struct):
    """Where to look. `hello`: what each client says first; it is let in once `greetings` messages have answered that.

    `marker`: text before the number of an update, 0, 1, 2 …, in the messages that count; others may come between them.
    """

    port: int
    path: str
    marker: str
    hello: tuple[str, ...] = ()
    greetings: int = 0
    count: int = 1


class Word(msgspec.Struct, omit_defaults=True):
    """How it stands. `rounds`: updates that all clients have, on average. `disordered`: of the first client's messages."""

    ready: bool = False
    rounds: int = 0
    cpu_s: float = 0.0
    seen: tuple[int, ...] = ()
    disordered: int = 0


class Client:
    """One viewer. `seen` counts updates, `greetings` all other messages."""

    __slots__ = ("greetings", "reader", "seen", "socket")

    def __init__(self, settings: Settings) -> None:
        self.reader, self.seen, self.greetings = FrameReader(), 0, 0
        self.socket = socket.create_connection(("127.0.0.1", settings.port), timeout=OPEN_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(handshake("127.0.0.1", settings.port, settings.path))
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = self.socket.recv(READ_BYTES)
            answer += more
            if not more or not b"HTTP/1.1 101".startswith(answer[:12]):
                raise SystemExit(f"no WebSocket at {settings.path}: {answer[:300]!r}")
        self.reader.rest = answer.partition(b"\r\n\r\n")[2]
        for text in settings.hello:
            self.socket.sendall(masked(TEXT, text.encode()))
        self.socket.setblocking(False)


class Load:
    """All the clients, and what they have received together."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._marker = settings, settings.marker.encode()
        self._number = re.compile(re.escape(self._marker) + rb"(\d+)")
        self._word, self._total, self._last = Word(), 0, -1
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._selector = selectors.DefaultSelector()
        self._clients = [Client(settings) for _ in range(settings.count)]
        for client in self._clients:
            self._selector.register(client.socket, selectors.EVENT_READ, client)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)

    def run(self) -> None:
        """Receive until stdin ends, then tell everything."""
        for client in self._clients:
            self._take(client, b"")
        while True:
            self._tell_news()
            time.sleep(PAUSE_S)
            for key, _events in self._selector.select():
                if key.data is not None:
                    self._receive(key.data)
                elif not os.read(sys.stdin.fileno(), READ_BYTES):
                    self._word.seen = tuple(client.seen for client in self._clients)
                    self._tell()
                    return

    def _tell_news(self) -> None:
        if not self._word.ready:
            self._word.ready = all(client.greetings >= self._settings.greetings for client in self._clients)
            if self._word.ready:
                self._tell()
        if self._total // len(self._clients) > self._word.rounds:
            self._word.rounds = self._total // len(self._clients)
            self._tell()

    def _tell(self) -> None:
        self._word.cpu_s = time.process_time()
        sys.stdout.buffer.write(msgspec.json.encode(self._word) + b"\n")
        sys.stdout.buffer.flush()

    def _receive(self, client: Client) -> None:
        try:
            size = client.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if size:
            self._take(client, bytes(self._buffer[:size]))
        else:
            self._selector.unregister(client.socket)

    def _take(self, client: Client, data: bytes) -> None:
        for first, payload in client.reader.feed(data):
            if first == FINAL_TEXT:
                if self._marker in payload:
                    client.seen += 1
                    self._total += 1
                    if client is self._clients[0]:
                        self._look(payload)
                else:
                    client.greetings += 1
            elif first & 15 == PING:
                client.socket.send(masked(PONG, payload))
            elif first & 15 == CLOSE:
                sys.stderr.write(f"closed by the server: {int.from_bytes(payload[:2], 'big')} {payload[2:]!r}\n")

    def _look(self, payload: bytes) -> None:
        """Look into a message of the first client: the only one that costs the time to see whether all is in order."""
        found = self._number.search(payload)
        number = int(found[1]) if found else -1
        self._word.disordered += number != self._last + 1
        self._last = number


def main() -> None:
    """Connect, count, tell."""
    Load(msgspec.json.decode(sys.argv[1], type=Settings)).run()


if __name__ == "__main__":
    main()
