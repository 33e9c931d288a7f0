"""The laboratory's day: from when to when it lasts, in its time zone. Pure.

A day is what a calendar there says, also where a clock is put forward or back in it: 23, 24 or 25 hours. Days follow each other
without a gap and without an overlap; a date that a zone left out (Apia, 2011-12-30) is a day of no length, and never returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Protocol
from zoneinfo import ZoneInfo

MIDNIGHT: Final = time()
MAX_DAYS: Final = 60  # nobody asks for more in one go
_ONE: Final = timedelta(days=1)


class Calendar(Protocol):
    """By which a laboratory's days go: its settings, or what a process of the fleet was told of them."""

    @property
    def day_starts(self) -> time:
        """The hour at which a day begins."""

    def zone(self) -> tzinfo:
        """Return the time zone."""


@dataclass(frozen=True, slots=True)
class NamedCalendar:
    """A calendar that is told to other processes."""

    timezone: str = "UTC"
    day_starts: time = MIDNIGHT

    def zone(self) -> ZoneInfo:
        """Return the time zone."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class LaboratoryDay:
    """A date, and the times (UTC) it lasts: `begin` belongs to it, `end` to the next."""

    date: date
    begin: datetime
    end: datetime


def day_on(named: date, zone: tzinfo, starts: time = MIDNIGHT) -> LaboratoryDay:
    """Return the day of a date. `starts`: the hour at which it begins there, as where the light goes on at seven."""
    return LaboratoryDay(named, _begin(named, zone, starts), _begin(named + _ONE, zone, starts))


def day_of(at: datetime, zone: tzinfo, starts: time = MIDNIGHT) -> LaboratoryDay:
    """Return the day that a time (with its offset) belongs to."""
    day = day_on(at.astimezone(zone).date(), zone, starts)
    while at < day.begin:
        day = day_on(day.date - _ONE, zone, starts)
    while at >= day.end:
        day = day_on(day.date + _ONE, zone, starts)
    return day


def days_within(begin: datetime, end: datetime, zone: tzinfo, starts: time = MIDNIGHT) -> tuple[LaboratoryDay, ...]:
    """Return the days that a stretch of time touches, `MAX_DAYS` at most."""
    days = [day_of(begin, zone, starts)]
    while days[-1].end < end and len(days) < MAX_DAYS:
        days.append(day_of(days[-1].end, zone, starts))
    return tuple(days)


def _begin(named: date, zone: tzinfo, starts: time) -> datetime:
    # `fold=0` takes the first of two equal clock times, and for one that is left out the moment it would have been.
    return datetime.combine(named, starts, zone).astimezone(UTC)
