"""PostgreSQL, Redis and broker refusing, hanging and slow, under load: what goes on, what is refused how; nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.system.faults.load import Load, summary
from tests.system.faults.scene import ENVIRONMENT, PUMP, Site
from tests.system.laboratory import TOKEN
from tests.waiting import eventually
from web.health import COST

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULT_S = 3.0 if os.environ.get("LICS_LONG") else 1.0
BOUND_S = 7.5  # ANSWER_S and RELEASE_S of the store, and a little for a busy machine; not ACQUIRE_S on top of them


async def timed(work: Any) -> tuple[Any, float]:
    began = time.monotonic()
    return await work, time.monotonic() - began


async def says_down(site: Site, service: str, status: int) -> None:
    """See that /health names the one service that is away, at once, and what it costs."""

    async def told() -> bool:
        answer, took_s = await timed(site.laboratory.api.get("/health"))
        body = answer.json()
        down = {name for name, one in body["services"].items() if one["state"] != "up"}
        assert took_s < 2.0, took_s
        return bool((answer.status_code, down, body["services"][service]["cost"]) == (status, {service}, COST[service]))

    await eventually(told, what=f"/health says that {service} is down")


async def refused(answer: httpx.Response, took_s: float, code: str = "DATABASE_UNAVAILABLE", status: int = 503) -> None:
    detail = answer.json()["detail"]
    assert (answer.status_code, detail["code"]) == (status, code), answer.text
    assert took_s < BOUND_S, took_s
    assert len(detail["message"]) > 20


async def never_delayed(load: Load, mark: int) -> None:
    """See that every command since `mark` succeeded, and soon."""
    asked = load.since(mark)
    assert asked and all((one.status, one.code) == (200, "succeeded") for one in asked), summary(asked)
    slowest = sorted(one.took_s for one in asked)
    assert slowest[-1] < 2.0, slowest[-3:]
    assert slowest[len(slowest) // 2] < 0.5, slowest


@pytest.mark.alone
@pytest.mark.parametrize("how", ["refusing", "hanging"])
async def test_without_a_database_commands_go_on_reads_are_refused_and_nothing_is_missing_after(site: Site, how: str) -> None:
    api = site.laboratory.api
    async with site.load() as load:
        await load.goes_on()
        async with getattr(site.database, how)():
            mark = len(load.asked)
            await says_down(site, "database", 200)
            placed = await load.ask(wait=False)
            reads = (
                api.get("/api/v1/devices"),
                api.get(f"/api/v1/devices/{PUMP.id}"),
                api.get(f"/api/v1/devices/{PUMP.id}/telemetry"),
                api.get("/api/v1/alarms"),
                api.patch(f"/api/v1/devices/{PUMP.id}", json={"location": "Cage 9"}),
            )
            answers = await asyncio.gather(*(timed(read) for read in reads))
            for answer, took_s in answers:
                await refused(answer, took_s)
            found, took_s = await timed(api.get(f"/api/v1/commands/{placed.command_id}"))
            assert (found.status_code, found.json()["state"]) == (200, "succeeded"), found.text
            assert took_s < 2.0
            await asyncio.sleep(FAULT_S)
            await never_delayed(load, mark + 1)
        began = time.monotonic()
        await site.well()
        assert time.monotonic() - began < 10.0
        await load.goes_on()
    await load.audit()


@pytest.mark.alone
async def test_with_a_hung_database_a_socket_is_told_and_steers(site: Site) -> None:
    address = f"ws://{site.laboratory.api.base_url.host}:{site.laboratory.api.base_url.port}/ws"
    async with site.database.hanging(), connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as socket:
        await socket.send(json.dumps({"kind": "subscribe", "topics": [f"device:{PUMP.id}", "fleet", "alarms"]}))
        await socket.send(json.dumps({"kind": "command", "ref": "a", "device_id": str(PUMP.id), "name": "identify", "args": {}}))
        began, heard = time.monotonic(), []
        ended = None
        while len({one.get("topic") for one in heard if one["kind"] in {"snapshot", "error"}}) < 3:
            heard.append(json.loads(await asyncio.wait_for(socket.recv(), 10.0)))
            if heard[-1]["kind"] == "command" and heard[-1]["command"]["state"] == "succeeded":
                ended = ended or time.monotonic() - began
        snapshots = {one["topic"]: one for one in heard if one["kind"] == "snapshot"}
        errors = {one["topic"]: one["detail"] for one in heard if one["kind"] == "error"}
        assert snapshots[f"device:{PUMP.id}"]["device"]["link"] == "online"
        assert len(snapshots["fleet"]["devices"]) == 3
        assert errors["alarms"]["code"] == "DATABASE_UNAVAILABLE"
        assert ended is not None and ended < 2.0, ended
        assert time.monotonic() - began < 5.0
    await site.well()


async def test_with_a_slow_database_everything_works_only_later(site: Site) -> None:
    async with site.load() as load, site.database.slow(0.15):
        await load.goes_on()
        page, took_s = await timed(site.laboratory.api.get("/api/v1/devices"))
        assert (page.status_code, took_s < BOUND_S) == (200, True), (page.text, took_s)
        await load.goes_on(10, 20.0)
        assert {one.code for one in load.asked} == {"succeeded"}, summary(load.asked)
    await load.audit()


@pytest.mark.alone
@pytest.mark.parametrize("how", ["refusing", "hanging"])
async def test_without_redis_only_the_live_view_pauses(site: Site, how: str) -> None:
    async with site.load() as load:
        await load.goes_on()
        async with getattr(site.redis, how)():
            mark = len(load.asked)
            await says_down(site, "redis", 200)
            await asyncio.sleep(FAULT_S)
            assert (await site.laboratory.api.get("/api/v1/devices")).status_code == 200
            await never_delayed(load, mark + 1)
        await site.well()
    await load.audit()


@pytest.mark.parametrize("how", ["refusing", "hanging"])
async def test_without_a_broker_nothing_runs_twice_and_devices_come_back(site: Site, how: str) -> None:
    async with site.load() as load:
        await load.goes_on()
        mark = len(load.asked)
        async with getattr(site.broker, how)():
            await says_down(site, "mqtt", 503)
            await asyncio.sleep(FAULT_S)
            assert (await site.laboratory.api.get("/api/v1/devices")).status_code == 200
            assert (await site.laboratory.api.get("/health/live")).status_code == 200
        began = time.monotonic()
        await load.goes_on(5, 20.0)
        assert time.monotonic() - began < 15.0
        answered = set(summary(load.since(mark)))
        assert answered <= {(200, "succeeded"), (200, "expired"), (200, "indeterminate"), (503, "DEVICE_OFFLINE")}, answered
        await site.well()
    await load.audit(30.0)


async def test_with_a_slow_broker_everything_works_only_later(site: Site) -> None:
    async with site.load() as load, site.broker.slow(0.1):
        await load.goes_on()
        assert await site.laboratory.is_link(ENVIRONMENT.id, "online")
    await load.audit()
