"""The rigs' part of the repository, on a real database."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from lics_actors.device.messages import RoleSpec
from lics_actors.errors import ConflictError, PreconditionFailedError, RigNotFoundError
from lics_actors.store.repository import NewDevice, Repository
from lics_actors.store.rigs import NewRig

INTERLOCK = {"name": "hot", "when": {"metric": "t", "of": "sensor", "op": ">", "value": 40}, "trip": [{"role": "sensor"}]}


async def device(repository: Repository, name: str) -> UUID:
    return (await repository.create_device(NewDevice(name, "sensor", "native", "user:1", silent_s=7))).id


async def test_a_rigs_life(repository: Repository) -> None:
    sensor = await device(repository, "sensor")
    made = await repository.create_rig(NewRig("cage 3", "user:1", {"sensor": sensor}, (INTERLOCK,)))
    assert (made.devices, made.interlocks, made.version) == ({"sensor": sensor}, (INTERLOCK,), 1)
    assert (
        await repository.get_rig(made.id)
        == made
        == await repository.find_rig("cage 3")
        == await repository.find_rig(str(made.id))
    )

    (spec,) = await repository.rig_specs()
    assert spec == await repository.rig_spec(made)
    assert (spec.roles, spec.interlocks) == ({"sensor": RoleSpec(sensor, "native", {}, 7)}, (INTERLOCK,))
    members = await repository.rig_members([sensor, uuid4()])
    assert [(each.name, each.retired) for each in members.values()] == [("sensor", False)]

    later = await repository.update_rig(made.id, {"name": "cage 4"}, expected_version=1, principal="user:2")
    assert (later.name, later.version, later.interlocks, later.updated_by) == ("cage 4", 2, (INTERLOCK,), "user:2")
    with pytest.raises(PreconditionFailedError):
        await repository.update_rig(made.id, {"name": "x"}, expected_version=1, principal="user:2")
    assert (await repository.update_rig(made.id, {"interlocks": ()}, expected_version=None, principal="u")).version == 3

    await repository.retire_device(sensor, expected_version=None, principal="user:1")
    (spec,) = await repository.rig_specs()
    assert spec.roles == {}, "a retired device says nothing any more"
    assert (await repository.rig_members([sensor]))[sensor].retired

    with pytest.raises(PreconditionFailedError):
        await repository.delete_rig(made.id, expected_version=2)
    await repository.delete_rig(made.id, expected_version=3)
    for missing in (repository.get_rig(made.id), repository.delete_rig(made.id, expected_version=None)):
        with pytest.raises(RigNotFoundError):
            await missing
    with pytest.raises(RigNotFoundError):
        await repository.find_rig("cage 4")
    again = await repository.create_rig(NewRig("cage 9", "user:3", rig_id=made.id))
    history = (await repository.changes(made.id)).items
    assert [(each.version, each.principal, list(each.changed)) for each in history] == [
        (again.version, "user:3", ["devices", "interlocks", "name"]),
        (3, "u", ["interlocks"]),
        (2, "user:2", ["name"]),
        (1, "user:1", ["devices", "interlocks", "name"]),
    ], "what was tried and refused is no version; one made anew goes on with the numbers"
    assert history[1].facts == {"name": "cage 4", "devices": {"sensor": str(sensor)}, "interlocks": []}


async def test_names_and_ids_are_given_once(repository: Repository) -> None:
    made = await repository.create_rig(NewRig("one", "user:1"))
    with pytest.raises(ConflictError) as refused:
        await repository.create_rig(NewRig("one", "user:1"))
    assert refused.value.facts == {"name": "one"}
    with pytest.raises(ConflictError) as refused:
        await repository.create_rig(NewRig("two", "user:1", rig_id=made.id))
    assert refused.value.facts == {"rig_id": str(made.id)}
    other = await repository.create_rig(NewRig("two", "user:1"))
    with pytest.raises(ConflictError):
        await repository.update_rig(other.id, {"name": "one"}, expected_version=None, principal="user:1")


async def test_pages_by_name_and_by_device(repository: Repository) -> None:
    sensor = await device(repository, "sensor")
    for name in ("c", "a", "b"):
        await repository.create_rig(NewRig(name, "user:1", {"it": sensor} if name != "b" else {}))
    page = await repository.list_rigs(2)
    assert [row.name for row in page.items] == ["a", "b"]
    assert [row.name for row in (await repository.list_rigs(2, page.next)).items] == ["c"]
    assert [row.name for row in (await repository.list_rigs(device_id=sensor)).items] == ["a", "c"]
