"""One simulated device's MQTT session: connect, stay connected, and be torn out of the wall."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from random import Random
from typing import Protocol

import aiomqtt

log = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 0.2, 5.0
PUBACK_S = 10.0
CUT_S = 1.0  # a broken loopback connection is noticed in a millisecond
_NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # without it an ack waits 40 ms for the broker's delayed TCP ACK


class BrokerLike(Protocol):
    """Where the broker is and how to get in; `lics_actors.device.messages.BrokerSpec` is one."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def prefix(self) -> str: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> str | None: ...
    @property
    def tls(self) -> bool: ...
    @property
    def ca_file(self) -> str | None: ...
    @property
    def cert_file(self) -> str | None: ...
    @property
    def key_file(self) -> str | None: ...


def retry_s(attempt: int, dice: Random) -> float:
    """Return how long to wait before the next attempt: doubling, with full jitter so that a fleet does not come at once."""
    return dice.uniform(FIRST_RETRY_S, min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempt, 10)))


class Connection:
    """Keeps one session alive. `greet` is called on each new connection, before it counts as connected."""

    def __init__(
        self,
        broker: BrokerLike,
        client_id: str,
        *,
        will: Callable[[], aiomqtt.Will],
        greet: Callable[[aiomqtt.Client], Awaitable[None]],
        receive: Callable[[str, bytes], None],
        gate: asyncio.Semaphore,
        dice: Random,
        keepalive_s: int,
    ) -> None:
        self._broker, self._client_id, self._keepalive_s = broker, client_id, keepalive_s
        self._will, self._greet, self._receive = will, greet, receive
        self._gate, self._dice = gate, dice
        self._client: aiomqtt.Client | None = None
        self._over = False
        self._ended = asyncio.Event()
        self._greeting = asyncio.Lock()
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Connect again and again until told to end, or cancelled."""
        self._over, attempt = False, 0
        self._ended.clear()
        while True:
            try:
                await self._session()
            except aiomqtt.MqttError as error:
                attempt = 0 if self.connected.is_set() else attempt + 1
                log.info("a simulated device has no broker", extra={"client": self._client_id, "reason": str(error)})
            finally:
                self.connected.clear()
                self._client = None
            if self._over:
                self._ended.set()
                return
            await asyncio.sleep(retry_s(attempt, self._dice))

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Send one message at QoS 1 and return whether the broker acknowledged it."""
        client = self._client
        if client is None or not self.connected.is_set():
            return False
        try:
            await client.publish(topic, payload, qos=1, retain=retain, timeout=PUBACK_S)
        except aiomqtt.MqttError:
            return False
        return True

    async def farewell(self, topic: str, payload: bytes) -> bool:
        """Send the last retained message of this connection, behind a greeting that is under way; return whether it arrived.

        Others see the greeting before its PUBACK does: who left then without a word would stay `online` in the broker,
        since an orderly goodbye takes the last will along.
        """
        self._over = True
        async with self._greeting:
            return await self.publish(topic, payload, retain=True)

    async def cut(self) -> None:
        """End without DISCONNECT, as when the power goes: the broker sends the last will."""
        self._over = True
        client = self._client
        plug = client._client.socket() if client is not None else None  # aiomqtt itself has no way to be rude
        if not isinstance(plug, socket.socket):
            return
        try:
            plug.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            log.debug("the connection was gone already", extra={"client": self._client_id, "reason": str(error)})
        with suppress(TimeoutError):  # a client that is cancelled before it has noticed would try to say goodbye
            await asyncio.wait_for(self._ended.wait(), CUT_S)

    async def _session(self) -> None:
        async with AsyncExitStack() as stack:
            async with self._gate:
                client = await stack.enter_async_context(self._new_client())
                self._client = client
                async with self._greeting:
                    await self._greet(client)
                    self.connected.set()
            async for message in client.messages:
                if isinstance(message.payload, bytes | bytearray):
                    self._receive(message.topic.value, bytes(message.payload))

    def _new_client(self) -> aiomqtt.Client:
        broker = self._broker
        files = aiomqtt.TLSParameters(ca_certs=broker.ca_file, certfile=broker.cert_file, keyfile=broker.key_file)
        return aiomqtt.Client(
            broker.host,
            broker.port,
            identifier=self._client_id,
            username=broker.username,
            password=broker.password,
            tls_params=files if broker.tls else None,
            clean_session=False,
            keepalive=self._keepalive_s,
            will=self._will(),
            socket_options=[_NODELAY],
            logger=log,
        )
