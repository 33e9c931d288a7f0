"""A connection to Redis that is torn while nobody looks is found out by who asks next, on either loop, and made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import uvloop
from redis.exceptions import RedisError

from lics_actors.live.connection import connected
from lics_actors.live.torn import pool_at, redis_at
from tests.waiting import eventually

LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
NewLoop = Callable[[], asyncio.AbstractEventLoop]
PING = b"*1\r\n$4\r\nPING\r\n"


async def torn(connection: Any) -> None:
    """Tear a connection as a network would; nobody reads from it."""
    transport = connection._writer.transport
    transport.abort()
    reader = connection._reader
    await eventually(lambda: reader.exception() is not None or reader.at_eof(), 5.0)


def run(loop: NewLoop, work: Any) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work)


@LOOPS
def test_on_a_connection_of_ones_own_it_is_told(redis_url: str, loop: NewLoop) -> None:
    async def work() -> None:
        connection = await connected(redis_url)
        await connection.send_packed_command(PING, check_health=False)
        await connection.read_response()
        await torn(connection)
        with pytest.raises((RedisError, OSError)):
            await connection.send_packed_command(PING, check_health=False)
            await connection.read_response()
        await connection.disconnect(nowait=True)

    run(loop, work())


@LOOPS
@pytest.mark.parametrize("timeout_s", [None, 2.0])
def test_a_client_says_that_it_is_lost_and_connects_anew(redis_url: str, loop: NewLoop, timeout_s: float | None) -> None:
    async def work() -> None:
        client = redis_at(redis_url, socket_timeout=timeout_s)

        async def ask() -> None:
            async with client.pipeline(transaction=False) as pipe:
                assert (await pipe.incrby("torn", 1).expire("torn", 9).execute())[1] is True

        for _ in range(3):
            await ask()
            (connection,) = client.connection_pool._available_connections
            await torn(connection)
            with suppress(RedisError, OSError):  # nothing else: that is what those who ask are ready for
                await ask()
        await ask()
        await client.aclose()

    run(loop, work())


def test_a_pool_is_as_its_url_says() -> None:
    for url, kind in (("redis://:x@h:1/2", "_Tcp"), ("rediss://h", "_Tls"), ("unix:///tmp/s", "_Unix")):
        assert pool_at(url).connection_class.__name__ == kind
    said = pool_at("redis://:x@h:1/2?socket_timeout=7", socket_timeout=3.0, protocol=2).connection_kwargs
    assert (said["password"], said["host"], said["port"], said["db"]) == ("x", "h", 1, 2)
    assert (said["socket_timeout"], said["protocol"]) == (7.0, 2)
    with pytest.raises(ValueError, match="scheme"):
        pool_at("http://h")
