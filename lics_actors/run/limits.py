"""Whether a reward may leave: the subject's allowance, asked at the last moment before it does. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lics_actors.run.orders import Allowance

SLACK: Final = 1e-9  # of sums of floating-point amounts


def refusal(allowance: Allowance | None, given: float, amount: float, now: datetime) -> str | None:
    """Return why a reward of `amount` must not leave, or None. `given`: what the run has sent since the allowance was told."""
    if allowance is None or allowance.override is not None:
        return None
    if allowance.until is not None and now >= allowance.until:
        return "the subject's allowance ended with its day, and was not renewed"
    if given + amount > allowance.amount + SLACK:
        return f"the subject may get {max(0.0, allowance.amount - given):g} more, not {amount:g}"
    return None
