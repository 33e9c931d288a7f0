"""A run within its subject's day, on real devices' actors: what it was granted and no more, through a calibrated pump."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec import structs

from lics_actors.device.messages import BrokerSpec
from lics_actors.errors import RunRefusedError
from lics_actors.run.messages import AbortRun, RenewAllowance, ResumeRun, RewardRun
from lics_actors.run.orders import Allowance
from lics_actors.store.doses import SubjectLimitError
from lics_actors.store.repository import NewDevice, Repository
from lics_actors.store.run_records import RunStepped
from lics_actors.store.runs import NewRun
from lics_actors.store.subjects import NewSubject
from lics_actors.welfare.calibration import Curve
from lics_actors.welfare.days import NamedCalendar
from lics_actors.welfare.messages import Entry, Fate, Substance
from lics_actors.welfare_hand import Hand
from tests.system.run_stand import LABORATORY, Cage, RunStand, a_cage, run_stand
from tests.waiting import eventually

HALF = Curve(0.5, 0.0, 2.0, 50.0)  # what comes out is half of what the pump is told


@pytest.fixture
def cage() -> Cage:
    return a_cage(pump="pump", panel="lickometer")


@pytest.fixture
async def stand(data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int], cage: Cage) -> AsyncIterator[RunStand]:
    async with run_stand(data_dir, broker, free_port, cage) as running:
        yield running


def barred(stand: RunStand, run_id: object) -> int:
    records = stand.records(run_id)  # type: ignore[arg-type]
    return sum(len(each.barred) for each in records if isinstance(each, RunStepped))


async def test_a_run_gives_what_it_was_granted_and_its_pump_is_told_what_makes_it_come_out(stand: RunStand, cage: Cage) -> None:
    now = datetime.now(UTC)
    granted = Allowance(25.0, now - timedelta(hours=1), now + timedelta(hours=1))
    order = stand.order(cage, "fixed_ratio", parameters={"ratio": 100}, allowance=granted, curves={"pump": HALF})
    run_id = await stand.begin(order)
    await stand.phase(run_id, "running")

    async def reward(amount: float) -> None:
        await stand.client.steer_run(RewardRun(run_id, uuid4(), "user:1", amount))

        async def settled() -> bool:
            return (await stand.view(run_id)).pending == 0

        await eventually(settled, 20.0, "its fate is known")

    await reward(10.0)
    pid = (await stand.node(run_id)).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    async def goes_on() -> bool:
        node = await stand.node(run_id)
        return node.pid != pid and (await stand.view(run_id)).phase in {"running", "recovering", "paused"}

    await eventually(goes_on, 30.0, "a successor has the run")
    if (await stand.view(run_id)).phase != "running":
        await stand.client.steer_run(ResumeRun(run_id, uuid4(), "user:1"))
        await stand.phase(run_id, "running")
    await reward(15.0)
    with pytest.raises(RunRefusedError, match="0 more"):
        await reward(1.0)
    more = Allowance(30.0, granted.as_of, granted.until)
    await stand.client.steer_run(RenewAllowance(run_id, uuid4(), "system:welfare", more))
    await reward(5.0)
    with pytest.raises(RunRefusedError):
        await reward(1.0)
    await stand.client.steer_run(AbortRun(run_id, uuid4(), "user:1", "done"))
    assert await stand.ended(run_id) == "aborted"

    given = [each for each in stand.rewards(run_id) if stand.simulator.device(cage.roles["pump"]).executions(each.id)]
    assert sorted(each.reward or 0.0 for each in given) == [5.0, 10.0, 15.0]
    assert barred(stand, run_id) == 2
    results = [stand.simulator.device(cage.roles["pump"]).entry(each.id) for each in given]
    assert [each.result for each in results if each is not None] == [{"dispensed_ul": 2 * (each.reward or 0.0)} for each in given]


async def test_without_a_web_server_a_run_is_told_of_its_day_and_its_session_ends(
    data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int], database_url: str
) -> None:
    repository = await Repository.connect(database_url)
    types = {"pump": "pump", "panel": "lickometer"}
    made = {role: await repository.create_device(NewDevice(role, kind, "native", "user:1")) for role, kind in types.items()}
    cage = Cage({role: each.id for role, each in made.items()}, types)
    subject = await repository.create_subject(
        NewSubject(LABORATORY, "m-1", "user:1", "Mus musculus", daily={"fluid_ul": {"max": 40}})
    )
    await repository.rule_sessions(LABORATORY, subject.id, 3600, None, "user:1")
    async with run_stand(data_dir, broker, free_port, cage, database_url=database_url) as stand:
        yesterday = datetime.now(UTC) - timedelta(days=1)
        over = Allowance(0.0, yesterday, yesterday + timedelta(hours=1))  # its day ended, and nobody told it of the next
        order = stand.order(cage, "fixed_ratio", parameters={"ratio": 100}, allowance=over, subject_id=subject.id)
        new = NewRun(
            order.run_id, LABORATORY, order.rig_id, "cage 1", uuid4(), "fixed_ratio", 1, 1, "user:1", order.ordered_at, "ul"
        )
        await repository.order_run(replace(new, subject_id=subject.id, subject=subject.name))
        run_id = await stand.begin(order)
        await stand.phase(run_id, "running")

        async def left(amount: float) -> bool:
            return (await stand.view(run_id)).allowance_left == amount

        await eventually(lambda: left(40.0), 30.0, "the fleet renews what the run may give")
        await repository.give_by_hand(
            LABORATORY, Entry(uuid4(), subject.id, Substance.FLUID, 30.0, datetime.now(UTC), Fate.CONFIRMED, by="user:2")
        )
        await eventually(lambda: left(10.0), 30.0, "and what a hand gave takes from it")
        hand = Hand(repository, stand.client, NamedCalendar())
        dose = Entry(uuid4(), subject.id, Substance.FLUID, 4.0, datetime.now(UTC), Fate.CONFIRMED, by="user:2")
        await hand.asked(LABORATORY, dose)
        assert await left(6.0), "a run says that it gives less before a hand may"
        await stand.client.steer_run(RewardRun(run_id, uuid4(), "user:1", 6.0))
        with pytest.raises(RunRefusedError, match="0 more"):
            await stand.client.steer_run(RewardRun(run_id, uuid4(), "user:1", 1.0))
        with pytest.raises(SubjectLimitError):
            await hand.asked(LABORATORY, structs.replace(dose, id=uuid4(), amount=1.0))
        await repository.rule_sessions(LABORATORY, subject.id, 0.5, None, "user:1")
        assert await stand.ended(run_id) == "completed"
    await repository.close()
