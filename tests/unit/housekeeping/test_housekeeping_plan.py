"""How fast the housekeeper goes, when it rests, and what it calls that."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.housekeeping import plan
from lics_actors.housekeeping.plan import ALARM, ALARM_AFTER, MAX_STEP, MIN_STEP, Pace, Round, conditions, rest_s, retry_s, word


@given(st.lists(st.floats(0, 100) | st.none(), max_size=60))
def test_a_step_never_leaves_its_bounds(took: list[float | None]) -> None:
    pace = Pace()
    for seconds in took:
        pace = pace.after_failure() if seconds is None else pace.after(seconds)
        assert MIN_STEP <= pace.width <= MAX_STEP


@given(st.floats(1e-6, 1e-2))
def test_steps_become_as_long_as_is_aimed_at(cost: float) -> None:
    """`cost`: seconds of work a second of the record; a step of an hour costs 4 ms to 36 s."""
    pace = Pace()
    for _ in range(30):
        pace = pace.after(pace.width.total_seconds() * cost)
    took = pace.width.total_seconds() * cost
    assert plan.STEP_S / 2 <= took <= 2 * plan.STEP_S or pace.width == MAX_STEP


def test_it_rests_as_long_as_it_worked_and_then_until_it_is_time() -> None:
    assert rest_s(Round(behind_s=5, took_s=2.0)) == 2.0
    assert rest_s(Round(late_left=True, took_s=100.0)) == plan.MAX_REST_S
    assert rest_s(Round(prune_left=True, took_s=1.0)) == 1.0
    assert rest_s(Round(took_s=1.0)) == rest_s(Round(ours=False, behind_s=9)) == plan.EVERY_S


@given(failures=st.integers(1, 10_000), luck=st.floats(0, 1))
def test_it_waits_longer_with_each_failure_but_not_for_ever(failures: int, luck: float) -> None:
    assert plan.RETRY_S / 2 <= retry_s(failures, luck) <= plan.RETRY_MAX_S
    assert retry_s(failures + 1, luck) >= retry_s(failures, luck)


def test_its_word_says_how_it_goes() -> None:
    assert word(None, 0) == "starting"
    assert word(None, 3) == word(Round(), 1) == "waiting (database away)"
    assert word(Round(ours=False), 0) == "standing by"
    assert word(Round(behind_s=1), 0) == "catching up"
    assert word(Round(), 0) == "keeping"


def test_only_what_fails_for_long_is_an_alarm() -> None:
    assert conditions(0, "") == conditions(ALARM_AFTER - 1, "it does not serve") == {}
    (kind, sentence), *_ = conditions(ALARM_AFTER, "it does not serve").items()
    assert kind == ALARM
    assert "it does not serve" in sentence
    assert sum(retry_s(n, 1.0) for n in range(1, ALARM_AFTER)) > 60
