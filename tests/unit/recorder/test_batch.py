"""The recorder's rules: what is committed when, what is kept, what is tried again."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.recorder import batch
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.batch import Keep, Pressure, RejectionLimit, pressure

A, B = UUID(int=1), UUID(int=2)
MINUTE_US = 60_000_000


@given(st.integers(0, 10_000), st.floats(0, 10))
def test_a_commit_waits_for_milliseconds_or_a_full_group(messages: int, waiting_s: float) -> None:
    due = batch.commit_due_in(messages, waiting_s)
    assert 0 <= due <= batch.GROUP_COMMIT_S
    assert due == 0 or (messages < batch.GROUP_COMMIT_MESSAGES and due + waiting_s <= batch.GROUP_COMMIT_S + 1e-9)


@given(st.integers(0, 10_000), st.floats(0, 10))
def test_a_shipment_waits_for_a_moment_or_a_full_batch(messages: int, since_s: float) -> None:
    due = batch.ship_due_in(messages, since_s)
    assert 0 <= due <= batch.SHIP_AFTER_S
    assert due == 0 or messages < batch.SHIP_FROM_ROWS


@given(st.lists(st.floats(0, 1.5), max_size=50))
def test_pressure_holds_between_its_marks(shares: list[float]) -> None:
    state = Pressure.EASY
    for share in shares:
        before, state = state, pressure(state, int(share * 10**9), 10**9)
        exact = int(share * 10**9) / 10**9
        if exact >= 1.0:
            assert state is Pressure.FULL
        elif exact >= 0.9:
            assert state is (Pressure.FULL if before is Pressure.FULL else Pressure.HIGH)
        elif exact >= 0.8:
            assert state is Pressure.HIGH
        elif exact >= 0.7:
            assert state is (Pressure.EASY if before is Pressure.EASY else Pressure.HIGH)
        else:
            assert state is Pressure.EASY


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_patience_grows_and_ends(failures: int, chance: float) -> None:
    wait = batch.retry_in(failures, chance)
    assert batch.RETRY_FIRST_S / 2 <= wait <= batch.RETRY_LONGEST_S
    assert wait <= batch.retry_in(failures, 1.0) <= batch.retry_in(failures + 1, 1.0)


@given(st.lists(st.integers(), min_size=2))
def test_halves_lose_nothing_and_get_smaller(items: list[int]) -> None:
    first, second = batch.halves(items)
    assert [*first, *second] == items
    assert first and second


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 3 * MINUTE_US))))
def test_of_a_devices_rejections_ten_a_minute_are_kept_and_the_others_counted(arrivals: list[tuple[UUID, int]]) -> None:
    limit, kept = RejectionLimit(), []
    arrivals.sort(key=lambda each: each[1])
    told = dict.fromkeys((A, B), 0)
    for device, now_us in arrivals:
        answer = limit.admit(device, b"telemetry", now_us)
        if answer:
            kept.append((device, now_us // MINUTE_US))
            told[device] += 1 + answer.suppressed
    for device in (A, B):
        minutes = [when // MINUTE_US for who, when in arrivals if who == device]
        for minute in set(minutes):
            assert kept.count((device, minute)) == min(minutes.count(minute), batch.KEPT_REJECTIONS_PER_MINUTE)
        assert told[device] <= len(minutes)


def test_what_was_only_counted_is_told_with_the_next_one_kept() -> None:
    limit = RejectionLimit()
    answers = [limit.admit(A, b"telemetry", n) for n in range(25)]
    assert answers == [Keep(0)] * 10 + [None] * 15
    assert limit.admit(B, b"telemetry", 30) == Keep(0)
    assert limit.admit(A, b"events", 30) == Keep(0), "one topic hides no other"
    assert limit.admit(A, b"telemetry", MINUTE_US) == Keep(15)
    assert limit.admit(A, b"telemetry", MINUTE_US + 1) == Keep(0)


def test_the_memory_of_rejected_devices_is_bounded() -> None:
    limit = RejectionLimit()
    for n in range(batch.REMEMBERED_REJECTORS + 100):
        limit.admit(UUID(int=n), b"telemetry", 0)
    assert len(limit._shares) == batch.REMEMBERED_REJECTORS


@given(st.lists(st.integers(0, 2 * batch.SLICE_BYTES), max_size=60))
def test_slices_are_all_messages_in_order_and_none_keeps_the_loop_for_long(sizes: list[int]) -> None:
    messages = [(n, Arrival(b"t", bytes(size), 0)) for n, size in enumerate(sizes)]
    slices = list(batch.slices(messages))
    assert [message for part in slices for message in part] == messages
    for part in slices:
        assert part
        assert sum(len(arrival.payload) for _, arrival in part[:-1]) < batch.SLICE_BYTES


def test_empty_messages_are_cut_too() -> None:
    messages = [(n, Arrival(b"t", b"", 0)) for n in range(5000)]
    assert 1 < len(list(batch.slices(messages))) < 50
