"""Journals into tables: each entry exactly once, in whatever order the journals come."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.device.messages import CommandState, Link
from lics_actors.errors import CommandNotFoundError, InvalidError
from lics_actors.store import journals
from lics_actors.store.records import (
    AlarmCleared,
    AlarmRaised,
    Command,
    CommandMoved,
    CommandStep,
    DeviceDescribed,
    FleetEvent,
    PayloadRejected,
    Record,
    decode_record,
    encode_record,
)
from lics_actors.store.repository import CommandFilter, Repository
from lics_actors.store.shipping import journal_position, ship_journal
from tests.contract.store_rows import DEVICE, accepted, at, changed, moved, new_device, rejection

S = CommandState
TABLES = ("command", "command_state", "device_event", "rejected_payload", "fleet_event", "alarm")


def numbered(*records: Record, start: int = 1) -> list[tuple[int, Record]]:
    return list(enumerate(records, start))


async def counts(repository: Repository) -> dict[str, int]:
    async with repository.raw(5.0) as connection:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}


def a_journal(device: UUID, commands: int = 3) -> list[tuple[int, Record]]:
    """What a device's actor writes in a while: every kind of record."""
    records: list[Record] = [changed(0, "connecting", device), changed(1, "online", device)]
    records.append(DeviceDescribed(device, at(1), {"type": "pump", "commands": {}}))
    for n in range(commands):
        first = accepted(10 + n, device=device, args={"volume_ul": n})
        identity = first.command.command_id
        records += [first, moved(identity, 1, S.DISPATCHED, device), moved(identity, 2, S.SUCCEEDED, device, result={"ul": n})]
    records += [rejection(5, b"garbage", device), changed(30, "stale", device, reason="silent")]
    records += [FleetEvent(at(3), f"device:{device}", "restarted", "system:fleet", detail={"n": 1})]
    records += [AlarmRaised(at(4), f"device:{device}", "silent", "no word for 30 s")]
    return numbered(*records)


async def test_a_command_with_its_fate(repository: Repository) -> None:
    first = accepted(0, reason="why", run_id=uuid4(), trial_id=uuid4(), args={"volume_ul": 5.5, "note": "№"})
    identity = first.command.command_id
    done = moved(identity, 3, S.SUCCEEDED, result={"dispensed_ul": 5.5}, ledger_seq=77)
    steps = [moved(identity, 1, S.DISPATCHED), CommandMoved(identity, DEVICE, 2, CommandStep(S.DELIVERED, at(2)), epoch=9), done]
    await ship_journal(repository, uuid4(), numbered(first, *steps))
    found = await repository.get_command(identity)
    assert [step.state for step in found.steps] == [S.ACCEPTED, S.DISPATCHED, S.DELIVERED, S.SUCCEEDED]
    assert found.steps[-1] == done.step and found.state is S.SUCCEEDED and found.epoch == 9
    for name in Command.__struct_fields__:
        if name not in {"steps", "epoch"}:
            assert getattr(found, name) == getattr(first.command, name), name
    assert (await repository.list_commands(DEVICE)).items == [found]


async def test_an_unknown_command(repository: Repository) -> None:
    with pytest.raises(CommandNotFoundError):
        await repository.get_command(uuid4())


async def test_an_indeterminate_command_is_settled_later(repository: Repository) -> None:
    first, journal = accepted(0), uuid4()
    identity = first.command.command_id
    await ship_journal(
        repository, journal, numbered(first, moved(identity, 1, S.DISPATCHED), moved(identity, 2, S.INDETERMINATE))
    )
    assert (await repository.get_command(identity)).state is S.INDETERMINATE
    await ship_journal(repository, journal, [(4, moved(identity, 3, S.FAILED, error="jam"))])
    found = await repository.get_command(identity)
    assert (found.state, found.steps[-1].error) == (S.FAILED, "jam")


