"""Which rollup answers which part of a question, so that the answer is exact and nothing is read that need not be. Pure.

Times are ticks here: microseconds since BUCKET_ORIGIN, as wide as Python's integers, so that no arithmetic leaves the calendar.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

BUCKET_ORIGIN: Final = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday, TimescaleDB's own default: buckets of a week begin on Mondays
TICK: Final = timedelta(microseconds=1)
MINUTE: Final = 60_000_000
HOUR: Final = 60 * MINUTE
ALWAYS: Final = 10_000_000 * 24 * HOUR  # before and after every time the calendar has; a whole number of hours
MAX_RAW_PARTS: Final = 12  # a statement with more parts costs more to plan than it saves

Ticks = tuple[int, int]  # from (included) to (excluded)


class Source(StrEnum):
    """Where values are read: single ones, or those of a minute or an hour made one. Each is a relation's name."""

    RAW = "telemetry"
    MINUTES = "telemetry_1m"
    HOURS = "telemetry_1h"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a span and where it is read."""

    source: Source
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Rolled:
    """What is rolled up: everything before `until` but for what lies in `late` (from, to: both included).

    Before `raw_from` single values have been deleted, and what came late is not in the rollups: they are all there is.
    """

    until: int = -ALWAYS
    late: tuple[Ticks, ...] = ()
    raw_from: int = -ALWAYS


def ticks(time: datetime) -> int:
    """Return a time as ticks."""
    return (time - BUCKET_ORIGIN) // TICK


def moment(tick: int) -> datetime:
    """Return the time of a tick, or the end of the calendar that it lies beyond."""
    try:
        return BUCKET_ORIGIN + tick * TICK
    except OverflowError:
        return (datetime.max if tick > 0 else datetime.min).replace(tzinfo=UTC)


def floor(tick: int, width: int) -> int:
    """Return where the bucket of `width` ticks that holds `tick` begins."""
    return tick - tick % width


def ceil(tick: int, width: int) -> int:
    """Return where the first bucket of `width` ticks begins that does not begin before `tick`."""
    return -floor(-tick, width)


def parts(start: int, end: int, width: int, rolled: Rolled) -> list[Part]:
    """Return where to read [start, end) for buckets of `width` ticks: without gap or overlap, in order of time.

    A rollup serves only buckets that are a multiple of its own; both begin at BUCKET_ORIGIN, so they are aligned.
    """
    if start >= end:
        return []
    if width % MINUTE:
        return [Part(Source.RAW, start, end)]
    found: list[Part] = []
    at = start
    for low, high in _rolled_up(start, end, rolled):
        found += _raw(at, low)
        found += _cover(low, high, hours=width % HOUR == 0)
        at = high
    return [*found, *_raw(at, end)]


def _raw(start: int, end: int) -> list[Part]:
    return [Part(Source.RAW, start, end)] if start < end else []


def _cover(low: int, high: int, *, hours: bool) -> Iterable[Part]:
    """Yield whole minutes as hours where whole hours lie among them."""
    first, last = ceil(low, HOUR), floor(high, HOUR)
    if not hours or first >= last:
        yield Part(Source.MINUTES, low, high)
        return
    if low < first:
        yield Part(Source.MINUTES, low, first)
    yield Part(Source.HOURS, first, last)
    if last < high:
        yield Part(Source.MINUTES, last, high)


def _rolled_up(start: int, end: int, rolled: Rolled) -> Iterable[Ticks]:
    """Yield the whole minutes of [start, end) that are in the rollups, in order."""
    at, until = ceil(start, MINUTE), floor(min(end, rolled.until), MINUTE)
    for low, high in _few(_minutes(rolled.late, rolled.raw_from)):
        if at < min(low, until):
            yield at, min(low, until)
        at = max(at, high)
    if at < until:
        yield at, until


def _minutes(late: Sequence[Ticks], raw_from: int) -> list[Ticks]:
    """Return the minutes that rows came late for, in order and apart from each other; but those whose values were deleted."""
    joined: list[Ticks] = []
    for low, high in sorted((floor(low, MINUTE), floor(high, MINUTE) + MINUTE) for low, high in late):
        begin = max(low, ceil(raw_from, MINUTE))
        if begin >= high:
            continue
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((begin, high))
    return joined


def _few(spans: list[Ticks]) -> list[Ticks]:
    """Return at most MAX_RAW_PARTS spans that cover all of them: those that lie closest together become one."""
    spare = len(spans) - MAX_RAW_PARTS
    if spare <= 0:
        return spans
    gaps = sorted(range(1, len(spans)), key=lambda n: spans[n][0] - spans[n - 1][1])
    closed = set(gaps[:spare])
    kept: list[Ticks] = []
    for n, span in enumerate(spans):
        if n in closed:
            kept[-1] = (kept[-1][0], span[1])
        else:
            kept.append(span)
    return kept
