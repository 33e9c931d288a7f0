"""The main job, whole: real device programs, broker, fleet, database and REST, and what must hold when parts of it die."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from drivers.native.demo import DemoDevice, demo_devices
from drivers.native.simulator import Faults
from lics_actors.device.messages import BrokerSpec
from lics_actors.services.postgres import Postgres
from tests.system.laboratory import Laboratory, kill_process
from tests.waiting import eventually

PUMP, LICKOMETER, ENVIRONMENT = demo_devices()[:3]
AWAY_S = 60.0 if os.environ.get("LICS_LONG") else 4.0
LIFE = ["accepted", "dispatched", "delivered", "executing", "succeeded"]


@pytest.fixture
async def laboratory(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> AsyncIterator[Laboratory]:
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port) as running:
        yield running


async def rows(url: str, query: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()


async def online(laboratory: Laboratory, *devices: DemoDevice) -> None:
    for device in devices:
        await eventually(lambda d=device: laboratory.is_link(d.id, "online"), what=f"{device.name} is online")


def states(command: Any) -> list[str]:
    return [step["state"] for step in command["steps"]]


async def test_a_pump_dispenses_over_rest_and_its_journal_shows_every_state_with_its_time(laboratory: Laboratory) -> None:
    await laboratory.register(PUMP)
    async with laboratory.simulator(PUMP) as simulator:
        await online(laboratory, PUMP)
        answer = await laboratory.command(PUMP.id, "dispense", {"volume_ul": 20}, reason="reward")

        assert answer.status_code == 200, answer.text
        command = answer.json()
        assert command["state"] == "succeeded"
        assert command["result"]["dispensed_ul"] == pytest.approx(20)
        assert (command["principal"], command["reason"]) == ("user:admin", "reward")
        assert states(command) == LIFE
        times = [datetime.fromisoformat(step["time"]) for step in command["steps"]]
        assert times == sorted(times)

        kept = await eventually(lambda: shipped(laboratory, command["id"]), what="the journal is in the tables")
        assert [(row["state"], row["time"]) for row in kept] == list(zip(LIFE, times, strict=True))
        assert simulator.device(PUMP.id).executions(UUID(command["id"])) == 1


async def shipped(laboratory: Laboratory, command_id: str) -> list[Any] | None:
    query = "select state, time from command_state where command_id = $1 order by n"
    found = await rows(laboratory.database_url, query, UUID(command_id))
    return found if len(found) == len(LIFE) else None


async def test_a_device_switched_off_mid_command_is_indeterminate_and_its_ledger_settles_it(laboratory: Laboratory) -> None:
    await laboratory.register(PUMP)
    async with laboratory.simulator(PUMP, faults=Faults(execution=3.0)) as simulator:
        pump = simulator.device(PUMP.id)
        await online(laboratory, PUMP)
        answer = await laboratory.command(PUMP.id, "dispense", {"volume_ul": 20}, timeout_s=4.0, wait=False)
        assert answer.status_code == 202, answer.text
        command_id = answer.json()["id"]
        await laboratory.settled(command_id, PUMP.id, "executing")
        await pump.power_off()

        doubtful = await laboratory.settled(command_id, PUMP.id, "indeterminate")
        assert "succeeded" not in states(doubtful)
        await eventually(lambda: laboratory.is_link(PUMP.id, "offline"), what="the last will was heard")
        refused = await laboratory.command(PUMP.id, "dispense", {"volume_ul": 20})
        assert (refused.status_code, refused.json()["detail"]["code"]) == (503, "DEVICE_OFFLINE")

        await pump.power_on()
        settled = await laboratory.settled(command_id, PUMP.id, "succeeded", "failed")
        assert states(settled)[-2] == "indeterminate"
        assert settled["steps"][-1]["ledger_seq"] is not None
        assert pump.executions(UUID(command_id)) == 1


async def test_a_command_whose_acks_were_lost_is_settled_from_the_ledger_and_ran_once(laboratory: Laboratory) -> None:
    await laboratory.register(PUMP)
    async with laboratory.simulator(PUMP, faults=Faults(drop_acks=1.0)) as simulator:
        pump = simulator.device(PUMP.id)
        await online(laboratory, PUMP)
        answer = await laboratory.command(PUMP.id, "dispense", {"volume_ul": 20}, timeout_s=3.0)
        command = answer.json()
        assert (answer.status_code, command["state"]) == (200, "indeterminate"), answer.text
        pump.faults.drop_acks = 0.0
        await eventually(lambda: pump.executions(UUID(command["id"])) == 1, what="it was executed")
        await pump.power_off()
        await pump.power_on()
        settled = await laboratory.settled(command["id"], PUMP.id, "succeeded", "failed")
        assert settled["state"] == "succeeded"
        assert pump.executions(UUID(command["id"])) == 1


@pytest.mark.alone
async def test_a_killed_device_actor_is_online_within_a_second_and_nobody_else_notices(laboratory: Laboratory) -> None:
    devices = demo_devices()[:6]
    for device in devices:
        await laboratory.register(device)
    await laboratory.records()
    async with laboratory.simulator(*devices, rate_hz=20.0, remember=True) as simulator:
        await online(laboratory, *devices)
        before = await laboratory.nodes()
        victim = f"device:{PUMP.id}"
        first = before[victim]["incarnation"]
        killed = time.monotonic()
        kill_process(before[victim]["pid"])

        async def is_back() -> bool:
            answer = await laboratory.api.get(f"/api/v1/devices/{PUMP.id}")
            live = answer.json()
            return bool(live["link"] == "online" and live["incarnation"] > first)

        await eventually(is_back, 5.0, "a new incarnation is online")
        took = time.monotonic() - killed
        after = await laboratory.nodes()
        others = [name for name in before if name != victim]
        assert {name: (before[name]["pid"], before[name]["incarnation"]) for name in others} == {
            name: (after[name]["pid"], after[name]["incarnation"]) for name in others
        }
        assert (await laboratory.command(PUMP.id, "identify")).json()["state"] == "succeeded"
        await no_sample_is_missing(laboratory, simulator, devices)
        assert took < 1.0, f"{took:.2f} s"


async def no_sample_is_missing(laboratory: Laboratory, simulator: Any, devices: tuple[DemoDevice, ...]) -> None:
    """Every telemetry message that the broker acknowledged to a device is in the table, once."""
    for device in devices:
        simulator.device(device.id).set_rate(0.0)
    query = "select epoch, seq, metric, count(*) from telemetry where device_id = $1 group by 1, 2, 3"

    for device in devices:
        confirmed = set(simulator.device(device.id).confirmed)

        async def complete(device: DemoDevice = device, confirmed: set[tuple[int, int]] = confirmed) -> bool:
            found = await rows(laboratory.database_url, query, device.id)
            assert all(row["count"] == 1 for row in found)
            missing = confirmed - {(row["epoch"], row["seq"]) for row in found}
            assert not missing, f"{len(missing)} of {len(confirmed)}: {sorted(missing)[:20]}"
            return True

        assert confirmed
        await eventually(complete, what=f"all of {device.name} is in the table")


async def test_database_and_recorder_away_are_not_noticed_by_devices_and_nothing_is_missing_after(
    data_dir: Path, own_postgres: Postgres, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    devices = demo_devices()[:6]
    async with Laboratory(data_dir, own_postgres.url, redis_url, broker, free_port) as laboratory:
        for device in devices:
            await laboratory.register(device)
        await laboratory.records()
        async with laboratory.simulator(*devices, rate_hz=20.0, remember=True) as simulator:
            await online(laboratory, *devices)
            before = await laboratory.nodes()
            asked = [await dispensed(laboratory)]
            await own_postgres.stop()
            kill_process(before["recorder"]["pid"])
            began = time.monotonic()
            while time.monotonic() - began < AWAY_S:
                asked.append(await dispensed(laboratory))
            page = await laboratory.api.get("/api/v1/devices")
            assert (page.status_code, page.json()["detail"]["code"]) == (503, "DATABASE_UNAVAILABLE")
            await own_postgres.start()

            for command_id in asked:
                kept = await eventually(
                    lambda c=command_id: shipped(laboratory, c), what="the command's states are in the tables"
                )
                assert [row["state"] for row in kept] == LIFE
                assert simulator.device(PUMP.id).executions(UUID(command_id)) == 1
            after = await laboratory.nodes()
            unharmed = [name for name in before if name.startswith("device:")]
            assert {n: before[n]["pid"] for n in unharmed} == {n: after[n]["pid"] for n in unharmed}
            assert after["recorder"]["incarnation"] > before["recorder"]["incarnation"]
            await no_sample_is_missing(laboratory, simulator, devices)


async def dispensed(laboratory: Laboratory) -> str:
    """Have the pump dispense, which must succeed, and return the command's id."""
    answer = await laboratory.command(PUMP.id, "dispense", {"volume_ul": 2})
    assert (answer.status_code, answer.json()["state"]) == (200, "succeeded"), answer.text
    return str(answer.json()["id"])


