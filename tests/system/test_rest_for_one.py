"""Processes that depend on each other, under a supervisor that knows it: who goes with whom, and in which order."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lics_actors.fleet.messages import NodeState
from lics_actors.fleet.state import device_node
from lics_actors.supervision.specs import Verb
from tests.system.fleet_stand import DEVICES, ONE, TWO, Stand, fleet_of_stand_ins, kill
from tests.waiting import eventually

RACK = {f"cage-{number}" for number in (1, 2, 3, 4)}  # in this order on rack 1
THREE, FOUR = DEVICES[2].device_id, DEVICES[3].device_id


@pytest.fixture
async def stand(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Stand]:
    """A fleet of six stand-ins in two racks, each depending on those before it in its rack."""
    async with fleet_of_stand_ins(data_dir, free_port(), "chained") as stand:
        yield stand


class Diary:
    """What happened to the devices of rack 1, in order, since it was last read."""

    def __init__(self, stand: Stand) -> None:
        self.path, self.read = stand.data_dir / "diary", 0

    def news(self) -> list[str]:
        lines = [line for line in self.path.read_text().splitlines() if line.split()[0] in RACK]
        self.read, news = len(lines), lines[self.read :]
        return news


async def test_who_dies_takes_those_after_it_along_last_first_and_they_come_back_first_first(stand: Stand) -> None:
    before, diary = await stand.all_running(), Diary(stand)
    assert diary.news() == [f"cage-{number} begins" for number in (1, 2, 3, 4)]
    kill(before[device_node(TWO)])
    after = await stand.anew(device_node(FOUR), before[device_node(FOUR)].pid)
    assert diary.news() == ["cage-4 stops", "cage-3 stops", "cage-2 begins", "cage-3 begins", "cage-4 begins"]
    tree = await stand.tree()
    assert tree[device_node(ONE)].pid == before[device_node(ONE)].pid
    assert [tree[device_node(device)].restarts for device in (TWO, THREE, FOUR)] == [1, 0, 0]  # only the dead one's counts
    assert after.incarnation == 2


async def test_who_is_drained_goes_after_those_that_depend_on_it_and_they_wait_for_it(stand: Stand) -> None:
    await stand.all_running()
    diary = Diary(stand)
    diary.news()
    await stand.client.steer(device_node(THREE), Verb.DRAIN, "cli:ada", "new cable")
    assert diary.news() == ["cage-4 stops", "cage-3 stops"]
    await stand.state(FOUR, NodeState.RESTARTING)
    await stand.client.steer(device_node(THREE), Verb.CLEAR, "cli:ada", "done")
    await stand.state(FOUR, NodeState.RUNNING)
    assert diary.news() == ["cage-3 begins", "cage-4 begins"]


async def test_the_end_comes_strictly_in_reverse(stand: Stand) -> None:
    await stand.all_running()
    diary = Diary(stand)
    diary.news()
    stand.launcher.send_signal(signal.SIGTERM)
    await eventually(lambda: stand.launcher.poll() is not None)
    assert diary.news() == [f"cage-{number} stops" for number in (4, 3, 2, 1)]
