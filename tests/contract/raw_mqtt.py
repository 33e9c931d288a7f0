"""A bare MQTT 3.1.1 client for tests that must decide themselves when, and whether, to acknowledge."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from types import TracebackType

from tests.waiting import PATIENCE_S

CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def packet(first: int, body: bytes) -> bytes:
    """Return a packet: first byte, remaining length, body."""
    length, rest = b"", len(body)
    while True:
        rest, digit = rest >> 7, rest & 127
        length += bytes([digit | (128 if rest else 0)])
        if not rest:
            return bytes([first]) + length + body


@dataclass(frozen=True)
class Arrived:
    """A PUBLISH from the broker."""

    topic: str
    payload: bytes
    packet_id: int
    again: bool
    retained: bool


class RawClient:
    """Connects on entering; on leaving the connection is cut without a DISCONNECT."""

    def __init__(
        self, port: int, client_id: str, *, clean: bool = False, keep_alive: int = 60, will: tuple[str, bytes] | None = None
    ):
        self._port, self._client_id, self._clean = port, client_id, clean
        self._keep_alive, self._will = keep_alive, will
        self.session_present = False

    async def __aenter__(self) -> RawClient:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        flags = (2 if self._clean else 0) | (0x04 | 0x08 | 0x20 if self._will else 0)  # will: QoS 1, retained
        body = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", self._keep_alive) + _text(self._client_id)
        if self._will:
            body += _text(self._will[0]) + struct.pack("!H", len(self._will[1])) + self._will[1]
        self.write(packet(0x10, body))
        kind, answer = await self.read()
        assert kind >> 4 == CONNACK, kind
        assert answer[1] == 0, f"refused: {answer[1]}"
        self.session_present = bool(answer[0])
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.transport.abort()

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def read(self, timeout_s: float = PATIENCE_S) -> tuple[int, bytes]:
        """Return the next packet's first byte and body."""
        async with asyncio.timeout(timeout_s):
            first = (await self._reader.readexactly(1))[0]
            length = shift = 0
            while True:
                digit = (await self._reader.readexactly(1))[0]
                length |= (digit & 127) << shift
                shift += 7
                if digit < 128:
                    return first, await self._reader.readexactly(length)

    async def closed(self, timeout_s: float = PATIENCE_S) -> bool:
        """Return whether the broker ends the connection."""
        try:
            async with asyncio.timeout(timeout_s):
                while await self._reader.read(65536):
                    continue
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True

    async def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Subscribe and wait for the SUBACK."""
        self.write(packet(0x82, struct.pack("!H", 1) + _text(topic_filter) + bytes([qos])))
        kind, body = await self.read()
        assert kind >> 4 == SUBACK, kind
        assert body[2] == qos, body

    async def arrived(self, timeout_s: float = PATIENCE_S) -> Arrived:
        """Return the next PUBLISH, unacknowledged."""
        kind, body = await self.read(timeout_s)
        assert kind >> 4 == PUBLISH, kind
        size = struct.unpack("!H", body[:2])[0]
        topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
        packet_id = struct.unpack("!H", rest[:2])[0] if kind & 6 else 0
        return Arrived(topic, rest[2 if kind & 6 else 0 :], packet_id, bool(kind & 8), bool(kind & 1))

    async def publish(self, topic: str, payload: bytes, packet_id: int = 7) -> None:
        """Publish with QoS 1 and wait for the PUBACK."""
        self.write(packet(0x32, _text(topic) + struct.pack("!H", packet_id) + payload))
        kind, body = await self.read()
        assert kind >> 4 == PUBACK, kind
        assert struct.unpack("!H", body)[0] == packet_id

    def acknowledge(self, packet_id: int) -> None:
        """Send a PUBACK."""
        self.write(packet(0x40, struct.pack("!H", packet_id)))
