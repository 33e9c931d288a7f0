"""Where buckets are read: without gap or overlap, from rollups only where those are right and fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from lics_actors.store.spans import (
    ALWAYS,
    BUCKET_ORIGIN,
    HOUR,
    MAX_RAW_PARTS,
    MINUTE,
    Part,
    Rolled,
    Source,
    ceil,
    floor,
    moment,
    parts,
    ticks,
)

WIDTHS = (1, 1000, MINUTE // 2, MINUTE, 5 * MINUTE, 90 * 1_000_000, HOUR, 24 * HOUR)
TIMES = st.integers(-30 * HOUR, 30 * HOUR)
SPANS = st.lists(st.tuples(TIMES, st.integers(0, 2 * HOUR)), max_size=40)


@given(start=TIMES, end=TIMES, width=st.sampled_from(WIDTHS), until=TIMES, raw_from=TIMES | st.just(-ALWAYS), late=SPANS)
@example(start=0, end=2 * HOUR, width=HOUR, until=2 * HOUR, raw_from=-ALWAYS, late=[(HOUR + MINUTE, HOUR)])  # to the very end
def test_every_moment_is_read_once_and_from_where_it_is_right(
    start: int, end: int, width: int, until: int, raw_from: int, late: list[tuple[int, int]]
) -> None:
    rolled = Rolled(until, tuple((low, low + length) for low, length in late), raw_from)
    found = parts(start, end, width, rolled)
    assert [part.start for part in found] + [end] == [start] + [part.end for part in found] if found else start >= end
    for part in found:
        assert part.start < part.end
        if part.source is Source.RAW:
            continue
        own = MINUTE if part.source is Source.MINUTES else HOUR
        assert part.start % own == part.end % own == width % own == 0
        assert part.end <= until
        for low, high in rolled.late:
            touched = part.start <= high and low < part.end
            assert (
                not touched
                or min(high, part.end) < ceil(raw_from, MINUTE)
                or low // MINUTE == high // MINUTE < raw_from // MINUTE
            )


@given(late=st.lists(TIMES, min_size=1, max_size=200))
@example(late=[n * n * MINUTE for n in range(1, 40)])
def test_what_is_late_in_many_places_makes_few_parts(late: list[int]) -> None:
    rolled = Rolled(31 * HOUR, tuple((time, time) for time in late))
    found = parts(-31 * HOUR, 31 * HOUR, HOUR, rolled)
    assert len([part for part in found if part.source is Source.RAW]) <= MAX_RAW_PARTS
    for time in late:
        assert any(part.source is Source.RAW and part.start <= time < part.end for part in found)


def test_no_more_is_read_raw_than_must_be() -> None:
    rolled = Rolled(until=10 * HOUR, late=((4 * HOUR + 5, 4 * HOUR + 5),))
    assert parts(30, 11 * HOUR, HOUR, rolled) == [
        Part(Source.RAW, 30, MINUTE),
        Part(Source.MINUTES, MINUTE, HOUR),
        Part(Source.HOURS, HOUR, 4 * HOUR),
        Part(Source.RAW, 4 * HOUR, 4 * HOUR + MINUTE),
        Part(Source.MINUTES, 4 * HOUR + MINUTE, 5 * HOUR),
        Part(Source.HOURS, 5 * HOUR, 10 * HOUR),
        Part(Source.RAW, 10 * HOUR, 11 * HOUR),
    ]
    assert parts(HOUR, 2 * HOUR, MINUTE, rolled) == [Part(Source.MINUTES, HOUR, 2 * HOUR)]
    assert parts(HOUR, 2 * HOUR + MINUTE, HOUR, rolled)[1:] == [Part(Source.MINUTES, 2 * HOUR, 2 * HOUR + MINUTE)]
    assert parts(-ALWAYS, ALWAYS, HOUR, Rolled()) == [Part(Source.RAW, -ALWAYS, ALWAYS)]
    assert parts(5, 5, HOUR, rolled) == []


def test_where_single_values_were_deleted_what_came_late_there_changes_nothing() -> None:
    rolled = Rolled(until=10 * HOUR, late=((HOUR, HOUR + 5),), raw_from=4 * HOUR)
    assert parts(0, 10 * HOUR, HOUR, rolled) == [Part(Source.HOURS, 0, 10 * HOUR)]


@given(tick=st.integers(-ALWAYS, ALWAYS), width=st.sampled_from(WIDTHS))
def test_floor_and_ceil_are_the_bucket_around(tick: int, width: int) -> None:
    assert floor(tick, width) <= tick < floor(tick, width) + width
    assert ceil(tick, width) - width < tick <= ceil(tick, width)


@given(time=st.datetimes(timezones=st.just(UTC)))
def test_ticks_are_exact_and_never_leave_the_calendar(time: datetime) -> None:
    assert moment(ticks(time)) == time == BUCKET_ORIGIN + timedelta(microseconds=ticks(time))
    assert moment(ALWAYS) == datetime.max.replace(tzinfo=UTC)
    assert moment(-ALWAYS) == datetime.min.replace(tzinfo=UTC)
