"""Runs as they run: own process, own session, real devices' actors, simulated cages; killed, paused, reserved, steered."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.device.messages import BrokerSpec, RequestCommand, ResetInterlocks, RigSpec
from lics_actors.errors import DeviceReservedError, RunNotFoundError, RunRefusedError
from lics_actors.experiment.messages import CommandSettled, Noted, ParameterSet, SendCommand, TrialBegan, TrialEnded
from lics_actors.run.history import replayed
from lics_actors.run.messages import AbortRun, AnnotateRun, PauseRun, ResumeRun, RewardRun, SetRunParameter, StopRun
from lics_actors.store.run_records import RunReacted, RunStepped
from tests.system.run_stand import Cage, RunStand, a_cage, run_stand
from tests.waiting import eventually

QUICK = {"ratio": 1, "pause": 0.05, "patience": 30.0}
OPERATOR = "user:7"
PATIENCE_S = 60.0  # a fleet that starts on a busy machine, and a run that waits for its devices there

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def cages() -> list[Cage]:
    return [a_cage(pump="pump", panel="lickometer") for _ in range(3)]


@pytest.fixture
async def stand(data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int], cages: list[Cage]) -> AsyncIterator[RunStand]:
    panel, pump = cages[2].role_specs()["panel"], cages[2].role_specs()["pump"]
    trips = {
        "name": "no licking",
        "when": {"event": "lick", "of": "panel"},
        "trip": [{"role": "pump", "command": "stop"}],
        "unknown": "hold",
    }
    rig = RigSpec(cages[2].rig_id, "cage 3", 1, {"panel": panel, "pump": pump}, (trips,))
    async with run_stand(data_dir, broker, free_port, *cages, rigs=(rig,)) as running:
        yield running


def wish(kind: type[Any], run_id: UUID, **more: Any) -> Any:
    return kind(run_id, uuid4(), OPERATOR, **more)


async def begun(stand: RunStand, cage: Cage, **changes: Any) -> UUID:
    """Begin a run of the fixed ratio, one touch a reward, and wait for its first trial."""
    run_id = await stand.begin(stand.order(cage, "fixed_ratio", parameters=QUICK | changes.pop("parameters", {}), **changes))
    await trial(stand, run_id, 1)
    return run_id


async def trial(stand: RunStand, run_id: UUID, number: int) -> None:
    """Wait until a trial waits for a touch."""

    async def is_so() -> bool:
        view = await stand.view(run_id)
        return view.trial >= number and view.open

    await eventually(is_so, PATIENCE_S, f"trial {number} is open")


async def by_hand(stand: RunStand, cage: Cage, role: str, name: str, **args: Any) -> str:
    request = RequestCommand(uuid4(), cage.roles[role], name, args, OPERATOR, 5.0)
    return (await stand.client.command(request)).state.value


def faithful(stand: RunStand, cage: Cage, run_id: UUID) -> None:
    """What was decided follows from what was heard; the pump's own ledger has each reward once, or not at all, as recorded."""
    records = stand.records(run_id)
    assert replayed(records) is None
    steps = [each for each in records if isinstance(each, RunStepped)]
    assert [each.n for each in steps] == list(range(len(steps)))
    fates = {each.event.command_id: each.event.outcome for each in steps if isinstance(each.event, CommandSettled)}
    pump = stand.simulator.device(cage.roles["pump"])
    for reward in stand.rewards(run_id):
        assert pump.executions(reward.id) == (fates[reward.id] == "succeeded"), fates[reward.id]


def outcomes(stand: RunStand, run_id: UUID) -> list[str]:
    return [each.outcome for each in stand.effects(run_id, TrialEnded)]


