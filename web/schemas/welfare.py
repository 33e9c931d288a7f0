"""What subjects are given and may be given, as the API reads and says it. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from msgspec import structs
from pydantic import ConfigDict, Field, JsonValue, model_validator

from lics_actors.store.subject_days import SubjectDay
from lics_actors.welfare.judge import concerns, in_force, room
from lics_actors.welfare.messages import Entry, Fate, Limit, Limits, Override, Substance
from web.schemas.base import Answer, Body, Day, Query, Reason, UtcTime

GIFT: Final[dict[str, JsonValue]] = {"substance": "fluid", "amount": 350.0, "note": "after the session"}
OVERRIDE: Final[dict[str, JsonValue]] = {
    "limit": "max_fluid",
    "value": 3000.0,
    "until": "2026-11-24T06:00:00Z",
    "reason": "weight fell below 85 %, by the veterinarian's word",
}
Amount = Annotated[float, Field(gt=0, le=1e9, description="fluid in µl, food in mg, pellets by number")]
CalendarDate = date  # a field called `date` hides the type
Seconds = Annotated[float, Field(gt=0, le=31 * 86400)]


class DayQuery(Query):
    """Which day."""

    date: Annotated[Day | None, Field(description="of the laboratory's calendar; the present day, if absent")] = None


class GiftBody(Body):
    """Something given by hand."""

    model_config = ConfigDict(json_schema_extra={"examples": [GIFT]})
    substance: Annotated[Substance, Field(strict=False)]
    amount: Amount
    time: Annotated[UtcTime | None, Field(strict=False, description="when; now, if absent")] = None
    note: Annotated[str, Field(max_length=500)] = ""
    ask: Annotated[bool, Field(description="not given yet: may it be? 201: it may, whatever runs give; not with `time`")] = False

    @model_validator(mode="after")
    def _now(self) -> Self:
        if self.ask and self.time is not None:
            raise ValueError("what is asked for is given now: leave `time` out")
        return self


class SessionRulesBody(Body):
    """How long sessions may last and what must lie between two; null: no limit."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"session_s": 5400, "between_s": 7200, "reason": "protocol 17/4"}]})
    session_s: Seconds | None
    between_s: Seconds | None
    reason: Reason


class OverrideBody(Body):
    """Another value of a limit, for a while."""

    model_config = ConfigDict(json_schema_extra={"examples": [OVERRIDE]})
    limit: Annotated[Limit, Field(strict=False)]
    value: Annotated[float, Field(ge=0, le=1e9)]
    until: Annotated[UtcTime, Field(strict=False, description="at most 7 days from now")]
    reason: Reason


class EntryView(Answer):
    """Something given, or commanded. `fate`: what is known of it; all but `refused` may have been given."""

    id: UUID
    substance: str
    amount: float
    time: datetime
    fate: Literal["commanded", "indeterminate", "refused", "failed", "confirmed"]
    commanded: float | None = Field(description="what the device was told; null: not known, or given by hand")
    confirmed: float | None = Field(description="what the device says it did, on its own scale; null: it does not say")
    measured: float | None = Field(description="what came out, by a sensor or by the calibration; null: nobody measured")
    calibration: int | None = Field(description="version that was in force")
    device_id: UUID | None
    rig_id: UUID | None
    run_id: UUID | None
    by: str
    note: str


class SubstanceView(Answer):
    """A day's sum. `at_most` counts what may have been given, `surely` what is confirmed; `left`: null without a limit."""

    substance: str
    commanded: float
    surely: float
    measured: float = Field(description="what came out, of what was measured")
    at_most: float
    by_hand: float
    reserved: float = Field(description="what runs that are not over may still give")
    maximum: float | None = Field(description="with overrides")
    minimum: float | None
    left: float | None


class ConcernView(Answer):
    """What a person must see to."""

    kind: str
    severity: str
    message: str


class LimitsView(Answer):
    """A subject's limits; null: none. Daily ones are those of the subject's `daily`."""

    max_fluid: float | None
    min_fluid: float | None
    max_food: float | None
    min_food: float | None
    max_pellets: float | None
    min_pellets: float | None
    session_s: float | None
    between_s: float | None


class OverrideView(Answer):
    """A person's word about a limit."""

    id: UUID
    limit: str
    value: float
    begin: datetime
    until: datetime
    by: str
    reason: str


class OverrideList(Answer):
    """Overrides that are not over."""

    items: list[OverrideView]


class FluidDayView(Answer):
    """What a subject was given in a day of its laboratory, over all rigs and by hand."""

    subject_id: UUID
    date: CalendarDate
    begin: datetime
    end: datetime
    substances: list[SubstanceView]
    limits: LimitsView
    overrides: list[OverrideView]
    concerns: list[ConcernView]
    entries: list[EntryView]


def day_view(subject_id: UUID, known: SubjectDay, now: datetime) -> FluidDayView:
    """Return a subject's day as the API says it."""
    entries = sorted(known.ledger.entries.values(), key=lambda each: (each.at, each.id))
    seen = min(max(now, known.day.begin), known.day.end)
    held = in_force(known.limits, known.overrides, seen)
    found = concerns(known.ledger, held, known.day, now)
    return FluidDayView.model_construct(
        subject_id=subject_id,
        date=known.day.date,
        begin=known.day.begin,
        end=known.day.end,
        substances=[_substance(known, held, each) for each in Substance],
        limits=limits_view(known.limits),
        overrides=[override_view(each) for each in known.overrides],
        concerns=[ConcernView.model_construct(kind=each.kind, severity=each.severity, message=each.message) for each in found],
        entries=[entry_view(each) for each in entries],
    )


def _substance(known: SubjectDay, held: Limits, substance: Substance) -> SubstanceView:
    entries = [each for each in known.ledger.entries.values() if each.substance is substance]
    limit, at_most = held.most(substance), known.ledger.most(substance)
    reserved = known.ledger.reserved.get(substance, 0.0)
    return SubstanceView.model_construct(
        substance=substance.value,
        commanded=sum(each.amount for each in entries if each.fate is not Fate.REFUSED),
        surely=known.ledger.least(substance),
        measured=sum(each.measured for each in entries if each.measured is not None),
        at_most=at_most - reserved,
        by_hand=sum(each.amount for each in entries if each.run is None),
        reserved=reserved,
        maximum=limit,
        minimum=held.least(substance),
        left=None if limit is None else room(limit, at_most),
    )


def entry_view(entry: Entry) -> EntryView:
    """Return something given as the API says it."""
    return EntryView.model_construct(
        id=entry.id,
        substance=entry.substance.value,
        amount=entry.amount,
        time=entry.at,
        fate=entry.fate.value,
        commanded=entry.commanded,
        confirmed=entry.confirmed,
        measured=entry.measured,
        calibration=entry.calibration,
        device_id=entry.device,
        rig_id=entry.rig,
        run_id=entry.run,
        by=entry.by,
        note=entry.note,
    )


def limits_view(limits: Limits) -> LimitsView:
    """Return limits as the API says them."""
    return LimitsView.model_construct(**structs.asdict(limits))


def override_view(override: Override) -> OverrideView:
    """Return an override as the API says it."""
    facts = {name: getattr(override, name) for name in ("id", "value", "begin", "until", "by", "reason")}
    return OverrideView.model_construct(limit=override.limit.value, **facts)
