"""How fast a run answered: its reaction times in few numbers. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from lics_actors.datafile.dossier import ClockFacts, Move
from lics_actors.experiment.messages import DeviceSaid

# Upper bounds, seconds: 1, 2, 5 a decade from 0.1 ms (below any answer) to 10 s (after which nobody would call it one).
BOUNDS_S: Final = (*(step * 10.0**power for power in range(-4, 1) for step in (1, 2, 5)), 10.0)


@dataclass(frozen=True, slots=True)
class Reactions:
    """How long reactions took, in seconds. `histogram`: upper bounds with how many are below them and above the one before."""

    count: int
    p50_s: float
    p99_s: float
    max_s: float
    histogram: tuple[tuple[float, int], ...]


def reaction_times(moves: Sequence[Move]) -> list[float]:
    """Return the seconds from each event of a device to each command that answered it."""
    return [each for move in moves if isinstance(move.event, DeviceSaid) for each in move.reacted.values()]


def reactions(times_s: Sequence[float]) -> Reactions | None:
    """Return the distribution of these times; None of none."""
    if not times_s:
        return None
    ordered = sorted(times_s)
    bounds = (*BOUNDS_S, max(BOUNDS_S[-1], ordered[-1]))  # the last holds what is slower still
    counts = [0] * len(bounds)
    for each in ordered:
        counts[bisect_left(bounds, each)] += 1
    histogram = tuple((bound, count) for bound, count in zip(bounds, counts, strict=True) if count)
    return Reactions(len(ordered), quantile(ordered, 0.5), quantile(ordered, 0.99), ordered[-1], histogram)


def clock(lags_s: Sequence[float]) -> ClockFacts | None:
    """Return how far a clock was behind, from what came in (LICS's time less the device's); None of nothing."""
    if not lags_s:
        return None
    ordered = sorted(lags_s)
    return ClockFacts(len(ordered), quantile(ordered, 0.5), ordered[0], ordered[-1])


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of these are not above; `ordered` rises and is not empty."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
