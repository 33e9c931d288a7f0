"""How messages come from the broker: the `MqttReader` interface, and an MQTT 3.1.1 client that acknowledges when told to.

aiomqtt acknowledges a message when it arrives; the record may acknowledge it only when it is on the disk.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec
from lics_actors.recorder import packets
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.errors import BrokerAwayError, BrokerRefusedError, MalformedPacketError

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 20.0
KEEPALIVE_S = 20.0  # a broker that vanished without a word is noticed within 1.5 times this
FILTERS_PER_PACKET = 100
# A broker sends each message in a packet of its own, and a read costs 20 µs however many it finds. Who reads every 2 ms finds
# 80 of 40,000 a second, and has them on the disk hardly later: they wait for the group commit anyway.
READ_EVERY_S = 0.002

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one read of the socket held. Acknowledge at `source`: on any later connection the ids mean other messages."""

    arrivals: Sequence[Arrival]
    packet_ids: Sequence[int]
    source: MqttReader


class MqttReader(Protocol):
    """One connection of a persistent session; deliveries come through the callback it was opened with."""

    @property
    def session_present(self) -> bool:
        """Return whether the broker still had the session, and so everything unacknowledged."""

    async def subscribe(self, filters: Mapping[str, int]) -> frozenset[str]:
        """Subscribe to `filters` (with the QoS of each); return those the broker refused.

        Raises:
            BrokerAwayError: the connection was lost, or the broker does not answer.
        """

    async def unsubscribe(self, filters: Iterable[str]) -> None:
        """Unsubscribe.

        Raises:
            BrokerAwayError: the connection was lost, or the broker does not answer.
        """

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Tell the broker to forget these messages. Without effect once the connection is lost: they come again."""

    def pause(self) -> None:
        """Read no further until `resume`; the connection is kept alive."""

    def resume(self) -> None:
        """Read on."""

    async def lost(self) -> BrokerAwayError:
        """Wait until the connection has ended; return why."""

    async def close(self) -> None:
        """Say goodbye; the session stays."""


OpenReader = Callable[[BrokerSpec, str, Callable[[Delivery], None]], Awaitable[MqttReader]]


class BrokerConnection(asyncio.Protocol):
    """The `MqttReader` over TCP or TLS; open one with `open_connection`."""

    def __init__(self, broker: BrokerSpec, on_delivery: Callable[[Delivery], None]) -> None:
        loop = asyncio.get_running_loop()
        self._broker, self._on_delivery, self._loop = broker, on_delivery, loop
        self._parser = packets.PacketParser()
        self._lost: asyncio.Future[BrokerAwayError] = loop.create_future()
        self._greeting: asyncio.Future[packets.ConnectAnswered] = loop.create_future()
        self._answers: dict[int, asyncio.Future[bytes]] = {}
        self._ids = itertools.cycle(range(1, 0x10000))
        self._transport: asyncio.Transport | None = None
        self._heard = loop.time()
        self._paused = False
        self._closing_because: str | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self.session_present = False

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tick()

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        if now - self._heard < 2 * READ_EVERY_S:  # so also behind a rest, as long as there is load
            self._rest()
        self._heard = now
        try:
            parsed = self._parser.feed(data, time.time_ns() // 1000)
            for answer in parsed.answers:
                self._answered(answer)
        except MalformedPacketError as error:
            self._hang_up(error.reason)
            return
        if parsed.arrivals:
            self._on_delivery(Delivery(parsed.arrivals, parsed.packet_ids, self))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ticking:
            self._ticking.cancel()
        reason = self._closing_because or (str(exc) if exc else "closed by the broker")
        error = self._error(reason)
        if not self._lost.done():
            self._lost.set_result(error)
        unanswered: list[asyncio.Future[Any]] = [self._greeting, *self._answers.values()]
        for waiting in unanswered:
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # may be nobody's any more; then asyncio need not complain

    # MqttReader

    async def subscribe(self, filters: Mapping[str, int]) -> frozenset[str]:
        refused: set[str] = set()
        for part in _parts(list(filters.items())):
            packet_id = next(self._ids)
            codes = await self._asked(packet_id, packets.subscribe_packet(packet_id, dict(part)))
            refused |= {name for (name, _), code in zip(part, codes, strict=False) if code == packets.REFUSED_FILTER}
        return frozenset(refused)

    async def unsubscribe(self, filters: Iterable[str]) -> None:
        for part in _parts(list(filters)):
            packet_id = next(self._ids)
            await self._asked(packet_id, packets.unsubscribe_packet(packet_id, part))

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        self._write(packets.acknowledgements(packet_ids))

    def pause(self) -> None:
        if self._transport and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport and self._paused and not self._transport.is_closing():
            self._paused, self._heard = False, self._loop.time()
            self._transport.resume_reading()

    async def lost(self) -> BrokerAwayError:
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        self._write(packets.DISCONNECT)
        self._closing_because = "closed"
        if self._transport:
            self._transport.close()
            await asyncio.wait([self._lost], timeout=0.4)
            self._transport.abort()

    # inside

    async def greet(self, client_id: str) -> None:
        """Open the session.

        Raises:
            BrokerRefusedError: the broker does not let us in.
            BrokerAwayError: the connection was lost before it answered.
        """
        self._write(packets.connect_packet(client_id, math.ceil(KEEPALIVE_S), self._broker.username, self._broker.password))
        answer = await self._greeting
        if answer.code:
            self._hang_up("refused")
            raise BrokerRefusedError(self._broker.host, self._broker.port, answer.code)
        self.session_present = answer.session_present

    def abort(self) -> None:
        """End the connection at once."""
        self._hang_up("given up")

    def _write(self, data: bytes) -> None:
        if data and self._transport and not self._transport.is_closing():
            self._transport.write(data)

    async def _asked(self, packet_id: int, packet: bytes) -> bytes:
        if self._lost.done():
            raise self._lost.result()
        answer: asyncio.Future[bytes] = self._loop.create_future()
        self._answers[packet_id] = answer
        self._write(packet)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await answer
        except TimeoutError:
            self._hang_up("does not answer a subscription")
            raise self._error("does not answer a subscription") from None
        finally:
            del self._answers[packet_id]

    def _answered(self, answer: packets.Answer) -> None:
        match answer:
            case packets.ConnectAnswered():
                if not self._greeting.done():
                    self._greeting.set_result(answer)
            case packets.SubscribeAnswered(packet_id, codes):
                self._settle(packet_id, codes)
            case packets.UnsubscribeAnswered(packet_id):
                self._settle(packet_id, b"")
            case packets.PingAnswered():
                pass

    def _settle(self, packet_id: int, codes: bytes) -> None:
        waiting = self._answers.get(packet_id)
        if waiting and not waiting.done():
            waiting.set_result(codes)

    def _rest(self) -> None:
        """Let messages collect for a moment."""
        if self._transport and not self._transport.is_closing():
            self._transport.pause_reading()
            self._loop.call_later(READ_EVERY_S, self._read_on)

    def _read_on(self) -> None:
        if self._transport and not self._paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def _tick(self) -> None:
        if not self._paused and self._loop.time() - self._heard > 1.5 * KEEPALIVE_S:
            self._hang_up("silent for longer than the keepalive")
            return
        if self._greeting.done():
            self._write(packets.PINGREQ)
        self._ticking = self._loop.call_later(KEEPALIVE_S / 2, self._tick)

    def _hang_up(self, reason: str) -> None:
        self._closing_because = self._closing_because or reason
        if self._transport:
            self._transport.abort()

    def _error(self, reason: str) -> BrokerAwayError:
        return BrokerAwayError(self._broker.host, self._broker.port, reason)


async def open_connection(broker: BrokerSpec, client_id: str, on_delivery: Callable[[Delivery], None]) -> BrokerConnection:
    """Connect and open the persistent session `client_id`; deliveries may come before this returns.

    Raises:
        BrokerAwayError: no connection, no answer, a refusal, or certificates that cannot be used.
    """
    loop = asyncio.get_running_loop()
    connection = BrokerConnection(broker, on_delivery)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await loop.create_connection(lambda: connection, broker.host, broker.port, ssl=tls_context(broker))
            await connection.greet(client_id)
    except BaseException as error:
        connection.abort()
        if isinstance(error, OSError):  # also ssl.SSLError and TimeoutError
            reason = "does not answer" if isinstance(error, TimeoutError) else str(error)
            raise BrokerAwayError(broker.host, broker.port, reason) from error
        raise
    return connection


def _parts(items: list[Item]) -> Iterable[list[Item]]:
    return (items[at : at + FILTERS_PER_PACKET] for at in range(0, len(items), FILTERS_PER_PACKET))
