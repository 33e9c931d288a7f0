"""Steps of the wall clock, noticed by the clock that nobody can set."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

STEP_S: Final = 0.5  # a clock that is only kept right is slewed, at most half a millisecond a second, and never jumps so far


class StepWatch:
    """Says by how much the wall clock was set since it was last asked. A machine that slept counts as one that was set."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()

    def stepped_s(self) -> float:
        """Return the step in seconds, forwards positive; 0 where there was none."""
        offset = self._wall() - self._steady()
        step = offset - self._offset
        if abs(step) < STEP_S:
            return 0.0
        self._offset = offset
        return step
