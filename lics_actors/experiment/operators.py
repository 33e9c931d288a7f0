"""What operators may do with a run. Pure."""

from __future__ import annotations

from lics_actors.experiment import trials
from lics_actors.experiment.acts import dispense
from lics_actors.experiment.finishing import close, finish, make_safe
from lics_actors.experiment.messages import AskRefused
from lics_actors.experiment.turn import Turn


def pause(turn: Turn, by: str, reason: str) -> None:
    """Be silent from now on: the open trial is interrupted, what makes safe is the last thing said."""
    if turn.run.phase != "running":
        turn.tell(AskRefused(by, f"a run that is {turn.run.phase} cannot be paused"))
        return
    trials.interrupt(turn, "paused")
    make_safe(turn)
    turn.move("paused", reason or f"by {by}")
    _end_if_last(turn)


def resume(turn: Turn, by: str) -> None:
    """Go on with the next trial."""
    if turn.run.phase not in {"paused", "recovering"}:
        turn.tell(AskRefused(by, f"a run that is {turn.run.phase} cannot be resumed"))
        return
    turn.move("running", f"by {by}")
    trials.await_next(turn)


def stop(turn: Turn, by: str, reason: str) -> None:
    """End after the open trial, or now where none is open."""
    why = reason or f"by {by}"
    match turn.run.phase:
        case "running" if turn.run.open:
            turn.run.last = ("stopped", why)
        case "running" | "paused" | "recovering":
            trials.interrupt(turn, why)
            finish(turn, "stopped", why)
        case "finishing":
            turn.tell(AskRefused(by, "the run is ending already"))
        case _:
            turn.move("stopped", why)


def abort(turn: Turn, by: str, reason: str) -> None:
    """End now."""
    why = reason or f"by {by}"
    match turn.run.phase:
        case "running" | "paused" | "recovering":
            trials.interrupt(turn, why)
            finish(turn, "aborted", why)
        case "finishing":
            turn.run.ending, turn.run.reason = "aborted", why
            close(turn)
        case _:
            turn.move("aborted", why)


def reward(turn: Turn, by: str, amount: float) -> None:
    """Give a reward by hand: only while running, and within the limit of the run."""
    if turn.run.phase != "running":
        turn.tell(AskRefused(by, f"a run that is {turn.run.phase} gives no rewards; resume it first"))
    elif turn.plan.reward is None:
        turn.tell(AskRefused(by, "the protocol does not say how it rewards"))
    else:
        dispense(turn, amount)


def change(turn: Turn, by: str, name: str, value: float | str | bool) -> None:
    """Have a parameter take a value from the next trial on."""
    parameter = turn.plan.parameters.get(name)
    fault = f"there is no parameter {name!r}" if parameter is None else parameter.fault(value)
    if fault is not None:
        turn.tell(AskRefused(by, fault if parameter is None else f"the parameter {name!r} {fault}"))
    else:
        turn.run.wishes = {**turn.run.wishes, name: value}


def _end_if_last(turn: Turn) -> None:
    """End where the trial that the pause closed was to be the last."""
    if turn.run.last is not None:
        finish(turn, *turn.run.last)
