"""What runs may be granted: the day's limit, less what was given and less what others may still give. Pure.

A run that is open holds all that it was granted for a day, since whoever asks cannot know what it has given meanwhile; one that
is over holds what it gave. So nothing is granted twice, also while the words of a run are late, lost with its host, or repeated.
What a run was granted is told to it as one `Allowance`: the sum for the day, which it counts down by itself from the day's begin.

What holds, whatever happens (tests/unit/welfare/test_no_limit_exceeded.py): what devices gave a subject in a day of its
laboratory, by whichever runs and hands that asked, is within the highest limit that was in force in that day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from lics_actors.run.orders import Allowance
from lics_actors.welfare.days import LaboratoryDay
from lics_actors.welfare.judge import in_force
from lics_actors.welfare.messages import Grant, Limits, Override, Substance


@dataclass(frozen=True, slots=True)
class Share:
    """A run's part of a subject's day. `granted`: in all; `given`: what its known entries count at most."""

    granted: float
    given: float
    open: bool


@dataclass(frozen=True, slots=True)
class Portion:
    """So much until then; `override`: what allows it beyond the usual limit."""

    amount: float
    until: datetime
    override: UUID | None = None


def held(shares: Iterable[Share], by_hand: float) -> float:
    """Return what of a day is given, or may be given without anybody being asked again."""
    return math.fsum((by_hand, *(_held(each) for each in shares)))


def reserved(shares: Iterable[Share]) -> float:
    """Return what of a day runs may still give beyond what is known to be given."""
    return math.fsum(_held(each) - each.given for each in shares)


def grantable(wanted: float | None, limit: float, already: float) -> float:
    """Return what a run is granted: what it wants (None: all there is) as far as there is room."""
    left = max(0.0, limit - already)
    return left if wanted is None else min(max(0.0, wanted), left)


def room_of(limit: float | None, others: Iterable[Share], by_hand: float, overrun: float) -> float:
    """Return what a run may give of a day at most. `others`: shares of other runs; `overrun`: so much more than it wanted came
    out of its pump, which it cannot know."""
    return math.inf if limit is None else max(0.0, limit - held(others, by_hand) - overrun)


def portions(
    substance: Substance,
    wanted: float | None,
    already: float,
    *,
    limits: Limits,
    overrides: Iterable[Override],
    day: LaboratoryDay,
    now: datetime,
) -> list[Portion] | None:
    """Return what a run is granted of a day: what the usual limit has room for until the day ends, and what an override adds
    until that ends; None: there is no limit. Of several overrides of the same limit the one that began last holds."""
    at = max(now, day.begin)
    words = [each for each in overrides if each.limit.value == f"max_{substance}" and each.begin <= at < each.until]
    usual = limits.most(substance)
    raised = in_force(limits, words, at).most(substance)
    if raised is None:
        return None
    if not words:
        return [Portion(grantable(wanted, raised, already), day.end)]
    word = max(words, key=lambda each: (each.begin, each.id))
    until = min(day.end, word.until)
    if usual is None or raised <= usual:
        return [Portion(grantable(wanted, raised, already), until, word.id)]
    first = grantable(wanted, usual, already)
    rest = grantable(None if wanted is None else wanted - first, raised, already + first)
    return [Portion(first, day.end), Portion(rest, until, word.id)]


def allowance(grants: Iterable[Grant], day: LaboratoryDay, now: datetime, room: float = math.inf) -> Allowance:
    """Return what a run is told of its grants for a day: never more than there is `room` for, since a hand may have given
    something meanwhile. It ends with the first of them: then the run asks again."""
    at = max(now, day.begin)
    valid = [each for each in grants if each.begin == day.begin and at < each.until]
    until = min((each.until for each in valid), default=day.end)
    return Allowance(min(max(0.0, room), math.fsum(each.amount for each in valid)), day.begin, until)


def _held(share: Share) -> float:
    return max(share.granted, share.given) if share.open else share.given
