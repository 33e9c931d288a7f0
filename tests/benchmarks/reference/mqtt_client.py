"""The least of MQTT 3.1.1 that a reference or a load needs: one connection, QoS 0 and 1, PUBACK when told to; no reconnect.

Section numbers are those of the OASIS standard MQTT Version 3.1.1.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import cast

Message = tuple[bytes, bytes, int]  # topic, payload, packet id (0 at QoS 0)
PACKET_IDS = tuple(number.to_bytes(2, "big") for number in range(0x10000))
KEEPALIVE_S = 600  # longer than a bench: nothing pings
CONNACK, PUBLISH, PUBACK, SUBACK = 2, 3, 4, 9
FIRST_PUBLISH, FIRST_PUBLISH_RETAINED, FIRST_SUBSCRIBE = 0x32, 0x33, 0x82  # QoS 1


def text(value: bytes) -> bytes:
    """Return an MQTT string (section 1.5.3)."""
    return len(value).to_bytes(2, "big") + value


def packet(first: int, body: bytes) -> bytes:
    """Return a control packet: first byte, remaining length (section 2.2.3), body."""
    length, rest = bytearray(), len(body)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    length.append(rest)
    return bytes([first]) + bytes(length) + body


class MqttClient(asyncio.Protocol):
    """`on_messages` gets all messages that one read of the socket held, `on_acks` how many PUBACKs it held."""

    def __init__(
        self,
        client_id: str,
        on_messages: Callable[[list[Message]], None] | None = None,
        on_acks: Callable[[int], None] | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self._client_id, self._on_messages, self._on_acks = client_id.encode(), on_messages, on_acks
        self._rest = b""
        self._packet_id = 0
        self._connected: asyncio.Future[None] = loop.create_future()
        self._subscribed: asyncio.Future[None] = loop.create_future()
        self.transport: asyncio.Transport

    @property
    def closed(self) -> bool:
        """Return whether the connection has ended."""
        return self.transport.is_closing()

    async def ready(self) -> None:
        """Wait for CONNACK.

        Raises:
            ConnectionError: the broker refused or went away.
        """
        await self._connected

    async def subscribe(self, *filters: str) -> None:
        """Subscribe at QoS 1 and wait for SUBACK."""
        body = b"".join(text(name.encode()) + b"\x01" for name in filters)
        self.transport.write(packet(FIRST_SUBSCRIBE, b"\x00\x01" + body))
        await self._subscribed

    def publish(self, topic: bytes, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1."""
        self._packet_id = self._packet_id % 0xFFFF + 1
        first = FIRST_PUBLISH_RETAINED if retain else FIRST_PUBLISH
        self.transport.write(packet(first, text(topic) + PACKET_IDS[self._packet_id] + payload))

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Send the PUBACKs of all but 0."""
        self.transport.write(b"".join([b"\x40\x02" + PACKET_IDS[number] for number in packet_ids if number]))

    def close(self) -> None:
        """Say goodbye."""
        self.transport.write(b"\xe0\x00")
        self.transport.close()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = text(b"MQTT") + b"\x04\x02" + KEEPALIVE_S.to_bytes(2, "big") + text(self._client_id)
        self.transport.write(packet(0x10, body))

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self._connected, self._subscribed):
            if not future.done():
                future.set_exception(ConnectionError(f"the broker closed the connection: {exc}"))
                future.exception()  # it may be nobody's any more

    def data_received(self, data: bytes) -> None:
        buffer = self._rest + data if self._rest else data
        at, end, acks = 0, len(buffer), 0
        messages: list[Message] = []
        while end - at >= 2:
            first, length, start = buffer[at], buffer[at + 1], at + 2
            shift = 7
            if length > 127:
                length &= 127
                while start < end:
                    byte = buffer[start]
                    start += 1
                    length |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                else:
                    break
            stop = start + length
            if stop > end:
                break
            if first >> 4 == PUBLISH:
                topic_end = start + 2 + (buffer[start] << 8 | buffer[start + 1])
                if first & 6:
                    number = buffer[topic_end] << 8 | buffer[topic_end + 1]
                    messages.append((buffer[start + 2 : topic_end], buffer[topic_end + 2 : stop], number))
                else:
                    messages.append((buffer[start + 2 : topic_end], buffer[topic_end:stop], 0))
            elif first >> 4 == PUBACK:
                acks += 1
            else:
                self._answered(first >> 4, buffer[start:stop])
            at = stop
        self._rest = buffer[at:]
        if messages and self._on_messages:
            self._on_messages(messages)
        if acks and self._on_acks:
            self._on_acks(acks)

    def _answered(self, kind: int, body: bytes) -> None:
        if kind == CONNACK:
            if body[1]:
                self._connected.set_exception(ConnectionError(f"the broker refuses us with code {body[1]}"))
            else:
                self._connected.set_result(None)
        elif kind == SUBACK and not self._subscribed.done():
            self._subscribed.set_result(None)


async def connect(
    host: str,
    port: int,
    client_id: str,
    on_messages: Callable[[list[Message]], None] | None = None,
    on_acks: Callable[[int], None] | None = None,
) -> MqttClient:
    """Open a clean session.

    Raises:
        OSError: nobody answers there, or the broker refuses.
    """
    client = MqttClient(client_id, on_messages, on_acks)
    await asyncio.get_running_loop().create_connection(lambda: client, host, port)
    await client.ready()
    return client
