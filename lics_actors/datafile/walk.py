"""A run's moves, one after the other, with the time and the trial of each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lics_actors.datafile.dossier import Move
from lics_actors.experiment.messages import CancelTimer, Effect, Event, SetTimer, TimerFired, TrialBegan, TrialEnded


@dataclass(frozen=True, slots=True)
class Heard:
    """An event, at a time of the run, in a trial (0: in none)."""

    at: float
    trial: int
    event: Event


@dataclass(frozen=True, slots=True)
class Decided:
    """An effect, decided in this move."""

    at: float
    trial: int
    effect: Effect
    move: Move


def walked(moves: Sequence[Move]) -> Iterator[Heard | Decided]:
    """Yield what was heard and what was decided, in order. The time is the engine's own: it never goes back."""
    now, trial = 0.0, 0
    timers: dict[str, float] = {}
    for move in moves:
        event = move.event
        now = max(now, event.at)
        if isinstance(event, TimerFired):
            now = max(now, timers.pop(event.timer, now))
        yield Heard(now, trial, event)
        for effect in move.effects:
            match effect:
                case SetTimer(timer, due):
                    timers[timer] = due
                case CancelTimer(timer):
                    timers.pop(timer, None)
                case TrialBegan():
                    trial = effect.trial
                case _:
                    pass
            yield Decided(now, trial, effect, move)
            if isinstance(effect, TrialEnded):
                trial = 0
