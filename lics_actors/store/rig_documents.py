"""Rigs as people declare them: what they may say, and whether it fits the devices they name. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from drivers.schema import argument_errors
from lics_actors.errors import InvalidError

LONGEST_S: Final = 86_400.0
MAX_PARTS: Final = 100  # of one condition; each is judged on every event
MAX_DEPTH: Final = 8
MAX_NAME: Final = 100

Fault = dict[str, str]
Seconds = Annotated[float, Field(ge=0, le=LONGEST_S, description="seconds")]
Role = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^[\w][\w .-]*$", examples=["valve"])]
Word = Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00]+$")]
Op = Literal["<", "<=", "==", "!=", ">=", ">"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, populate_by_name=True)


class MetricCondition(_Strict):
    """A metric compares so, and did for `for_s` without a break."""

    metric: Word = Field(examples=["temperature_c"])
    of: Role
    op: Op
    value: float
    for_s: Seconds = 0.0


class FieldCondition(_Strict):
    """A field of an event's data compares so; `a.b` is b within a."""

    field: Word
    op: Op
    value: str | float | bool | None


class EventCondition(_Strict):
    """An event was told, at most `within_s` ago (0: just now)."""

    event: Word = Field(examples=["opened"])
    of: Role
    where: list[FieldCondition] = Field([], max_length=20)
    within_s: Seconds = 0.0


class LinkCondition(_Strict):
    """A device says that it is offline or in fault, for so long; or (stale) said nothing for so long, by default `silent_s`."""

    link: Literal["offline", "stale", "fault"]
    of: Role
    for_s: Seconds = 0.0


class AllCondition(_Strict):
    """All of them."""

    all_: list[ConditionBody] = Field(alias="all", min_length=1, max_length=MAX_PARTS)


class AnyCondition(_Strict):
    """At least one of them."""

    any_: list[ConditionBody] = Field(alias="any", min_length=1, max_length=MAX_PARTS)


class NotCondition(_Strict):
    """Not this."""

    not_: ConditionBody = Field(alias="not")


_KINDS: Final = ("metric", "event", "link", "all", "any", "not")


def _kind(said: Any) -> str | None:
    names = said if isinstance(said, Mapping) else {name.rstrip("_") for name in getattr(type(said), "model_fields", ())}
    found = [kind for kind in _KINDS if kind in names]
    return found[0] if len(found) == 1 else None


ConditionBody = Annotated[
    Annotated[MetricCondition, Tag("metric")]
    | Annotated[EventCondition, Tag("event")]
    | Annotated[LinkCondition, Tag("link")]
    | Annotated[AllCondition, Tag("all")]
    | Annotated[AnyCondition, Tag("any")]
    | Annotated[NotCondition, Tag("not")],
    Discriminator(
        _kind,
        custom_error_type="condition",
        custom_error_message="a condition has exactly one of metric, event, link, all, any, not",
    ),
]


class TripBody(_Strict):
    """A device that is tripped, and the command that makes it safe; without one it is only kept from moving."""

    role: Role
    command: Word | None = Field(None, examples=["switch_off"])
    args: dict[str, Any] = {}


class InterlockBody(_Strict):
    """When what is to be made safe. `unknown`: what it means that the condition was not known for `unknown_s`."""

    name: Role = Field(examples=["overheated"])
    when: ConditionBody
    trip: list[TripBody] = Field(min_length=1, max_length=50)
    for_s: Seconds = 0.0
    unknown: Literal["trip", "hold"] = "trip"
    unknown_s: Seconds = 10.0


for _model in (AllCondition, AnyCondition, NotCondition, InterlockBody):
    _model.model_rebuild()


@dataclass(frozen=True, slots=True)
class Member:
    """What is known of a device that a rig names. `capabilities`: its last `describe`, empty where it never said one."""

    id: UUID
    name: str
    retired: bool
    capabilities: Mapping[str, Any]


def interlock_documents(interlocks: Sequence[InterlockBody]) -> tuple[dict[str, Any], ...]:
    """Return interlocks as they are kept."""
    return tuple(each.model_dump(mode="json", by_alias=True, exclude_defaults=True) for each in interlocks)


def read_interlocks(said: Any) -> tuple[InterlockBody, ...]:
    """Return interlocks as somebody wrote them.

    Raises:
        InvalidError: `fields` says where and why.
    """
    if not isinstance(said, list):
        raise InvalidError("no interlocks", (_fault("interlocks", "is no list"),))
    read: list[InterlockBody] = []
    faults: list[Fault] = []
    for n, each in enumerate(said):
        try:
            read.append(InterlockBody.model_validate(each))
        except ValidationError as error:
            faults += [_fault(_path(n, e["loc"]), e["msg"]) for e in error.errors()]
    if faults:
        raise InvalidError("these are no interlocks; see fields", tuple(faults))
    return tuple(read)