async def test_garbage_on_every_topic_is_counted_and_inspectable_and_restarts_nobody(laboratory: Laboratory) -> None:
    await laboratory.register(ENVIRONMENT)
    await laboratory.register(PUMP)
    nasty = {
        "random bytes": bytes(range(256)) * 3,
        "wrong types": b'{"epoch":"one","seq":{},"ts":5,"metrics":[],"state":7,"id":3,"schema":"x","type":false,"data":[]}',
        "1 MB": b'{"epoch":1,"seq":0,"ts":"' + b"x" * 1_000_000 + b'"}',
        "invalid UTF-8": b'{"type":"\xff\xfe","state":"\xc3\x28"}',
        "deep JSON": b"[" * 100_000,
        "out of range": b'{"epoch":99999999999999999999,"seq":-1,"ts":"2026-01-01T00:00:00Z","metrics":{"a":1e999}}',
        "empty": b"",
    }
    topics = ("describe", "status", "telemetry", "events", "commands/ack")
    await laboratory.records()
    async with laboratory.simulator(ENVIRONMENT, PUMP, rate_hz=5.0) as simulator:
        await online(laboratory, ENVIRONMENT, PUMP)
        before = await laboratory.nodes()
        sensor = simulator.device(ENVIRONMENT.id)
        for leaf in topics:
            for payload in nasty.values():
                assert await sensor.publish_raw(leaf, payload)

        async def seen() -> bool:
            page = await laboratory.get(f"/api/v1/devices/{ENVIRONMENT.id}/rejected", limit=500)
            assert all(len(item["payload"]) < 8192 for item in page["items"])
            found = {item["topic"].split(str(ENVIRONMENT.id) + "/")[1] for item in page["items"]}
            assert found == set(topics), f"{len(page['items'])} rejected, too many or few: {found ^ set(topics)}"
            return True

        await eventually(seen, what="garbage of every topic can be inspected")
        after = await laboratory.nodes()
        assert {n: (v["pid"], v["incarnation"]) for n, v in before.items()} == {
            n: (v["pid"], v["incarnation"]) for n, v in after.items()
        }
        assert await laboratory.is_link(ENVIRONMENT.id, "online")
        assert (await laboratory.command(PUMP.id, "dispense", {"volume_ul": 5})).json()["state"] == "succeeded"


