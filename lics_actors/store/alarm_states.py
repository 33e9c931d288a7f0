"""The life of an alarm after ISA-18.2 (ANSI/ISA-18.2-2016, figure "alarm state transition diagram"). Pure.

```
             raised                     acknowledged
   normal ───────────► unacknowledged ───────────────► acknowledged
     ▲                    │      ▲                          │
     │        condition   │      │ raised again             │ condition gone
     │        gone        ▼      │                          │
     ├───────────────── returned ┘                          │
     │   acknowledged  (not acknowledged yet)               │
     └──────────────────────────────────────────────────────┘
   any of the three ── shelved ──► shelved ── time or a person ──► unacknowledged where the condition stands, else normal
```

An alarm begins with a condition and is over (`cleared_at`) once that is gone *and* a person has seen it. While it is open, the
same source and kind raised again is the same alarm, counted. Raised with a higher priority than before, it is to be acknowledged
anew. While shelved it follows its condition unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from lics_actors.errors import ConflictError, InvalidError

MAX_SHELVED = timedelta(days=7)  # ISA-18.2 wants shelving bounded; what is longer is a fault to be mended, or no alarm
PRIORITIES = ("low", "medium", "high", "critical")  # rising; ISA-18.2 advises three or four


class AlarmOverError(ConflictError):
    """The alarm is over; nothing can be done with it any more."""

    code = "ALARM_OVER"


class AlarmShelvedError(ConflictError):
    """The alarm is shelved; unshelve it first."""

    code = "ALARM_SHELVED"


class AlarmNotShelvedError(ConflictError):
    """The alarm is not shelved."""

    code = "ALARM_NOT_SHELVED"


class AlarmState(StrEnum):
    """Where an alarm stands."""

    UNACKNOWLEDGED = "unacknowledged"  # the condition stands, nobody has seen it
    ACKNOWLEDGED = "acknowledged"  # the condition stands, somebody has seen it
    RETURNED = "returned"  # the condition is gone, nobody has seen it
    SHELVED = "shelved"  # out of sight until a time
    CLEARED = "cleared"  # over


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, from its first raise to its end. `count`: how often it was raised; `last_at`: when last."""

    id: int
    source: str
    kind: str
    severity: str
    message: str
    raised_at: datetime
    cleared_at: datetime | None = None
    count: int = 1
    last_at: datetime | None = None
    returned_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    comment: str | None = None
    shelved_at: datetime | None = None
    shelved_by: str | None = None
    shelved_until: datetime | None = None
    shelve_reason: str | None = None

    @property
    def active(self) -> bool:
        """Return whether its condition stands."""
        return self.cleared_at is None and self.returned_at is None

    @property
    def state(self) -> AlarmState:
        """Return where it stands, as of the last event; `elapsed` first where time has passed."""
        if self.cleared_at is not None:
            return AlarmState.CLEARED
        if self.shelved_until is not None:
            return AlarmState.SHELVED
        if self.returned_at is not None:
            return AlarmState.RETURNED
        return AlarmState.UNACKNOWLEDGED if self.acknowledged_at is None else AlarmState.ACKNOWLEDGED


