"""Whether a reward may leave: the subject's allowance, asked at the last moment before it does. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lics_actors.run.orders import Allowance

SLACK: Final = 1e-9  # of sums of floating-point amounts


def current(allowance: Allowance, at: datetime) -> Allowance:
    """Return the part of an allowance that a time belongs to: what was told for today, or for the day that follows."""
    while allowance.then is not None and at >= allowance.then.as_of:
        allowance = allowance.then
    return allowance


def refusal(allowance: Allowance | None, given: float, amount: float, at: datetime) -> str | None:
    """Return why a reward of `amount` must not leave, or None. `allowance`: the `current` one; `given`: what the run has sent
    since that began; `at`: when what it answers was heard, by which it counts for a day."""
    if allowance is None or allowance.override is not None:
        return None
    if at < allowance.as_of:
        return "the clock was set back to before the day that the subject's allowance is for"
    if allowance.until is not None and at >= allowance.until:
        return "the subject's allowance ended with its day, and was not renewed"
    if allowance.amount is not None and given + amount > allowance.amount + SLACK:
        return f"the subject may get {max(0.0, allowance.amount - given):g} more, not {amount:g}"
    return None


def overdrawn(allowance: Allowance | None, given: float) -> float:
    """Return how much more was given than an allowance covers: one that was lowered meanwhile."""
    if allowance is None or allowance.amount is None or given <= allowance.amount + SLACK:
        return 0.0
    return given - allowance.amount


def superseded(known: Allowance | None, told: Allowance | None) -> bool:
    """Return whether what is told is older than what is known."""
    return known is not None and told is not None and told.serial < known.serial
