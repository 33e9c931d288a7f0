"""What operators want of a run, as its engine hears it, and what became of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from lics_actors.experiment.messages import (
    AbortAsked,
    Annotated,
    AskRefused,
    Effect,
    Event,
    ParameterAsked,
    PauseAsked,
    Phase,
    ResumeAsked,
    RewardAsked,
    RewardRefused,
    StopAsked,
)
from lics_actors.run.messages import (
    AbortRun,
    AnnotateRun,
    PauseRun,
    RenewAllowance,
    ResumeRun,
    RewardRun,
    RunWish,
    SetRunParameter,
    StopRun,
)
from lics_actors.run.orders import Allowance


def refusal_of(event: Event, before: Phase, effects: Sequence[Effect]) -> str | None:
    """Return why a wish came to nothing. A run that paused itself is now a person's to let go on: that is something."""
    if isinstance(event, PauseAsked) and before == "paused":
        return None
    return next((each.reason for each in effects if isinstance(each, AskRefused | RewardRefused)), None)


def event_of(wish: RunWish, at: float) -> Event:
    """Return what a wish is to the engine."""
    match wish:
        case PauseRun(principal=by, reason=reason):
            return PauseAsked(at, by, reason)
        case ResumeRun(principal=by):
            return ResumeAsked(at, by)
        case StopRun(principal=by, reason=reason):
            return StopAsked(at, by, reason)
        case AbortRun(principal=by, reason=reason):
            return AbortAsked(at, by, reason)
        case AnnotateRun(principal=by, text=text):
            return Annotated(at, by, text)
        case RewardRun(principal=by, amount=amount):
            return RewardAsked(at, by, amount)
        case SetRunParameter(principal=by, name=name, value=value):
            return ParameterAsked(at, by, name, value)
        case RenewAllowance(principal=by, allowance=allowance):
            return Annotated(at, by, _allowance_in_words(allowance))
        case _:
            assert_never(wish)


def _allowance_in_words(allowance: Allowance | None) -> str:
    if allowance is None:
        return "allowance: no limit is kept any more"
    amount = "no limit" if allowance.amount is None else f"{allowance.amount:g}"
    over = f", may be exceeded by the word of {allowance.override}" if allowance.override else ""
    ends = "" if allowance.ends is None else f"; the session ends at {allowance.ends.isoformat()}"
    return f"allowance: {amount} from {allowance.as_of.isoformat()} on{over}{ends}"
