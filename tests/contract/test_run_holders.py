"""What a run has, nobody takes away from it while it is not over: in a real database, and also when both come at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.device.messages import Admin
from lics_actors.errors import ConflictError, DeviceReservedError, RunUnderWayError
from lics_actors.store.holders import taken_out
from lics_actors.store.repository import Repository
from lics_actors.store.rigs import NewRig, RigRow
from lics_actors.store.runs import NewRun
from tests.contract.run_records import ZERO
from tests.contract.store_rows import new_device

ELSEWHERE = UUID(int=2)


@dataclass
class Cage:
    repository: Repository
    pump: UUID
    spare: UUID
    rig: RigRow

    def order(self, **more: Any) -> NewRun:
        made = NewRun(uuid4(), DEFAULT_LABORATORY, self.rig.id, "cage 1", uuid4(), "fixed_ratio", 1, 1, "user:1", ZERO, "ul")
        return replace(made, **more)

    async def change(self, **changes: Any) -> Any:
        return await self.repository.update_device(self.pump, changes, expected_version=None, principal="user:2")

    async def refit(self, **devices: UUID) -> Any:
        return await self.repository.update_rig(self.rig.id, {"devices": devices}, expected_version=None, principal="user:2")

    async def retire(self) -> Any:
        return await self.repository.retire_device(self.pump, expected_version=None, principal="user:2")

    async def move(self) -> Any:
        return await self.repository.move_device(self.pump, ELSEWHERE, expected_version=None, principal="user:2")


@pytest.fixture
async def cage(repository: Repository) -> Cage:
    pump, spare = [(await repository.create_device(new_device(name))).id for name in ("pump", "spare")]
    return Cage(repository, pump, spare, await repository.create_rig(NewRig("cage 1", "user:1", {"pump": pump})))


async def test_devices_of_a_run_stay_as_they_are_until_it_is_over(cage: Cage) -> None:
    run = await cage.repository.order_run(cage.order(rig_version=cage.rig.version))
    for what in (cage.retire, cage.move, lambda: cage.change(driver="other"), lambda: cage.change(settings={"port": 9})):
        with pytest.raises(DeviceReservedError, match=f"run {run.id} at cage 1, which is scheduled") as refused:
            await what()
        assert refused.value.facts == {"holder": f"run:{run.id}", "run_id": str(run.id)}
    for devices in ({}, {"pump": cage.spare}, {"other": cage.pump}):
        with pytest.raises(RunUnderWayError, match=str(run.id)) as held:
            await cage.refit(**devices)
        assert held.value.facts["run_id"] == str(run.id)
    with pytest.raises(RunUnderWayError):
        await cage.repository.delete_rig(cage.rig.id, expected_version=None)

    assert (await cage.change(admin=Admin.MAINTENANCE)).admin is Admin.MAINTENANCE, "whoever looks after it must be able to"
    same = {"driver": "native", "settings": {}}
    assert (await cage.change(admin=Admin.ENABLED, name="pump 2", silent_s=5.0, **same)).name == "pump 2"
    assert len((await cage.refit(pump=cage.pump, light=cage.spare)).devices) == 2, "what comes in is no business of the run"
    with pytest.raises(DeviceReservedError):
        await cage.repository.retire_device(cage.spare, expected_version=None, principal="user:2")

    await cage.repository.give_run_up(run.id, "aborted", "enough")
    await cage.change(settings={"port": 9})
    await cage.refit(light=cage.spare)
    assert (await cage.move())[1].laboratory_id == ELSEWHERE
    await cage.retire()
    await cage.repository.delete_rig(cage.rig.id, expected_version=None)


async def test_a_run_is_not_ordered_at_a_rig_that_was_changed_since_it_was_fitted(cage: Cage) -> None:
    await cage.refit(pump=cage.spare)
    with pytest.raises(ConflictError, match="changed while the run was ordered"):
        await cage.repository.order_run(cage.order(rig_version=cage.rig.version))
    await cage.repository.delete_rig(cage.rig.id, expected_version=None)
    with pytest.raises(ConflictError, match="changed while the run was ordered"):
        await cage.repository.order_run(cage.order(rig_version=cage.rig.version + 1))


@pytest.mark.parametrize("attempt", range(5))
async def test_whoever_comes_first_has_it(cage: Cage, attempt: int) -> None:
    order = cage.order(rig_version=cage.rig.version)
    racers = [cage.repository.order_run(order), cage.refit(pump=cage.spare)]
    if attempt % 2:
        racers.reverse()
    outcomes = await asyncio.gather(*racers, return_exceptions=True)
    assert sum(isinstance(each, ConflictError) for each in outcomes) == 1, outcomes
    assert sum(not isinstance(each, BaseException) for each in outcomes) == 1, outcomes


def test_what_is_taken_out_of_a_rig() -> None:
    one, other = uuid4(), uuid4()
    assert not taken_out({}, {"a": one})
    assert not taken_out({"a": one}, {"a": one, "b": other})
    for after in ({}, {"a": other}, {"b": one}):
        assert taken_out({"a": one}, after)
