"""A run of a protocol, event by event: what it is, and what is to be done. Pure.

What holds, whatever happens (tests/unit/experiment/test_engine_properties.py):

- A trial is rewarded once at most, and the run never beyond its limit; a command's id is that of run, trial and ordinal.
- A timer changes something only while it is set, and leaving a state cancels its timers first.
- While paused nothing is said and no timer of a trial is set. The trial that was open is closed as `interrupted`; after `resume`
  comes the next one.
- The same events give the same effects: chance is the n-th number of a recorded seed, time is that of the event.
"""

from __future__ import annotations

from typing import assert_never

from lics_actors.experiment import operators, trials
from lics_actors.experiment.expressions import EvaluationError
from lics_actors.experiment.finishing import FATES, close, finish, make_safe
from lics_actors.experiment.messages import (
    OVER,
    AbortAsked,
    Annotated,
    Armed,
    Arming,
    Broken,
    CommandSettled,
    DeviceSaid,
    Effect,
    Event,
    MetricSaid,
    Noted,
    ParameterAsked,
    PauseAsked,
    Phase,
    Recovered,
    ResumeAsked,
    RewardAsked,
    Scheduled,
    SessionOver,
    SetTimer,
    StopAsked,
    TimerFired,
    Validated,
)
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.state import RunState
from lics_actors.experiment.turn import Turn

SESSION = "session"
_BEFORE: frozenset[str] = frozenset({"draft", "validated", "scheduled", "arming"})


def reduce(plan: Plan, run: RunState, event: Event) -> tuple[RunState, list[Effect]]:
    """Return the run after an event, and what is to be done, in order. `run` stays as it is."""
    turn = Turn(plan, run, event.at)
    if run.phase in OVER and not isinstance(event, Annotated):
        return run, []
    try:
        _react(turn, event)
    except EvaluationError as fault:
        fail(turn, str(fault))
    return turn.run, turn.effects


def fail(turn: Turn, reason: str) -> None:
    """End the run, because it cannot go on."""
    if turn.run.phase in _BEFORE:
        turn.move("failed", reason)
    elif turn.run.phase == "finishing":
        turn.run.ending, turn.run.reason = "failed", reason
    else:
        trials.interrupt(turn, reason)
        finish(turn, "failed", reason)


def _react(turn: Turn, event: Event) -> None:
    run = turn.run
    match event:
        case DeviceSaid():
            if run.open:
                turn.hear({f"event.{name}": value for name, value in event.data.items()})
                trials.heard(turn, f"event:{event.role}.{event.event}")
        case MetricSaid():
            if run.open:
                trials.metric(turn, f"{event.role}.{event.metric}", event.value)
        case TimerFired():
            _fired(turn, event.timer)
        case CommandSettled():
            _settled(turn, event)
        case Validated():
            _advance(turn, "draft", "validated")
        case Scheduled():
            _advance(turn, "validated", "scheduled")
        case Arming():
            _advance(turn, "scheduled", "arming")
        case Armed():
            _armed(turn)
        case PauseAsked():
            operators.pause(turn, event.by, event.reason)
        case ResumeAsked():
            operators.resume(turn, event.by)
        case StopAsked():
            operators.stop(turn, event.by, event.reason)
        case SessionOver():
            _session_over(turn, event.reason)
        case AbortAsked():
            operators.abort(turn, event.by, event.reason)
        case Annotated():
            turn.tell(Noted(event.by, event.text))
        case RewardAsked():
            operators.reward(turn, event.by, event.amount)
        case ParameterAsked():
            operators.change(turn, event.by, event.name, event.value)
        case Recovered():
            _recovered(turn)
        case Broken():
            fail(turn, event.reason)
        case _:
            assert_never(event)


def _advance(turn: Turn, before: Phase, after: Phase) -> None:
    if turn.run.phase == before:
        turn.move(after)


def _armed(turn: Turn) -> None:
    if turn.run.phase == "arming":
        turn.run.began = turn.at
        turn.move("running")
        turn.set_timer(SESSION, turn.at + turn.plan.time_s)
        trials.begin(turn)


def _fired(turn: Turn, timer: str) -> None:
    run = turn.run
    if timer not in run.timers:
        return
    turn.at = run.now = max(turn.at, run.timers[timer])
    run.timers = {other: due for other, due in run.timers.items() if other != timer}
    if timer == SESSION:
        _session_over(turn, "the time of the session is over")
    elif timer == FATES:
        close(turn)
    elif timer == trials.INTERVAL:
        trials.begin(turn)
    else:
        trials.elapsed(turn, int(timer.partition(".")[2]))


def _session_over(turn: Turn, reason: str) -> None:
    if turn.run.phase in _BEFORE:
        turn.move("stopped", reason)
    elif turn.run.phase != "finishing":
        trials.interrupt(turn, reason)
        finish(turn, "completed", reason)


def _settled(turn: Turn, event: CommandSettled) -> None:
    run = turn.run
    command = run.pending.get(event.command_id)
    if command is None:
        return
    run.pending = {other: each for other, each in run.pending.items() if other != event.command_id}
    if run.phase == "finishing" and not run.pending:
        close(turn)
    elif run.open and command.trial == run.trial:
        trials.settled(turn, command.subject, event.outcome)


def _recovered(turn: Turn) -> None:
    """Take over from a driver that died: no timer of it fires any more, the open trial is closed, the policy decides."""
    run = turn.run
    before = run.phase
    if before in _BEFORE:
        if before == "arming":
            turn.move("scheduled", "arming was interrupted")
        return
    run.timers = {timer: due for timer, due in run.timers.items() if timer in {SESSION, FATES}}
    for timer, due in run.timers.items():
        turn.tell(SetTimer(timer, due))
    if before == "finishing":
        return
    turn.move("interrupted")
    trials.interrupt(turn, "the run was interrupted")
    turn.move("recovering")
    if before == "paused":
        turn.move("paused", "it was paused before it was interrupted")
        return
    make_safe(turn)
    _decide(turn)


def _decide(turn: Turn) -> None:
    match turn.plan.recovery:
        case "resume":
            turn.move("running")
            trials.await_next(turn)
        case "abort":
            finish(turn, "aborted", "the run was interrupted")
        case _:
            pass  # an operator decides
