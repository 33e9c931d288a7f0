"""A device's own MQTT session: persistent, the same over incarnations of its actor, reconnecting for ever.

Runs in the actor's loop thread and decides nothing: it says what arrived and whether the broker is there.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import socket
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

import aiomqtt
import paho.mqtt.client as mqtt

from drivers.protocol import Publication, Received, TopicFilter
from drivers.topics import matches, overlap
from lics_actors.broker import tls_context
from lics_actors.device.connection import TIMEOUT_S, Connection
from lics_actors.device.listening import Listening, heard, rest_s, rested
from lics_actors.device.messages import BrokerSpec
from lics_actors.errors import LicsError
from lics_actors.hosts.lease import leased, until_leased

KEEPALIVE_S: Final = 30  # a broker that vanished without a word is noticed after one and a half times that
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 10.0
LASTING_S: Final = 10.0  # a session of that length was a good one: the next retry is early again
NODELAY: Final = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without it a command takes 44 ms instead of 0.8 (measured)
REFUSED: Final = 128  # MQTT 3.1.1, section 3.9.3: a SUBACK code from here on is a refusal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BrokerReached:
    """Subscribed; what is published for this `session` number goes out."""

    time: datetime
    session: int


@dataclass(frozen=True, slots=True)
class BrokerLost:
    """No session, for this reason; another attempt follows by itself."""

    time: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class MessageArrived:
    """A message of one of the filters."""

    received: Received
    retained: bool


@dataclass(frozen=True, slots=True)
class DataRested:
    """Telemetry and events are listened to again; for a while they were not."""

    time: datetime


Heard = BrokerReached | BrokerLost | MessageArrived | DataRested


def client_id(device_id: UUID) -> str:
    """Return the session's name: a new incarnation of the actor takes the session over, and so fences the old one."""
    return f"lics-device-{device_id}"


class Memory(Protocol):
    """Where a session's subscriptions outlive the process: a Journal."""

    def keep_filters(self, filters: Collection[str]) -> None:
        """Keep what may be subscribed to. Raises: LicsError."""

    def filters(self) -> frozenset[str]:
        """Return what was kept."""