async def test_two_classics_to_completion_beside_each_other(stand: RunStand, cages: list[Cage]) -> None:
    ratio, choice, _ = cages
    brief = {"min": "0.05 s", "max": "0.1 s"}
    short = {"draws": {"foreperiod": brief, "gap": brief}}
    async with stand.subject(ratio), stand.subject(choice):
        first = await stand.begin(stand.order(ratio, "fixed_ratio", parameters=QUICK | {"ratio": 3}, limits={"trials": 5}))
        second = await stand.begin(
            stand.order(choice, "two_choice", parameters={"timeout": 0.1}, limits={"trials": 5}, changed=short)
        )
        assert await stand.ended(first) == await stand.ended(second) == "completed"
    for run_id, cage in ((first, ratio), (second, choice)):
        faithful(stand, cage, run_id)
        assert len(outcomes(stand, run_id)) == 5
        reactions = [each for each in stand.records(run_id) if isinstance(each, RunReacted)]
        assert {each.command_id for each in reactions} == {each.id for each in stand.effects(run_id, SendCommand)}
        assert all(each.heard <= each.decided <= each.left for each in reactions)
    assert stand.rewards(first), "the subject earned something"
    with pytest.raises(RunNotFoundError):
        await stand.view(first)
    assert not list((stand.data_dir / "orders").iterdir()), "nothing is left to take up"


async def test_operators_steer_a_run_and_its_devices_are_its_own(stand: RunStand, cages: list[Cage]) -> None:
    cage, other = cages[0], cages[1]
    run_id = await begun(stand, cage)

    with pytest.raises(DeviceReservedError) as refused:
        await by_hand(stand, cage, "pump", "dispense", volume_ul=5)
    assert refused.value.facts["run_id"] == str(run_id)
    assert await by_hand(stand, cage, "pump", "stop") == "succeeded", "who makes safe needs nobody's leave"
    assert await by_hand(stand, other, "pump", "dispense", volume_ul=5) == "succeeded"
    rival = await stand.begin(stand.order(cage, "fixed_ratio", arm_within_s=0.5))
    assert await stand.ended(rival) == "failed"

    note = wish(AnnotateRun, run_id, text="looks well")
    await stand.client.steer_run(note)
    await stand.client.steer_run(note)
    assert [each.text for each in stand.effects(run_id, Noted)] == ["looks well"], "a repeat is done once"
    await stand.client.steer_run(wish(SetRunParameter, run_id, name="volume", value=20.0))
    with pytest.raises(RunRefusedError):
        await stand.client.steer_run(wish(SetRunParameter, run_id, name="volume", value=9000.0))

    paused = await stand.client.steer_run(wish(PauseRun, run_id, reason="a look"))
    assert (paused.phase, paused.open) == ("paused", False)
    said = len(stand.effects(run_id, SendCommand))
    stand.touch(cage, 3)
    with pytest.raises(RunRefusedError):
        await stand.client.steer_run(wish(RewardRun, run_id, amount=5.0))
    await by_hand(stand, other, "panel", "clear_screen")  # what was said before it has been heard by everybody
    assert len(stand.effects(run_id, SendCommand)) == said, "paused is silent"

    await stand.client.steer_run(wish(ResumeRun, run_id))
    await trial(stand, run_id, 2)
    assert stand.effects(run_id, ParameterSet)[-1].value == 20.0
    stand.touch(cage)
    await eventually(lambda: stand.rewards(run_id)[-1].reward == 20.0, PATIENCE_S, "the reward has the new volume")
    await trial(stand, run_id, 3)
    await stand.client.steer_run(wish(RewardRun, run_id, amount=4.0))
    stopping = await stand.client.steer_run(wish(StopRun, run_id))
    assert (stopping.phase, stopping.open) == ("running", True)
    stand.touch(cage)
    assert await stand.ended(run_id) == "stopped"
    faithful(stand, cage, run_id)
    assert [each.reward for each in stand.rewards(run_id)] == [20.0, 4.0, 20.0]
    assert outcomes(stand, run_id)[0] == "interrupted"
    assert await by_hand(stand, cage, "pump", "dispense", volume_ul=5) == "succeeded", "the cage is free again"

    again = await begun(stand, cage)
    aborted = await stand.client.steer_run(wish(AbortRun, again, reason="enough"))
    assert aborted.phase in {"finishing", "aborted"}
    assert await stand.ended(again) == "aborted"


