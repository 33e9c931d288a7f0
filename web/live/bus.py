"""What the hub needs of the live bus, and what it makes of its words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from lics_actors.live.messages import LiveMessage, TelemetryLive, decode
from web.live.posts import Post, post
from web.live.views import told

log = logging.getLogger(__name__)


class Bus(Protocol):
    """lics_actors.live.reader.LiveReader, or the twin that tests have in memory."""

    @property
    def connected(self) -> bool:
        """Return whether what is published now is heard."""

    async def subscribe(self, topic: str) -> bool:
        """Listen to a topic from now on; False: as soon as the bus is back."""

    async def unsubscribe(self, topic: str) -> None:
        """Listen to it no more."""

    async def replay(self, topic: str, after: int) -> list[tuple[int, bytes]] | None:
        """Return what was kept after a number; None: not all of that is there."""

    async def kept(self, topic: str) -> list[tuple[int, bytes]]:
        """Return all that is kept; nothing while the bus is away."""

    async def current(self, topic: str) -> int:
        """Return a topic's last number; 0 while the bus is away."""

    def __aiter__(self) -> AsyncIterator[tuple[str, int, bytes]]:
        """Yield (topic, n, body) for ever; an empty topic: the connection was lost and is back."""

    async def close(self) -> None:
        """Let go of it."""


class NoBus:
    """No Redis is configured: nothing is ever heard."""

    connected = False

    async def subscribe(self, topic: str) -> bool:  # noqa: ARG002
        """Nobody will say anything."""
        return False

    async def unsubscribe(self, topic: str) -> None:
        """Nobody did."""

    async def replay(self, topic: str, after: int) -> list[tuple[int, bytes]] | None:  # noqa: ARG002
        """Nothing was kept."""
        return None

    async def kept(self, topic: str) -> list[tuple[int, bytes]]:  # noqa: ARG002
        """Nothing was kept."""
        return []

    async def current(self, topic: str) -> int:  # noqa: ARG002
        """Nothing was said."""
        return 0

    async def __aiter__(self) -> AsyncIterator[tuple[str, int, bytes]]:
        """Never end, as a bus does not."""
        await asyncio.Event().wait()
        yield "", 0, b""

    async def close(self) -> None:
        """Nothing to let go of."""


def understood(topic: str, body: bytes) -> LiveMessage | None:
    """Return what the bus says; None where it is not in our words: another version publishes there."""
    try:
        return decode(body)
    except msgspec.DecodeError as error:  # ValidationError is one
        log.warning("a live message cannot be read", extra={"topic": topic, "error": str(error)})
        return None


def happened(topic: str, n: int, message: LiveMessage) -> Post | None:
    """Return a kept message as clients are told it."""
    return None if isinstance(message, TelemetryLive) else post(told(topic, n, message))
