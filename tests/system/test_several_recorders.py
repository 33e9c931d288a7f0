"""Several recorders: whatever their number was and becomes, what the broker acknowledged is in the table once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import asyncpg
import pytest

from drivers.native.demo import DemoDevice
from drivers.registry import driver, driver_names
from lics_actors.device.messages import BrokerSpec, DeviceSpec
from lics_actors.fleet.messages import FleetSpec
from lics_actors.fleet.recorders import recorder_spec
from lics_actors.journal import Journal, JournalReader, journal_path
from lics_actors.recorder.conditions import conditions
from lics_actors.recorder.core import RecorderCore
from lics_actors.recorder.database import Database
from lics_actors.recorder.deadletters import FILE as DEAD_LETTERS
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.disk import DiskThread
from lics_actors.recorder.outboxes import Outboxes
from lics_actors.recorder.partition import Part, owner
from lics_actors.recorder.reader import MqttReader, open_connection
from lics_actors.recorder.retirement import QUIET_S
from lics_actors.recorder.session import SESSION_FILE, client_id
from lics_actors.recorder.tally import Tally
from lics_actors.services.broker import Broker
from lics_actors.services.ports import LOOPBACK
from lics_actors.store.records import AlarmCleared, AlarmRaised, FleetEvent
from tests.contract.raw_mqtt import RawClient
from tests.system.laboratory import Laboratory, kill_process
from tests.system.recorder_load import START, LoadWriter, Row, devices, everything_once, payload
from tests.waiting import PATIENCE_S, eventually

KNOWN = devices(12)
PREFIX = "labs/one/"
DRIVERS = {name: driver(name) for name in driver_names()}


async def with_recorders(laboratory: Laboratory, count: int) -> None:
    """Start the fleet anew with so many recorders; return when each records and none other is left."""
    if "fleet" in laboratory.processes:
        await laboratory.stop("fleet")
    laboratory.environment["LICS_RECORDERS"] = str(count)
    laboratory.start("fleet", "fleet", "run")
    names = {"recorder", *(f"recorder-{number}" for number in range(2, count + 1))}

    async def so() -> bool:
        nodes = await recorders(laboratory)
        return set(nodes) == names and all(node["word"] == "recording" for node in nodes.values())

    await eventually(so, what=f"{count} recorders record, and no other is there")


async def recorders(laboratory: Laboratory) -> dict[str, Any]:
    return {name: node for name, node in (await laboratory.nodes()).items() if node["kind"] == "recorder"}


async def settled(data_dir: Path, count: int) -> None:
    """Wait until everybody has given up what is not his: each subscribes to its own devices' two topics, and no more."""
    folders = {number: data_dir / ("spool" if number == 1 else f"spool-{number}") for number in range(1, count + 1)}
    shares = {
        number: {
            f"{PREFIX}devices/{spec.device_id}/{leaf}"
            for spec in KNOWN
            for leaf in ("telemetry", "events")
            if owner(spec.device_id.bytes, count) == number
        }
        for number in folders
    }
    assert all(shares.values())
    await eventually(lambda: {number: subscriptions(folder) for number, folder in folders.items()} == shares)


def spools(data_dir: Path) -> list[Path]:
    return list(data_dir.glob("spool-*"))


def subscriptions(folder: Path) -> set[str]:
    return set(json.loads((folder / SESSION_FILE).read_text()))


async def test_nothing_is_lost_or_doubled_from_one_to_three_and_back_under_load(
    each_broker: Broker, data_dir: Path, database_url: str, redis_url: str, free_port: Callable[[], int]
) -> None:
    broker = BrokerSpec(LOOPBACK, each_broker.port, PREFIX)
    load = LoadWriter(broker, KNOWN, rate=300)
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port) as laboratory:
        for spec in KNOWN:
            await laboratory.register(DemoDevice(spec.device_id, spec.name, "sensor", "bench"))
        await laboratory.records()
        sending = asyncio.create_task(load.run())
        try:
            await eventually(lambda: len(load.acknowledged) > 200)
            await with_recorders(laboratory, 3)
            await settled(data_dir, 3)
            await one_recorders_death_disturbs_no_other(laboratory)
            await laboratory.stop("fleet")
            before = len(load.acknowledged)
            await eventually(lambda: len(load.acknowledged) > before + 300, what="messages wait in all three sessions")
            await with_recorders(laboratory, 1)
            assert not spools(data_dir), "a retired recorder's folder is gone"
            assert subscriptions(data_dir / "spool") == {f"{PREFIX}devices/+/{leaf}" for leaf in ("telemetry", "events")}
        finally:
            load.stop()
            await sending
        await eventually(lambda: holds(database_url, "true", load.sent), what="the record is complete")
    for name in ("recorder-2", "recorder-3"):
        async with RawClient(broker.port, client_id(name, PREFIX)) as client:
            assert not client.session_present, "the broker keeps nothing for a retired recorder"
    await everything_once(database_url, load.acknowledged)


