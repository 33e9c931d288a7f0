"""How a device that nobody knows asks for credentials with a claim code: contracts.md, section 1; a model for firmware."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import aiomqtt

from drivers.native.simulator.connection import BrokerLike

ASK_AGAIN_S: Final = 5.0  # LICS may be restarting
NAME_CHARS: Final = 8  # of a code: they name it, the whole of it is the password


class ClaimRefusedError(Exception):
    """The broker does not know the code, or LICS does not answer."""


@dataclass(frozen=True, slots=True)
class WayIn:
    """A device's own way in at the broker; a `BrokerLike`."""

    device_id: UUID
    host: str
    port: int
    prefix: str
    username: str
    password: str = field(repr=False)
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


async def present(broker: BrokerLike, code: str, timeout_s: float = 30.0) -> WayIn:
    """Show a claim code; return the device's own way in.

    Raises:
        ClaimRefusedError: the code is wrong or over, or nobody answered in time.
    """
    word = code.upper().replace("-", "").replace(" ", "")
    name = f"{broker.prefix}claim-{word[:NAME_CHARS]}"
    base = f"{broker.prefix}provision/{word[:NAME_CHARS]}/"
    files = aiomqtt.TLSParameters(ca_certs=broker.ca_file, certfile=broker.cert_file, keyfile=broker.key_file)
    client = aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=name,
        username=name,
        password=word,
        tls_params=files if broker.tls else None,
    )
    try:
        async with asyncio.timeout(timeout_s), client:
            await client.subscribe(f"{base}credentials", qos=1)
            asking = asyncio.create_task(_ask(client, f"{base}request"))
            try:
                told = await _answer(client)
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
    except (aiomqtt.MqttError, TimeoutError) as error:
        raise ClaimRefusedError(str(error) or "nobody answered") from error
    return WayIn(
        UUID(told["device_id"]),
        broker.host,
        broker.port,
        broker.prefix,
        told["username"],
        told["password"],
        broker.tls,
        broker.ca_file,
        broker.cert_file,
        broker.key_file,
    )


async def _ask(client: aiomqtt.Client, topic: str) -> None:
    while True:
        await client.publish(topic, json.dumps({"schema": 1}), qos=1)
        await asyncio.sleep(ASK_AGAIN_S)


async def _answer(client: aiomqtt.Client) -> dict[str, str]:
    async for message in client.messages:
        if isinstance(message.payload, bytes):
            return dict(json.loads(message.payload))
    raise ClaimRefusedError("the connection ended")
