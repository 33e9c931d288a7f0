"""A device's own MQTT session: persistent, the same over incarnations of its actor, reconnecting for ever.

Runs in the actor's loop thread and decides nothing: it says what arrived and whether the broker is there.
"""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import aiomqtt
import paho.mqtt.client as mqtt

from drivers.protocol import Publication, Received, TopicFilter
from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec

KEEPALIVE_S: Final = 30  # a broker that vanished without a word is noticed after one and a half times that
LOOK_S: Final = 5.0  # a ping comes so much late at most; brokers wait for half of KEEPALIVE_S
TIMEOUT_S: Final = 5.0  # for CONNACK, SUBACK and PUBACK; a broker that takes longer is as good as away
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 10.0
LASTING_S: Final = 10.0  # a session of that length was a good one: the next retry is early again
MAX_OUTGOING: Final = 256  # publications without PUBACK: all repeats of a reconnect, and then some
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


class _Client(aiomqtt.Client):
    """aiomqtt's connection, subscriptions and keepalive, without its costs a message.

    Its queue and the task it makes to wait for each message cost 80 µs a message, its publish (a task, a timeout, PUBACK
    waited for one at a time) 150 µs; here paho's callbacks are taken as they come, in the loop's thread.
    """

    def __init__(self, *arguments: Any, arrived: Callable[[mqtt.MQTTMessage], None], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._arrived = arrived
        self._thread = threading.get_ident()
        self._unacknowledged: dict[int, float] = {}  # packet id → loop time, oldest first
        self._watch: asyncio.TimerHandle | None = None

    def send(self, publication: Publication) -> None:
        """Send a message, behind those that were sent before; nobody waits for its PUBACK, but it must come.

        Raises:
            aiomqtt.MqttError: the connection is gone, or MAX_OUTGOING messages wait for their PUBACK.
        """
        if len(self._unacknowledged) >= MAX_OUTGOING:
            raise aiomqtt.MqttError(f"{MAX_OUTGOING} messages wait for the broker")
        info = self._client.publish(publication.topic, publication.payload, publication.qos)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(info.rc, "could not publish")
        if publication.qos:
            self._unacknowledged[info.mid] = self._loop.time()
            if self._watch is None:
                self._watch = self._loop.call_later(TIMEOUT_S, self._look)

    def _look(self) -> None:
        """See whether the broker acknowledges in time."""
        self._watch = None
        oldest = next(iter(self._unacknowledged.values()), None)
        if oldest is None or self._disconnected.done():
            return
        waited_s = self._loop.time() - oldest
        if waited_s >= TIMEOUT_S:
            self._disconnected.set_exception(aiomqtt.MqttError("the broker does not acknowledge"))
        else:
            self._watch = self._loop.call_later(TIMEOUT_S - waited_s, self._look)

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:  # noqa: ARG002
        self._arrived(message)

    def _on_publish(self, client: mqtt.Client, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:  # noqa: ARG002
        self._unacknowledged.pop(mid, None)

    def _on_socket_register_write(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        """Write at the end of this turn of the loop; the socket nearly always takes it, so it need not be watched first."""
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._write, client, userdata, sock)
        else:  # while connecting, which aiomqtt does in a thread of its own
            super()._on_socket_register_write(client, userdata, sock)

    def _write(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        try:
            client.loop_write()
            if client.want_write():
                super()._on_socket_register_write(client, userdata, sock)
        except Exception as error:  # noqa: BLE001 - as aiomqtt: whatever it is, this connection is over
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    async def _misc_loop(self) -> None:
        """Look after the keepalive every few seconds: aiomqtt's every second is a fifth of what an idle device costs."""
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
        self._session = 0
        self._client: _Client | None = None  # while the session stands
        self._early: list[mqtt.MQTTMessage] | None = []
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
        self._filters = kept
        self._changed.set()

    async def _one_session(self) -> None:
        self._changed.clear()
        self._early = []
        async with self._connection() as client:
            await self._subscribe(client)
            self._session += 1
            self._client = client
            self._tell(BrokerReached(datetime.now(UTC), self._session))
            early, self._early = self._early, None
            for message in early:
                self._arrived(message)
            await _first_of(_disconnected(client), self._changed.wait())
        self._lost("reconnecting")

    def _connection(self) -> _Client:
        broker = self._broker
        return _Client(
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
            arrived=self._arrived,
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

    def _arrived(self, message: mqtt.MQTTMessage) -> None:
        if self._early is not None:  # what the broker kept for the session comes before its SUBACK
            self._early.append(message)
            return
        received = Received(message.topic, bytes(message.payload), datetime.now(UTC), retained=message.retain)
        self._tell(MessageArrived(received, message.retain))

    def _lost(self, reason: str) -> None:
        self._client = None
        self._tell(BrokerLost(datetime.now(UTC), reason))


def subscriptions(filters: Sequence[TopicFilter]) -> tuple[tuple[str, int], ...]:
    """Return what an actor subscribes to: of the data plane it wants the newest, not every one."""
    return tuple((each.filter, 0 if each.data else each.qos) for each in filters if each.control)


async def _disconnected(client: aiomqtt.Client) -> None:
    """Raise MqttError when the connection ends. No message comes this way."""
    async for _ in client.messages:
        pass


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
