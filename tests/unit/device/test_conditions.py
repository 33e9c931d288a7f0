"""Conditions of interlocks: what is true, false and not known, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.device.conditions import All, AnyOf, Condition, Look, Not, Source, Unreadable, value
from lics_actors.device.events import DeviceEvent, SessionLost, SessionOpened, SpecChanged, TimerFired
from tests.unit.device.laboratory import DEVICE, START, at
from tests.unit.device.test_interlocks import (
    DOOR,
    HOT,
    SENSOR,
    from_sensor,
    guarded,
    interlock,
    spec_with,
    there,
    told,
    tripped,
)


def trips(when: Mapping[str, Any], *events: DeviceEvent, **more: Any) -> bool:
    """Return whether an interlock has tripped after these events; what is not known holds, unless told otherwise."""
    world = guarded(interlock(when, **({"unknown": "hold"} | more)))
    world.feed(*events)
    return tripped(world)


@pytest.mark.parametrize(
    ("op", "values"),
    [("<", {39}), ("<=", {39, 40}), ("==", {40}), ("!=", {39, 41}), (">=", {40, 41}), (">", {41})],
)
def test_comparisons(op: str, values: set[int]) -> None:
    # 20 degrees, which the sensor said at first, would trip some of them
    for measured in (39, 40, 41):
        world = guarded(interlock(unknown="hold"))
        world.feed(from_sensor(1, measured if measured < 41 else 40))
        world.feed(from_sensor(1.5, measured) if measured <= 40 else from_sensor(1.5, 40))
        when = {**HOT, "op": op}
        world.feed(SpecChanged(at(2), spec_with(interlock(when, "other", unknown="hold"))))
        before = tripped(world)
        world.feed(from_sensor(3, measured))
        assert tripped(world) == (before or measured in values)


def test_a_spike_within_a_message_counts_and_with_a_time_all_must() -> None:
    assert trips(HOT, from_sensor(1, 20, 41, 20))
    lasting = {**HOT, "for_s": 2}
    assert not trips(lasting, from_sensor(1, 41), from_sensor(2, 41, 20, 41), from_sensor(3.5, 41))
    assert trips(lasting, from_sensor(1, 41), from_sensor(2, 41, 42), from_sensor(3.5, 41))


def test_a_time_runs_from_when_it_became_true_and_needs_no_further_word() -> None:
    lasting = {**HOT, "for_s": 2}
    assert not trips(lasting, from_sensor(1, 41), TimerFired(at(2.9)))
    assert trips(lasting, from_sensor(1, 41), TimerFired(at(3)))
    assert not trips(lasting, from_sensor(1, 41), from_sensor(2, 20), from_sensor(2.5, 41), TimerFired(at(3.5)))
    assert not trips(HOT, from_sensor(1, 41), TimerFired(at(2.9)), for_s=2)
    assert trips(HOT, from_sensor(1, 41), TimerFired(at(3)), for_s=2)


WHERE = [{"field": "side", "op": "==", "value": "left"}, {"field": "who.weight_g", "op": ">", "value": 20}]


@pytest.mark.parametrize(
    ("data", "hit"),
    [
        ({"side": "left", "who": {"weight_g": 25}}, True),
        ({"side": "right", "who": {"weight_g": 25}}, False),
        ({"side": "left", "who": {"weight_g": 20}}, False),
        ({"side": "left", "who": {"weight_g": True}}, False),
        ({"side": "left", "who": {"weight_g": "heavy"}}, False),
        ({"side": "left", "who": 25}, False),
        ({"side": "left"}, False),
        (None, False),
    ],
)
def test_an_event_by_its_data(data: Mapping[str, Any] | None, hit: bool) -> None:
    when = {"event": "entered", "of": "door", "where": WHERE}
    assert trips(when, told(1, "entered", data)) == hit
    assert not trips(when, told(1, "left", data))


def test_true_is_not_one_and_absent_is_not_unequal() -> None:
    def when(op: str, wanted: Any) -> dict[str, Any]:
        return {"event": "e", "of": "door", "where": [{"field": "x", "op": op, "value": wanted}]}

    assert not trips(when("==", 1), told(1, "e", {"x": True}))
    assert trips(when("==", True), told(1, "e", {"x": True}))
    assert trips(when("!=", 1), told(1, "e", {"x": 2}))
    assert trips(when("==", None), told(1, "e", {"x": None}))
    assert not trips(when("!=", 1), told(1, "e", {}))
    assert not trips(when(">", None), told(1, "e", {"x": 3}))


def test_an_event_lasts_for_a_while_where_it_says_so() -> None:
    both = {"all": [{"event": "opened", "of": "door", "within_s": 2}, HOT]}
    assert trips(both, told(1, "opened"), from_sensor(3, 41))
    assert not trips(both, told(1, "opened"), from_sensor(3.1, 41))
    assert not trips({"all": [{"event": "opened", "of": "door"}, HOT]}, told(1, "opened"), from_sensor(1.1, 41))
    assert not trips({"event": "opened", "of": "door"}, told(1, "opened", retained=True)), "an old story"
    assert not trips({"event": "opened", "of": "door"}, told(1, "opened", device=SENSOR)), "another's"


def test_links() -> None:
    assert trips({"link": "offline", "of": "door"}, there(1, "offline", DOOR))
    assert trips({"link": "fault", "of": "door"}, there(1, "fault", DOOR))
    assert not trips({"link": "fault", "of": "door"}, there(1, "offline", DOOR))
    gone = {"link": "offline", "of": "door", "for_s": 5}
    assert not trips(gone, there(1, "offline", DOOR), TimerFired(at(5.9)))
    assert trips(gone, there(1, "offline", DOOR), TimerFired(at(6)))
    assert not trips(gone, there(1, "offline", DOOR), there(4, device=DOOR), TimerFired(at(6)))
    silent = {"link": "stale", "of": "door", "for_s": 5}
    assert not trips(silent, told(2, "x"), TimerFired(at(6.9)))
    assert trips(silent, told(2, "x"), TimerFired(at(7)))
    assert trips({"link": "stale", "of": "door"}, TimerFired(at(30))), "its own silent_s"


def test_a_lost_broker_makes_links_unknown_not_offline() -> None:
    for word in ("offline", "stale"):
        assert not trips({"link": word, "of": "door", "for_s": 1}, SessionLost(at(1), "x"), TimerFired(at(60)))
    assert trips({"link": "stale", "of": "door", "for_s": 5}, SessionLost(at(1), "x"), SessionOpened(at(60)), TimerFired(at(65)))
    back = (SessionLost(at(1), "x"), SessionOpened(at(2)))
    assert not trips({"link": "offline", "of": "door"}, *back, TimerFired(at(60))), "it has not said a word"
    assert trips({"link": "offline", "of": "door"}, *back, TimerFired(at(60)), unknown="trip")


@pytest.mark.parametrize(
    "events",
    [
        [there(1, "offline")],
        [SessionLost(at(1), "x")],
        [SessionLost(at(1), "x"), SessionOpened(at(2))],
    ],
)
def test_what_is_not_known_trips_after_its_grace(events: list[DeviceEvent]) -> None:
    assert not trips(HOT, *events, TimerFired(at(60)))
    assert not trips(HOT, *events, TimerFired(at(10.9)), unknown="trip")
    assert trips(HOT, *events, TimerFired(at(12)), unknown="trip")
    assert trips(HOT, *events, TimerFired(at(6)), unknown="trip", unknown_s=3)
    back = (SessionOpened(at(4)), there(5), from_sensor(5, 20))
    assert not trips(HOT, *events, *back, TimerFired(at(12)), unknown="trip"), "it is back"


def test_a_silent_source_is_not_known() -> None:
    assert not trips(HOT, TimerFired(at(39)), unknown="trip")
    assert trips(HOT, TimerFired(at(30.001)), TimerFired(at(40.1)), unknown="trip"), "30 s of silence, 10 s of grace"
    seldom = {"metric": "humidity_pct", "of": "sensor", "op": ">", "value": 90}
    assert trips(seldom, TimerFired(at(10)), unknown="trip"), "what it never told"


def test_an_event_is_not_known_while_its_source_is_away() -> None:
    opened = {"event": "opened", "of": "door"}
    assert trips(opened, there(1, "offline", DOOR), TimerFired(at(11)), unknown="trip")
    assert not trips(opened, TimerFired(at(11)), unknown="trip")


def test_combinations() -> None:
    cold = {**HOT, "op": "<", "value": 0}
    offline = {"link": "offline", "of": "door"}
    assert trips({"any": [cold, HOT]}, from_sensor(1, 41))
    assert not trips({"all": [cold, HOT]}, from_sensor(1, 41))
    assert trips({"all": [{"not": cold}, HOT]}, from_sensor(1, 41))
    assert trips({"any": [HOT, offline]}, there(1, "offline"), there(1, "offline", DOOR)), "one is not known, the other is so"
    assert trips({"not": {"metric": "temperature_c", "of": "sensor", "op": "<", "value": 40}}, from_sensor(1, 41))
    nested = {"not": {"any": [{"not": {"event": "opened", "of": "door"}}, cold]}}
    assert trips(nested, told(1, "opened"))


SURE = st.recursive(
    st.sampled_from([True, False, None]),
    lambda inner: (
        st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)) | st.tuples(st.just("not"), inner)
    ),
    max_leaves=12,
)


def _read(said: Any) -> tuple[Condition, bool | None]:
    """Return a condition and its value by Kleene's tables: minimum, maximum and complement of false 0, unknown ½, true 1."""
    door = Source("door", DOOR, 30)
    match said:
        case None:
            return Unreadable("x"), None
        case bool():
            from lics_actors.device.conditions import LinkIs

            return LinkIs(door, "stale", 1.0 if said else 1000.0), said
        case ("not", inner):
            condition, known = _read(inner)
            return Not(condition), None if known is None else not known
        case (word, parts):
            read = [_read(part) for part in parts]
            numbers = [{True: 1.0, False: 0.0, None: 0.5}[known] for _, known in read]
            result = min(numbers) if word == "all" else max(numbers)
            of = tuple(condition for condition, _ in read)
            return (All(of) if word == "all" else AnyOf(of)), {1.0: True, 0.0: False, 0.5: None}[result]
    raise AssertionError(said)


@given(SURE)
def test_three_valued_logic_is_kleenes(said: Any) -> None:
    condition, expected = _read(said)
    look = Look(START + timedelta(seconds=10), {}, START, {}, {})
    assert value(look, condition, "x") is expected


def test_own_words_that_no_condition_waits_for_are_passed_over() -> None:
    world = guarded()
    guard = world.state.guard
    assert guard is not None
    assert DEVICE not in guard.metrics
    assert set(guard.seen) == {SENSOR}
