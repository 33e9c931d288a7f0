"""A broker with accounts, two devices that have theirs, and what a thief of one of them can try."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import aiomqtt

from lics_actors.admission.accounts import CONTROL, OWN, client_name, device_grants
from lics_actors.admission.control import BrokerAccounts, control_spec
from lics_actors.device.messages import BrokerSpec, DeviceSpec
from lics_actors.services.broker import Broker, OwnAccounts
from lics_actors.services.ports import LOOPBACK

QUIET_S = 0.3  # nothing that was wrongly let through takes longer on loopback; it is followed by a message that must come


def own_accounts(prefix: str = "") -> OwnAccounts:
    """Return LICS's own accounts with passwords of this test's."""
    return OwnAccounts({OWN: secrets.token_urlsafe(32), CONTROL: secrets.token_urlsafe(32)}, prefix)


@dataclass(frozen=True, slots=True)
class Badge:
    """What a device shows to get in."""

    device_id: UUID
    client_id: str
    username: str
    password: str
    base: str


class Guarded:
    """A running broker with accounts. `spec`: LICS's own way in."""

    def __init__(self, server: Broker, prefix: str = "") -> None:
        assert server.accounts is not None
        self.server, self.prefix = server, prefix
        words = server.accounts.passwords
        self.spec = BrokerSpec(LOOPBACK, server.port, prefix, OWN, words[OWN])
        self.control = control_spec(self.spec, CONTROL, words[CONTROL])
        self.accounts = BrokerAccounts(self.control)

    async def device(self, driver: str = "native", **settings: object) -> Badge:
        """Give a new device an account."""
        device_id = uuid4()
        name = client_name(self.prefix, device_id)
        grants = device_grants(DeviceSpec(device_id, "thing", "other", driver, settings), self.prefix)
        assert grants is not None
        await self.accounts.allow(name, grants)
        badge = Badge(device_id, name, f"{name}-1", secrets.token_urlsafe(32), f"{self.prefix}devices/{device_id}/")
        await self.accounts.admit(badge.username, badge.password, name, name)
        return badge

    def client(self, badge: Badge | None = None, client_id: str | None = None, **more: object) -> aiomqtt.Client:
        """Return a client with a device's credentials, or with LICS's own."""
        name, word = (self.spec.username, self.spec.password) if badge is None else (badge.username, badge.password)
        identifier = client_id or (badge.client_id if badge else f"test-{uuid4().hex}")
        options = {"username": name, "password": word, "identifier": identifier, "timeout": 5.0, **more}
        return aiomqtt.Client(LOOPBACK, self.server.port, **options)  # type: ignore[arg-type]

    def with_control(self) -> BrokerSpec:
        """Return the way in of whoever changes accounts."""
        return replace(self.control)


async def granted(client: aiomqtt.Client, topic_filter: str) -> bool:
    """Return whether the broker grants a subscription."""
    codes = await client.subscribe(topic_filter, qos=1)
    return all((code if isinstance(code, int) else int(code.value)) < 128 for code in codes)


async def heard_until(client: aiomqtt.Client, last: str) -> list[tuple[str, bytes]]:
    """Return what a client hears up to a message on the topic `last`, which must come."""
    heard: list[tuple[str, bytes]] = []
    async with asyncio.timeout(40):
        async for message in client.messages:
            heard.append((message.topic.value, bytes(message.payload)))  # type: ignore[arg-type]
            if message.topic.value == last:
                return heard
    raise AssertionError("the connection ended")


async def refused(client: aiomqtt.Client) -> bool:
    """Return whether the broker lets nobody in this way."""
    try:
        async with client:
            return False
    except aiomqtt.MqttError:
        return True


async def cut_off(client: aiomqtt.Client, within_s: float = 10.0) -> bool:
    """Return whether the broker ends a connection in time."""
    try:
        async with asyncio.timeout(within_s):
            async for _ in client.messages:
                pass
    except aiomqtt.MqttError:
        return True
    except TimeoutError:
        return False
    return True


@asynccontextmanager
async def thief_and_ear(guarded: Guarded, thief: Badge) -> AsyncIterator[tuple[aiomqtt.Client, aiomqtt.Client]]:
    """Give a client with stolen credentials, and one that hears everything."""
    async with guarded.client() as ear:
        assert await granted(ear, f"{guarded.prefix}#")
        async with guarded.client(thief) as client:
            yield client, ear