async def test_what_was_repeated_with_the_same_key_is_done_once(laboratory: Laboratory) -> None:
    await laboratory.register(PUMP)
    async with laboratory.simulator(PUMP) as simulator:
        await online(laboratory, PUMP)
        path = f"/api/v1/devices/{PUMP.id}/command"
        body = {"name": "dispense", "args": {"volume_ul": 10}}
        key = {"Idempotency-Key": "reward-17"}
        answers = await asyncio.gather(*(laboratory.api.post(path, json=body, headers=key) for _ in range(5)))
        assert {answer.status_code for answer in answers} == {200}
        (command_id,) = {answer.json()["id"] for answer in answers}
        assert simulator.device(PUMP.id).executions(UUID(command_id)) == 1
        other = await laboratory.api.post(path, json={**body, "args": {"volume_ul": 11}}, headers=key)
        assert (other.status_code, other.json()["detail"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_the_web_process_may_die_and_come_back_without_the_devices_noticing(laboratory: Laboratory) -> None:
    await laboratory.register(PUMP)
    async with laboratory.simulator(PUMP):
        await online(laboratory, PUMP)
        before = await laboratory.nodes()
        kill_process(laboratory.processes.pop("web").pid)
        code, output = await laboratory.cli("device", "command", PUMP.name, "dispense", "volume_ul=5")
        assert (code, "succeeded" in output) == (0, True), output
        laboratory.start("web", "web")
        await online(laboratory, PUMP)
        after = await laboratory.nodes()
        assert before[f"device:{PUMP.id}"]["pid"] == after[f"device:{PUMP.id}"]["pid"]


async def test_the_tree_says_within_seconds_how_its_parts_are(laboratory: Laboratory) -> None:
    async def said() -> bool:
        nodes = await laboratory.nodes()
        return (nodes["registrar"]["word"], nodes["recorder"]["word"]) == ("database", "recording")

    await eventually(said, 8.0, "the registrar reads and the recorder records")  # the next pings come after ten seconds
