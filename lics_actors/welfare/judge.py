"""Whether something may be given, a session may begin, and whether a day was as it must be. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import structs

from lics_actors.welfare.days import LaboratoryDay
from lics_actors.welfare.ledger import Ledger
from lics_actors.welfare.messages import TOLERANCE, Granted, Limit, Limits, Override, Refused, Substance

SHORT_BEFORE: Final = timedelta(hours=2)  # so long before the day's end a shortfall is told: time to give what is missing
RISING: Final = {"low": 0, "medium": 1, "high": 2, "critical": 3}
UNITS: Final = {Substance.FLUID: "µl", Substance.FOOD: "mg", Substance.PELLETS: "pellets"}


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody wants to give this. `session_began`: of the run that does; None: no run does."""

    id: UUID
    substance: Substance
    amount: float
    at: datetime
    session_began: datetime | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """Something a person must know about a subject's day: the alarm's kind, priority and sentence."""

    kind: str
    severity: str
    message: str


def judge(ledger: Ledger, request: Request, limits: Limits, overrides: Iterable[Override] = ()) -> Granted | Refused:
    """Return whether this may be given. The ledger is that of the request's day; what it knows already is granted again."""
    if request.id in ledger.entries:
        return Granted(repeat=True)
    if not (math.isfinite(request.amount) and request.amount > 0):
        return Refused("amount", "the amount is not above 0")
    held = in_force(limits, overrides, request.at)
    if request.session_began is not None and held.session_s is not None:
        lasted = (request.at - request.session_began).total_seconds()
        if lasted >= held.session_s:
            return Refused(Limit.SESSION_S, f"the session lasts {_hours(lasted)}, and may last {_hours(held.session_s)}")
    limit = held.most(request.substance)
    left = room(limit, ledger.most(request.substance))
    if request.amount > left + TOLERANCE:
        unit = UNITS[request.substance]
        why = f"{request.amount:g} {unit} would exceed the day's {limit:g} {unit}: {left:g} {unit} are left"
        return Refused(f"max_{request.substance}", why, left)
    return Granted()


def may_begin(limits: Limits, overrides: Iterable[Override], at: datetime, last_ended: datetime | None) -> Granted | Refused:
    """Return whether a session may begin. `last_ended`: when the subject's last one did; None: it never had one."""
    between_s = in_force(limits, overrides, at).between_s
    if between_s is None or last_ended is None:
        return Granted()
    rested = (at - last_ended).total_seconds()
    if rested + TOLERANCE >= between_s:
        return Granted()
    why = f"the last session ended {_hours(max(0.0, rested))} ago, and {_hours(between_s)} must lie between two"
    return Refused(Limit.BETWEEN_S, why)


def session_end(limits: Limits, overrides: Iterable[Override], began: datetime, now: datetime) -> datetime | None:
    """Return when a session that began then is to end, by the limit that holds now; None: there is none."""
    session_s = in_force(limits, overrides, now).session_s
    return None if session_s is None else began + timedelta(seconds=session_s)


def in_force(limits: Limits, overrides: Iterable[Override], at: datetime) -> Limits:
    """Return the limits that hold at a time; of several overrides of the same limit, the one that began last."""
    held = limits
    for each in sorted(overrides, key=lambda each: (each.begin, each.id)):
        if each.begin <= at < each.until:
            held = structs.replace(held, **{each.limit.value: each.value})
    return held


def room(limit: float | None, held: float) -> float:
    """Return what may still be given: never below 0, without an end where there is no limit."""
    return math.inf if limit is None else max(0.0, limit - held)


def concerns(ledger: Ledger, limits: Limits, day: LaboratoryDay, now: datetime) -> list[Concern]:
    """Return what is wrong with a subject's day: too much at any time, too little when it is about to end."""
    found: list[Concern] = []
    for substance in Substance:
        given = math.fsum((ledger.most(substance), -ledger.reserved.get(substance, 0.0)))
        surely, unit = ledger.least(substance), UNITS[substance]
        most, least = limits.most(substance), limits.least(substance)
        if most is not None and given > most + TOLERANCE:
            why = f"given {given:g} {unit} of {substance} on {day.date}, more than {most:g} {unit}"
            found.append(Concern(f"{substance}_excess", "high", why))
        if least is not None and now >= day.end - SHORT_BEFORE and surely < least - TOLERANCE:
            why = f"given {surely:g} {unit} of {substance} on {day.date}, at least {least:g} {unit} are due"
            found.append(Concern(f"{substance}_shortfall", "critical" if now >= day.end else "high", why))
    return found


def alarms(
    standing: Mapping[str, str], found: Sequence[Concern], ledger: Ledger, limits: Limits
) -> tuple[list[Concern], list[str]]:
    """Return which concerns are to be raised, and the kinds that are over. `standing`: the priority of each kind that stands.

    A shortfall is over when the subject has had its minimum, and not when the next day begins.
    """
    told = [each for each in found if RISING[each.severity] > RISING.get(standing.get(each.kind, ""), -1)]
    kinds = {each.kind for each in found}
    for substance in Substance:
        least = limits.least(substance)
        if least is not None and ledger.least(substance) < least - TOLERANCE:
            kinds.add(f"{substance}_shortfall")
    return told, [kind for kind in standing if kind not in kinds]


def _hours(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600} h {whole % 3600 // 60} min" if whole >= 3600 else f"{whole // 60} min {whole % 60} s"
