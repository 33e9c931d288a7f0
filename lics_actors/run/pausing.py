"""What keeps a run paused, and whether that ends by itself. Pure.

The run pauses itself while a device is missing or the broker is away, and goes on when all are back. What a person paused, or an
interlock, only a person lets go on: also where it happened while the run had paused itself.
"""

from __future__ import annotations

from typing import Final

from lics_actors.experiment.messages import Event, PauseAsked, Phase, ResumeAsked

ITSELF: Final = "system:run"
INTERLOCK: Final = "system:interlock"


def ends_by_itself(so_far: bool, before: Phase, event: Event) -> bool:
    """Return whether the run, paused as it is after `event`, may go on without a person; `before`: the phase before it."""
    match event:
        case PauseAsked(by=by):
            return by == ITSELF and (so_far or before != "paused")
        case ResumeAsked():
            return False
        case _:
            return so_far
