"""Runs as they run: own process, own session, real devices' actors, simulated cages; killed, paused, reserved, steered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lics_actors.device.messages import BrokerSpec
from lics_actors.run.history import replayed
from tests.system.run_stand import a_cage, run_stand


async def test_the_classics_run_to_completion_with_a_subject(
    data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    ratio, choice = a_cage(pump="pump", panel="lickometer"), a_cage(pump="pump", panel="lickometer")
    async with run_stand(data_dir, broker, free_port, ratio, choice) as stand:
        quick = {"limits": {"trials": 4}}
        async with stand.subject(ratio), stand.subject(choice):
            first = await stand.begin(stand.order(ratio, "fixed_ratio", parameters={"ratio": 2, "pause": 0.05}, **quick))
            second = await stand.begin(stand.order(choice, "two_choice", **quick))
            assert await stand.ended(first) == "completed"
            assert await stand.ended(second) == "completed"
        for run_id, cage in ((first, ratio), (second, choice)):
            assert replayed(stand.records(run_id)) is None
            pump = stand.simulator.device(cage.roles["pump"])
            assert [pump.executions(each.id) for each in stand.rewards(run_id)] == [1] * len(stand.rewards(run_id))
