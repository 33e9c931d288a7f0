"""Attempts to sign in, counted in Redis for all workers; while it is away each worker counts by itself: nobody is let off."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from lics_actors.access.rules import Patience, Tally, Verdict, attempted
from lics_actors.live.torn import redis_at

log = logging.getLogger(__name__)

ANSWER_S: Final = 0.5
REST_S: Final = 5.0  # so long Redis is not asked again after it did not answer
REMEMBERED: Final = 10_000
STEPS: Final = 64  # longer than any wait grows

# `attempted` of rules.py; the waits come from there. Returns what is to be waited for in ms, and whether it is worth noting.
_ATTEMPT: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local had = redis.call('HMGET', KEYS[1], 'n', 'until', 'told')
local free = tonumber(had[2] or '0')
if now < free then
  redis.call('HSET', KEYS[1], 'told', '1')
  return {free - now, had[3] == '1' and 0 or 1}
end
local n = math.min(tonumber(had[1] or '0') + 1, #ARGV - 1)
redis.call('HSET', KEYS[1], 'n', n, 'until', now + tonumber(ARGV[n]), 'told', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[#ARGV])
return {0, 0}
"""


class Throttle:
    """Counts attempts by what they are about: an account's address, a network address."""

    def __init__(self, redis_url: str | None, prefix: str, now: Callable[[], float] = time.monotonic) -> None:
        self._prefix, self._now = prefix, now
        self._redis: Redis | None = None
        if redis_url is not None:
            self._redis = redis_at(redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
        self._rests_until = float("-inf")
        self._own: OrderedDict[str, Tally] = OrderedDict()

    async def attempt(self, kind: str, what: str, patience: Patience) -> Verdict:
        """Count an attempt that is about to be made, or say how long to wait before one."""
        name = self._name(kind, what)
        if self._redis is not None and self._now() >= self._rests_until:
            waits = [round(patience.wait_s(n) * 1000) for n in range(1, STEPS + 1)]
            try:
                asked = self._redis.eval(_ATTEMPT, 1, name, *waits, round(patience.forget_s * 1000))
                wait_ms, first = cast("tuple[int, int]", await cast("Any", asked))
                return Verdict(wait_ms / 1000, bool(first))
            except (RedisError, OSError) as error:
                self._rest(error)
        tally, verdict = attempted(self._own.get(name, Tally()), self._now(), patience)
        self._own[name] = tally
        self._own.move_to_end(name)
        if len(self._own) > REMEMBERED:
            self._own.popitem(last=False)
        return verdict

    async def succeeded(self, kind: str, what: str) -> None:
        """Forget the attempts: the right one came."""
        name = self._name(kind, what)
        self._own.pop(name, None)
        if self._redis is not None and self._now() >= self._rests_until:
            try:
                await self._redis.delete(name)
            except (RedisError, OSError) as error:
                self._rest(error)

    async def close(self) -> None:
        """Leave Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    def _name(self, kind: str, what: str) -> str:
        return f"{self._prefix}lics:attempts:{kind}:{hashlib.sha256(what.encode('utf-8', 'replace')).hexdigest()[:32]}"

    def _rest(self, error: Exception) -> None:
        log.warning("sign-ins are counted by each worker alone: Redis does not answer", extra={"error": type(error).__name__})
        self._rests_until = self._now() + REST_S
