"""A finished run, once more: the recorded events must give the recorded decisions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lics_actors.experiment.engine import reduce
from lics_actors.experiment.messages import Effect, Event
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.state import RunState

Recorded = tuple[Event, Sequence[Effect]]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first decision that came out otherwise, at the event of this position; None where there is one less."""

    position: int
    event: Event
    expected: Effect | None
    found: Effect | None


def replay(plan: Plan, run: RunState, recorded: Iterable[Recorded]) -> Difference | None:
    """Return the first difference between what was decided and what follows from a new run, or None."""
    for position, (event, effects) in enumerate(recorded):
        run, found = reduce(plan, run, event)
        if list(effects) != found:
            return _first(position, event, effects, found)
    return None


def _first(position: int, event: Event, expected: Sequence[Effect], found: Sequence[Effect]) -> Difference:
    for one, other in zip(expected, found, strict=False):
        if one != other:
            return Difference(position, event, one, other)
    common = min(len(expected), len(found))
    return Difference(position, event, next(iter(expected[common:]), None), next(iter(found[common:]), None))
