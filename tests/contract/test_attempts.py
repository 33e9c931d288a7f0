"""Attempts counted by Redis are counted as the rule says; without Redis, by each worker."""

from __future__ import annotations

from redis import Redis

from lics_actors.access.rules import Patience
from lics_actors.access.throttle import Throttle

PATIENCE = Patience(free=3, first_s=30.0, most_s=100.0, forget_s=600.0)


async def attempts(throttle: Throttle, what: str = "ada", count: int = 6) -> list[tuple[int, bool]]:
    """Return for so many attempts how long to wait, in whole tens of seconds, and whether it was the first such refusal."""
    said = [await throttle.attempt("account", what, PATIENCE) for _ in range(count)]
    return [(round(verdict.wait_s / 10), verdict.first) for verdict in said]


EXPECTED = [(0, False)] * 4 + [(3, True), (3, False)]


async def test_redis_counts_for_all_workers(redis_url: str) -> None:
    first, second = Throttle(redis_url, "t/"), Throttle(redis_url, "t/")
    assert await attempts(first, count=4) == EXPECTED[:4]
    assert await attempts(second, count=2) == EXPECTED[4:]
    assert await attempts(first, "eve") == EXPECTED
    await second.succeeded("account", "ada")
    assert await attempts(first) == EXPECTED
    with Redis.from_url(redis_url) as redis:
        assert all(0 < redis.ttl(key) <= 600 for key in redis.scan_iter("t/lics:attempts:*"))
        assert not [key for key in redis.scan_iter("*") if b"ada" in key], "no e-mail address stands in Redis"
    await first.close()
    await second.close()


async def test_without_redis_nobody_is_let_off() -> None:
    away = Throttle("redis://127.0.0.1:1/0", "")
    assert await attempts(away) == EXPECTED
    assert await attempts(Throttle(None, "")) == EXPECTED
    await away.close()
