"""How many requests an account and an address may make: counted in each worker at once, and by all together through Redis.

A request asks nobody: a look into a table, 1 µs. Every SHARE_S a worker says what it counted and hears the sum. While Redis is
away each worker counts alone: the limits are a worker's then, neither none nor nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Final

from quart import Quart, g, request
from redis.exceptions import RedisError

from lics_actors.access.rates import WINDOW_S, Count, Rate, begun, heard, took, wait_s
from lics_actors.audit import Asker
from lics_actors.errors import LicsError
from lics_actors.live.torn import redis_at
from web.auth import Refusals
from web.errors import request_id

log = logging.getLogger(__name__)

SHARE_S: Final = 0.5
ANSWER_S: Final = 0.5
REMEMBERED: Final = 10_000
AT_ONCE: Final = 500  # who asked most is shared first


class RateLimitedError(LicsError):
    """Too many requests; fact `retry_after_s`."""

    code = "RATE_LIMITED"
    type = "rate_limited"


class Rates:
    """The counts of one worker. `account` and `address`: how much each may; 0 a second: as much as they like."""

    def __init__(
        self, account: Rate, address: Rate, redis_url: str | None, prefix: str, now: Callable[[], float] = time.time
    ) -> None:
        self._rates = {"account": account, "address": address}
        self._now, self._prefix = now, prefix
        self._counts: OrderedDict[tuple[str, str], Count] = OrderedDict()
        self._redis = None if redis_url is None else redis_at(redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
        self._away = False

    def spare(self, kind: str, who: str) -> bool:
        """Return whether somebody has a request left, without counting one."""
        rate = self._rates[kind]
        return rate.per_s <= 0 or wait_s(self._count(kind, who, rate), rate, self._now()) <= 0

    def take(self, kind: str, who: str) -> None:
        """Count a request.

        Raises:
            RateLimitedError
        """
        rate = self._rates[kind]
        if rate.per_s <= 0:
            return
        count, now = self._count(kind, who, rate), self._now()
        if (left_s := wait_s(count, rate, now)) > 0:
            raise RateLimitedError(
                f"too many requests of this {kind}; try again in {max(1, round(left_s))} s", retry_after_s=left_s
            )
        took(count)

    def _count(self, kind: str, who: str, rate: Rate) -> Count:
        count = self._counts.get((kind, who))
        if count is None:
            count = self._counts[kind, who] = begun(rate, self._now())
            if len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
        else:
            self._counts.move_to_end((kind, who))
        return count

    async def run(self) -> None:
        """Share the counts, until cancelled."""
        if self._redis is None:
            return
        try:
            while True:
                await asyncio.sleep(SHARE_S)
                await self.share()
        finally:
            with suppress(RedisError, OSError):
                await self._redis.aclose()

    async def share(self) -> None:
        """Say what was counted, and hear what all counted."""
        window = int(self._now() // WINDOW_S)
        busy = [(key, count, count.unsaid) for key, count in self._counts.items() if count.window == window and count.unsaid]
        busy = sorted(busy, key=lambda each: -each[2])[:AT_ONCE]
        if not busy or self._redis is None:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for (kind, who), _, said in busy:
                    name = self._name(kind, who, window)
                    pipe.incrby(name, said)
                    pipe.expire(name, int(WINDOW_S * 2))
                totals = (await pipe.execute())[::2]
        except (RedisError, OSError) as error:
            if not self._away:
                log.warning("each worker counts requests alone: Redis does not answer", extra={"error": type(error).__name__})
            self._away = True
            return
        self._away = False
        for (_, count, said), total in zip(busy, totals, strict=True):
            heard(count, window, said, int(total))

    def _name(self, kind: str, who: str, window: int) -> str:
        return f"{self._prefix}lics:rate:{kind}:{hashlib.sha256(who.encode('utf-8', 'replace')).hexdigest()[:32]}:{window}"


def install_addresses(app: Quart, rates: Rates, refusals: Refusals) -> None:
    """Count every request by its address, before anything else is asked of it."""

    async def by_address() -> None:
        try:
            rates.take("address", request.remote_addr or "")
        except RateLimitedError as error:
            await refusals.note(_asker("anonymous"), "rate.address", request.path[:200], error)
            raise

    async def sharing() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(rates.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.before_request(by_address)
    app.while_serving(sharing)


def install_accounts(app: Quart, rates: Rates, refusals: Refusals) -> None:
    """Count every request by who makes it, once that is known; a key's by the key."""

    async def by_account() -> None:
        asker = g.get("principal")
        if asker is None:
            return
        try:
            rates.take("account", asker.name)
        except RateLimitedError as error:
            await refusals.note(_asker(asker.name), "rate.account", request.path[:200], error)
            raise

    app.before_request(by_account)


def _asker(name: str) -> Asker:
    return Asker(name, "rest", request.remote_addr, request_id())
