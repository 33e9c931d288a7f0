"""Restarting everybody, a few at a time: never more than asked, nobody behind one that did not come back, nobody twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.fleet import rolling
from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.fleet.rolling import BACK_S, Roll

EPOCH = datetime(2026, 1, 31, 12, tzinfo=UTC)
N = NodeState


def node(name: str, kind: str = "device", state: NodeState = N.RUNNING, word: str = "online") -> NodeView:
    return NodeView(name, kind, state, 7, 1, 0, EPOCH, word=word)


def tree(*nodes: NodeView) -> NodeView:
    rack = replace(node("rack:1", "rack", word=""), children=tuple(one for one in nodes if one.kind == "device"))
    return replace(node("fleet", "fleet"), children=(*(one for one in nodes if one.kind != "device"), rack))


def test_devices_first_then_recorders_then_the_other_leaves_and_only_those_that_run() -> None:
    held = node("d3", state=N.DRAINED)
    everybody = tree(
        node("recorder", "recorder"), node("housekeeper", "housekeeper"), node("registrar", "registrar"), node("d1"), held
    )
    roll = rolling.roll_of(everybody, 2)
    assert (roll.waiting, roll.total) == (("d1", "recorder", "registrar", "housekeeper"), 4)
    roll, chosen = rolling.begin_next(roll, everybody)
    assert chosen == ["d1", "recorder"] == list(roll.under_way)
    assert rolling.begin_next(roll, everybody) == (roll, []), "no more than asked at once"


def test_who_was_online_is_back_when_it_is_online_again() -> None:
    before = tree(node("d1"), node("d2", word="offline"), node("d3"))
    roll, chosen = rolling.begin_next(rolling.roll_of(before, 1), before)
    assert rolling.look(roll, before, 0.0) == roll, "it has not begun yet"
    roll = rolling.begun(roll, "d1", 10.0)
    connecting = tree(node("d1", word="connecting"), node("d2", word="offline"))
    assert rolling.look(roll, connecting, 11.0) == roll
    roll = rolling.look(roll, before, 12.0)
    assert (roll.done, chosen) == (("d1",), ["d1"])
    roll, chosen = rolling.begin_next(roll, before)
    roll = rolling.look(rolling.begun(roll, "d2", 20.0), connecting, 20.0)
    assert (roll.done, roll.over) == (("d1", "d2"), False), "an offline device need only have its actor back"
    roll, chosen = rolling.begin_next(roll, connecting)
    assert (chosen, roll.skipped, roll.over) == ([], ("d3",), True), "it is gone"


def test_the_first_that_does_not_come_back_is_the_last() -> None:
    before = tree(node("d1"), node("d2"), node("d3"))
    roll, _ = rolling.begin_next(rolling.roll_of(before, 2), before)
    roll = rolling.begun(rolling.begun(roll, "d1", 0.0), "d2", 0.0)
    silent = tree(node("d1", word="connecting"), node("d2"), node("d3"))
    roll = rolling.look(roll, silent, BACK_S)
    assert (roll.failed, roll.done, roll.over) == ({"d1": "it was online and is connecting"}, ("d2",), True)
    assert rolling.begin_next(roll, before) == (roll, [])
    dead = tree(node("d1", state=N.RESTARTING, word=""), node("d2"), node("d3"))
    again, _ = rolling.begin_next(rolling.roll_of(before, 1), before)
    again = rolling.look(rolling.begun(again, "d1", 0.0), dead, BACK_S)
    assert again.failed == {"d1": "it was online and is restarting"}


def test_refusals_and_those_that_go_meanwhile() -> None:
    before = tree(node("d1"), node("d2", word="fault"))
    roll, _ = rolling.begin_next(rolling.roll_of(before, 2), before)
    assert rolling.failed(roll, "d9", "x") == rolling.gone(roll, "d9") == rolling.begun(roll, "d9", 0.0) == roll
    assert rolling.failed(roll, "d1", "no answer").failed == {"d1": "no answer"}
    assert rolling.gone(roll, "d1").skipped == ("d1",)
    assert rolling.look(rolling.begun(roll, "d1", 0.0), tree(), 1.0).skipped == ("d1",)
    nobody = rolling.roll_of(tree(), 3)
    assert nobody.over and nobody.total == 0


@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from(["back", "fail", "gone"])), max_size=60),
)
def test_whatever_happens(count: int, at_once: int, happenings: list[tuple[int, str]]) -> None:
    everybody = tree(*(node(f"d{n}") for n in range(count)))
    roll: Roll = rolling.roll_of(everybody, at_once)
    begun: list[str] = []
    for n, what in [(0, "none"), *happenings]:
        name = f"d{n}"
        if what == "fail":
            roll = rolling.failed(roll, name, "why")
        elif what == "gone":
            roll = rolling.gone(roll, name)
        elif what == "back":
            roll = rolling.look(rolling.begun(roll, name, 0.0), everybody, 0.0)
        stopped = bool(roll.failed)
        roll, chosen = rolling.begin_next(roll, everybody)
        begun += chosen
        assert not (stopped and chosen)
        assert len(roll.under_way) <= at_once
        assert len(roll.done) + len(roll.skipped) + len(roll.failed) + len(roll.under_way) + len(roll.waiting) == count
    assert len(begun) == len(set(begun)), "nobody twice"
