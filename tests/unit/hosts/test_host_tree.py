"""Several hosts' trees as one, and what is said where nobody serves a device."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lics_actors.errors import DeviceNotFoundError, FleetUnavailableError, NodeNotFoundError
from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.hosts.placement import HostState
from lics_actors.hosts.places import HostPlace
from lics_actors.hosts.tree import host_alarms, laboratory_tree, owner_of, refusal

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEVICE = "device:00000000-0000-4000-8000-000000000001"


def node(name: str, kind: str, *children: NodeView) -> NodeView:
    return NodeView(name, kind, NodeState.RUNNING, 1, 1, 0, NOW, children=children)


A = HostPlace("a", "127.0.0.2", 1, "up", own=True)
FLEET = node("fleet", "fleet", node("recorder", "recorder"), node("rack:1", "rack", node(DEVICE, "device")))


def test_names_say_whose_a_part_is_and_devices_keep_theirs() -> None:
    b = HostPlace("b", "127.0.0.3", 1, "draining")
    tree = laboratory_tree([A, b], {"a": FLEET, "b": node("fleet", "fleet", node("rack:1", "rack"))}, NOW)
    first, second = tree.children
    assert (first.name, first.kind, first.label, first.word) == ("host:a", "host", "a", "")
    assert [child.name for child in first.children] == ["a/recorder", "a/rack:1"]
    assert first.children[1].children[0].name == DEVICE
    assert (second.word, second.children[0].name) == ("draining", "b/rack:1")
    assert owner_of(tree, "b/rack:1") == ("b", "rack:1")
    assert owner_of(tree, DEVICE) == ("a", DEVICE)
    assert owner_of(tree, "host:b") == ("a", "host:b"), "who lives answers for all"
    for name in ("rack:1", "host:c", "c/rack:1"):
        with pytest.raises(NodeNotFoundError):
            owner_of(tree, name)


@pytest.mark.parametrize(("state", "word"), [("left", "left"), ("up", "lost"), ("lost", "lost")])
def test_a_host_that_does_not_answer_is_shown_as_lost(state: str, word: str) -> None:
    tree = laboratory_tree([A, HostPlace("b", "127.0.0.3", 1, state)], {"a": FLEET}, NOW)
    lost = tree.children[1]
    assert (lost.state, lost.word, lost.children) == (NodeState.STOPPED, word, ())
    assert tree.since == NOW


def test_a_silent_host_is_an_alarm_for_the_others() -> None:
    states = dict(zip("abcd", (HostState.LOST, HostState.LOST, HostState.UNFENCED, HostState.LEFT), strict=True))
    alarms = host_alarms("a", states)
    assert set(alarms) == {"host-lost:b", "host-lost:c"}
    assert "forget c" in alarms["host-lost:c"] and "forget" not in alarms["host-lost:b"]


def test_the_word_of_who_runs_it_comes_first() -> None:
    runs = FleetUnavailableError("the actor of this device is quarantined", state="quarantined")
    elsewhere = FleetUnavailableError("another host serves this device", elsewhere=True)
    unknown = DeviceNotFoundError("the fleet runs no such device")
    assert refusal([unknown, elsewhere, runs]) is runs
    assert refusal([unknown, unknown]) is unknown
    assert "no host serves" in refusal([unknown, elsewhere]).message
    assert "no host serves" in refusal([]).message
