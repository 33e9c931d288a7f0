"""The bus's reading side: what a web worker's live hub listens to."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from lics_actors.live.connection import ANSWER_S, FIRST_RETRY_S, LONGEST_RETRY_S, connected
from lics_actors.live.script import CURRENT, KEPT_MESSAGES, channel, covered
from lics_actors.live.torn import redis_at

Heard = tuple[str, int, bytes]  # topic, n, body
AGAIN: Final[Heard] = ("", 0, b"")  # the connection was away and is back: what was said meanwhile was not heard
PING_S: Final = 10.0  # a Redis that vanished without a word is noticed within twice that

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Asked:
    """Redis has been asked so often to subscribe to a topic and has not said yes yet."""

    times: int = 0
    confirmed: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class LiveReader:
    """Listens to topics while somebody iterates over it; belongs to one loop, and to one iteration at a time.

    Messages come in the order in which they were published. `AGAIN` comes in its place among them when topics had been
    without a connection and are all subscribed to now: what is worth knowing of them must be asked for anew.
    """

    def __init__(self, redis_url: str, prefix: str) -> None:
        self._url, self._prefix = redis_url, prefix
        self._redis = redis_at(redis_url, protocol=2, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
        self._topics: dict[str, None] = {}
        self._asked: dict[str, _Asked] = {}
        self._connection: AbstractConnection | None = None
        self._heard = 0

    @property
    def connected(self) -> bool:
        """Return whether what is published now is heard."""
        return self._connection is not None

    async def subscribe(self, topic: str) -> bool:
        """Listen to a topic from now on. True when Redis has confirmed it: nothing published from here on is missed.
        False while Redis is away: then it is subscribed to when Redis is back, before `AGAIN`."""
        new = topic not in self._topics
        self._topics[topic] = None
        if self._connection is None:
            return False
        asked = self._asked.setdefault(topic, _Asked()) if new else self._asked.get(topic)
        if asked is None:
            return True
        if new:
            asked.times += 1
            await self._say("SUBSCRIBE", topic)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(asked.confirmed)
        except TimeoutError:
            return False

    async def unsubscribe(self, topic: str) -> None:
        """Listen to a topic no more."""
        if topic in self._topics:
            del self._topics[topic]
            await self._say("UNSUBSCRIBE", topic)

    async def replay(self, topic: str, after: int) -> list[tuple[int, bytes]] | None:
        """Return what was kept of a topic with a number above `after`, in order.

        None: not all of that is there any more, or Redis is away; the topic has to be looked at anew.
        """
        key = channel(self._prefix, topic)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hmget(f"{key}:n", ["n", "kept", "from"])
                pipe.xlen(key)
                pipe.xrange(key, count=1)
                pipe.xrange(key, f"({max(0, after)}-0", count=KEPT_MESSAGES)
                state, length, oldest, found = await pipe.execute()
        except (RedisError, OSError):
            return None
        if not covered(after, state, length, _number(oldest[0][0]) if oldest else None):
            return None
        return [(_number(each), fields[b"m"]) for each, fields in found]

    async def kept(self, topic: str) -> list[tuple[int, bytes]]:
        """Return all that is still kept of a topic, in order, complete or not; nothing where Redis is away."""
        try:
            found: Any = await self._redis.xrange(channel(self._prefix, topic), count=KEPT_MESSAGES)
        except (RedisError, OSError):
            return []
        return [(_number(each), fields[b"m"]) for each, fields in found]

    async def current(self, topic: str) -> int:
        """Return a topic's last number; 0, from which nothing can be replayed, where Redis is away.

        From there on the topic can be replayed, for an hour after it was last asked for or published on.
        """
        try:
            return int(await self._redis.eval(CURRENT, 1, channel(self._prefix, topic)))
        except (RedisError, OSError):
            return 0

    async def close(self) -> None:
        """Let go of Redis. End the iteration first."""
        await self._redis.aclose()

    async def __aiter__(self) -> AsyncIterator[Heard]:
        """Yield what is published, for ever."""
        retry_s, start = FIRST_RETRY_S, len(channel(self._prefix, ""))
        while True:
            pinging: asyncio.Task[None] | None = None
            try:
                connection = await self._connected()
                retry_s = FIRST_RETRY_S
                pinging = asyncio.create_task(self._ping(connection))
                while True:
                    said: Any = await connection.read_response(disable_decoding=True, timeout=math.inf)
                    self._heard += 1
                    if said[0] == b"message":
                        number, _, body = said[2].partition(b"\n")
                        if number.isdigit():  # somebody else's words on our channels are passed over
                            yield said[1][start:].decode(), int(number), body
                    elif self._understood(said, start):
                        yield AGAIN
            except (RedisError, OSError, ValueError) as error:
                if retry_s == FIRST_RETRY_S:
                    log.warning("the live bus cannot be heard", extra={"reason": str(error) or type(error).__name__})
            finally:
                if pinging is not None:
                    pinging.cancel()
                await self._let_go()
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    async def _connected(self) -> AbstractConnection:
        connection = self._connection = await connected(self._url)
        if self._topics:
            for topic in self._topics:
                self._asked[topic] = _Asked(1)
            await self._say("SUBSCRIBE", *self._topics)
            await connection.send_command("PING", "again", check_health=False)
        return connection

    async def _say(self, verb: str, *topics: str) -> None:
        """Tell Redis; where that fails the iteration notices, and tells it all again."""
        if self._connection is None:
            return
        channels = [channel(self._prefix, topic) for topic in topics]
        try:
            await self._connection.send_command(verb, *channels, check_health=False)
        except (RedisError, OSError) as error:
            log.debug("a subscription cannot be changed now", extra={"reason": str(error)})

    def _understood(self, said: Any, start: int) -> bool:
        """Take what is no message; return whether all that was subscribed to at the beginning is."""
        if not isinstance(said, list):
            return False
        if said[0] == b"subscribe":
            topic = said[1][start:].decode()
            asked = self._asked.get(topic)
            if asked is not None:
                asked.times -= 1
                if asked.times <= 0:
                    del self._asked[topic]
                    _settle(asked, True)
        return bool(said[0] == b"pong" and said[1] == b"again")

    async def _ping(self, connection: AbstractConnection) -> None:
        """Have a silent Redis say something, or end the connection."""
        while True:
            before = self._heard
            await asyncio.sleep(PING_S)
            if self._heard != before:
                continue
            try:
                await connection.send_command("PING", check_health=False)
                await asyncio.sleep(PING_S)
            except (RedisError, OSError):
                return  # the iteration has noticed, too
            if self._heard == before:
                await connection.disconnect(nowait=True)
                return

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        for asked in self._asked.values():
            _settle(asked, False)
        self._asked.clear()
        if connection is not None:
            await connection.disconnect(nowait=True)


def _settle(asked: _Asked, confirmed: bool) -> None:
    if not asked.confirmed.done():
        asked.confirmed.set_result(confirmed)


def _number(entry: bytes) -> int:
    return int(entry.partition(b"-")[0])
