"""The life of an alarm: the transitions of ISA-18.2 one by one, and what holds whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.errors import ConflictError, InvalidError, LicsError
from lics_actors.store.alarm_states import (
    MAX_SHELVED,
    PRIORITIES,
    Acknowledged,
    Act,
    Alarm,
    AlarmNotShelvedError,
    AlarmOverError,
    AlarmShelvedError,
    AlarmState,
    Raised,
    Returned,
    Shelved,
    Unshelved,
    acted,
    elapsed,
    raised,
    rank,
    told,
)

S = AlarmState
EPOCH = datetime(2026, 1, 31, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def up(seconds: float, severity: str = "high", message: str = "m") -> Raised:
    return Raised(at(seconds), severity, message)


def shelve(seconds: float, for_s: float = 100.0) -> Shelved:
    return Shelved(at(seconds), at(seconds + for_s), "user:b", "cleaning")


def say(alarm: Alarm | None, event: Raised | Returned) -> Alarm:
    changed = told(alarm, "recorder", "spool-high", event)
    return changed[-1] if changed else alarm  # type: ignore[return-value]


def ack(seconds: float, by: str = "user:a") -> Acknowledged:
    return Acknowledged(at(seconds), by, "seen")


FRESH = raised("recorder", "spool-high", up(0))
SEEN = acted(FRESH, ack(1))
BACK = say(FRESH, Returned(at(1)))
AWAY = acted(FRESH, shelve(1))


def test_each_transition_of_the_standards_diagram() -> None:
    assert (FRESH.state, SEEN.state, BACK.state, AWAY.state) == (S.UNACKNOWLEDGED, S.ACKNOWLEDGED, S.RETURNED, S.SHELVED)
    assert (FRESH.active, SEEN.active, BACK.active, AWAY.active) == (True, True, False, True)
    over = say(SEEN, Returned(at(5)))
    assert (over.state, over.cleared_at, over.returned_at) == (S.CLEARED, at(5), at(5)), "seen, then gone"
    over = acted(BACK, ack(5))
    assert (over.state, over.cleared_at, over.acknowledged_by) == (S.CLEARED, at(5), "user:a"), "gone, then seen"
    again = say(BACK, up(5))
    assert (again.state, again.count, again.raised_at, again.last_at) == (S.UNACKNOWLEDGED, 2, at(0), at(5)), "re-alarm"
    assert acted(AWAY, Unshelved(at(5))).state is S.UNACKNOWLEDGED
    assert acted(acted(SEEN, shelve(2)), Unshelved(at(5))).state is S.UNACKNOWLEDGED, "what comes back is to be seen anew"
    gone = say(AWAY, Returned(at(5)))
    assert gone.state is S.SHELVED
    assert acted(gone, Unshelved(at(9))).cleared_at == at(9)


def test_raised_again_while_it_stands_is_the_same_alarm_and_keeps_who_has_seen_it() -> None:
    again = say(SEEN, up(7, message="worse words"))
    assert (again.state, again.count, again.message, again.acknowledged_by) == (S.ACKNOWLEDGED, 2, "worse words", "user:a")
    worse = say(SEEN, up(7, "critical"))
    assert (worse.state, worse.acknowledged_by, worse.severity) == (S.UNACKNOWLEDGED, None, "critical")
    assert say(SEEN, up(7, "low")).state is S.ACKNOWLEDGED


def test_what_is_over_is_never_touched_again_and_the_next_is_another() -> None:
    over = acted(BACK, ack(5))
    for act in (ack(6), shelve(6), Unshelved(at(6))):
        with pytest.raises(AlarmOverError):
            acted(over, act)
    assert told(None, "recorder", "spool-high", Returned(at(6))) == []
    (fresh,) = told(None, "recorder", "spool-high", up(6))
    assert (fresh.id, fresh.count, fresh.raised_at) == (0, 1, at(6))


def test_acknowledging_twice_leaves_the_first_the_credit() -> None:
    assert acted(SEEN, ack(9, "user:late")) == SEEN


def test_a_shelved_alarm_is_not_acknowledged_and_one_that_is_not_shelved_cannot_be_taken_off() -> None:
    with pytest.raises(AlarmShelvedError):
        acted(AWAY, ack(2))
    with pytest.raises(AlarmNotShelvedError):
        acted(FRESH, Unshelved(at(2)))
    assert acted(AWAY, shelve(50, 500)).shelved_until == at(550), "for longer"


@pytest.mark.parametrize("for_s", [0.0, -1.0, MAX_SHELVED.total_seconds() + 1])
def test_shelving_is_bounded(for_s: float) -> None:
    with pytest.raises(InvalidError) as refused:
        acted(FRESH, shelve(1, for_s))
    assert refused.value.fields[0]["field"] == "until"


def test_a_shelf_is_left_when_its_time_is_over_whoever_looks_first() -> None:
    assert elapsed(AWAY, at(100)) == AWAY and elapsed(FRESH, at(1e6)) == FRESH
    assert elapsed(AWAY, at(101)).state is S.UNACKNOWLEDGED
    gone = say(AWAY, Returned(at(5)))
    assert elapsed(gone, at(101)).cleared_at == at(101)
    assert told(gone, "recorder", "spool-high", up(200))[0].cleared_at == at(101), "the old one ends first"
    closed, fresh = told(gone, "recorder", "spool-high", up(200))
    assert (closed.state, fresh.state, fresh.count) == (S.CLEARED, S.UNACKNOWLEDGED, 1)
    assert told(gone, "recorder", "spool-high", Returned(at(200))) == [closed]
    (back,) = told(AWAY, "recorder", "spool-high", Returned(at(200)))
    assert (back.state, back.returned_at) == (S.RETURNED, at(200)), "it stood when the shelf was left, unseen"
    assert [one.state for one in told(AWAY, "recorder", "spool-high", up(200))] == [S.UNACKNOWLEDGED]
    late = replace(FRESH, shelved_until=at(3), last_at=at(90))
    assert [one.shelved_until for one in told(late, "recorder", "spool-high", Returned(at(50), in_order=False))] == [None]


def test_an_end_told_out_of_order_is_of_an_earlier_raise() -> None:
    again = say(FRESH, up(10))
    assert told(again, "recorder", "spool-high", Returned(at(5), in_order=False)) == []
    back = say(again, Returned(at(5)))
    assert (back.state, back.returned_at) == (S.RETURNED, at(10)), "a clock put back does not leave an alarm standing for ever"
    assert told(back, "recorder", "spool-high", Returned(at(11))) == [], "gone is gone"


def test_priorities_rise_and_an_unknown_word_is_high() -> None:
    assert [rank(word) for word in PRIORITIES] == [0, 1, 2, 3]
    assert rank("nonsense") == rank("high")


steps = st.one_of(
    st.tuples(st.just("raise"), st.sampled_from(PRIORITIES)),
    st.tuples(st.just("return"), st.booleans()),
    st.tuples(st.just("ack"), st.none()),
    st.tuples(st.just("shelve"), st.integers(1, 30)),
    st.tuples(st.just("unshelve"), st.none()),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)


def act_of(step: tuple[str, object], now: float) -> Act:
    match step:
        case ("ack", _):
            return ack(now)
        case ("shelve", int(for_s)):
            return shelve(now, for_s)
        case _:
            return Unshelved(at(now))


@given(st.lists(steps, max_size=40))
def test_whatever_happens(history: list[tuple[str, object]]) -> None:
    """One open alarm at most; over only with the condition gone and a person, or a shelf, in between; nothing raised is lost."""
    alarm: Alarm | None = None
    over: list[Alarm] = []
    standing, raises, now = False, 0, 0.0
    for step in history:
        now += 1
        before = alarm and elapsed(alarm, at(now))
        match step:
            case ("wait", int(for_s)):
                now += for_s
                continue
            case ("raise", str(severity)):
                changed = told(alarm, "recorder", "spool-high", up(now, severity))
                standing, raises = True, raises + 1
            case ("return", bool(in_order)):
                changed = told(alarm, "recorder", "spool-high", Returned(at(now), in_order))
                standing = False
            case _:
                try:
                    changed = [acted(alarm, act_of(step, now))] if alarm else []
                except LicsError as error:
                    assert isinstance(error, ConflictError)
                    changed = []
        for after in changed:
            if after.cleared_at is not None:
                over.append(after)
                assert not after.active
                assert after.acknowledged_at is not None or (
                    before is None or before.state is not S.UNACKNOWLEDGED or step[0] != "return"
                )
            alarm = after if after.cleared_at is None else None
        if alarm is not None:
            assert alarm.active == standing
        elif standing:
            raise AssertionError("a condition stands and no alarm is open")
        assert sum(one.count for one in over) + (alarm.count if alarm else 0) == raises
    for one in over:
        assert one.raised_at <= (one.returned_at or one.raised_at) <= (one.cleared_at or at(1e9))
