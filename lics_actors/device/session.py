"""A device's own MQTT session: persistent, the same over incarnations of its actor, reconnecting for ever.

Runs in the actor's loop thread and decides nothing: it says what arrived and whether the broker is there.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import aiomqtt

from drivers.protocol import Publication, Received, TopicFilter
from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec

KEEPALIVE_S: Final = 30  # a broker that vanished without a word is noticed after one and a half times that
LOOK_S: Final = 5.0  # a ping comes so much late at most; brokers wait for half of KEEPALIVE_S
TIMEOUT_S: Final = 5.0  # for CONNACK, SUBACK and PUBACK; a broker that takes longer is as good as away
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 10.0
LASTING_S: Final = 10.0  # a session of that length was a good one: the next retry is early again
MAX_OUTGOING: Final = 256  # publications waiting for the wire: all repeats of a reconnect, and then some
NODELAY: Final = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without it a command takes 44 ms instead of 0.8 (measured)
REFUSED: Final = 128  # MQTT 3.1.1, section 3.9.3: a SUBACK code from here on is a refusal


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


Heard = BrokerReached | BrokerLost | MessageArrived


def client_id(device_id: UUID) -> str:
    """Return the session's name: a new incarnation of the actor takes the session over, and so fences the old one."""
    return f"lics-device-{device_id}"


class _PatientClient(aiomqtt.Client):
    """Looks after its keepalive every few seconds: aiomqtt's every second is a fifth of what an idle device costs."""

    async def _misc_loop(self) -> None:
        while self._client.loop_misc() == 0:  # noqa: ASYNC110 - paho says nothing of its own accord
            await asyncio.sleep(LOOK_S)


class DeviceSession:
    """`tell` is called in the loop thread with what is heard, in order."""

    def __init__(
        self, broker: BrokerSpec, device_id: UUID, filters: Sequence[TopicFilter], tell: Callable[[Heard], None]
    ) -> None:
        self._broker, self._device_id, self._tell = broker, device_id, tell
        self._filters = subscriptions(filters)
        self._dropped_filters: set[str] = set()
        self._outgoing: asyncio.Queue[Publication] = asyncio.Queue(MAX_OUTGOING)
        self._session = 0
        self._reached = False
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Keep a session until cancelled; then say goodbye to the broker, which keeps the session."""
        loop = asyncio.get_running_loop()
        retry_s = FIRST_RETRY_S
        while True:
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
        if session != self._session or not self._reached:
            return
        for publication in publications:
            try:
                self._outgoing.put_nowait(publication)
            except asyncio.QueueFull:
                self._lost(f"{MAX_OUTGOING} messages wait for the wire")
                self._changed.set()
                return

    def change(self, filters: Sequence[TopicFilter]) -> None:
        """Subscribe to something else from now on."""
        kept = subscriptions(filters)
        self._dropped_filters |= {topic for topic, _ in self._filters} - {topic for topic, _ in kept}
        self._filters = kept
        self._changed.set()

    async def _one_session(self) -> None:
        self._changed.clear()
        async with self._client() as client:
            await self._subscribe(client)
            while not self._outgoing.empty():
                self._outgoing.get_nowait()
            self._session += 1
            self._reached = True
            self._tell(BrokerReached(datetime.now(UTC), self._session))
            await _first_of(self._listen(client), self._speak(client), self._changed.wait())
        self._lost("reconnecting")

    def _client(self) -> aiomqtt.Client:
        broker = self._broker
        return _PatientClient(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=client_id(self._device_id),
            clean_session=False,
            timeout=TIMEOUT_S,
            keepalive=KEEPALIVE_S,
            tls_context=tls_context(broker),
            socket_options=[NODELAY],
        )

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        if self._dropped_filters:
            await client.unsubscribe(sorted(self._dropped_filters))
            self._dropped_filters.clear()
        if not self._filters:
            return
        codes = [code if isinstance(code, int) else int(code.value) for code in await client.subscribe(list(self._filters))]
        for (topic, _), code in zip(self._filters, codes, strict=False):
            if code >= REFUSED:
                raise aiomqtt.MqttError(f"the broker refuses the subscription to {topic}")

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            received = Received(message.topic.value, payload, datetime.now(UTC), retained=message.retain)
            self._tell(MessageArrived(received, message.retain))

    async def _speak(self, client: aiomqtt.Client) -> None:
        while True:
            publication = await self._outgoing.get()
            await client.publish(publication.topic, publication.payload, publication.qos)

    def _lost(self, reason: str) -> None:
        self._reached = False
        self._tell(BrokerLost(datetime.now(UTC), reason))


def subscriptions(filters: Sequence[TopicFilter]) -> tuple[tuple[str, int], ...]:
    """Return what an actor subscribes to: of the data plane it wants the newest, not every one."""
    return tuple((each.filter, 0 if each.data else each.qos) for each in filters if each.control)


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
