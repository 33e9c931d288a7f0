"""The recorder's core between a real broker and a real database."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiomqtt
import asyncpg
import pytest

from drivers.protocol import DeviceRef, Driver, Received, Sample, TelemetryReported, TopicFilter
from drivers.registry import driver, driver_names
from lics_actors.device.messages import BrokerSpec, DeviceSpec
from lics_actors.fleet.messages import RecorderSpec
from lics_actors.journal import Journal, journal_path
from lics_actors.recorder import batch, disk, recent
from lics_actors.recorder.conditions import conditions
from lics_actors.recorder.core import RecorderCore
from lics_actors.recorder.deadletters import FILE as DEAD_LETTERS
from lics_actors.recorder.packets import MAX_PAYLOAD_BYTES
from lics_actors.recorder.session import client_id
from lics_actors.recorder.spool import FILE, Spool
from lics_actors.services.broker import Amqtt
from lics_actors.store.records import FleetEvent
from lics_actors.store.registration import NewDevice
from lics_actors.store.repository import Repository
from tests.system.recorder_load import LoadWriter, devices, everything_once, payload
from tests.waiting import eventually

DRIVERS = {name: driver(name) for name in driver_names()}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def spec_of(broker: BrokerSpec, database_url: str, folder: Path, quota: int = 1 << 30) -> RecorderSpec:
    return RecorderSpec(broker, str(folder / "spool"), str(folder / "journals"), database_url, quota)


@asynccontextmanager
async def recording(
    spec: RecorderSpec, known: Sequence[DeviceSpec] | None = (), drivers: Mapping[str, Driver] = DRIVERS
) -> AsyncIterator[RecorderCore]:
    core = RecorderCore(spec, drivers)
    if known is not None:
        core.devices_known(known)
    task = asyncio.create_task(core.run())
    try:
        await eventually(lambda: core.stats()["broker_up"] or (task.done() and task.result()))
        await subscribed(core)
        yield core
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def subscribed(core: RecorderCore) -> None:
    """Wait until the broker has the filters wanted now."""
    await eventually(lambda: core.tally.subscriptions == len(core._laboratory.routes.filters))


@asynccontextmanager
async def publisher(broker: BrokerSpec) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        yield client


async def query(url: str, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *arguments)]
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def shipped(core: RecorderCore, messages: int) -> None:
    await eventually(lambda: core.tally.shipped >= messages and core.stats()["ingest_lag_s"] == 0)


def topic(broker: BrokerSpec, device_id: UUID, leaf: str = "telemetry") -> str:
    return f"{broker.prefix}devices/{device_id}/{leaf}"


async def test_what_the_broker_acknowledged_is_in_the_table(broker: BrokerSpec, database_url: str, data_dir: Path) -> None:
    known = devices(20)
    async with recording(spec_of(broker, database_url, data_dir), known) as core:
        load = LoadWriter(broker, known, rate=500)
        sending = asyncio.create_task(load.run())
        await asyncio.wait([sending], timeout=2)
        load.stop()
        await sending
        await shipped(core, load.sent)
        await eventually(lambda: core.state_word() == "recording")
        assert core.tally.commits < core.tally.spooled, "messages are committed in groups"
    await everything_once(database_url, load.acknowledged)


async def test_garbage_of_every_kind_is_counted_kept_and_harms_nobody(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    (known,) = devices(1)
    good = payload(known.device_id, 1)
    nasty = [
        b"",
        bytes(range(256)),
        b"{",
        b'{"epoch":"x"}',
        b"[" * 100_000,
        b'{"a":"\xff\xfe"}',
        good.replace(b'"seq": 1', b'"seq": 1e400'),
        b'{"epoch":1,"seq":0,"ts":"' + b"x" * 1_000_000 + b'"}',
        b"y" * (MAX_PAYLOAD_BYTES + 200_000),
    ]
    async with recording(spec_of(broker, database_url, data_dir), [known]) as core, publisher(broker) as client:
        stranger = uuid4()
        for n, garbage in enumerate(nasty):
            await client.publish(topic(broker, known.device_id, ("telemetry", "events")[n % 2]), garbage, qos=n % 2)
            await client.publish(topic(broker, stranger), garbage, qos=1)
        await client.publish(f"{broker.prefix}devices/not-an-id/events", b"?", qos=1)
        for _ in range(30):
            await client.publish(topic(broker, known.device_id), b"again", qos=1)
        await client.publish(topic(broker, known.device_id), good, qos=1)
        await shipped(core, 2 * len(nasty) + 32)
        assert core.tally.rejected == 2 * len(nasty) + 31
        assert (core.tally.faults, core.tally.dead_letters, core.tally.rows) == (0, 0, 1)
    kept = await query(database_url, "SELECT device_id, reason, size, length(payload) FROM rejected_payload")
    of_known = [row for row in kept if row[0] == known.device_id]
    assert 10 <= len(of_known) <= 20  # a new minute may have begun
    assert {row[2] for row in of_known} >= {len(garbage) for garbage in nasty}
    assert all(length <= 4096 for *_, length in kept)
    assert {row[1] for row in kept if row[0] != known.device_id} == {"unknown device"}
    assert len(await query(database_url, "SELECT 1 FROM telemetry")) == 1


async def test_a_device_only_the_database_knows_is_asked_for(broker: BrokerSpec, database_url: str, data_dir: Path) -> None:
    repository = await Repository.connect(database_url, pool_size=1, max_overflow=0)
    row = await repository.create_device(NewDevice(name="late", type="sensor", driver="native", principal="user:test"))
    await repository.close()
    async with recording(spec_of(broker, database_url, data_dir), None) as core, publisher(broker) as client:
        for seq in range(3):
            await client.publish(topic(broker, row.id), payload(row.id, seq), qos=1)
            await client.publish(topic(broker, UUID(int=seq)), payload(row.id, seq), qos=1)
        await shipped(core, 6)
        assert (core.tally.rows, core.tally.rejected) == (3, 3)


async def test_devices_come_and_go_while_it_records(broker: BrokerSpec, database_url: str, data_dir: Path) -> None:
    bench = DeviceSpec(
        uuid4(), "bench", "controller", "mqtt_io", {"topic_prefix": "bench", "sensors": {"plate": {"unit": "degC"}}}
    )
    reading, spec = f"{broker.prefix}bench/sensor/plate", spec_of(broker, database_url, data_dir)
    async with recording(spec) as core, publisher(broker) as client:
        await client.publish(reading, b"1", qos=1)  # nobody asked for it
        core.devices_known([bench])
        await subscribed(core)
        await client.publish(reading, b"2", qos=1)
        await shipped(core, 1)
    async with publisher(broker) as client:
        await client.publish(reading, b"3", qos=1)  # waits in the session
        async with recording(spec, None) as core:
            await shipped(core, 1)  # the database knows of no such device
            assert core.tally.rejected == 1
            core.devices_known([bench])
            await client.publish(reading, b"4", qos=1)
            await shipped(core, 2)
            core.devices_known([])
            await subscribed(core)
            await client.publish(reading, b"5", qos=1)
            await client.publish(topic(broker, uuid4()), b"", qos=1)  # comes after it, if it comes
            await shipped(core, 3)
    assert [value for (value,) in await query(database_url, "SELECT value FROM telemetry ORDER BY time")] == [2, 4]


class Oracle:
    """A driver whose devices name the year of their reading, or what shall happen."""

    name, guarantees, settings_model = "oracle", DRIVERS["native"].guarantees, DRIVERS["native"].settings_model

    def subscriptions(self, device: DeviceRef) -> Sequence[TopicFilter]:
        return (TopicFilter(f"{device.prefix}oracle/#", 1, data=True),)

    def shared_filters(self, prefix: str) -> Sequence[TopicFilter]:
        return ()

    def decode(self, device: DeviceRef, message: Received) -> Sequence[TelemetryReported]:
        if message.payload == b"bug":
            raise KeyError("a bug")
        metric, _, seq = message.payload.decode().partition(" ")
        return [TelemetryReported(0, int(seq), (Sample(NOW, {metric: 1.0}),))]


REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'poison' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON telemetry FOR EACH ROW WHEN (NEW.metric = 'poison') EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse BEFORE INSERT ON fleet_event FOR EACH ROW WHEN (NEW.kind = 'poison') EXECUTE FUNCTION refuse();
"""


