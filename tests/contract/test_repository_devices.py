"""The laboratory's devices in a real database."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from drivers.native.demo import demo_rigs
from lics_actors.device.messages import Admin, Health, Link, Safety, status_word
from lics_actors.errors import (
    ConflictError,
    DatabaseUnavailableError,
    DeviceNotEnabledError,
    DeviceNotFoundError,
    InvalidError,
    PreconditionFailedError,
)
from lics_actors.store.repository import DeviceFilter, DeviceRow, Repository
from lics_actors.store.seed import seed_demo
from lics_actors.store.shipping import ship_journal
from tests.contract.store_rows import at, changed, new_device


async def names(repository: Repository, **asked: Any) -> list[str]:
    return [row.name for row in (await repository.list_devices(DeviceFilter(**asked))).items]


async def test_what_was_registered_is_found(repository: Repository) -> None:
    settings = {"ports": [1, 2], "note": "Käfig № 3 🐁", "deep": {"a": None}}
    created = await repository.create_device(new_device(settings=settings, silent_s=12.5, admin=Admin.MAINTENANCE))
    assert created == await repository.get_device(created.id)
    assert created == await repository.find_device("cage-1-pump") == await repository.find_device(str(created.id).upper())
    assert (created.settings, created.silent_s, created.status) == (settings, 12.5, "maintenance")
    assert (created.version, created.created_by, created.updated_by) == (1, "user:ada", "user:ada")
    assert created.created_at == created.updated_at and created.created_at.tzinfo is not None
    spec = created.spec()
    assert (spec.device_id, spec.name, spec.admin, spec.settings) == (created.id, "cage-1-pump", Admin.MAINTENANCE, settings)


async def test_nothing_is_found_of_what_is_not_there(repository: Repository) -> None:
    with pytest.raises(DeviceNotFoundError):
        await repository.get_device(uuid4())
    for word in ("nobody", "", str(uuid4()), "a" * 3000, "'; DROP TABLE device; --", "%"):
        with pytest.raises(DeviceNotFoundError):
            await repository.find_device(word)


async def test_a_name_that_looks_like_an_id(repository: Repository) -> None:
    name = str(uuid4())
    created = await repository.create_device(new_device(name))
    assert (await repository.find_device(name)).id == created.id


async def test_a_name_is_used_once_until_its_device_is_retired(repository: Repository) -> None:
    first = await repository.create_device(new_device("pump"))
    with pytest.raises(ConflictError) as caught:
        await repository.create_device(new_device("pump"))
    assert caught.value.facts == {"name": "pump"}
    await repository.retire_device(first.id, expected_version=None, principal="user:bob")
    second = await repository.create_device(new_device("pump"))
    assert (await repository.find_device("pump")).id == second.id
    assert (await repository.get_device(first.id)).admin is Admin.RETIRED


async def test_an_id_is_used_once(repository: Repository) -> None:
    device_id = uuid4()
    await repository.create_device(new_device("a", device_id=device_id))
    with pytest.raises(ConflictError) as caught:
        await repository.create_device(new_device("b", device_id=device_id))
    assert caught.value.facts == {"device_id": str(device_id)}


@pytest.mark.parametrize(
    "bad",
    [{"name": "x" * 256}, {"name": "a\0b"}, {"type": "t" * 33}, {"settings": {"a": "\0"}}, {"settings": {"a": float("nan")}}],
)
async def test_what_no_column_holds_is_refused(repository: Repository, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        await repository.create_device(new_device(**{"name": "good", **bad}))
    assert await names(repository) == []


async def test_changes_count_versions(repository: Repository) -> None:
    created = await repository.create_device(new_device())
    changes = {"name": "renamed", "settings": {"a": 1}, "location": None, "admin": "quarantined", "silent_s": 5}
    after = await repository.update_device(created.id, changes, expected_version=1, principal="user:bob")
    assert (after.name, after.settings, after.location, after.admin) == ("renamed", {"a": 1}, None, Admin.QUARANTINED)
    assert (after.version, after.updated_by, after.created_by) == (2, "user:bob", "user:ada")
    assert after.updated_at > created.updated_at and after == await repository.get_device(created.id)
    with pytest.raises(PreconditionFailedError) as caught:
        await repository.update_device(created.id, {"name": "x"}, expected_version=1, principal="user:eve")
    assert caught.value.facts["version"] == 2
    assert (await repository.update_device(created.id, {}, expected_version=None, principal="user:eve")).version == 3


@pytest.mark.parametrize("bad", [{"id": uuid4()}, {"version": 9}, {"name = 'x' --": 1}, {"admin": "retired"}, {"admin": "so-so"}])
async def test_some_things_cannot_be_changed(repository: Repository, bad: dict[str, Any]) -> None:
    created = await repository.create_device(new_device())
    with pytest.raises(InvalidError):
        await repository.update_device(created.id, bad, expected_version=None, principal="user:bob")
    for value in ({"name": None}, {"name": "x" * 256}, {"silent_s": "soon"}, {"name": "\0"}):
        with pytest.raises(InvalidError):
            await repository.update_device(created.id, value, expected_version=None, principal="user:bob")
    assert await repository.get_device(created.id) == created


async def test_a_change_cannot_take_a_name_in_use(repository: Repository) -> None:
    await repository.create_device(new_device("a"))
    other = await repository.create_device(new_device("b"))
    with pytest.raises(ConflictError) as caught:
        await repository.update_device(other.id, {"name": "a"}, expected_version=None, principal="user:bob")
    assert caught.value.facts == {"name": "a"}


async def test_of_many_who_change_the_same_version_one_wins(repository: Repository) -> None:
    created = await repository.create_device(new_device())
    changes = [
        repository.update_device(created.id, {"location": f"room {n}"}, expected_version=1, principal=f"user:{n}")
        for n in range(20)
    ]
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    won = [outcome for outcome in outcomes if isinstance(outcome, DeviceRow)]
    assert len(won) == 1 and won[0] == await repository.get_device(created.id)
    assert all(isinstance(outcome, PreconditionFailedError) for outcome in outcomes if outcome is not won[0])


async def test_of_many_who_take_a_name_one_wins(repository: Repository) -> None:
    outcomes = await asyncio.gather(*(repository.create_device(new_device("pump")) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, DeviceRow) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 9


async def test_retired_is_for_good(repository: Repository) -> None:
    created = await repository.create_device(new_device())
    with pytest.raises(PreconditionFailedError):
        await repository.retire_device(created.id, expected_version=7, principal="user:bob")
    retired = await repository.retire_device(created.id, expected_version=1, principal="user:bob")
    assert (retired.admin, retired.status, retired.version) == (Admin.RETIRED, "retired", 2)
    assert await repository.retire_device(created.id, expected_version=1, principal="user:eve") == retired
    with pytest.raises(DeviceNotEnabledError):
        await repository.update_device(created.id, {"admin": "enabled"}, expected_version=None, principal="user:bob")
    with pytest.raises(DeviceNotFoundError):
        await repository.find_device(created.name)
    for missing in (repository.update_device(uuid4(), {}, expected_version=None, principal="x"),):
        with pytest.raises(DeviceNotFoundError):
            await missing
    assert await repository.device_specs() == []
    assert await names(repository) == []
    assert await names(repository, status="retired") == await names(repository, retired=True) == [created.name]


async def test_every_status_word_finds_exactly_its_devices(repository: Repository) -> None:
    combinations = list(product(Link, Health, Safety, Admin))
    expected: dict[str, set[str]] = {}
    async with repository.transaction(10.0) as connection:
        for n, (link, health, safety, admin) in enumerate(combinations):
            word = status_word(link, health, safety, admin)
            expected.setdefault(word, set()).add(f"d{n}")
            await connection.execute(
                "INSERT INTO device (id, name, type, driver, settings, capabilities, silent_s, admin, link, health, safety,"
                " version, created_at, updated_at, created_by, updated_by)"
                " VALUES ($1, $2, 'pump', 'native', '{}', '{}', 1, $3, $4, $5, $6, 1, $7, $7, 'x', 'x')",
                UUID(int=n), f"d{n}", admin, link, health, safety, at(0),
            )  # fmt: skip
    assert len(expected) == 10
    for word, devices in expected.items():
        found = (await repository.list_devices(DeviceFilter(status=word), 500)).items
        assert {row.name for row in found} == devices and {row.status for row in found} == {word}
    for word in ("enabled", "ok", "safe", "armed", "", "ONLINE"):
        with pytest.raises(InvalidError):
            await repository.list_devices(DeviceFilter(status=word))


async def test_filters(repository: Repository) -> None:
    await repository.create_device(new_device("Pump 100%", location="Cage 1"))
    await repository.create_device(new_device("pump_2", type="feeder", location="Cage 2"))
    await repository.create_device(new_device("pumpX2", driver="mqtt_io", admin=Admin.MAINTENANCE))
    assert set(await names(repository, search="PUMP")) == {"Pump 100%", "pump_2", "pumpX2"}
    assert await names(repository, search="_2") == ["pump_2"]
    assert await names(repository, search="0%") == ["Pump 100%"]
    assert await names(repository, search="\\") == []
    assert await names(repository, type="feeder", location="Cage 2", link=Link.OFFLINE) == ["pump_2"]
    assert await names(repository, driver="mqtt_io", admin=Admin.MAINTENANCE, health=Health.OK, safety=Safety.SAFE) == ["pumpX2"]
    assert await names(repository, location="cage") == []


async def test_pages_are_stable_while_devices_come_and_go(repository: Repository) -> None:
    created = [await repository.create_device(new_device(f"d{n:02}")) for n in range(10)]
    first = await repository.list_devices(DeviceFilter(), 4)
    await repository.create_device(new_device("d00a"))  # before the cursor
    await repository.create_device(new_device("d05a"))  # after it
    await repository.retire_device(created[3].id, expected_version=None, principal="x")  # the cursor's own row
    second = await repository.list_devices(DeviceFilter(), 4, first.next)
    third = await repository.list_devices(DeviceFilter(), 4, second.next)
    assert [row.name for row in first.items] == ["d00", "d01", "d02", "d03"]
    assert [row.name for row in second.items + third.items] == ["d04", "d05", "d05a", "d06", "d07", "d08", "d09"]
    assert third.next is None


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "W10", "WyJldmVudHMiXQ", "é", "Wy" * 5000, "bnVsbA", "\0"])
async def test_bad_cursors_and_limits_are_refused(repository: Repository, cursor: str) -> None:
    with pytest.raises(InvalidError):
        await repository.list_devices(DeviceFilter(), 10, cursor)
    with pytest.raises(InvalidError):
        await repository.list_commands(None, None, 10, cursor)
    for limit in (0, -1, 501):
        with pytest.raises(InvalidError):
            await repository.list_devices(DeviceFilter(), limit)


async def test_the_actors_reports_leave_the_version_alone(repository: Repository) -> None:
    created = await repository.create_device(new_device())
    await ship_journal(repository, uuid4(), [(1, changed(1, "online", created.id, health="degraded"))])
    row = await repository.get_device(created.id)
    assert (row.version, row.updated_at, row.link, row.status, row.state_at) == (
        1, created.updated_at, Link.ONLINE, "degraded", at(1),
    )  # fmt: skip


async def test_many_tasks_share_a_repository(repository: Repository) -> None:
    created = [await repository.create_device(new_device(f"d{n}")) for n in range(5)]
    work = [repository.get_device(created[n % 5].id) for n in range(100)]
    assert [row.name for row in await asyncio.gather(*work)] == [f"d{n % 5}" for n in range(100)]


async def test_two_repositories_of_a_process_never_meet(repository: Repository, empty_database_url: str) -> None:
    created = await repository.create_device(new_device())
    other = await Repository.connect(empty_database_url)
    with pytest.raises(DatabaseUnavailableError, match="lics db upgrade"):
        await other.get_device(created.id)
    assert await repository.get_device(created.id) == created
    await other.close()
    assert await repository.get_device(created.id) == created


async def test_the_seed_is_planted_once(repository: Repository, database_url: str) -> None:
    specs = await seed_demo(database_url)
    rigs = (await repository.list_rigs()).items
    assert [(each.name, each.id) for each in rigs] == [(each.name, each.id) for each in demo_rigs()] and len(rigs) == 8
    assert len(specs) == 24 and await repository.device_specs() == sorted(specs, key=lambda spec: spec.name)
    changed_one, retired_one = specs[0], specs[1]
    await repository.update_device(changed_one.device_id, {"name": "mine"}, expected_version=None, principal="user:ada")
    await repository.retire_device(retired_one.device_id, expected_version=None, principal="user:ada")
    again = await seed_demo(database_url)
    assert {spec.device_id for spec in again} == {spec.device_id for spec in specs} - {retired_one.device_id}
    assert next(spec for spec in again if spec.device_id == changed_one.device_id).name == "mine"
