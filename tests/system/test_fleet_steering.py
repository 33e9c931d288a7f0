"""Operators put devices and racks down and let them go again; what they decide outlives every supervisor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from lics_actors.errors import FleetUnavailableError, NodeNotFoundError
from lics_actors.fleet.messages import NodeState
from lics_actors.fleet.state import device_node
from lics_actors.store.records import AlarmCleared, AlarmRaised, FleetEvent
from lics_actors.supervision.specs import Verb
from tests.system.fleet_stand import DEVICES, FIVE, ONE, TWO, Stand, fleet_of_stand_ins, kill
from tests.waiting import eventually


@pytest.fixture
async def stand(data_dir: Path, free_port: Callable[[], int]) -> AsyncIterator[Stand]:
    """A fleet of six stand-ins."""
    async with fleet_of_stand_ins(data_dir, free_port()) as stand:
        yield stand


async def test_a_drained_device_stays_down_over_the_death_of_its_rack_and_of_the_fleet(stand: Stand) -> None:
    before = await stand.all_running()
    one, two = device_node(ONE), device_node(TWO)
    await stand.client.steer(one, Verb.DRAIN, "cli:ada", "cage is cleaned")
    drained = (await stand.tree())[one]
    assert (drained.state, drained.pid, drained.held_by) == (NodeState.DRAINED, None, "cli:ada")
    with pytest.raises(FleetUnavailableError, match="drained"):
        await stand.client.twin(ONE)
    await stand.client.steer(two, Verb.QUARANTINE, "cli:ada", "leaks")
    assert (await stand.tree())[two].held_reason == "leaks"

    kill(before["rack:1"])
    await stand.anew("rack:1", before["rack:1"].pid)
    await stand.anew(device_node(DEVICES[2].device_id), before[device_node(DEVICES[2].device_id)].pid)
    assert [(await stand.state(ONE, NodeState.DRAINED)).restarts, (await stand.state(TWO, NodeState.QUARANTINED)).pid] == [
        0,
        None,
    ]

    kill(before["fleet"])

    async def another() -> bool:
        return (await stand.client.tree()).pid != before["fleet"].pid

    await eventually(another)
    await stand.state(FIVE, NodeState.RUNNING, 15)
    assert (await stand.state(ONE, NodeState.DRAINED)).held_reason == "cage is cleaned"
    await stand.state(TWO, NodeState.QUARANTINED)
    alarms = [record for record in stand.recorded("rack-1") if isinstance(record, (AlarmRaised, AlarmCleared))]
    assert [(alarm.source, type(alarm)) for alarm in alarms] == [(two, AlarmRaised)]  # once, and never taken for cleared

    await stand.client.steer(one, Verb.CLEAR, "cli:bob", "clean")
    await stand.client.steer(two, Verb.RESTART, "cli:bob", "new seal")
    assert {(await stand.tree())[name].state for name in (one, two)} == {NodeState.RUNNING}
    await stand.client.twin(ONE)
    records = stand.recorded("rack-1")
    assert any(isinstance(record, AlarmCleared) and record.source == two for record in records)
    said = [(r.kind, r.principal) for r in records if isinstance(r, FleetEvent) and r.principal != "system:fleet"]
    by_people = [("drained", "cli:ada"), ("quarantined", "cli:ada"), ("cleared", "cli:bob"), ("restart_requested", "cli:bob")]
    assert said == by_people


async def test_a_rack_and_a_leaf_of_the_fleet_itself_are_steered_the_same_way(stand: Stand) -> None:
    before = await stand.all_running()
    await stand.client.steer("rack:2", Verb.DRAIN, "cli:ada", "moves to the other room")
    tree = await stand.tree()
    assert tree["rack:2"].state is NodeState.DRAINED
    assert tree[device_node(FIVE)].state is NodeState.STOPPED
    with pytest.raises(FleetUnavailableError):
        await stand.client.steer(device_node(FIVE), Verb.RESTART, "cli:ada", None)
    await stand.client.steer("recorder", Verb.QUARANTINE, "cli:ada", None)
    assert (await stand.tree())["recorder"].state is NodeState.QUARANTINED
    await stand.client.steer("rack:1", Verb.CLEAR, "cli:ada", None)  # there is nothing to lift, so nothing happens
    assert (await stand.tree())["rack:1"].pid == before["rack:1"].pid
    await stand.client.steer("rack:2", Verb.CLEAR, "cli:ada", None)
    await stand.client.steer("recorder", Verb.CLEAR, "cli:ada", None)
    await stand.all_running()
    with pytest.raises(NodeNotFoundError):
        await stand.client.steer("rack:9", Verb.DRAIN, "cli:ada", None)