class DeviceSession:
    """`tell` is called in the loop thread with what is heard, in order."""

    def __init__(
        self,
        broker: BrokerSpec,
        device_id: UUID,
        filters: Sequence[TopicFilter],
        tell: Callable[[Heard], None],
        silent_s: Callable[[], float] = lambda: math.inf,
        *,
        memory: Memory | None = None,
        identifier: str | None = None,
        clean: bool = False,
    ) -> None:
        """`identifier`: the session's name, a device's unless said otherwise. `clean`: what comes without a session is lost.
        `silent_s` is asked how long the device may be silent, which says how long its data need not be listened to. `memory`:
        what an earlier incarnation subscribed to, so that this one gives up what it does not want."""
        self._broker, self._device_id, self._tell, self._silent_s = broker, device_id, tell, silent_s
        self._identifier, self._clean = identifier or client_id(device_id), clean
        self._filters = subscriptions(filters)
        self._data = data_only(filters)
        self._listening = Listening()
        self._rest: asyncio.TimerHandle | None = None
        self._memory = memory
        self._remembered = frozenset() if memory is None else memory.filters()
        self._dropped_filters = set(self._remembered) - {topic for topic, _ in self._filters}
        self._session = 0
        self._client: Connection | None = None  # while the session stands
        self._early: list[mqtt.MQTTMessage] | None = []
        self._changed = asyncio.Event()

    @property
    def sampled(self) -> bool:
        """Return whether the device says so much that only samples of its data are listened to."""
        return self._listening.sampled

    @property
    def said_all(self) -> bool:
        """Return whether the broker has acknowledged all that was published in this session."""
        return self._client is None or self._client.acknowledged

    @property
    def barred(self) -> bool:
        """Return whether there is no session and none may begin: another host may serve the device by now."""
        return self._client is None and not leased(self._broker.lease)

    async def run(self) -> None:
        """Keep a session until cancelled; then say goodbye to the broker, which keeps the session."""
        loop = asyncio.get_running_loop()
        retry_s = FIRST_RETRY_S
        while True:
            await until_leased(self._broker.lease)
            began = loop.time()
            try:
                await self._one_session()
            except (aiomqtt.MqttError, OSError, ValueError) as error:  # ValueError: paho's word for unusable TLS files or names
                self._lost(str(error) or type(error).__name__)
            if loop.time() - began >= LASTING_S:
                retry_s = FIRST_RETRY_S
            await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))  # noqa: S311 - 300 devices shall not knock at once
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    def publish(self, session: int, publications: Sequence[Publication]) -> None:
        """Send messages, if `session` still stands; otherwise the next one repeats what matters."""
        if session != self._session or self._client is None:
            return
        for publication in publications:
            try:
                self._client.send(publication)
            except aiomqtt.MqttError as error:
                self._lost(str(error))
                self._changed.set()
                return

    def change(self, filters: Sequence[TopicFilter]) -> None:
        """Subscribe to something else from now on."""
        kept = subscriptions(filters)
        self._dropped_filters |= {topic for topic, _ in self._filters} - {topic for topic, _ in kept}
        self._filters, self._data = kept, data_only(filters)
        self._changed.set()

    async def _one_session(self) -> None:
        self._changed.clear()
        self._early, self._listening = [], Listening()
        async with self._connection() as client:
            if not leased(self._broker.lease):  # connecting took so long that another host may serve the device by now
                raise aiomqtt.MqttError("the host's lease ended meanwhile")
            await self._subscribe(client)
            self._session += 1
            self._client = client
            self._tell(BrokerReached(datetime.now(UTC), self._session))
            early, self._early = self._early, None
            for message in early:
                self._arrived(message)
            await _first_of(_disconnected(client), self._changed.wait())
        self._lost("reconnecting")

    def _connection(self) -> Connection:
        broker = self._broker
        return Connection(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=self._identifier,
            clean_session=self._clean,
            timeout=TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            tls_context=tls_context(broker),
            socket_options=[NODELAY],
            arrived=self._arrived,
        )

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        wanted = frozenset(topic for topic, _ in self._filters)
        self._remember(wanted | self._dropped_filters)
        await self._agree(client)
        self._remember(wanted | self._dropped_filters)

    def _remember(self, filters: frozenset[str]) -> None:
        """Keep in mind what the broker's session may hold; while the disk is full that is tried again with each session."""
        if self._memory is None or filters == self._remembered:
            return
        try:
            self._memory.keep_filters(filters)
        except LicsError as error:
            log.error("subscriptions cannot be kept", extra={"device_id": str(self._device_id), "reason": error.message})
        else:
            self._remembered = filters

    async def _agree(self, client: aiomqtt.Client) -> None:
        if self._dropped_filters:
            await client.unsubscribe(sorted(self._dropped_filters))
            self._dropped_filters.clear()
        if not self._filters:
            return
        codes = [code if isinstance(code, int) else int(code.value) for code in await client.subscribe(list(self._filters))]
        for (topic, _), code in zip(self._filters, codes, strict=False):
            if code >= REFUSED:
                raise aiomqtt.MqttError(f"the broker refuses the subscription to {topic}")

    def _arrived(self, message: mqtt.MQTTMessage) -> None:
        if self._early is not None:  # what the broker kept for the session comes before its SUBACK
            self._early.append(message)
            return
        if self._of_data(message.topic) and not self._wanted(message.retain):
            return
        received = Received(message.topic, bytes(message.payload), datetime.now(UTC), retained=message.retain)
        self._tell(MessageArrived(received, message.retain))

    def _of_data(self, topic: str) -> bool:
        return any(topic == each or matches(each, topic) for each in self._data)

    def _wanted(self, retained: bool) -> bool:
        """Count a message of the data plane, and rest where that makes too many; return whether it says something new."""
        if retained:  # kept by the broker: new with the session, but not each time that listening begins again
            return not self._listening.sampled
        if self._listening.resting:
            return False  # was under way when listening ended
        listening = heard(self._listening, asyncio.get_running_loop().time())
        if not listening.resting:
            self._listening = listening
        elif (seconds := rest_s(self._silent_s(), random.random())) is not None and self._client is not None:  # noqa: S311
            self._listening = listening
            self._client.leave(self._data)
            self._rest = asyncio.get_running_loop().call_later(seconds, self._rested)
        return True

    def _rested(self) -> None:
        if self._client is not None:
            self._listening = rested(self._listening, asyncio.get_running_loop().time())
            self._client.join(self._data)
            self._tell(DataRested(datetime.now(UTC)))

    def _lost(self, reason: str) -> None:
        self._client = None
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        self._tell(BrokerLost(datetime.now(UTC), reason))


def data_only(filters: Sequence[TopicFilter]) -> tuple[str, ...]:
    """Return the filters that an actor can do without for a while: the Recorder hears what they bring."""
    data = [each.filter for each in filters if each.control and each.data and not each.answers]
    needed = [each.filter for each in filters if each.control and each.filter not in data]
    return tuple(each for each in data if not any(overlap(each, other) for other in needed))


def subscriptions(filters: Sequence[TopicFilter]) -> tuple[tuple[str, int], ...]:
    """Return what an actor subscribes to: of the data plane it wants the newest, not every one."""
    return tuple((each.filter, 0 if each.data else each.qos) for each in filters if each.control)


async def _disconnected(client: aiomqtt.Client) -> None:
    """Raise MqttError, which says why, when the connection ends. No message comes this way."""
    try:
        async for _ in client.messages:
            pass
    except aiomqtt.MqttError as error:
        cause = error.__cause__ if isinstance(error.__cause__, aiomqtt.MqttError) else None
        raise cause or aiomqtt.MqttError("the broker has ended the connection") from error


async def _first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Run coroutines until one ends, then cancel the others; raises what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
