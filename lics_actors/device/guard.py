"""What a device's actor knows for its interlocks, and which of them are true now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from drivers.protocol import Decoded, EventReported, PresenceReported, PresenceState, TelemetryReported
from lics_actors.device.conditions import UNSEEN, Look, Reading, Seen, events_of, matches, metrics_of, value
from lics_actors.device.declarations import Interlock, interlocks_of
from lics_actors.device.messages import DeviceSpec


class Tripping(Struct, frozen=True):
    """An interlock that trips, or would."""

    interlock: Interlock
    why: str


class Guard(Struct, frozen=True):
    """A device's interlocks and what they have seen. `session`: since when the broker is there; `matched`, `since`: see `Look`;
    `due`: when time alone may change something."""

    interlocks: tuple[Interlock, ...]
    metrics: Mapping[UUID, frozenset[str]]  # those that matter, by device; every source is in it
    seen: Mapping[UUID, Seen] = field(default_factory=dict)
    session: datetime | None = None
    matched: Mapping[str, datetime] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)
    due: datetime | None = None


def guard_of(spec: DeviceSpec, known: Guard | None = None) -> Guard | None:
    """Return the guard a device needs, with what is known already; None where no interlock concerns it."""
    interlocks = interlocks_of(spec)
    if not interlocks:
        return None
    metrics = {device_id: _metrics(interlocks, device_id) for each in interlocks for device_id in each.sources}
    if known is None:
        return Guard(interlocks, metrics)
    same = {each.key for each in interlocks if each in known.interlocks}
    return replace(
        known,
        interlocks=interlocks,
        metrics=metrics,
        seen={device_id: seen for device_id, seen in known.seen.items() if device_id in metrics},
        matched={path: at for path, at in known.matched.items() if _key_of(path) in same},
        since={path: at for path, at in known.since.items() if _key_of(path) in same},
    )


def connected(guard: Guard, now: datetime | None) -> Guard:
    """Return the guard with the broker reached at `now`, or lost: who is there must say so anew; what was measured stays."""
    seen = {device_id: replace(each, presence=None, heard=None) for device_id, each in guard.seen.items()}
    return replace(guard, session=now, seen=seen)


def observed(guard: Guard, device_id: UUID, decoded: Decoded, now: datetime, retained: bool) -> Guard:
    """Return the guard after something that a device said."""
    if device_id not in guard.metrics:
        return guard
    seen = guard.seen.get(device_id, UNSEEN)
    match decoded:
        case PresenceReported(state=state):
            heard = seen.heard if state is PresenceState.OFFLINE else now
            return _with(guard, device_id, replace(seen, presence=state, heard=heard))
        case TelemetryReported():
            return _with(guard, device_id, replace(seen, heard=now, metrics=_measured(guard, device_id, seen, decoded, now)))
        case EventReported() if not retained:
            told = {
                path: now
                for each in guard.interlocks
                for path, event in events_of(each.condition, f"{each.key}|")
                if event.of.device_id == device_id and matches(event, decoded)
            }
            return _with(replace(guard, matched={**guard.matched, **told}), device_id, replace(seen, heard=now))
        case _:
            return guard if retained else _with(guard, device_id, replace(seen, heard=now))


def judged(guard: Guard, now: datetime) -> tuple[Guard, list[Tripping]]:
    """Return the interlocks that trip now, and the guard with what is to be remembered of this."""
    kept: dict[str, datetime] = {}
    due: list[datetime] = []
    tripping: list[Tripping] = []
    for each in guard.interlocks:
        look = Look(now, guard.seen, guard.session, guard.matched, guard.since, kept, due)
        why = _tripped(look, each)
        if why is not None:
            tripping.append(Tripping(each, why))
    later = [at for at in due if at > now]
    return replace(guard, since=kept, due=min(later, default=None)), tripping


def _tripped(look: Look, interlock: Interlock) -> str | None:
    """Return why an interlock trips, or None. At the path `?`: since when its condition is not known, at `!`: true."""
    true = value(look, interlock.condition, f"{interlock.key}|")
    if true is None:
        if interlock.unknown == "hold" or look.lasting(f"{interlock.key}|?", True, interlock.unknown_s) is not True:
            return None
        return f"not known for {interlock.unknown_s:g} s: {'; '.join(look.unknown[:3]) or 'a part of the condition'}"
    if look.lasting(f"{interlock.key}|!", true, interlock.for_s) is not True:
        return None
    return "; ".join(look.why[:3]) or "its condition is true"


def _measured(guard: Guard, device_id: UUID, seen: Seen, telemetry: TelemetryReported, now: datetime) -> Mapping[str, Reading]:
    metrics = dict(seen.metrics)
    for name in guard.metrics[device_id]:
        values = tuple(sample.metrics[name] for sample in telemetry.samples if name in sample.metrics)
        if values:
            metrics[name] = Reading(values, now)
    return metrics


def _metrics(interlocks: tuple[Interlock, ...], device_id: UUID) -> frozenset[str]:
    found = [each for interlock in interlocks for each in metrics_of(interlock.condition)]
    return frozenset(each.name for each in found if each.of.device_id == device_id)


def _with(guard: Guard, device_id: UUID, seen: Seen) -> Guard:
    return replace(guard, seen={**guard.seen, device_id: seen})


def _key_of(path: str) -> str:
    return path.rpartition("|")[0]