async def one_recorders_death_disturbs_no_other(laboratory: Laboratory) -> None:
    before = await recorders(laboratory)
    kill_process(before["recorder-2"]["pid"])

    async def back() -> bool:
        now = await recorders(laboratory)
        return now["recorder-2"]["word"] == "recording" and now["recorder-2"]["incarnation"] == 2

    await eventually(back, what="recorder-2 is back")
    now = await recorders(laboratory)
    assert all(now[name]["pid"] == before[name]["pid"] for name in ("recorder", "recorder-3"))
    code, said = await laboratory.cli("fleet", "restart", "recorder-3")
    assert code == 0, said


async def holds(url: str, condition: str, rows: int, table: str = "telemetry") -> bool:
    """Return whether there are so many rows."""
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {condition}") == rows)
    finally:
        await connection.close()


def core_of(broker: BrokerSpec, database_url: str, data_dir: Path, part: int, parts: int) -> RecorderCore:
    fleet = FleetSpec(broker, str(data_dir), database_url, None, 1 << 30, recorders=parts)
    return RecorderCore(recorder_spec(fleet, part, str(data_dir / "journals")), DRIVERS)


@asynccontextmanager
async def running(core: RecorderCore) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(core.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def share(number: int, of: int) -> tuple[DeviceSpec, ...]:
    return tuple(spec for spec in KNOWN if owner(spec.device_id.bytes, of) == number)


async def publish(broker: BrokerSpec, load: Sequence[tuple[DeviceSpec, int]]) -> set[Row]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for spec, seq in load:
            await client.publish(f"{broker.prefix}devices/{spec.device_id}/telemetry", payload(spec.device_id, seq), qos=1)
    return {(spec.device_id, seq) for spec, seq in load}


async def test_a_retired_recorder_brings_home_its_spool_and_what_the_broker_holds(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    nowhere = "postgres://nobody:x@127.0.0.1:1/none"
    folder, mine = data_dir / "spool-2", share(2, 2)
    second = core_of(broker, nowhere, data_dir, 2, 2)
    second.devices_known(KNOWN, 1)
    async with running(second):
        await eventually(lambda: second.tally.subscriptions == 2 * len(mine))
        said = await publish(broker, [(spec, seq) for spec in mine for seq in range(20)])
        await eventually(lambda: second.tally.acknowledged == len(said))
    said |= await publish(broker, [(spec, seq) for spec in mine for seq in range(20, 40)])  # waits in the session

    retired = core_of(broker, database_url, data_dir, 2, 1)
    retired.devices_known(KNOWN, 1, settled=False)
    async with running(retired) as task:
        said |= await publish(broker, [(spec, 40) for spec in mine])  # nobody else has taken over yet
        await eventually(lambda: retired.tally.shipped == len(said))
        await eventually(lambda: retired.state_word() == "retiring")
        assert not task.done()
        retired.devices_known(KNOWN, 2, settled=True)
        await asyncio.wait_for(task, PATIENCE_S)
    assert retired.retired
    assert not folder.exists()
    await everything_once(database_url, said)
    assert (await standing(data_dir / "journals", "recorder-2")) == set()


async def standing(journals: Path, name: str) -> set[str]:
    reader = JournalReader(journal_path(journals, name))
    try:
        kinds: set[str] = set()
        for _, record in reader.read(0, 1000):
            assert isinstance(record, AlarmRaised | AlarmCleared)
            assert record.source == name
            kinds = kinds | {record.kind} if isinstance(record, AlarmRaised) else kinds - {record.kind}
        return kinds
    finally:
        reader.close()


async def test_a_retired_recorder_that_lost_its_file_still_waits_until_others_have_taken_over(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    second = core_of(broker, database_url, data_dir, 2, 2)
    second.devices_known(KNOWN, 1)
    async with running(second):
        await eventually(lambda: second.tally.subscriptions)
    (data_dir / "spool-2" / SESSION_FILE).unlink()
    retired = core_of(broker, database_url, data_dir, 2, 1)
    retired.devices_known(KNOWN, 1, settled=False)
    async with running(retired) as task:
        await eventually(lambda: retired.tally.connected)
        await asyncio.wait([task], timeout=2 * QUIET_S)
        assert not task.done()
        said = await publish(broker, [(spec, 0) for spec in share(2, 2)])
        await eventually(lambda: retired.tally.shipped == len(said))
        retired.devices_known(KNOWN, 2, settled=True)
        await asyncio.wait_for(task, PATIENCE_S)
    await everything_once(database_url, said)


async def test_a_retired_recorder_waits_for_the_person_who_has_to_look_at_what_it_keeps(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    letters = data_dir / "spool-2" / DEAD_LETTERS
    letters.parent.mkdir()
    letters.write_text("{}\n")
    core = core_of(broker, database_url, data_dir, 2, 1)
    core.devices_known(KNOWN, 1)
    async with running(core) as task:
        await eventually(lambda: "dead-letters" in conditions(core.standing))
        letters.rename(data_dir / "seen.jsonl")
        await asyncio.wait_for(task, PATIENCE_S)
    assert not letters.parent.exists()


async def test_a_recorder_gives_up_what_another_records_only_once_that_one_has_taken_it_up(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    alone = core_of(broker, database_url, data_dir, 1, 1)
    alone.devices_known(KNOWN, 1)
    async with running(alone):
        await eventually(lambda: alone.tally.subscriptions == 2)

    theirs, taken = share(2, 2), []
    first = core_of(broker, database_url, data_dir, 1, 2)
    first.part_taken = taken.append
    first.devices_known(KNOWN, 7, settled=False)
    async with running(first):
        await eventually(lambda: taken == [7])
        said = await publish(broker, [(spec, 0) for spec in KNOWN])
        await eventually(lambda: first.tally.shipped >= len(said))
        first.devices_known(KNOWN, 8, settled=True)
        await eventually(lambda: taken == [7, 8])
        await publish(broker, [(spec, 1) for spec in theirs])
        said |= await publish(broker, [(spec, 2) for spec in share(1, 2)])
        await eventually(lambda: holds(database_url, "seq = 2", len(share(1, 2))))
    assert await holds(database_url, "seq = 1", 0), "it had given them up"
    await everything_once(database_url, said)


async def test_who_is_refused_a_subscription_has_not_taken_up_its_part(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    async def open_refused(*arguments: Any) -> MqttReader:
        reader = await open_connection(*arguments)

        async def refuse(filters: Mapping[str, int]) -> frozenset[str]:
            return frozenset(sorted(filters)[:1])

        reader.subscribe = refuse  # type: ignore[method-assign]
        return reader

    spec = core_of(broker, database_url, data_dir, 2, 2)._spec
    taken: list[int] = []
    core = RecorderCore(spec, DRIVERS, open_refused)
    core.part_taken = taken.append
    core.devices_known(KNOWN, 1, settled=False)
    async with running(core):
        await eventually(lambda: "subscription-refused" in conditions(core.standing))
        assert taken == []


def outboxes(part: Part, data_dir: Path, database: Database, thread: DiskThread) -> tuple[Outboxes, Tally]:
    tally = Tally()
    return Outboxes(data_dir / "journals", database, DeadLetters(data_dir, thread), tally, part), tally


async def test_each_journal_is_shipped_by_one_recorder_and_by_any_other_once_that_one_leaves_it(
    database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"device-{n}" for n in range(12)]
    journals = {name: Journal(journal_path(data_dir / "journals", name)) for name in names}
    for name, journal in journals.items():
        journal.append([FleetEvent(START, name, "started", "system:test")])
    of_second = sum(owner(name.encode(), 2) == 2 for name in names)
    database, thread = Database(database_url), DiskThread()
    first, by_first = outboxes(Part(1, 2), data_dir, database, thread)
    second, by_second = outboxes(Part(2, 2), data_dir, database, thread)
    retired, by_retired = outboxes(Part(3, 2), data_dir, database, thread)
    try:
        for each in (first, retired, first):
            await each.turn()
        assert (by_first.journal_entries, by_retired.journal_entries) == (len(names) - of_second, 0)
        monkeypatch.setattr("lics_actors.recorder.outboxes.LEFT_NS", 0)
        await first.turn()
        assert by_first.journal_entries == len(names), "its recorder has left them"
        await second.turn()
        assert by_second.journal_entries == 0, "the database's position says that they are there"
        for journal in journals.values():
            journal.append([FleetEvent(START, "again", "started", "system:test")])
        await second.turn()
        await first.turn()
        assert await holds(database_url, "true", 2 * len(names), "fleet_event"), "once each, whoever shipped it"
    finally:
        for each in (first, second, retired):
            await each.close()
        await database.close()
        thread.close()
        for journal in journals.values():
            journal.close()
