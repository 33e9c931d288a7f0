"""Redis out of memory and processes out of file descriptors: who notices, what is said, and how it comes back."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import httpx
import psutil
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from lics_actors.services.valkey import Valkey
from tests.system.faults.load import summary
from tests.system.faults.scene import LICKOMETER, PUMP, Site
from tests.system.laboratory import TOKEN
from tests.waiting import PATIENCE_S, eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.linux]

FAULT_S = 3.0 if os.environ.get("LICS_LONG") else 1.0


@asynccontextmanager
async def out_of_memory(server: Valkey) -> AsyncIterator[None]:
    """Within: Redis takes nothing that needs memory."""
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "1")
        try:
            yield
        finally:
            await redis.config_set("maxmemory", "0")


async def test_with_redis_out_of_memory_everything_but_the_live_view_goes_on(site: Site, valkey_server: Valkey) -> None:
    address = f"ws://127.0.0.1:{site.laboratory.api.base_url.port}/ws/{LICKOMETER.id}"
    async with site.load() as load, connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        await load.goes_on()
        async with out_of_memory(valkey_server):
            mark = len(load.asked)
            await asyncio.sleep(FAULT_S)
            assert set(summary(load.since(mark))) == {(200, "succeeded")}, summary(load.since(mark))
            health = (await site.laboratory.api.get("/health")).json()
            assert health["services"]["fleet"]["state"] == "up"
        before = max(n for n in (json.loads(text).get("n") or 0 for text in await heard(socket)))

        async def sees_events_again() -> bool:
            return any(said["kind"] == "event" and said["n"] > before for said in map(json.loads, await heard(socket)))

        await eventually(sees_events_again, what="events are seen again")
    await load.audit()


async def heard(socket: object) -> list[str]:
    """Return what has come by now."""
    found: list[str] = []
    try:
        while True:
            found.append(await asyncio.wait_for(socket.recv(), 0.3))  # type: ignore[attr-defined]
            if len(found) > 200:
                return found
    except TimeoutError:
        return found


@contextmanager
def no_descriptors(pid: int) -> Iterator[None]:
    """Within: a process may open nothing more."""
    assert pid, "psutil would take none for our own"
    process = psutil.Process(pid)
    before = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_NOFILE, before)


async def test_a_web_without_descriptors_serves_whom_it_has_and_takes_others_later(site: Site) -> None:
    web = site.laboratory.processes["web"].pid
    await site.laboratory.get("/api/v1/devices")
    async with site.load() as load:
        await load.goes_on()
        with no_descriptors(web):
            mark = len(load.asked)
            async with httpx.AsyncClient(base_url=str(site.laboratory.api.base_url), timeout=1.0) as stranger:
                with pytest.raises((httpx.TimeoutException, httpx.TransportError)):
                    await stranger.get("/health/live")
            await asyncio.sleep(FAULT_S)
            said = summary(load.since(mark))
            assert set(said) <= {(200, "succeeded"), (503, "FLEET_UNAVAILABLE"), (503, "DATABASE_UNAVAILABLE")}, said
            assert (200, "succeeded") in said
        async with httpx.AsyncClient(base_url=str(site.laboratory.api.base_url), timeout=PATIENCE_S) as stranger:
            assert (await stranger.get("/health/live")).status_code == 200
        await site.well()
    await load.audit()


@pytest.mark.parametrize("node", ["recorder", f"device:{PUMP.id}", "rack:1"])
async def test_an_actor_without_descriptors_ends_at_worst_and_another_takes_its_place(site: Site, node: str) -> None:
    before = await site.laboratory.nodes()
    async with site.load() as load:
        await load.goes_on()
        with no_descriptors(before[node]["pid"]):
            if node != "rack:1":
                site.broker.cut()  # it cannot connect again
            await asyncio.sleep(FAULT_S)
        began = time.monotonic()
        await load.goes_on(5)
        await site.well()
        assert time.monotonic() - began < 30.0
        after = await site.laboratory.nodes()
        assert all(found["state"] == "running" for found in after.values())
        print(
            {n: (before[n]["pid"], v["pid"]) for n, v in after.items() if before[n]["pid"] != v["pid"]}, time.monotonic() - began
        )
    await load.audit()
