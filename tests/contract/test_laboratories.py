"""Laboratories in their tables: members, a device's way to another one, and what of the audit is whose."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from lics_actors.access.errors import LaboratoryNotFoundError, MemberNotFoundError, TooManyLaboratoriesError
from lics_actors.access.laboratories import DEFAULT_LABORATORY, MAX_MEMBERSHIPS
from lics_actors.access.roles import Role
from lics_actors.errors import ConflictError, DeviceNotEnabledError, PreconditionFailedError
from lics_actors.store.audits import AuditFilter
from lics_actors.store.records import Audited
from lics_actors.store.repository import DeviceFilter, Repository
from lics_actors.store.shipping import ship_journal
from tests.contract.store_rows import new_device

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OWN = DEFAULT_LABORATORY


async def somebody(repository: Repository, email: str, role: Role = Role.TECHNICIAN, place: UUID = OWN) -> UUID:
    account = await repository.add_account(email, role, "t", code_hash=None, code_expires_at=None, laboratory=place)
    return account.id


async def test_a_membership_changes_the_generation_and_the_role(repository: Repository) -> None:
    other = (await repository.add_laboratory("other", "t")).id
    ada = await somebody(repository, "ada@lab.example")
    _, both = await repository.put_member(other, ada, Role.LAB_ADMIN, "t")
    assert (both.role, both.memberships, both.generation) == (Role.LAB_ADMIN, {OWN: Role.TECHNICIAN, other: Role.LAB_ADMIN}, 2)
    same, again = await repository.put_member(other, ada, Role.LAB_ADMIN, "t")
    assert same == again == both, "what is so already ends no token"
    _, left = await repository.remove_member(other, ada)
    assert (left.role, left.memberships, left.generation) == (Role.TECHNICIAN, {OWN: Role.TECHNICIAN}, 3)
    _, nowhere = await repository.remove_member(OWN, ada)
    assert (nowhere.role, nowhere.memberships) == (Role.OBSERVER, {})
    for gone in (ada, uuid4()):
        with pytest.raises(MemberNotFoundError):
            await repository.remove_member(OWN, gone)
    with pytest.raises(LaboratoryNotFoundError):
        await repository.put_member(uuid4(), ada, Role.OBSERVER, "t")
    root = await somebody(repository, "root@lab.example", Role.SUPER_ADMIN)
    _, member = await repository.put_member(other, root, Role.OBSERVER, "t")
    assert member.role is Role.SUPER_ADMIN, "a membership makes nobody less"


async def test_an_account_is_in_so_many_laboratories_at_most(repository: Repository) -> None:
    ada = await somebody(repository, "ada@lab.example")
    for n in range(MAX_MEMBERSHIPS - 1):
        await repository.put_member((await repository.add_laboratory(f"lab {n}", "t")).id, ada, Role.OBSERVER, "t")
    with pytest.raises(TooManyLaboratoriesError):
        await repository.put_member((await repository.add_laboratory("one more", "t")).id, ada, Role.OBSERVER, "t")


async def test_a_device_moves_once_its_name_is_free_and_no_rig_has_it(repository: Repository) -> None:
    other = (await repository.add_laboratory("other", "t")).id
    pump = await repository.create_device(new_device())
    twin = await repository.create_device(new_device(laboratory_id=other))
    with pytest.raises(ConflictError, match="say its id"):
        await repository.find_device(pump.name)
    with pytest.raises(ConflictError, match="another device there"):
        await repository.move_device(pump.id, other, expected_version=None, principal="t")
    await repository.retire_device(twin.id, expected_version=None, principal="t")
    with pytest.raises(DeviceNotEnabledError):
        await repository.move_device(twin.id, OWN, expected_version=None, principal="t")
    with pytest.raises(PreconditionFailedError):
        await repository.move_device(pump.id, other, expected_version=7, principal="t")
    _, moved = await repository.move_device(pump.id, other, expected_version=1, principal="t")
    assert (moved.laboratory_id, moved.version, moved.spec().laboratory_id) == (other, 2, other)
    assert (await repository.ended_since(60)).moved == {pump.id: other}
    assert [row.id for row in (await repository.list_devices(DeviceFilter(laboratories=frozenset({other})))).items] == [pump.id]
    for nothing in (frozenset({OWN}), frozenset[UUID]()):
        assert (await repository.list_devices(DeviceFilter(laboratories=nothing))).items == []
    assert await repository.homes() == {pump.id: other, twin.id: other}


async def test_an_administrator_reads_what_concerns_his_laboratory(repository: Repository) -> None:
    other = (await repository.add_laboratory("other", "t")).id
    ada, eve = await somebody(repository, "ada@lab.example"), await somebody(repository, "eve@lab.example", place=other)
    both = await somebody(repository, "both@lab.example")
    await repository.put_member(other, both, Role.TECHNICIAN, "t")
    ours = (await repository.create_device(new_device("a"))).id
    theirs = (await repository.create_device(new_device("b", laboratory_id=other))).id
    acts = {  # (who, to what) → whose administrators read it
        ("user:root@lab.example", f"device:{ours}"): {OWN},
        ("user:ada@lab.example", f"device:{theirs}"): {other},
        ("user:ada@lab.example/script", "rack:1"): {OWN},
        ("user:eve@lab.example", "rack:1"): {other},
        ("user:both@lab.example", "recorder"): {OWN, other},
        ("user:both@lab.example", f"/api/v1/devices/{theirs}"): set(),
        ("user:ada@lab.example", "/api/v1/devices"): {OWN},
        ("anonymous", "user:ada@lab.example"): {OWN},
        ("user:root@lab.example", f"user:{eve}"): {other},
        ("user:root@lab.example", f"user:{ada}"): {OWN},
        ("user:root@lab.example", f"laboratory:{other}"): {other},
        ("user:root@lab.example", "recorder"): set(),
        ("cli:root", f"device:{uuid4()}"): set(),
    }
    records = [Audited(uuid4(), NOW, who, "an.act", target, "ok", "rest") for who, target in acts]
    await ship_journal(repository, uuid4(), list(enumerate(records, 1)))
    for place in (OWN, other):
        seen = (await repository.acts(AuditFilter(laboratories=frozenset({place})))).items
        assert {(each.principal, each.target) for each in seen} == {act for act, places in acts.items() if place in places}
    assert len((await repository.acts(AuditFilter())).items) == len(acts)
