"""Whether a person may begin a session of an experiment now: its windows, and how many a day. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from lics_actors.schedule.windows import Opening, Window, openings


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Why not. `rule`: which one says so; `next`: when the next window opens, where there is one within a week."""

    rule: Literal["window", "a_day"]
    why: str
    next: datetime | None = None


def forbidden(
    windows: tuple[Window, ...], zone: tzinfo, a_day: int | None, now: datetime, begun: Iterable[datetime]
) -> Forbidden | None:
    """Return why no session may begin now, None where one may. `begun`: the subject's sessions of the experiment of late;
    without windows people begin when they want to, without `a_day` as often."""
    if windows and _open(windows, zone, now) is None:
        following = _next(windows, zone, now)
        when = (
            "none opens within a week" if following is None else f"the next opens {following.astimezone(zone):%a %d %b %H:%M %Z}"
        )
        return Forbidden("window", f"no window of the experiment is open: {when}", following)
    day = day_of_start(windows, zone, now)
    same = sum(day_of_start(windows, zone, each) == day for each in begun)
    if a_day is not None and same >= a_day:
        return Forbidden("a_day", f"the subject has begun {same} of {a_day} sessions of {day:%Y-%m-%d} in this experiment")
    return None


def day_of_start(windows: tuple[Window, ...], zone: tzinfo, at: datetime) -> date:
    """Return the date to which a session that begins then counts: its window's, which may have opened the day before."""
    found = _open(windows, zone, at)
    return at.astimezone(zone).date() if found is None else found.date


def _open(windows: tuple[Window, ...], zone: tzinfo, at: datetime) -> Opening | None:
    local = at.astimezone(zone).date()
    return next((each for each in openings(windows, local - timedelta(days=1), local, zone) if each.begin <= at < each.end), None)


def _next(windows: tuple[Window, ...], zone: tzinfo, at: datetime) -> datetime | None:
    local = at.astimezone(zone).date()
    return next((each.begin for each in openings(windows, local, local + timedelta(days=7), zone) if each.begin > at), None)
