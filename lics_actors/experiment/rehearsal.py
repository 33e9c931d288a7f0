"""Rehearsal: the engine that runs experiments, with simulated devices and subjects, under virtual time. Pure.

A rehearsal of many trials is as many sessions as the protocol's own limits make of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Any, Final
from uuid import UUID, uuid5

from drivers.native.subject import SubjectModel
from drivers.protocol import Description
from lics_actors.experiment.engine import reduce
from lics_actors.experiment.instruments import Instruments
from lics_actors.experiment.messages import (
    OVER,
    Armed,
    Arming,
    Effect,
    Event,
    Scheduled,
    SendCommand,
    SetTimer,
    StateEntered,
    StopAsked,
    TimerFired,
    Validated,
    WayTaken,
)
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.replay import Difference, Recorded, replay
from lics_actors.experiment.state import RunState, new_run
from lics_actors.experiment.subjects import Subject
from lics_actors.experiment.tally import Tally

_REHEARSALS: Final = UUID("0d3f6f0e-1c0a-4f55-9a50-2f6b7f5d8c11")  # random, made for LICS
MAX_EVENTS: Final = 1_000_000  # of one session; a protocol that needs more does not come to an end


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What to rehearse: a plan made for `devices`, with parameters in base units."""

    plan: Plan
    devices: Mapping[str, Description]
    trials: int
    subject: SubjectModel = "random"
    seed: int = 1
    parameters: Mapping[str, Any] | None = None
    max_events: int = MAX_EVENTS


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it was: the run before it began, and what was heard and decided."""

    begun: RunState
    recorded: Sequence[Recorded]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it. `difference`: of the first session replayed, None where it was identical."""

    tally: Tally
    difference: Difference | None
    first: Session


def rehearse(task: Rehearsal) -> Rehearsed:
    """Return the tally of `task.trials` trials; of less where a session had `max_events` and no trial came to an end."""
    tally = Tally(task.plan)
    dice = Random(task.seed)  # noqa: S311 - a subject's, and to be repeated
    subject = Subject(task.plan, task.devices, task.subject, dice)
    difference: Difference | None = None
    first: Session | None = None
    while tally.trials < task.trials:
        before, number = tally.trials, tally.sessions
        run = new_run(task.plan, uuid5(_REHEARSALS, f"{task.seed}/{number}"), task.seed + number, dict(task.parameters or {}))
        recorded: list[Recorded] | None = [] if number == 0 else None
        end = _Session(task, subject, tally, recorded).run_through(run)
        tally.session_over(end)
        if recorded is not None:
            first, difference = Session(run, recorded), replay(task.plan, run, recorded)
        if tally.trials == before:
            break
    assert first is not None, "a rehearsal has a trial at least"
    return Rehearsed(tally, difference, first)


class _Session:
    """One session: what is going to happen, in order of time."""

    def __init__(self, task: Rehearsal, subject: Subject, tally: Tally, recorded: list[Recorded] | None) -> None:
        self._task, self._subject, self._tally, self._recorded = task, subject, tally, recorded
        self._instruments = Instruments(task.plan)
        self._queue: list[tuple[float, int, int, Event]] = []
        self._count = 0
        self._intention = 0  # the subject's; an older one is forgotten

    def run_through(self, run: RunState) -> RunState:
        """Return the run at its end."""
        for begun in (Validated(0.0), Scheduled(0.0), Arming(0.0), Armed(0.0)):
            run = self._step(run, begun, None)
        for _ in range(self._task.max_events):
            if not self._queue or run.phase in OVER:
                break
            at, _, intention, event = heappop(self._queue)
            if isinstance(event, TimerFired):
                if event.timer not in run.timers:
                    continue
            elif intention and intention != self._intention:
                continue
            run = self._step(run, event, at if intention else None)
            if run.last is None and self._tally.trials >= self._task.trials and run.phase == "running":
                run = self._step(run, StopAsked(run.now, "rehearsal", "enough trials"), None)
        return run

    def _step(self, run: RunState, event: Event, answered: float | None) -> RunState:
        run, effects = reduce(self._task.plan, run, event)
        if self._recorded is not None:
            self._recorded.append((event, effects))
        moved = answered is not None
        for effect in effects:
            moved |= self._carry_out(effect, run.now)
        if moved and run.open:
            self._let_answer(run)
        return run

    def _carry_out(self, effect: Effect, now: float) -> bool:
        """Do what is to be done; return whether the subject has something new before it."""
        if isinstance(effect, SetTimer):
            self._expect(effect.due, TimerFired(effect.due, effect.timer))
        elif isinstance(effect, SendCommand):
            self._tally.told(effect, now)
            for event in self._instruments.obey(effect, now):
                self._expect(event.at, event)
        elif isinstance(effect, StateEntered):
            self._tally.entered(effect)
            return True
        elif isinstance(effect, WayTaken):
            self._tally.taken(effect)
            return True
        else:
            self._tally.told(effect, now)
        return False

    def _let_answer(self, run: RunState) -> None:
        self._intention += 1
        answer = self._subject.answer(run)
        if answer is not None:
            at = run.now + answer[0]
            said = answer[1]
            self._expect(at, type(said)(at, said.role, said.event, said.data), self._intention)

    def _expect(self, at: float, event: Event, intention: int = 0) -> None:
        self._count += 1
        heappush(self._queue, (at, self._count, intention, event))
