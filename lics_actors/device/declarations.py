"""Interlocks as rigs declare them in JSON, read into what is evaluated. Pure.

The laboratory's edge (store/rig_documents.py) has checked them. What cannot be read nevertheless, because a later version wrote
it, becomes a condition that is never known, and so trips: an interlock is not left out in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

from lics_actors.device.conditions import (
    OPERATORS,
    All,
    AnyOf,
    Condition,
    Event,
    FieldIs,
    LinkIs,
    Metric,
    Not,
    Source,
    Unreadable,
    sources_of,
)
from lics_actors.device.messages import DeviceSpec, RigPart

UNKNOWN_S: Final = 10.0  # an actor begins anew, and a broker is restarted, within some seconds
LONGEST_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Action:
    """A command that makes this device safe."""

    command: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interlock:
    """One interlock as it concerns one device. `unknown`: what it means that the condition was not known for `unknown_s`."""

    rig_id: UUID
    rig: str
    name: str
    condition: Condition
    actions: tuple[Action, ...]
    for_s: float = 0.0
    unknown: Literal["trip", "hold"] = "trip"
    unknown_s: float = UNKNOWN_S

    @property
    def key(self) -> str:
        """Return what tells it from all others."""
        return f"{self.rig_id}/{self.name}"

    @property
    def sources(self) -> set[UUID]:
        """Return the devices whose word it depends on."""
        return {source.device_id for source in sources_of(self.condition)}


def interlocks_of(spec: DeviceSpec) -> tuple[Interlock, ...]:
    """Return the interlocks that concern a device."""
    return tuple(_interlock(part, document, spec.device_id) for part in spec.rigs for document in part.interlocks)


def _interlock(part: RigPart, document: Mapping[str, Any], device_id: UUID) -> Interlock:
    name = str(document.get("name"))
    try:
        trips = document["trip"]
        named = ((each, part.roles.get(each["role"])) for each in trips)
        mine = [each for each, role in named if role and role.device_id == device_id and each.get("command") is not None]
        return Interlock(
            part.rig_id,
            part.rig,
            name,
            _condition(part, document["when"]),
            tuple(Action(str(each["command"]), dict(each.get("args") or {})) for each in mine),
            _seconds(document, "for_s"),
            "hold" if document.get("unknown") == "hold" else "trip",
            _seconds(document, "unknown_s", UNKNOWN_S),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        reason = f"interlock {name!r} cannot be read: {type(error).__name__} {error}"
        return Interlock(part.rig_id, part.rig, name, Unreadable(reason), ())


def _condition(part: RigPart, said: Mapping[str, Any]) -> Condition:
    match said:
        case {"all": list() as parts}:
            return All(tuple(_condition(part, each) for each in parts))
        case {"any": list() as parts}:
            return AnyOf(tuple(_condition(part, each) for each in parts))
        case {"not": inner}:
            return Not(_condition(part, inner))
        case {"metric": str() as name, "op": op, "value": value}:
            return Metric(_source(part, said), name, _op(op), float(value), _seconds(said, "for_s"))
        case {"event": str() as kind}:
            where = tuple(FieldIs(str(each["field"]), _op(each["op"]), each["value"]) for each in said.get("where") or ())
            return Event(_source(part, said), kind, where, _seconds(said, "within_s"))
        case {"link": ("offline" | "stale" | "fault") as word}:
            return LinkIs(_source(part, said), word, _seconds(said, "for_s"))
        case _:
            raise ValueError("no such condition")


def _source(part: RigPart, said: Mapping[str, Any]) -> Source:
    known = part.roles[said["of"]]
    return Source(str(said["of"]), known.device_id, min(max(float(known.silent_s), 0.1), LONGEST_S))


def _op(said: Any) -> Any:
    if said not in OPERATORS:
        raise ValueError(f"no comparison {said!r}")
    return said


def _seconds(said: Mapping[str, Any], name: str, default: float = 0.0) -> float:
    seconds = said.get(name)
    if seconds is None:
        return default
    if not 0 <= float(seconds) <= LONGEST_S:
        raise ValueError(f"{name} is {seconds}")
    return float(seconds)
