"""Rates, and the share of a worker's time that telemetry may take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.live.pacing import GATHER_S, SNAPSHOT_SHARE, TELEMETRY_S, TELEMETRY_SHARE, Bucket, next_round, next_snapshot


@given(st.lists(st.floats(0, 2), min_size=1, max_size=50))
def test_telemetry_takes_no_more_than_its_share_however_long_its_rounds_are(rounds: list[float]) -> None:
    began = now = 0.0
    for spent in rounds:
        now = next_round(now, spent)
    assert sum(rounds) <= TELEMETRY_SHARE * (now - began) + 1e-9
    assert now - began >= TELEMETRY_S * len(rounds) - 1e-9


@given(st.floats(0, 1e9), st.floats(0, 60))
def test_a_snapshot_that_took_long_is_shared_by_more_but_nobody_waits_long_for_others(began: float, took: float) -> None:
    ended = began + took
    waits = next_snapshot(began, ended) - ended
    assert 0 <= waits <= GATHER_S + 1e-6
    assert waits == pytest.approx(min(GATHER_S, took / SNAPSHOT_SHARE - took), abs=1e-6)


@given(
    per_s=st.floats(0.1, 1000),
    burst=st.floats(1, 100),
    plan=st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 20)), max_size=60),
)
def test_no_more_passes_than_burst_and_rate_allow(per_s: float, burst: float, plan: list[tuple[float, float]]) -> None:
    bucket, now, passed = Bucket(per_s, burst, 0.0), 0.0, 0.0
    for pause, cost in plan:
        now += pause
        if bucket.take(now, cost):
            passed += cost
    assert passed <= burst + per_s * now + 1e-6


def test_a_bucket_is_patient_refuses_and_fills_again() -> None:
    bucket = Bucket(10.0, 3.0, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(0.05)
    assert bucket.take(0.11)
    assert not bucket.take(0.0), "a clock that goes back gives nothing"
    assert bucket.take(1000.0, 3.0)
    assert not bucket.take(1000.0, 0.5)


def test_a_cost_beyond_the_burst_never_passes() -> None:
    assert not Bucket(10.0, 3.0, 0.0).take(1e9, 3.5)
    assert pytest.approx(0.5) == next_round(0.0, 0.1)
