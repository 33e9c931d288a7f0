"""Who publishes on the live bus, as it runs: a device's actor, and a recorder between broker and disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from lics_actors.device.messages import Admin, BrokerSpec, Link
from lics_actors.journal import Journal, JournalReader, journal_path
from lics_actors.live.messages import (
    ALARMS,
    FLEET,
    AlarmLive,
    CommandLive,
    DeviceLive,
    EventLive,
    TelemetryLive,
    command_topic,
    device_topic,
)
from lics_actors.store.records import AlarmRaised, Command, CommandAccepted, CommandMoved
from tests.ears import Ears, listening
from tests.system.device_host import DeviceHost
from tests.system.recorder_load import devices
from tests.system.test_device_actor import LIFE, actor_spec, states, wish
from tests.system.test_recorder_core import publisher, recording, shipped, spec_of, topic
from tests.waiting import eventually

NOWHERE = "redis://127.0.0.1:1/0"
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"


# a device's actor


@pytest.fixture
async def host(data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int], redis_url: str) -> AsyncIterator[DeviceHost]:
    spec = replace(actor_spec(data_dir, broker), redis_url=redis_url)
    async with DeviceHost(data_dir, free_port(), spec) as running:
        yield running


def twins(ears: Ears, where: str) -> list[DeviceLive]:
    return [message for message in ears.of(where) if isinstance(message, DeviceLive)]


def commands(ears: Ears, where: str) -> list[Command]:
    return [message.command for message in ears.of(where) if isinstance(message, CommandLive)]


async def test_a_device_and_its_commands_are_shown_as_they_change(
    host: DeviceHost, data_dir: Path, broker: BrokerSpec, redis_url: str
) -> None:
    device = host.spec.device.device_id
    own = device_topic(device)
    async with listening(redis_url, FLEET, own, prefix=broker.prefix) as ears:
        async with Simulator(broker, [SimulatedDeviceSpec(device, "pump", rate_hz=2.0)], data_dir / "simulator") as simulator:
            await simulator.online()
            await eventually(lambda: twins(ears, FLEET)[-1].link is Link.ONLINE)
            online = twins(ears, own)[-1]
            assert (online.device_id, online.status, online.admin) == (device, "online", "enabled")
            assert online.epoch is not None and online.since <= datetime.now(UTC)
            asked = wish(host)
            await ears.reader.subscribe(command_topic(asked.command_id))
            await host.ask(asked)
            await eventually(lambda: states(commands(ears, own)[-1]) == LIFE)
            await eventually(lambda: commands(ears, command_topic(asked.command_id)) == commands(ears, own))
            assert len(commands(ears, own)) < len(LIFE), "states within milliseconds are told as one"
            assert commands(ears, own)[-1].args == asked.args
            await host.change(replace(host.spec.device, admin=Admin.MAINTENANCE))
            await eventually(lambda: twins(ears, FLEET)[-1].admin is Admin.MAINTENANCE)
        await eventually(lambda: twins(ears, FLEET)[-1].link is Link.OFFLINE)
        await host.stop()
        await eventually(lambda: twins(ears, own)[-1].reason == "the fleet has stopped")
        shown = twins(ears, own)
        assert shown == twins(ears, FLEET)[-len(shown) :], "which was subscribed to a little earlier"


async def test_what_is_shown_of_a_command_was_journaled_before(
    host: DeviceHost, data_dir: Path, broker: BrokerSpec, redis_url: str
) -> None:
    device = host.spec.device.device_id
    path = journal_path(Path(host.spec.journal_dir), f"device-{device}")
    spec = SimulatedDeviceSpec(device, "pump", rate_hz=2.0)
    async with listening(redis_url, prefix=broker.prefix) as ears, Simulator(broker, [spec], data_dir / "simulator") as simulator:
        await simulator.online()
        await host.link("online")
        await ears.reader.subscribe(device_topic(device))
        reader, seen, early = JournalReader(path), 0, list[Command]()

        def ended() -> bool:
            nonlocal seen
            for message in ears.of(device_topic(device))[seen:]:
                seen += 1
                if isinstance(message, CommandLive) and len(message.command.steps) > steps_in(reader, message.command.command_id):
                    early.append(message.command)
            last = {command.command_id: states(command) for command in commands(ears, device_topic(device))}
            return list(last.values()) == [LIFE] * 5

        asking = asyncio.gather(*(host.ask(wish(host)) for _ in range(5)))
        await eventually(ended)
        await asking
        reader.close()
        assert early == []


def steps_in(reader: JournalReader, command_id: UUID) -> int:
    records = [record for _, record in reader.read(0, 100_000)]
    accepted = sum(isinstance(each, CommandAccepted) and each.command.command_id == command_id for each in records)
    return accepted + sum(isinstance(each, CommandMoved) and each.command_id == command_id for each in records)


async def test_without_redis_a_device_works_as_ever(data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int]) -> None:
    spec = replace(actor_spec(data_dir, broker), redis_url=NOWHERE)
    simulated = SimulatedDeviceSpec(spec.device.device_id, "pump", rate_hz=2.0)
    async with (
        DeviceHost(data_dir, free_port(), spec) as host,
        Simulator(broker, [simulated], data_dir / "simulator") as simulator,
    ):
        await simulator.online()
        await host.link("online")
        for _ in range(20):
            assert states(await host.ask(wish(host))) == LIFE
    assert "Traceback" not in (data_dir / "host.log").read_text()


# a recorder


def event(seq: int) -> bytes:
    return json.dumps({"epoch": 1, "seq": seq, "ts": "2026-03-01T00:00:00Z", "type": "lick", "data": {"n": seq}}).encode()


def readings(seq: int, **metrics: float) -> bytes:
    return json.dumps({"epoch": 1, "seq": seq, "ts": f"2026-03-01T00:00:00.{seq:06}Z", "metrics": metrics}).encode()


def events(ears: Ears, where: str) -> list[int]:
    return [message.seq for message in ears.of(where) if isinstance(message, EventLive)]


def metrics(ears: Ears, where: str) -> dict[str, float]:
    told = [message.metrics for message in ears.of(where) if isinstance(message, TelemetryLive)]
    return {name: value for each in told for name, value in each.items()}


async def test_a_viewer_sees_events_at_once_telemetry_soon_and_can_resume(
    broker: BrokerSpec, database_url: str, redis_url: str, data_dir: Path
) -> None:
    known, other = devices(2)
    own = device_topic(known.device_id)
    spec = replace(spec_of(broker, database_url, data_dir), redis_url=redis_url)
    async with recording(spec, [known, other]) as core, publisher(broker) as client:

        async def says(leaf: str, body: bytes, device: UUID = known.device_id) -> None:
            await client.publish(topic(broker, device, leaf), body, qos=1)

        async with listening(redis_url, own, prefix=broker.prefix) as ears:
            await says("events", event(0))  # at once: nobody can have noticed the viewer yet
            await eventually(lambda: events(ears, own) == [0])
            found = ears.numbers[-1]
            await says("events", b"{rubbish")
            await says("telemetry", b"{rubbish")
            await says(
                "events",
                event(
                    0,
                ),
                other.device_id,
            )
            seq = 0
            while set(metrics(ears, own)) != {"plate_c", "room_c", "channel1", "channel2"}:
                for name in ("plate_c", "room_c", "channel1", "channel2"):
                    await says("telemetry", readings(seq, **{name: float(seq)}))
                    seq += 1
                await asyncio.sleep(0.02)
                assert seq < 5000
        await says("events", event(1))  # nobody looks on
        await shipped(core, 5 + seq)
        async with listening(redis_url, own, prefix=broker.prefix) as ears:
            missed = await ears.reader.replay(own, found)
            assert [json.loads(body)["seq"] for _, body in missed or ()] == [1]
            assert events(ears, own) == []
        assert (core.tally.rejected, core.tally.rows) == (2, seq + 3)


@pytest.mark.parametrize("redis", [NOWHERE, "redis://127.0.0.1:notaport/0", "nonsense"])
async def test_without_redis_everything_is_recorded(broker: BrokerSpec, database_url: str, data_dir: Path, redis: str) -> None:
    (known,) = devices(1)
    async with recording(replace(spec_of(broker, database_url, data_dir), redis_url=redis), [known]) as core:
        async with publisher(broker) as client:
            for seq in range(200):
                await client.publish(topic(broker, known.device_id, "events"), event(seq), qos=1)
        await shipped(core, 200)
        assert (core.tally.rows, core.tally.faults) == (200, 0)
        await eventually(lambda: core.state_word() == "recording")


async def test_without_a_database_people_see_what_happens(broker: BrokerSpec, redis_url: str, data_dir: Path) -> None:
    (known,) = devices(1)
    own = device_topic(known.device_id)
    spec = replace(spec_of(broker, NO_DATABASE, data_dir), redis_url=redis_url)
    async with listening(redis_url, own, ALARMS, prefix=broker.prefix) as ears, recording(spec, [known]):
        async with publisher(broker) as client:
            await client.publish(topic(broker, known.device_id, "events"), event(0), qos=1)
        await eventually(lambda: events(ears, own) == [0])
        with closing(Journal(journal_path(Path(spec.journal_dir), "fleet"))) as journal:
            journal.append([AlarmRaised(datetime.now(UTC), "device:1", "quarantined", "it died too often")])
        (alarm,) = await eventually(lambda: ears.of(ALARMS))
        assert isinstance(alarm, AlarmLive)
        assert (alarm.source, alarm.alarm_kind, alarm.cleared_at) == ("device:1", "quarantined", None)
