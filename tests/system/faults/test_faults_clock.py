"""The host's wall clock stepping under load: nothing times out by it, nothing is lost, and a person is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lics_actors.device.messages import BrokerSpec
from tests.system.faults.clock import SteppedClock
from tests.system.faults.load import Load, summary
from tests.system.faults.scene import DEVICES, PUMP, at_work
from tests.system.laboratory import Laboratory
from tests.waiting import eventually

pytestmark = pytest.mark.linux
HOUR = 3600


@pytest.fixture
async def load(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> AsyncIterator[tuple[Load, SteppedClock]]:
    clock = SteppedClock(data_dir)
    laboratory = Laboratory(data_dir, database_url, redis_url, broker, free_port, settings=clock.environment)
    async with at_work(laboratory, data_dir / "ledgers") as running:
        yield running, clock


async def test_a_clock_that_steps_times_nothing_out(load: tuple[Load, SteppedClock]) -> None:
    running, clock = load
    laboratory, pump = running.laboratory, running.simulator.device(PUMP.id)
    before = await laboratory.nodes()
    async with running:
        await running.goes_on()
        for step in (HOUR, 0):
            mark = len(running.asked)
            clock.stands_at(step)
            await running.goes_on(10)
            assert set(summary(running.since(mark))) == {(200, "succeeded")}, running.since(mark)
            for device in DEVICES:
                assert await laboratory.is_link(device.id, "online")
    await running.audit()

    pump.faults.execution = 1.0
    under_way = asyncio.create_task(running.ask(timeout_s=10.0, wait_s=20.0))
    await asyncio.sleep(0.3)
    clock.stands_at(HOUR)
    assert (await under_way).code == "succeeded", "its deadline did not come with the step"

    pump.faults.execution, pump.faults.drop_acks = 0.0, 1.0
    under_way = asyncio.create_task(running.ask(timeout_s=2.0, wait_s=20.0))
    await asyncio.sleep(0.3)
    clock.stands_at(0)
    began = time.monotonic()
    assert (await under_way).code == "indeterminate", "its deadline did not go with the step"
    assert time.monotonic() - began < 15.0
    pump.faults.drop_acks = 0.0
    after = await laboratory.nodes()
    assert {n: v["pid"] for n, v in before.items()} == {n: v["pid"] for n, v in after.items()}, "nobody restarted"

    async def told() -> bool:
        alarms = await laboratory.get("/api/v1/alarms", all="true")
        return "clock-stepped" in {alarm["kind"] for alarm in alarms["items"]}

    await eventually(told, what="a person is told")
    async with running:
        mark = len(running.asked)
        clock.stands_at(-HOUR)
        await eventually(lambda: (200, "expired") in summary(running.since(mark)))
        clock.stands_at(0)
        await running.goes_on()
    await running.audit()
