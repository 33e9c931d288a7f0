"""The fixtures everything else relies on."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from aiomqtt import Client, MqttError
from redis.asyncio import Redis

from lics_actors.device.messages import BrokerSpec
from tests.conftest import OwnBroker
from tests.waiting import eventually, wait_until


async def test_each_database_is_empty_and_of_its_own(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    assert await connection.fetchval("select count(*) from pg_tables where schemaname = 'public'") == 0
    await connection.execute("create table t (x int)")
    await connection.close()


test_and_again = test_each_database_is_empty_and_of_its_own


async def test_redis_is_empty(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    assert await client.dbsize() == 0
    await client.set("a", 1)
    await client.aclose()


async def test_own_broker_comes_back_on_the_same_port(own_broker: OwnBroker, broker: BrokerSpec) -> None:
    async def connects() -> bool:
        async with Client(own_broker.spec.host, own_broker.spec.port):
            return True

    assert await connects()
    await own_broker.stop()
    with pytest.raises(MqttError):
        await connects()
    await own_broker.start()
    assert await eventually(connects)
    own_broker.kill()
    await own_broker.start()
    assert await eventually(connects)
    assert broker.port != own_broker.spec.port


async def test_waiting_says_what_was_last_seen() -> None:
    with pytest.raises(AssertionError, match="last seen 0"):
        wait_until(lambda: 0, 0.05)

    async def never() -> bool:
        await asyncio.sleep(0)
        raise ValueError("not yet")

    with pytest.raises(AssertionError, match="not yet"):
        await eventually(never, 0.05)