async def test_what_a_ledger_says_again_after_a_power_loss_stands(repository: Repository) -> None:
    """A journal's last passing states were shipped, then taken back by a power loss; the ledger's word has the number of one."""
    first, journal = accepted(0), uuid4()
    identity = first.command.command_id
    lost = [moved(identity, 2, S.DELIVERED), moved(identity, 3, S.EXECUTING)]
    await ship_journal(repository, journal, numbered(first, moved(identity, 1, S.DISPATCHED), *lost))
    await ship_journal(repository, journal, [(1000, moved(identity, 2, S.EXECUTING)), (1001, moved(identity, 3, S.SUCCEEDED))])
    found = await repository.get_command(identity)
    assert [step.state for step in found.steps] == [S.ACCEPTED, S.DISPATCHED, S.DELIVERED, S.SUCCEEDED]
    assert found.state is S.SUCCEEDED
    assert (await repository.list_commands(None, CommandFilter(state=S.SUCCEEDED))).items == [found]
    await ship_journal(repository, uuid4(), [(1, moved(identity, 3, S.FAILED, error="never"))])
    assert (await repository.get_command(identity)).state is S.SUCCEEDED


@pytest.mark.parametrize("seed", range(4))
async def test_steps_and_acceptance_may_come_in_any_order_from_any_journal(repository: Repository, seed: int) -> None:
    first = accepted(0)
    identity = first.command.command_id
    records: list[Record] = [first, *(moved(identity, n, s) for n, s in enumerate((S.DISPATCHED, S.EXECUTING, S.SUCCEEDED), 1))]
    random.Random(seed).shuffle(records)
    for record in records:
        await ship_journal(repository, uuid4(), [(1, record)])
    found = await repository.get_command(identity)
    assert [step.state for step in found.steps] == [S.ACCEPTED, S.DISPATCHED, S.EXECUTING, S.SUCCEEDED]
    assert (await repository.list_commands(None, CommandFilter(state=S.SUCCEEDED))).items == [found]


async def test_steps_of_a_command_whose_acceptance_was_lost_are_kept(repository: Repository) -> None:
    identity = uuid4()
    await ship_journal(repository, uuid4(), numbered(moved(identity, 3, S.SUCCEEDED)))
    assert await counts(repository) == {**dict.fromkeys(TABLES, 0), "command_state": 1}
    with pytest.raises(CommandNotFoundError):
        await repository.get_command(identity)


async def test_shipping_again_changes_nothing(repository: Repository) -> None:
    device = (await repository.create_device(new_device())).id
    entries, journal = a_journal(device), uuid4()
    assert await journal_position(repository, journal) == 0
    await ship_journal(repository, journal, entries[:7])
    assert await journal_position(repository, journal) == 7
    await ship_journal(repository, journal, entries)
    before = (await counts(repository), await repository.get_device(device), (await repository.alarms()).items)
    for again in (entries, entries[3:5], entries[::-1], []):
        await ship_journal(repository, journal, again)
    assert (await counts(repository), await repository.get_device(device), (await repository.alarms()).items) == before
    assert await journal_position(repository, journal) == len(entries)
    assert before[0] == {
        "command": 3, "command_state": 9, "device_event": 3, "rejected_payload": 1, "fleet_event": 1, "alarm": 1,
    }  # fmt: skip


async def test_random_overlapping_batches_count_each_entry_once(repository: Repository) -> None:
    journal, dice = uuid4(), random.Random(7)
    events = [FleetEvent(at(n), "fleet", "started", "system:fleet", detail={"n": n}) for n in range(40)]
    entries = numbered(*events)
    while await journal_position(repository, journal) < len(entries):
        start = dice.randrange(await journal_position(repository, journal) + 1)
        await ship_journal(repository, journal, entries[start : start + dice.randrange(1, 9)])
    found = (await repository.fleet_events(limit=500)).items
    assert found == events[::-1]
    assert (await repository.fleet_events("device:x")).items == [] != (await repository.fleet_events("fleet", "started")).items


