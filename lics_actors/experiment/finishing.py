"""How a run ends: made safe, the fates of its commands awaited for a while, closed. Pure."""

from __future__ import annotations

from typing import Final

from lics_actors.experiment.acts import perform
from lics_actors.experiment.expressions import EvaluationError
from lics_actors.experiment.messages import Phase
from lics_actors.experiment.turn import Turn

FATES: Final = "fates"
FATES_S: Final = 10.0  # a dose takes a second or two, a lost device is noticed within this


def finish(turn: Turn, ending: Phase, reason: str) -> None:
    """End the run: nothing new but what makes safe; closed when the fates of its commands are known, or after a while."""
    run = turn.run
    silent = run.phase == "paused"
    run.ending, run.reason = ending, reason
    turn.cancel(*run.timers)
    turn.move("finishing", reason)
    if not silent:
        make_safe(turn)
    if run.pending:
        turn.set_timer(FATES, turn.at + FATES_S)
    else:
        close(turn)


def close(turn: Turn) -> None:
    """End it for good."""
    turn.cancel(*turn.run.timers)
    turn.move(turn.run.ending, turn.run.reason)


def make_safe(turn: Turn) -> None:
    """Say what makes safe; a value that cannot be had keeps nothing else from being done."""
    for act in turn.plan.safe:
        try:
            perform(turn, (act,))
        except EvaluationError as fault:
            turn.run.reason = f"{turn.run.reason}; making safe: {fault}"
