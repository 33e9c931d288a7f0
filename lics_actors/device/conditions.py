"""When an interlock trips: conditions over what is known of devices, in three values, as true, false and not known. Pure.

A condition looks at the latest word of each source. Where a source has not been heard of in this session, says that it is
offline, or is silent for longer than its `silent_s`, what it measures is not known; `all`, `any` and `not` follow Kleene's logic.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, assert_never
from uuid import UUID

from msgspec import Struct

from drivers.protocol import EventReported, PresenceState

Comparison = Literal["<", "<=", "==", "!=", ">=", ">"]
LinkWord = Literal["offline", "stale", "fault"]
OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
ORDERED: Final = frozenset({"<", "<=", ">=", ">"})


@dataclass(frozen=True, slots=True)
class Source:
    """A device whose word a condition depends on, by its role; unknown once silent for `silent_s`."""

    role: str
    device_id: UUID
    silent_s: float


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric compares so, and did without a break for `for_s`. Any value of a message counts, with a time all of them."""

    of: Source
    name: str
    op: Comparison
    value: float
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FieldIs:
    """A field of an event's data (`a.b` within an object) compares so; one that is not there does not."""

    path: str
    op: Comparison
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """An event was told, at most `within_s` ago (0: just now)."""

    of: Source
    type: str
    where: tuple[FieldIs, ...] = ()
    within_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkIs:
    """A device says that it is offline or in fault, or (stale) says nothing at all, for `for_s`."""

    of: Source
    word: LinkWord
    for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them is true."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them is true."""

    of: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """It is false."""

    of: Condition


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What nobody here understands is never known."""

    reason: str


Condition = Metric | Event | LinkIs | All | AnyOf | Not | Unreadable


class Reading(Struct, frozen=True):
    """The values of a metric in the latest message that has it, the newest last, and when that arrived."""

    values: tuple[float, ...]
    received: datetime


class Seen(Struct, frozen=True):
    """What a source said. `presence` and `heard`: in this session of the broker."""

    presence: PresenceState | None = None
    heard: datetime | None = None
    metrics: Mapping[str, Reading] = {}


UNSEEN: Final = Seen()


@dataclass(slots=True)
class Look:
    """One evaluation. `session`: since when the broker is there; `matched`: when an event was told that a part at this path
    waits for; `since`: from when a part at this path is true. Found on the way: `kept`, the next `since`; `due`, when time alone
    may change something; `why`, what is so; `unknown`, what is not known."""

    now: datetime
    seen: Mapping[UUID, Seen]
    session: datetime | None
    matched: Mapping[str, datetime]
    since: Mapping[str, datetime]
    kept: dict[str, datetime] = field(default_factory=dict)
    due: list[datetime] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def lasting(self, path: str, true: bool | None, for_s: float) -> bool | None:
        """Return whether something has been true for so long; remembers since when."""
        if not true:
            return true
        since = self.kept[path] = min(self.since.get(path, self.now), self.now)
        if self.now >= since + timedelta(seconds=for_s):
            return True
        self.due.append(since + timedelta(seconds=for_s))
        return False


def value(look: Look, condition: Condition, path: str) -> bool | None:
    """Return whether a condition is true now; None where that is not known. `path` names it among all conditions."""
    match condition:
        case Metric():
            return _metric(look, condition, path)
        case Event():
            return _event(look, condition, path)
        case LinkIs():
            return _link(look, condition, path)
        case All(of=parts):
            values = [value(look, part, f"{path}.{n}") for n, part in enumerate(parts)]
            return False if False in values else None if None in values else True
        case AnyOf(of=parts):
            values = [value(look, part, f"{path}.{n}") for n, part in enumerate(parts)]
            return True if True in values else None if None in values else False
        case Not(of=part):
            inner = value(look, part, f"{path}.0")
            return None if inner is None else not inner
        case Unreadable(reason=reason):
            look.unknown.append(reason)
            return None
        case _:
            assert_never(condition)


def matches(condition: Event, told: EventReported) -> bool:
    """Return whether an event is the one a condition waits for."""
    return told.type == condition.type and all(_field_is(each, told.data) for each in condition.where)


def events_of(condition: Condition, path: str) -> list[tuple[str, Event]]:
    """Return the events that a condition waits for, each with its path."""
    match condition:
        case Event():
            return [(path, condition)]
        case All(of=parts) | AnyOf(of=parts):
            return [found for n, part in enumerate(parts) for found in events_of(part, f"{path}.{n}")]
        case Not(of=part):
            return events_of(part, f"{path}.0")
        case _:
            return []


def metrics_of(condition: Condition) -> list[Metric]:
    """Return the metrics that a condition compares."""
    match condition:
        case Metric():
            return [condition]
        case All(of=parts) | AnyOf(of=parts):
            return [found for part in parts for found in metrics_of(part)]
        case Not(of=part):
            return metrics_of(part)
        case _:
            return []


def sources_of(condition: Condition) -> set[Source]:
    """Return the devices whose word a condition depends on."""
    match condition:
        case Metric(of=source) | Event(of=source) | LinkIs(of=source):
            return {source}
        case All(of=parts) | AnyOf(of=parts):
            return {source for part in parts for source in sources_of(part)}
        case Not(of=part):
            return sources_of(part)
        case _:
            return set()


def _metric(look: Look, condition: Metric, path: str) -> bool | None:
    source = condition.of
    reading = look.seen.get(source.device_id, UNSEEN).metrics.get(condition.name)
    fresh_until = None if reading is None else reading.received + timedelta(seconds=source.silent_s)
    if reading is None or fresh_until is None or not _known(look, source) or fresh_until < look.now:
        look.unknown.append(f"{source.role} has not told {condition.name}")
        return None
    look.due.append(fresh_until + _TICK)
    compare = OPERATORS[condition.op]
    hits = [compare(each, condition.value) for each in reading.values]
    true = look.lasting(path, all(hits) if condition.for_s > 0 else any(hits), condition.for_s)
    if true:
        hit = next(each for each, is_hit in zip(reading.values, hits, strict=True) if is_hit)
        look.why.append(f"{source.role} {condition.name} is {hit:g} ({condition.op} {condition.value:g})")
    return true


def _event(look: Look, condition: Event, path: str) -> bool | None:
    at = look.matched.get(path)
    if at is not None and look.now <= at + timedelta(seconds=condition.within_s):
        look.why.append(f"{condition.of.role} told {condition.type}")
        if condition.within_s > 0:
            look.due.append(at + timedelta(seconds=condition.within_s) + _TICK)
        return True
    if _known(look, condition.of):
        return False
    look.unknown.append(f"{condition.of.role} is not there to tell {condition.type}")
    return None


def _link(look: Look, condition: LinkIs, path: str) -> bool | None:
    source, seen = condition.of, look.seen.get(condition.of.device_id, UNSEEN)
    if look.session is None:
        look.unknown.append(f"the broker is away, and {source.role} behind it")
        return None
    if condition.word == "stale":
        silent_from = max(seen.heard or look.session, look.session) + timedelta(seconds=condition.for_s or source.silent_s)
        true = look.now >= silent_from
        if not true:
            look.due.append(silent_from)
    elif seen.presence is None:
        look.unknown.append(f"{source.role} has not said whether it is there")
        return None
    else:
        lasts = look.lasting(path, seen.presence.value == condition.word, condition.for_s)
        true = lasts is True
    if true:
        look.why.append(f"{source.role} is {condition.word}")
    return true


_TICK: Final = timedelta(microseconds=1)


def _known(look: Look, source: Source) -> bool:
    """Return whether a source is there: heard of in this session, not offline, and not too long ago."""
    seen = look.seen.get(source.device_id, UNSEEN)
    if look.session is None or seen.heard is None or seen.presence is PresenceState.OFFLINE:
        return False
    until = seen.heard + timedelta(seconds=source.silent_s)
    look.due.append(until + _TICK)
    return look.now <= until


def _field_is(wanted: FieldIs, data: Mapping[str, Any] | None) -> bool:
    found: Any = data
    for name in wanted.path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return False
        found = found[name]
    if wanted.op in ORDERED:
        return _is_number(found) and _is_number(wanted.value) and OPERATORS[wanted.op](found, wanted.value)
    same = found == wanted.value and isinstance(found, bool) == isinstance(wanted.value, bool)
    return same if wanted.op == "==" else not same


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)
