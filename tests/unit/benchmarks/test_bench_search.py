"""The search for the highest sustained rate, and the load's arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.native.codec import NATIVE
from drivers.protocol import DeviceRef, Received, TelemetryReported
from tests.benchmarks import telemetry_load
from tests.benchmarks.reference.ingest_pipeline import Telemetry
from tests.benchmarks.sustained import CLOSE, DOWN, LEAST, MOST_PASSES, UP, Search


def round_of(search: Search, limit: float) -> tuple[float, int]:
    """Run a round of a contender that keeps up `limit`; return what was found and how many passes and tries it took."""
    search.begin_round()
    tries = 0
    while rate := search.next_rate():
        tries += 1
        assert tries < 100
        search.tell(rate, rate <= limit)
    return search.passed, tries


@given(st.floats(1000, 1e6), st.floats(200, 1e6))
def test_it_finds_a_rate_that_is_kept_up_and_comes_close_in_the_end(guess: float, limit: float) -> None:
    search = Search(guess)
    found, _ = round_of(search, limit)
    assert found <= limit
    assert found >= min(limit, guess) * DOWN
    for _ in range(2):
        again, tries = round_of(search, limit)
        assert again >= found
        assert tries <= MOST_PASSES
        found = again
    if guess >= limit:
        assert found >= limit / CLOSE


@given(st.floats(1000, 1e6))
def test_who_keeps_up_nothing_is_given_up(guess: float) -> None:
    search = Search(guess)
    assert round_of(search, 0.0)[0] == 0.0
    assert search.guess < LEAST


def test_a_round_that_fails_by_accident_does_not_hold_later_ones_down() -> None:
    search = Search(1000.0)
    search.begin_round()
    search.tell(1000.0, False)  # another program took the machine
    found, _ = round_of(search, 2000.0)
    assert found == 1000.0 * DOWN * UP
    for _ in range(20):
        found, _ = round_of(search, 2000.0)
    assert 2000.0 / CLOSE <= found <= 2000.0


@given(st.integers(0, 100_000), st.integers(1, 100))
def test_every_acknowledged_message_is_one_device_s(messages: int, devices: int) -> None:
    counts = telemetry_load.shares(messages, devices)
    assert sum(counts) == messages
    assert counts == [len(range(place, messages, devices)) for place in range(devices)]


@given(st.floats(1, 1e5), st.floats(0, 1e5), st.floats(1, 60), st.floats(0, 120))
def test_what_is_due_grows_to_the_end_and_no_further(rate: float, rate_to: float, seconds: float, elapsed: float) -> None:
    settings = telemetry_load.Settings("", 0, "", 1, 1, rate, seconds, rate_to)
    due = telemetry_load.due(settings, elapsed)
    assert 0 <= due <= telemetry_load.due(settings, seconds) == telemetry_load.due(settings, seconds + 1)
    assert telemetry_load.due(settings, seconds) == int((rate + (rate_to or rate)) / 2 * seconds) or rate_to


@pytest.mark.parametrize("samples", [1, 2, 20])
@given(seq=st.integers(0, 999_999_999))
def test_the_load_speaks_the_native_contract_and_both_sides_understand_the_same(samples: int, seq: int) -> None:
    settings = telemetry_load.Settings("", 0, "lab/", 7, 1, 1.0, 1.0, samples=samples)
    now = datetime(2026, 3, 1, 12, 0, 0, 250_001, tzinfo=UTC)
    before, middle, after = telemetry_load.Body(settings, now).parts
    payload = before + b"%9d" % seq + middle + b"%9d" % seq + after
    assert len(payload) == telemetry_load.payload_bytes(settings)
    device = UUID(int=1)
    (heard,) = NATIVE.decode(DeviceRef(device, {}, "lab/"), Received(f"lab/devices/{device}/telemetry", payload, now))
    assert isinstance(heard, TelemetryReported)
    assert (heard.epoch, heard.seq, len(heard.samples)) == (7, seq, samples)
    values = [sample.metrics[telemetry_load.METRIC] for sample in heard.samples]
    assert sum(values) == seq + samples * (samples - 1) / 2 + 0.25 * samples  # what telemetry_audit.py counts on
    assert heard.samples[-1].time == now
    lean = msgspec.json.decode(payload, type=Telemetry)
    rows = [(lean.ts, lean.metrics)] if lean.ts else [(sample.ts, sample.metrics) for sample in lean.samples]
    assert rows == [(sample.time, dict(sample.metrics)) for sample in heard.samples]
