"""How many requests somebody may make: never more than the rate and a rest's burst, whoever counts with whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.access.rates import WINDOW_S, Rate, begun, heard, took, wait_s

RATE = Rate(10.0, 20.0)


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_never_more_than_rate_and_burst(pauses: list[float]) -> None:
    now, count, passed = 1000.0, begun(RATE, 1000.0), 0
    for pause in pauses:
        now += pause
        if wait_s(count, RATE, now) <= 0:
            took(count)
            passed += 1
    assert passed <= RATE.burst + (now - 1000.0) * RATE.per_s + 1


def test_whoever_waits_as_long_as_told_may() -> None:
    count, now = begun(RATE, 0.0), 0.0
    for _ in range(20):
        assert wait_s(count, RATE, now) == 0
        took(count)
    wait = wait_s(count, RATE, now)
    assert 0 < wait <= 0.1
    assert wait_s(count, RATE, now + wait) == 0
    took(count)
    assert wait_s(count, RATE, -5.0) > 0, "a clock that was set back lets nobody off"


def test_what_others_counted_counts() -> None:
    count = begun(RATE, 0.0)
    assert wait_s(count, RATE, 0.0) == 0
    took(count)
    heard(count, 0, 1, int(RATE.in_window))
    assert (count.unsaid, count.others) == (0, int(RATE.in_window) - 1)
    assert wait_s(count, RATE, 1.0) == WINDOW_S - 1.0
    heard(count, 7, 1, 0)
    assert wait_s(count, RATE, 1.0) > 0, "of another window nothing is taken in"
    assert wait_s(count, RATE, WINDOW_S) == 0
