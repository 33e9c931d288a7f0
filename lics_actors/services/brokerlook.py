"""What can be seen of a broker that somebody else runs: what it says of itself, and how much it lets be in flight."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass

import aiomqtt

from lics_actors.broker import tls_context
from lics_actors.device.messages import BrokerSpec
from lics_actors.recorder.brokerfacts import DROPPED, BrokerFacts
from lics_actors.recorder.errors import RecorderError
from lics_actors.recorder.reader import Delivery, open_connection
from lics_actors.sessions import discard_session

VERSION = "$SYS/broker/version"
SPEAKS_S = 0.5  # what a broker says of itself is retained, and comes at once
SENT = 32  # messages, one after the other: more than mosquitto's default window of 20
LATE_S = 0.5  # one that has not come after this long is not let through


@dataclass(frozen=True, slots=True)
class Look:
    """`version` and `dropped` (messages since its start): None where it says nothing of them. `in_flight`: how many of `SENT`
    messages it delivered while none was acknowledged; 0 where it may not be tried (access rules)."""

    version: str | None = None
    dropped: int | None = None
    in_flight: int = 0

    @property
    def narrow(self) -> bool:
        """Return whether its window is too small for a recorder that acknowledges what is on the disk, in groups."""
        return 0 < self.in_flight < SENT


async def look(spec: BrokerSpec) -> Look:
    """Connect, listen, try its window on a topic of our own; nothing of it stays.

    Raises:
        aiomqtt.MqttError, OSError: it cannot be reached.
    """
    async with _client(spec) as client:
        said = await _said(client)
        in_flight = await _in_flight(spec, client)
    version, dropped = said.get(VERSION), said.get(DROPPED, b"")
    text = version.decode(errors="replace")[:80] if version is not None else None
    return Look(text, BrokerFacts().heard(DROPPED, dropped, 0.0).total, in_flight)


def _client(spec: BrokerSpec) -> aiomqtt.Client:
    return aiomqtt.Client(
        spec.host, spec.port, username=spec.username, password=spec.password, tls_context=tls_context(spec), timeout=SPEAKS_S * 4
    )


async def _said(client: aiomqtt.Client) -> dict[str, bytes]:
    said: dict[str, bytes] = {}
    await client.subscribe([(VERSION, 0), (DROPPED, 0)])
    with suppress(TimeoutError):
        async with asyncio.timeout(SPEAKS_S):
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    said[message.topic.value] = message.payload
                if len(said) == 2:
                    break
    return said


async def _in_flight(spec: BrokerSpec, client: aiomqtt.Client) -> int:
    """Return how many messages come to a session that acknowledges none. The first that does not is the last, so that nothing
    is dropped for the sake of looking."""
    name = uuid.uuid4().hex[:12]
    topic, client_id = f"{spec.prefix}lics/doctor/{name}", f"lics-doctor-{name}"
    come = asyncio.Semaphore(0)
    in_flight = 0

    def count(delivery: Delivery) -> None:
        for _ in delivery.packet_ids:
            come.release()

    try:
        reader = await open_connection(spec, client_id, count)
        try:
            await reader.subscribe({topic: 1})
            while in_flight < SENT:
                await client.publish(topic, b"", qos=1)
                await asyncio.wait_for(come.acquire(), LATE_S)
                in_flight += 1
        finally:
            await reader.close()
    except (RecorderError, TimeoutError):
        pass  # as many as have come by then
    finally:
        await discard_session(spec, client_id)
    return in_flight
