"""How much of a device's telemetry its actor listens to: what a rest may cost, and that quiet devices are heard in full."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.device.listening import (
    BUSY,
    LONG_EVERY,
    LONG_S,
    LONG_SAMPLE,
    MAX_REST_S,
    MIN_REST_S,
    SAMPLE,
    Listening,
    heard,
    rest_s,
    rested,
)

CHANCES = st.floats(0, 1, exclude_max=True)


def played(rate: float, seconds: float, silent_s: float = 30.0, chance: float = 0.5) -> tuple[int, int, float]:
    """Play a device of `rate` messages a second; return messages heard, rests, and the longest time without hearing one."""
    listening, until, count, rests, last, gap = Listening(), 0.0, 0, 0, 0.0, 0.0
    for n in range(int(rate * seconds)):
        now = n / rate
        if listening.resting:
            if now < until:
                continue
            listening = rested(listening, until)
        after = heard(listening, now)
        count, gap, last = count + 1, max(gap, now - last), now
        pause_s = rest_s(silent_s, chance)
        if after.resting and pause_s is not None:
            rests, until = rests + 1, now + pause_s
            listening = after
        elif not after.resting:
            listening = after
    return count, rests, gap


def test_a_device_of_a_few_messages_a_second_is_heard_in_full() -> None:
    for rate in (0.1, 1, 5, 10, 19):
        count, rests, _ = played(rate, 120)
        assert (count, rests) == (int(rate * 120), 0)


@pytest.mark.parametrize("rate", [40, 400, 4000])
def test_a_busy_device_is_heard_in_samples(rate: float) -> None:
    count, rests, gap = played(rate, 600)
    assert count <= 600 * 4
    assert rests >= 60
    assert gap <= MAX_REST_S + 1 / rate + 1e-6


@given(st.floats(0.01, 1000), st.floats(0.01, 1e9), CHANCES)
def test_nothing_is_missed_for_longer_than_a_third_of_the_silence_that_counts(
    rate: float, silent_s: float, chance: float
) -> None:
    pause_s = rest_s(silent_s, chance)
    assert pause_s is None or 0.8 * MIN_REST_S <= pause_s <= min(MAX_REST_S, silent_s / 3)
    _, _, gap = played(rate, min(30.0, 3000 / rate), silent_s, chance)
    assert gap <= max(1 / rate, min(MAX_REST_S, silent_s / 3) + 1 / rate) + 1e-6


def test_a_device_that_must_be_heard_of_often_is_never_rested_from() -> None:
    assert rest_s(1.0, 0.5) is None
    assert rest_s(math.inf, 0.0) == MAX_REST_S
    assert played(400, 5, silent_s=1.0)[:2] == (2000, 0)


def test_a_device_that_calms_down_is_heard_in_full_again() -> None:
    listening = Listening()
    for n in range(BUSY + 1):
        listening = heard(listening, n / 100)
    assert listening.resting and listening.sampled
    assert heard(listening, 0.3) is listening, "what was under way"
    listening = rested(listening, 5.0)
    for n in range(SAMPLE):
        listening = heard(listening, 5.0 + n)
    assert listening == Listening(5.0 + SAMPLE - 1, 1)
    assert not listening.sampled


def test_now_and_then_a_sample_is_long_enough_for_rare_metrics() -> None:
    listening = Listening(0.0, resting=True, samples=LONG_EVERY)
    listening, count = rested(listening, 0.0), 0
    while not listening.resting:
        listening, count = heard(listening, count / 300), count + 1
    assert count == math.ceil(LONG_S * 300) + 1
    listening, count = rested(Listening(0.0, resting=True, samples=2 * LONG_EVERY), 0.0), 0
    while not listening.resting:
        listening, count = heard(listening, count / 3000), count + 1
    assert count == LONG_SAMPLE
    assert listening.samples == 2 * LONG_EVERY + 1


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_a_clock_that_jumps_breaks_nothing(times: list[float]) -> None:
    listening = Listening()
    for now in times:
        if listening.resting:
            listening = rested(listening, now)
        listening = heard(listening, now)
        assert listening.heard <= LONG_SAMPLE