# What happens to an alarm ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Raised:
    """Its condition stands, or still does."""

    time: datetime
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Returned:
    """Its condition is gone. `in_order`: told behind the raise by the same journal, whatever the clock says."""

    time: datetime
    in_order: bool = True


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person has seen it."""

    time: datetime
    by: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Shelved:
    """A person puts it out of sight for a while."""

    time: datetime
    until: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unshelved:
    """A person wants to see it again."""

    time: datetime


Act = Acknowledged | Shelved | Unshelved


def raised(source: str, kind: str, event: Raised) -> Alarm:
    """Return the alarm that begins with an event; its `id` is given by the table."""
    return Alarm(0, source, kind, event.severity, event.message, event.time, last_at=event.time)


def elapsed(alarm: Alarm, now: datetime) -> Alarm:
    """Let time pass: a shelf that is over its time is left."""
    until = alarm.shelved_until
    return alarm if until is None or until > now else _unshelved(alarm, until)


def told(alarm: Alarm | None, source: str, kind: str, event: Raised | Returned) -> list[Alarm]:
    """Return what a word of its source makes of the open alarm (None: there is none): those that changed, the open one last."""
    changed: list[Alarm] = []
    if alarm is not None and (now := elapsed(alarm, event.time)) != alarm:
        alarm, changed = (now if now.cleared_at is None else None), [now]
    after: Alarm | None
    match event:
        case Raised():
            after = raised(source, kind, event) if alarm is None else _raised_again(alarm, event)
        case Returned():
            after = alarm if alarm is None else _returned(alarm, event)
        case _:
            assert_never(event)
    if after is None or after == alarm:
        return changed
    return [*(one for one in changed if one.cleared_at is not None), after]


def acted(alarm: Alarm, act: Act) -> Alarm:
    """Return what a person's act makes of an alarm. To acknowledge what is acknowledged changes nothing.

    Raises:
        AlarmOverError, AlarmShelvedError, AlarmNotShelvedError
        InvalidError: it is to be shelved until a time that has passed, or for too long.
    """
    alarm = elapsed(alarm, act.time)
    if alarm.cleared_at is not None:
        raise AlarmOverError(f"the alarm {alarm.kind} of {alarm.source} is over", alarm=alarm.id)
    match act:
        case Acknowledged():
            return _acknowledged(alarm, act)
        case Shelved():
            return _shelved(alarm, act)
        case Unshelved(time=time):
            if alarm.shelved_until is None:
                raise AlarmNotShelvedError(f"the alarm {alarm.kind} of {alarm.source} is not shelved", alarm=alarm.id)
            return _unshelved(alarm, time)
        case _:
            assert_never(act)


def _raised_again(alarm: Alarm, event: Raised) -> Alarm:
    worse = rank(event.severity) > rank(alarm.severity)
    seen = alarm.acknowledged_at is not None and not worse
    return replace(
        alarm,
        severity=event.severity,
        message=event.message,
        count=alarm.count + 1,
        last_at=max(event.time, alarm.last_at or alarm.raised_at),
        returned_at=None,
        acknowledged_at=alarm.acknowledged_at if seen else None,
        acknowledged_by=alarm.acknowledged_by if seen else None,
    )


def _returned(alarm: Alarm, event: Returned) -> Alarm:
    last_at = alarm.last_at or alarm.raised_at
    if alarm.returned_at is not None or (event.time < last_at and not event.in_order):
        return alarm
    time = max(event.time, last_at)  # never before it was raised, wherever the clock was put
    over = alarm.acknowledged_at is not None and alarm.shelved_until is None
    return replace(alarm, returned_at=time, cleared_at=time if over else None)


def _acknowledged(alarm: Alarm, act: Acknowledged) -> Alarm:
    if alarm.shelved_until is not None:
        raise AlarmShelvedError(f"the alarm {alarm.kind} of {alarm.source} is shelved; unshelve it first", alarm=alarm.id)
    if alarm.acknowledged_at is not None:
        return alarm
    time = max(act.time, alarm.raised_at)
    over = time if alarm.returned_at is not None else None
    return replace(alarm, acknowledged_at=time, acknowledged_by=act.by, comment=act.comment, cleared_at=over)


def _shelved(alarm: Alarm, act: Shelved) -> Alarm:
    if not act.time < act.until <= act.time + MAX_SHELVED:
        message = f"a time to come, at most {MAX_SHELVED.days} days ahead"
        raise InvalidError("an alarm cannot be shelved until then", ({"field": "until", "message": message},))
    return replace(alarm, shelved_at=act.time, shelved_by=act.by, shelved_until=act.until, shelve_reason=act.reason)


def _unshelved(alarm: Alarm, time: datetime) -> Alarm:
    shown = replace(alarm, shelved_at=None, shelved_by=None, shelved_until=None, shelve_reason=None)
    if alarm.returned_at is not None:
        return replace(shown, cleared_at=max(time, alarm.returned_at))
    return replace(shown, acknowledged_at=None, acknowledged_by=None, comment=None)


def rank(severity: str) -> int:
    """Return how urgent a priority is; a word nobody knows is between the known ones: high."""
    return PRIORITIES.index(severity if severity in PRIORITIES else "high")


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """How many alarms stand, by priority; how many nobody has acknowledged; how many are shelved, which the others leave out."""

    active: Mapping[str, int]
    unacknowledged: int
    shelved: int