async def test_a_crash_in_between_leaves_nothing_behind(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    entries, journal = a_journal(DEVICE), uuid4()
    take_words = journals.take_words

    async def crashing(connection: Any, *rest: Any) -> Any:
        await take_words(connection, *rest)
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")  # after all the rest

    monkeypatch.setattr(journals, "take_words", crashing)
    with pytest.raises(Exception, match="database"):
        await ship_journal(repository, journal, entries)
    monkeypatch.undo()
    assert await counts(repository) == dict.fromkeys(TABLES, 0)
    assert await journal_position(repository, journal) == 0
    await ship_journal(repository, journal, entries)
    assert (await counts(repository))["command_state"] == 9


async def test_an_error_before_the_offset_rolls_everything_back(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    entries, journal = a_journal(DEVICE), uuid4()
    monkeypatch.setattr(
        journals, "_SHIPPED", "SELECT 1 / 0 + $2::bigint FROM journal_offset WHERE journal = $1 AND $3 > '-infinity'"
    )
    with pytest.raises(InvalidError):
        await ship_journal(repository, journal, entries)
    assert await counts(repository) == dict.fromkeys(TABLES, 0)


async def test_two_recorders_ship_the_same_journal_at_once(repository: Repository) -> None:
    entries, journal = a_journal(DEVICE, commands=20), uuid4()
    await asyncio.gather(*(ship_journal(repository, journal, entries[n % 3 :]) for n in range(6)))
    await ship_journal(repository, journal, entries)
    got = await counts(repository)
    # whoever came first without the journal's first entries moved the offset past them: positions are what counts
    assert got["command"] == 20 and got["command_state"] == 60 and got["fleet_event"] == 1 and got["alarm"] == 1


async def test_many_journals_at_once(repository: Repository) -> None:
    devices = [(await repository.create_device(new_device(f"d{n}"))).id for n in range(8)]
    await asyncio.gather(*(ship_journal(repository, uuid4(), a_journal(device)) for device in devices))
    assert await counts(repository) == {
        "command": 24, "command_state": 72, "device_event": 24, "rejected_payload": 8, "fleet_event": 8, "alarm": 8,
    }  # fmt: skip
    for device in devices:
        row = await repository.get_device(device)
        assert (row.link, row.reason, row.epoch, row.capabilities["type"]) == (Link.STALE, "silent", 3, "pump")


async def test_only_newer_news_change_a_device(repository: Repository) -> None:
    device = (await repository.create_device(new_device())).id
    newer = [changed(9, "stale", device, epoch=4), DeviceDescribed(device, at(9), {"firmware": "2"})]
    older = [changed(8, "online", device, health="fault", epoch=None), DeviceDescribed(device, at(8), {"firmware": "1"})]
    await ship_journal(repository, uuid4(), numbered(*newer))
    await ship_journal(repository, uuid4(), numbered(*older))
    row = await repository.get_device(device)
    assert (row.link, row.health, row.epoch, row.capabilities, row.state_at) == ("stale", "ok", 4, {"firmware": "2"}, at(9))
    events = (await repository.events(device, "lics.state")).items
    assert [(event.time, event.data and event.data["link"]) for event in events] == [(at(9), "stale"), (at(8), "online")]
    same_time = numbered(changed(20, "connecting", device), changed(20, "online", device))
    await ship_journal(repository, uuid4(), same_time)
    assert (await repository.get_device(device)).link == "online"
    assert len((await repository.events(device)).items) == 4


async def test_what_devices_say_never_stops_a_journal(repository: Repository) -> None:
    first = accepted(0, name="a\0b", args={"\0": "\0", "deep": [{"x": "\0"}], "nan": float("nan")}, principal="p\0", reason="\0")
    device, identity = (await repository.create_device(new_device())).id, first.command.command_id
    nasty: list[Record] = [
        first,
        moved(identity, 1, S.FAILED, error="\0" * 10, result="\0", ledger_seq=2**63),
        CommandMoved(identity, DEVICE, 2, CommandStep(S.FAILED, at(2)), epoch=2**63 + 1),
        changed(1, "online", device, epoch=2**40, reason="\0"),
        DeviceDescribed(device, at(1), {"\0": ["\0"]}),
        PayloadRejected(device, at(1), "topic\0", "reason\0", bytes(range(256)) * 20, 2**63, 2**63),
        FleetEvent(at(1), "\0", "\0", "\0", "\0", {"\0": "\0"}),
        AlarmRaised(at(1), "s" * 300 + "\0", "k" * 300, "\0", "v" * 300),
        AlarmCleared(at(2), "s" * 300 + "\0", "k" * 300),
    ]
    through_the_journal = [decode_record(encode_record(record)) for record in nasty]
    await ship_journal(repository, uuid4(), numbered(*through_the_journal))
    got = await counts(repository)
    assert got == {"command": 1, "command_state": 3, "device_event": 1, "rejected_payload": 1, "fleet_event": 1, "alarm": 1}
    (kept,) = (await repository.rejected(device)).items
    assert (kept.payload, kept.size, kept.topic) == ((bytes(range(256)) * 20)[:4096], 0, "topic\ufffd")
    assert (await repository.get_command(identity)).args == {"\ufffd": "\ufffd", "deep": [{"x": "\ufffd"}], "nan": None}
    assert (await repository.get_device(device)).epoch == 2**40
    assert [alarm.active for alarm in (await repository.alarms()).items] == [False]


async def test_commands_are_filtered_and_paged_newest_first(repository: Repository) -> None:
    other, journal = uuid4(), uuid4()
    mine = [accepted(n // 3, name=f"c{n % 2}", principal=f"user:{n % 3}") for n in range(12)]  # three at the same time
    await ship_journal(repository, journal, numbered(*mine, accepted(3, device=other)))
    asked = CommandFilter(name="c1", principal="user:1", since=at(1), until=at(3))
    found = (await repository.list_commands(DEVICE, asked)).items
    assert [command.command_id for command in found] == [mine[7].command.command_id]
    assert len((await repository.list_commands(None)).items) == 13
    pages, cursor = [], None
    for n in range(99):
        got = await repository.list_commands(DEVICE, None, 5, cursor)
        pages.append([command.command_id for command in got.items])
        await ship_journal(repository, journal, [(100 + n, accepted(1000 + n))])  # newer ones come in all the time
        if (cursor := got.next) is None:
            break
    newest_first = sorted((record.command for record in mine), key=lambda c: (c.accepted_at, c.command_id), reverse=True)
    assert [len(page) for page in pages] == [5, 5, 2]
    assert [identity for page in pages for identity in page] == [command.command_id for command in newest_first]


async def test_rejected_payloads_are_paged(repository: Repository) -> None:
    rows = [rejection(n // 2, bytes([n])) for n in range(9)]
    await ship_journal(repository, uuid4(), numbered(*rows, *rows[:3]))  # a repeat within the journal, too
    first = await repository.rejected(DEVICE, 5)
    second = await repository.rejected(DEVICE, 5, first.next)
    assert {row.payload for row in first.items + second.items} == {row.payload for row in rows}
    assert len(first.items + second.items) == 9 and second.next is None
    assert [row.time for row in first.items + second.items] == sorted((row.time for row in rows), reverse=True)
    assert (await repository.rejected(uuid4())).items == []


async def test_a_thousand_entries_in_one_call(repository: Repository) -> None:
    records: list[Record] = []
    for n in range(400):
        first = accepted(n)
        later = first.command.accepted_at + timedelta(milliseconds=1)
        records += [first, CommandMoved(first.command.command_id, DEVICE, 1, CommandStep(S.SUCCEEDED, later))]
    await ship_journal(repository, uuid4(), numbered(*records, *(changed(n) for n in range(400))))
    got = await counts(repository)
    assert (got["command"], got["command_state"], got["device_event"]) == (400, 800, 400)
    assert len((await repository.list_commands(DEVICE, CommandFilter(state=S.SUCCEEDED), 500)).items) == 400
