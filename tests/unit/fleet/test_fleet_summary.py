"""The fleet in one screen: well, or what is wrong, the urgent first, with a next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.fleet.summary import NAMED, summarise

EPOCH = datetime(2026, 1, 31, 12, tzinfo=UTC)
N = NodeState


def node(name: str, kind: str = "device", state: NodeState = N.RUNNING, word: str = "online", **more: Any) -> NodeView:
    return replace(NodeView(name, kind, state, 7, 1, 0, EPOCH, word=word), **more)


def tree(*nodes: NodeView) -> NodeView:
    recorder = node("recorder", "recorder", word="recording", stats={"ingest_lag_s": 0.25})
    return replace(node("fleet", "fleet", word=""), children=(recorder, *nodes))


def test_a_fleet_that_is_well() -> None:
    summary = summarise(tree(node("d1"), node("d2", restarts=2)), {})
    assert (summary.healthy, summary.troubles, summary.nodes, summary.restarts) == (True, (), 4, 2)
    assert (summary.devices, summary.states, summary.lag_s) == ({"online": 2}, {"running": 4}, 0.25)


@pytest.mark.parametrize(
    ("one", "severity", "said"),
    [
        (node("d1", state=N.QUARANTINED, word="", last_error="it died"), "high", "d1 is in quarantine: it died"),
        (node("d1", state=N.QUARANTINED, word="", held_reason="leaks"), "high", "d1 is in quarantine: leaks"),
        (node("d1", state=N.QUARANTINED, word=""), "high", "nobody knows why"),
        (node("d1", state=N.DRAINED, held_by="user:ann", held_reason="tubes"), "low", "drained by user:ann (tubes)"),
        (node("d1", state=N.DRAINED), "low", "drained by somebody (no reason)"),
        (node("d1", state=N.RESTARTING, last_error="it hung"), "high", "d1 is restarting: it hung"),
        (node("d1", state=N.RESTARTING), "high", "d1 is restarting"),
        (node("d1", state=N.STOPPED), "low", "d1 is stopped"),
        (node("d1", word="fault", label="cage-1-pump"), "high", "cage-1-pump is: fault"),
        (node("d1", word="offline"), "low", "d1 is not online (offline)"),
        (node("recorder-2", "recorder", word="back-pressure"), "high", "recorder-2 is back-pressure"),
    ],
)
def test_each_thing_that_is_wrong(one: NodeView, severity: str, said: str) -> None:
    summary = summarise(tree(one), {})
    (trouble,) = summary.troubles
    assert trouble.severity == severity and said in trouble.what
    assert summary.healthy is (severity != "high")


def test_alarms_and_their_absence() -> None:
    urgent = summarise(tree(), {"critical": 1, "high": 2, "low": 5, "medium": 0}, 3)
    assert [trouble.what for trouble in urgent.troubles] == ["alarms stand: 1 critical, 2 high", "3 alarms not acknowledged"]
    assert not urgent.healthy
    assert summarise(tree(), {"low": 5}, 1).troubles[0].what == "1 alarm not acknowledged"
    assert summarise(tree(), None).healthy and "database" in summarise(tree(), None).troubles[0].what


def test_the_urgent_comes_first_and_many_are_counted() -> None:
    many = [node(f"d{n}", word="stale") for n in range(NAMED + 3)]
    summary = summarise(tree(*many, node("x", word="tripped")), {})
    assert [trouble.severity for trouble in summary.troubles] == ["high", "low"]
    assert "d0, d1, d2, d3, d4 and 3 more are not online (stale)" in summary.troubles[1].what
    assert summarise(node("fleet", "fleet"), {}).lag_s is None
