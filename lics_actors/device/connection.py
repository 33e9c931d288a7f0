"""An MQTT connection of aiomqtt without what it costs a message, for sessions that send and hear one command at a time.

aiomqtt's queue, and the task it makes to wait for each message, cost 80 µs a message; its publish (a task, a timeout, PUBACK
waited for one at a time) 150 µs. Here paho's callbacks are taken as they come, in the loop's thread; connecting, subscribing
and saying goodbye stay aiomqtt's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiomqtt
import paho.mqtt.client as mqtt

from drivers.protocol import Publication

LOOK_S: Final = 5.0  # a ping comes so much late at most; brokers wait for half of the keepalive
TIMEOUT_S: Final = 5.0  # for CONNACK, SUBACK and PUBACK; a broker that takes longer is as good as away
MAX_OUTGOING: Final = 256  # publications without PUBACK: all repeats of a reconnect, and then some


class Connection(aiomqtt.Client):
    """`arrived` is called with each message, in the loop's thread, from when the connection stands."""

    def __init__(self, *arguments: Any, arrived: Callable[[mqtt.MQTTMessage], None], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._arrived = arrived
        self._thread = threading.get_ident()
        self._unacknowledged: dict[int, float] = {}  # packet id → loop time, oldest first
        self._watch: asyncio.TimerHandle | None = None
        self._writing: asyncio.Handle | None = None

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
            self._await((info.rc, info.mid))
        if self._writing is not None:  # at once: a turn of the loop later is 50 µs later
            self._writing.cancel()
            self._write(self._client, None, self._client.socket())

    @property
    def acknowledged(self) -> bool:
        """Return whether the broker has acknowledged everything."""
        return not self._unacknowledged

    def leave(self, topics: Sequence[str]) -> None:
        """Unsubscribe; what was under way still arrives."""
        self._await(self._client.unsubscribe(list(topics)))

    def join(self, topics: Sequence[str]) -> None:
        """Subscribe at QoS 0."""
        self._await(self._client.subscribe([(topic, 0) for topic in topics]))

    def _await(self, sent: tuple[int, int | None]) -> None:
        """Remember a packet that the broker must acknowledge; a connection that is gone says so itself."""
        code, packet = sent
        if code == mqtt.MQTT_ERR_SUCCESS and packet is not None:
            self._unacknowledged[packet] = self._loop.time()
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

    def _on_subscribe(
        self, client: mqtt.Client, userdata: Any, mid: int, reason_codes: list[Any], properties: Any = None
    ) -> None:
        if self._unacknowledged.pop(mid, None) is None:
            super()._on_subscribe(client, userdata, mid, reason_codes, properties)
        elif any(code.is_failure for code in reason_codes) and not self._disconnected.done():
            self._disconnected.set_exception(aiomqtt.MqttError("the broker refuses a subscription it had granted"))

    def _on_unsubscribe(
        self, client: mqtt.Client, userdata: Any, mid: int, reason_codes: list[Any], properties: Any = None
    ) -> None:
        if self._unacknowledged.pop(mid, None) is None:
            super()._on_unsubscribe(client, userdata, mid, reason_codes, properties)

    def _on_socket_register_write(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        """Write at the end of this turn of the loop; the socket nearly always takes it, so it need not be watched first."""
        if threading.get_ident() == self._thread:
            self._writing = self._loop.call_soon(self._write, client, userdata, sock)
        else:  # while connecting, which aiomqtt does in a thread of its own
            super()._on_socket_register_write(client, userdata, sock)

    def _write(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        self._writing = None
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