def check_rig(devices: Mapping[str, UUID], interlocks: Sequence[InterlockBody], members: Mapping[UUID, Member]) -> None:
    """Check that a rig's interlocks fit its devices, as far as these have said what they can.

    Raises:
        InvalidError: `fields` says where and why.
    """
    faults = [fault for role, device_id in devices.items() for fault in _role_faults(role, members.get(device_id))]
    by_role = {role: members.get(device_id) for role, device_id in devices.items()}
    names = [each.name for each in interlocks]
    for n, each in enumerate(interlocks):
        if names.index(each.name) != n:
            faults.append(_fault(f"interlocks[{n}].name", "another interlock of this rig has this name"))
        if _parts(each.when, 0) > MAX_PARTS:
            faults.append(
                _fault(f"interlocks[{n}].when", f"has more than {MAX_PARTS} parts, or is nested deeper than {MAX_DEPTH}")
            )
        else:
            faults += _condition_faults(each.when, f"interlocks[{n}].when", by_role)
        for m, trip in enumerate(each.trip):
            faults += _trip_faults(trip, f"interlocks[{n}].trip[{m}]", by_role)
    if faults:
        raise InvalidError("this rig makes no sense; see fields", tuple(faults))


def _role_faults(role: str, member: Member | None) -> list[Fault]:
    if member is None:
        return [_fault(f"devices.{role}", "there is no such device")]
    return [_fault(f"devices.{role}", f"{member.name} is retired")] if member.retired else []


def _parts(condition: Any, depth: int) -> int:
    """Return how many parts a condition has; too many where it is too deep."""
    if depth > MAX_DEPTH:
        return MAX_PARTS + 1
    match condition:
        case AllCondition(all_=parts) | AnyCondition(any_=parts):
            return 1 + sum(_parts(each, depth + 1) for each in parts)
        case NotCondition(not_=part):
            return 1 + _parts(part, depth + 1)
        case _:
            return 1


def _condition_faults(condition: Any, path: str, by_role: Mapping[str, Member | None]) -> list[Fault]:
    match condition:
        case AllCondition(all_=parts):
            return [fault for n, each in enumerate(parts) for fault in _condition_faults(each, f"{path}.all[{n}]", by_role)]
        case AnyCondition(any_=parts):
            return [fault for n, each in enumerate(parts) for fault in _condition_faults(each, f"{path}.any[{n}]", by_role)]
        case NotCondition(not_=part):
            return _condition_faults(part, f"{path}.not", by_role)
        case MetricCondition(metric=name):
            return _named_faults(condition.of, "metrics", name, f"{path}.metric", f"{path}.of", by_role)
        case EventCondition(event=name):
            return _named_faults(condition.of, "events", name, f"{path}.event", f"{path}.of", by_role)
        case _:
            return [] if condition.of in by_role else [_no_role(f"{path}.of", condition.of)]


def _named_faults(role: str, what: str, name: str, at: str, of: str, by_role: Mapping[str, Member | None]) -> list[Fault]:  # noqa: PLR0917
    if role not in by_role:
        return [_no_role(of, role)]
    member = by_role[role]
    known = member.capabilities.get(what) if member is not None else None
    if not known or name in known or name.startswith("lics."):
        return []
    assert member is not None
    return [_fault(at, f"{member.name} has no {name!r} among its {what}: {', '.join(sorted(known))}")]


def _trip_faults(trip: TripBody, path: str, by_role: Mapping[str, Member | None]) -> list[Fault]:
    if trip.role not in by_role:
        return [_no_role(f"{path}.role", trip.role)]
    member = by_role[trip.role]
    known = member.capabilities.get("commands") if member is not None else None
    if trip.command is None or not known or member is None:
        return []
    spec = known.get(trip.command)
    if spec is None:
        return [_fault(f"{path}.command", f"{member.name} has no command {trip.command!r}; it knows: {', '.join(sorted(known))}")]
    if not spec.get("idempotent"):
        return [_fault(f"{path}.command", "is not idempotent, so it cannot be said again until the device has confirmed it")]
    if spec.get("holds"):
        return [_fault(f"{path}.command", "holds an actuator, which makes nothing safe")]
    return [_fault(f"{path}.{each['field']}", each["message"]) for each in argument_errors(spec.get("args", {}), trip.args)]


def _path(n: int, location: Sequence[int | str]) -> str:
    return f"interlocks[{n}]" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)


def _no_role(field: str, role: str) -> Fault:
    return _fault(field, f"the rig has no role {role!r}")


def _fault(field: str, message: str) -> Fault:
    return {"field": field, "message": message}