async def test_a_run_pauses_for_what_is_missing_and_for_what_has_tripped(stand: RunStand, cages: list[Cage]) -> None:
    cage, guarded = cages[0], cages[2]
    first, second = await begun(stand, cage), await begun(stand, guarded)

    await stand.simulator.device(cage.roles["panel"]).power_off()
    view = await stand.phase(first, "paused")
    assert "panel is offline" in view.holding
    with pytest.raises(RunRefusedError):
        await stand.client.steer_run(wish(ResumeRun, first))
    await stand.simulator.device(cage.roles["panel"]).power_on()
    await stand.phase(first, "running")

    stand.simulator.device(guarded.roles["panel"]).feel("lick", {"duration_ms": 50.0, "bout": 1, "peak_pf": 20.0})
    tripped = await stand.phase(second, "paused")
    assert (tripped.holding, tripped.reason) == ((), "")
    with pytest.raises(RunRefusedError):
        await stand.client.steer_run(wish(ResumeRun, second))
    await stand.client.reset(ResetInterlocks(guarded.roles["pump"], guarded.rig_id, OPERATOR, "seen to"))
    await eventually(lambda: resumed(stand, second), PATIENCE_S, "a person lets it go on")
    for run_id, where in ((first, cage), (second, guarded)):
        await trial(stand, run_id, 2)
        stand.touch(where)
        await eventually(lambda run_id=run_id: len(stand.rewards(run_id)) == 1, PATIENCE_S)
        await stand.client.steer_run(wish(AbortRun, run_id))
        assert await stand.ended(run_id) == "aborted"
        faithful(stand, where, run_id)


async def resumed(stand: RunStand, run_id: UUID) -> bool:
    return (await stand.client.steer_run(wish(ResumeRun, run_id))).phase == "running"


async def test_killed_in_the_middle_of_a_reward_it_is_given_once(stand: RunStand, cages: list[Cage]) -> None:
    cage, waiting, _ = cages
    assert await by_hand(stand, cage, "pump", "set_flow_rate", rate_ul_s=20) == "succeeded"
    run_id = await begun(stand, cage, parameters={"volume": 20.0})
    asking = await begun(stand, waiting, changed={"recovery": "ask"})
    pump = stand.simulator.device(cage.roles["pump"])

    stand.touch(cage)
    reward = await eventually(lambda: stand.rewards(run_id)[0], PATIENCE_S, "the reward is decided")
    await eventually(lambda: pump.entry(reward.id) is not None, PATIENCE_S, "the pump is at it")
    kill((await stand.node(run_id)).pid)
    await trial(stand, run_id, 2)
    await eventually(lambda: settled(stand, run_id, reward.id) == "succeeded", PATIENCE_S, "its fate is known")
    assert outcomes(stand, run_id) == ["interrupted"]

    assert stand.fleet is not None
    stand.touch(cage)
    await eventually(lambda: len(stand.rewards(run_id)) == 2, PATIENCE_S, "the next reward is decided")
    await stand.stop_fleet(signal.SIGKILL)
    stand.start_fleet()
    await trial(stand, run_id, 3)
    assert outcomes(stand, run_id)[-1] == "interrupted"
    stand.touch(cage)
    await trial(stand, run_id, 4)
    assert outcomes(stand, run_id)[-1] == "earned"

    assert (await stand.phase(asking, "recovering")).open is False
    await stand.client.steer_run(wish(ResumeRun, asking))
    await trial(stand, asking, 2)
    for each in (run_id, asking):
        await stand.client.steer_run(wish(StopRun, each))
    stand.touch(cage)
    stand.touch(waiting)
    assert await stand.ended(run_id) == await stand.ended(asking) == "stopped"
    faithful(stand, cage, run_id)
    faithful(stand, waiting, asking)
    began = [each.trial for each in stand.effects(run_id, TrialBegan)]
    assert began == list(range(1, len(began) + 1)) and len(outcomes(stand, run_id)) == len(began), "every trial once"


def settled(stand: RunStand, run_id: UUID, command_id: UUID) -> str | None:
    events = [each.event for each in stand.records(run_id) if isinstance(each, RunStepped)]
    found = [each.outcome for each in events if isinstance(each, CommandSettled) and each.command_id == command_id]
    return found[-1] if found else None


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
