"""The hours in which sessions may begin: by weekday and clock of the laboratory's time zone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

EVERY_DAY: Final = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Window:
    """From `begin` to `end` by the clock there; over midnight where `end` is not later. `days`: of the begin, Monday is 0."""

    begin: time
    end: time
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class Opening:
    """A window of a date: `begin` and `end` in UTC. `index`: of the window."""

    date: date
    index: int
    begin: datetime
    end: datetime


def openings(windows: tuple[Window, ...], first: date, last: date, zone: tzinfo) -> Iterator[Opening]:
    """Yield the openings that begin on the dates from `first` to `last`, by date and begin.

    A clock time that a date shows twice is the first of them; one that it leaves out is the moment it would have been.
    """
    named = first
    while named <= last:
        found = [_opening(named, n, window, zone) for n, window in enumerate(windows) if named.weekday() in window.days]
        yield from sorted((each for each in found if each.begin < each.end), key=lambda each: (each.begin, each.index))
        named += timedelta(days=1)


def _opening(named: date, index: int, window: Window, zone: tzinfo) -> Opening:
    until = named + timedelta(days=0 if window.end > window.begin else 1)
    begin, end = datetime.combine(named, window.begin, zone), datetime.combine(until, window.end, zone)
    return Opening(named, index, begin.astimezone(UTC), end.astimezone(UTC))
