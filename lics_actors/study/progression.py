"""Which stage a subject is in, from the runs it has had. Pure.

The whole past is folded each time: there is no second truth about where a subject stands, and a run that is corrected or arrives
late moves it where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lics_actors.study.plans import Criterion, Stage

COUNTED: Final = frozenset({"completed", "stopped"})  # a run that was aborted, or failed, says nothing about the subject

INTERRUPTED: Final = "interrupted"  # a trial that was cut short says nothing, either


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that is over. `stage`: the one it was begun in; `outcomes`: name → trials."""

    stage: int
    phase: str
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject stands. `runs`: how many in a row have counted in this stage; `why`: what led here last."""

    stage: int = 0
    runs: int = 0
    why: str = "the first stage"


@dataclass(frozen=True, slots=True)
class _Fold:
    place: Place = field(default_factory=Place)
    recent: tuple[Mapping[str, int], ...] = ()


def place_of(stages: Sequence[Stage], good: Sequence[frozenset[str]], past: Iterable[PastRun]) -> Place:
    """Return where a subject stands after its past runs, oldest first. `good`: of each stage, the outcomes that are good.

    A run in another stage than the subject stands in was a person's decision: it moves the subject there.
    """
    fold = _Fold()
    for run in past:
        if run.phase in COUNTED and 0 <= run.stage < len(stages):
            fold = _after(stages, good, fold, run)
    return fold.place


def holds(criterion: Criterion, good: frozenset[str], recent: Sequence[Mapping[str, int]]) -> bool:
    """Return whether a criterion holds over the latest runs of a stage."""
    last = recent[-criterion.runs :]
    return len(last) == criterion.runs and all(_holds(criterion, good, outcomes) for outcomes in last)


def _holds(criterion: Criterion, good: frozenset[str], outcomes: Mapping[str, int]) -> bool:
    trials = sum(count for name, count in outcomes.items() if name != INTERRUPTED)
    if trials < criterion.trials or not trials:
        return False
    wanted = good if criterion.outcome is None else {criterion.outcome}
    share = sum(count for name, count in outcomes.items() if name in wanted) / trials
    return share <= criterion.most if criterion.share is None else share >= criterion.share  # type: ignore[operator]


def _after(stages: Sequence[Stage], good: Sequence[frozenset[str]], fold: _Fold, run: PastRun) -> _Fold:
    at, why = run.stage, "it was run in this stage"
    recent: tuple[Mapping[str, int], ...] = (run.outcomes,)
    if run.stage == fold.place.stage:
        recent, why = (*fold.recent, run.outcomes), fold.place.why
    stage = stages[at]
    if stage.advance is not None and holds(stage.advance, good[at], recent) and at + 1 < len(stages):
        return _Fold(Place(at + 1, 0, f"{stage.name} was mastered"))
    if stage.back is not None and holds(stage.back, good[at], recent) and at > 0:
        return _Fold(Place(at - 1, 0, f"{stage.name} was too hard"))
    return _Fold(Place(at, len(recent), why), recent[-100:])