async def test_what_the_database_refuses_is_told_kept_and_holds_nothing_up(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    await execute(database_url, REFUSE)
    oracle = DeviceSpec(uuid4(), "oracle", "sensor", "oracle", {})
    drivers: Any = {"oracle": Oracle()}
    spec = spec_of(broker, database_url, data_dir)
    async with recording(spec, [oracle], drivers) as core, publisher(broker) as client:
        for seq in range(60):
            metric = "poison" if seq in {7, 8, 40} else "fine"
            await client.publish(f"{broker.prefix}oracle/x", f"{metric} {seq}".encode(), qos=1)
        await client.publish(f"{broker.prefix}oracle/x", b"bug", qos=1)
        await client.publish(f"{broker.prefix}oracle/x", b"fine 60", qos=1)
        await shipped(core, 62)
        assert (core.tally.rows, core.tally.dead_letters, core.tally.rejected) == (58, 4, 4)
        await eventually(lambda: "dead-letters" in conditions(core.standing))
    letters = [json.loads(line) for line in (data_dir / "spool" / DEAD_LETTERS).read_text().splitlines()]
    assert {letter["reason"] for letter in letters} == {"the database refuses it: poison", "the driver failed: KeyError: 'a bug'"}
    reasons = await query(database_url, "SELECT reason FROM rejected_payload WHERE device_id = $1", oracle.device_id)
    assert len(reasons) == 4
    assert len(await query(database_url, "SELECT 1 FROM telemetry")) == 58


def happened(kind: str, n: int) -> FleetEvent:
    return FleetEvent(NOW, f"node:{n}", kind, "system:test")


async def test_journals_are_shipped_each_entry_once_whatever_is_in_them(
    broker: BrokerSpec, database_url: str, data_dir: Path
) -> None:
    await execute(database_url, REFUSE)
    folder, spec = data_dir / "journals", spec_of(broker, database_url, data_dir)
    journals = [Journal(journal_path(folder, f"device-{n}")) for n in range(80)]
    for n, journal in enumerate(journals):
        journal.append([happened("started", n), happened("poison" if n == 3 else "fine", n), happened("ended", n)])
    (folder / "broken.journal").write_bytes(b"no journal at all" * 100)

    async def nodes(kind: str) -> list[str]:
        rows = await query(database_url, "SELECT node FROM fleet_event WHERE kind = $1", kind)
        return sorted(node for (node,) in rows)

    everyone = sorted(f"node:{n}" for n in range(80))

    async def all_ended() -> bool:
        return len(await nodes("ended")) == 80

    async with recording(spec) as core:
        await eventually(all_ended)
        journals[5].append([happened("later", 5)])

        async def later() -> bool:
            return await nodes("later") == ["node:5"]

        await eventually(later)
        await eventually(lambda: (folder / "device-5.journal.shipped").read_text().startswith("4 "))
        assert core.tally.dead_letters == 1
        assert core.tally.faults == 0
    for n, journal in enumerate(journals):
        journal.append([happened("between", n)])
        journal.close()
    async with recording(spec) as core:

        async def between() -> bool:
            return len(await nodes("between")) == 80

        await eventually(between)
    assert await nodes("started") == await nodes("ended") == await nodes("between") == everyone
    assert len(await nodes("fine")) == 79
    (note,) = await query(database_url, "SELECT topic, reason FROM rejected_payload")
    assert note == ("journal/device-3", "the database refuses it: poison")


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """Let nobody write to a table."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_what_waits_for_the_database_is_shipped_from_memory_and_disk_alike(
    broker: BrokerSpec, database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "RECENT_MESSAGES", 500)
    monkeypatch.setattr(batch, "SHIP_MESSAGES", 200)
    monkeypatch.setattr(batch, "SHIP_FROM_ROWS", 100)  # so that batches are prepared ahead, too
    known = devices(20)
    async with recording(spec_of(broker, database_url, data_dir), known) as core, publisher(broker) as client:
        load = LoadWriter(broker, known, rate=2000)
        async with locked(database_url, "telemetry"):
            sending = asyncio.create_task(load.run())
            await eventually(lambda: core.tally.spooled >= 1500)
            await client.publish(topic(broker, known[0].device_id), b"garbage", qos=1)
            assert core.tally.rows == 0
        load.stop()
        await sending
        await shipped(core, load.sent + 1)
        assert (core.tally.rows, core.tally.rejected, core.tally.duplicates, core.tally.faults) == (load.sent, 1, 0, 0)
    await everything_once(database_url, load.acknowledged)


async def test_a_damaged_spool_is_replaced_and_said(broker: BrokerSpec, database_url: str, data_dir: Path) -> None:
    (known,) = devices(1)
    spool = Spool(data_dir / "spool")
    spool.close()
    (data_dir / "spool" / FILE).write_bytes(b"\0" * 10_000)
    async with recording(spec_of(broker, database_url, data_dir), [known]) as core, publisher(broker) as client:
        await client.publish(topic(broker, known.device_id), payload(known.device_id, 1), qos=1)
        await shipped(core, 1)
        await eventually(lambda: "spool-damaged" in conditions(core.standing))

        async def told() -> bool:
            return await query(database_url, "SELECT kind FROM alarm WHERE returned_at IS NULL") == [("spool-damaged",)]

        await eventually(told)
        (aside,) = (data_dir / "spool").glob("*.corrupt-*")
        aside.unlink()

        async def ended() -> bool:
            return await query(database_url, "SELECT kind FROM alarm WHERE returned_at IS NULL") == []

        await eventually(ended)


async def test_a_segment_damaged_while_it_waits_costs_only_itself(broker: BrokerSpec, database_url: str, data_dir: Path) -> None:
    (known,) = devices(1)
    spec = spec_of(broker, "postgres://nobody:x@127.0.0.1:1/none", data_dir)
    async with recording(spec, [known]) as core, publisher(broker) as client:
        for seq in range(20):
            await client.publish(topic(broker, known.device_id), payload(known.device_id, seq), qos=1)
            await eventually(lambda seq=seq: core.tally.spooled > seq)  # so that each has a segment of its own
    with sqlite3.connect(data_dir / "spool" / FILE) as database:
        damaged = database.execute("SELECT first, count FROM segment ORDER BY first LIMIT 1 OFFSET 5").fetchone()
        database.execute("UPDATE segment SET messages = x'00' WHERE first = ?", damaged[:1])
    database.close()
    async with recording(spec_of(broker, database_url, data_dir), [known]) as core:
        await shipped(core, 20 - damaged[1])
        assert core.tally.rows == 20 - damaged[1]


async def test_a_session_the_broker_forgot_is_said(broker: BrokerSpec, database_url: str, data_dir: Path) -> None:
    spec = spec_of(broker, database_url, data_dir)
    async with recording(spec) as core:
        session = client_id(spec.name, broker.prefix)
        assert core.tally.sessions_lost == 0
    async with aiomqtt.Client(broker.host, broker.port, identifier=session, clean_session=True):
        pass
    async with recording(spec) as core:
        assert core.tally.sessions_lost == 1
        await eventually(lambda: "session-lost" in conditions(core.standing))


async def test_a_disk_that_is_full_delays_acknowledgements_and_loses_nothing(
    broker: BrokerSpec, database_url: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Spool] = []

    class Noted(Spool):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            opened.append(self)

    monkeypatch.setattr(disk, "Spool", Noted)
    (known,) = devices(1)
    async with recording(spec_of(broker, database_url, data_dir), [known]) as core, publisher(broker) as client:
        await core._thread.do(opened[0]._database.execute, "PRAGMA max_page_count = 1")  # SQLite's way to run out of space
        for seq in range(10):
            await client.publish(topic(broker, known.device_id), payload(known.device_id, seq) + b" " * 8000, qos=1)
        await eventually(lambda: core.state_word() == "back-pressure")
        assert "disk-full" in conditions(core.standing)
        assert core.tally.acknowledged == 0
        await core._thread.do(opened[0]._database.execute, "PRAGMA max_page_count = 1000000")
        await shipped(core, 10)
        await eventually(lambda: core.state_word() == "recording")
        assert core.tally.rows == 10


async def test_the_fallback_broker_keeps_what_waits_for_a_recorder_that_is_away(
    database_url: str, data_dir: Path, free_port: Callable[[], int]
) -> None:
    server, known = Amqtt(data_dir / "broker", data_dir / "broker.log", free_port()), devices(5)
    await server.start()
    try:
        broker = BrokerSpec("127.0.0.1", server.port, "t/")
        spec, load = spec_of(broker, database_url, data_dir), LoadWriter(broker, known, rate=100)
        async with recording(spec, known) as core:
            sending = asyncio.create_task(load.run())
            await eventually(lambda: core.tally.rows > 50)
        waiting = load.sent
        await eventually(lambda: load.sent > waiting + 50)
        async with recording(spec, known) as core:
            load.stop()
            await sending
            await eventually(lambda: everything_is_there(database_url, load))
    finally:
        await server.stop()


async def everything_is_there(url: str, load: LoadWriter) -> bool:
    await everything_once(url, load.acknowledged)
    return True
