"""One WebSocket client of LICS that looks into every message, and notes when it came."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Self, cast

import msgspec

from tests.benchmarks.errors import BenchError
from tests.benchmarks.frames import CLOSE, FINAL_TEXT, PING, PONG, TEXT, FrameReader, handshake, masked

ANSWER_S: Final = 20.0


class Happening(msgspec.Struct):
    """Of an event, what tells it from others; contracts.md, section 4."""

    type: str
    device_id: str | None = None
    seq: int | None = None


class Heard(msgspec.Struct):
    """A message of the server, as far as it matters here."""

    kind: str
    topic: str = ""
    n: int = 0
    event: Happening | None = None
    detail: Any = None


_decoder = msgspec.json.Decoder(Heard)
OnHeard = Callable[[Heard, float, int], None]  # message, `time.perf_counter()` of its arrival, its size in bytes


class Listener(asyncio.Protocol):
    """`await Listener.open(…)` says who it is and subscribes; when it returns, each topic's snapshot has come.

    `last`: the newest `n` of each topic. `disorder`: messages whose `n` was not above the one before.
    """

    def __init__(self, on_heard: OnHeard) -> None:
        self._on_heard = on_heard
        self._reader = FrameReader()
        self._head: bytes | None = b""
        self._hello = b""
        self._missing: set[str] = set()
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport
        self.last: dict[str, int] = {}
        self.disorder = self.gaps = 0

    @classmethod
    async def open(
        cls, port: int, token: str, topics: Sequence[str], on_heard: OnHeard, after: dict[str, int] | None = None
    ) -> Self:
        """Connect, and wait for the snapshots; with `after`, what came after those numbers comes before them.

        Raises:
            BenchError: the server refuses, hangs up, or takes too long.
        """
        loop = asyncio.get_running_loop()
        listener = cls(on_heard)
        listener._missing = set(topics)
        listener.last = dict(after or {})
        await loop.create_connection(lambda: listener, "127.0.0.1", port)
        subscribe: dict[str, Any] = {"kind": "subscribe", "topics": list(topics)}
        words = ({"kind": "auth", "token": token}, subscribe | ({"after": after} if after else {}))
        listener._hello = b"".join(masked(TEXT, msgspec.json.encode(word)) for word in words)
        listener._transport.write(handshake("127.0.0.1", port, "/ws"))
        try:
            async with asyncio.timeout(ANSWER_S):
                await listener._settled
        except TimeoutError:
            listener.cut()
            raise BenchError(f"no snapshot of {len(listener._missing)} topics within {ANSWER_S:g} s") from None
        return listener

    def cut(self) -> None:
        """Break the connection without a word; nothing is heard from here on."""
        self._transport.abort()
        self._on_heard = _deaf

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._settled.done():
            self._settled.set_exception(BenchError(f"LICS closed the WebSocket: {exc or 'without a reason'}"))

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        if self._head is not None:
            head, blank, data = (self._head + data).partition(b"\r\n\r\n")
            if not blank:
                self._head = head
                return
            self._head = None
            if not head.startswith(b"HTTP/1.1 101"):
                self._fail(f"no WebSocket there: {head[:200]!r}")
            self._transport.write(self._hello)
        for first, payload in self._reader.feed(data):
            if first == FINAL_TEXT:
                self._take(_decoder.decode(payload), at, len(payload))
            elif first & 15 == PING:
                self._transport.write(masked(PONG, payload))
            elif first & 15 == CLOSE:
                self._fail(f"closed with {int.from_bytes(payload[:2], 'big')} {payload[2:].decode(errors='replace')}")

    def _take(self, heard: Heard, at: float, size: int) -> None:
        if heard.kind == "snapshot":
            self._missing.discard(heard.topic)
            self.last[heard.topic] = max(heard.n, self.last.get(heard.topic, 0))
            if not self._missing and not self._settled.done():
                self._settled.set_result(None)
            return
        if heard.kind == "error":
            self._fail(f"LICS refuses: {heard.detail}")
        elif heard.kind == "gap":
            self.gaps += 1
        elif heard.topic:
            self.disorder += heard.n <= self.last.get(heard.topic, 0)
            self.last[heard.topic] = heard.n
        self._on_heard(heard, at, size)

    def _fail(self, sentence: str) -> None:
        if not self._settled.done():
            self._settled.set_exception(BenchError(sentence))


def _deaf(_heard: Heard, _at: float, _size: int) -> None:
    """Hear nothing."""
