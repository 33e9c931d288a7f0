"""The search for the highest rate that is kept up: down in big steps until one is, then once between the two. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

FIRST = 0.93  # of what a ramp reached for a moment
DOWN, UP = 0.85, 1.06
CLOSE = 1.065  # passed so closely below what is known to be too much, a rate is the limit
MOST_PASSES = 2  # a round; a pass takes the whole length of a measurement, a failure a few seconds
LEAST = 100.0  # messages a second: who does not keep up that, keeps up nothing


@dataclass(slots=True)
class Search:
    """One contender's search over all rounds; `next_rate` says what to try, `tell` how it went."""

    guess: float
    failed: float = math.inf  # the lowest that was too much in this round; another program may have had the machine in an earlier
    passed: float = 0.0  # the highest of this round
    passes: int = 0

    def begin_round(self) -> None:
        """Start from what the last round reached."""
        self.guess = self.passed or self.guess
        self.passed, self.passes, self.failed = 0.0, 0, math.inf

    def next_rate(self) -> float | None:
        """Return the rate to try, None when the round is over."""
        if not self.passed:
            return self.guess if self.guess >= LEAST else None
        if self.passes >= MOST_PASSES or self.failed <= self.passed * CLOSE:
            return None
        return self.passed * UP if math.isinf(self.failed) else math.sqrt(self.passed * self.failed)

    def tell(self, rate: float, passed: bool) -> None:
        """Note how a try went."""
        if passed:
            self.passes += 1
            self.passed = max(self.passed, rate)
            return
        self.failed = min(self.failed, rate)
        if not self.passed:
            self.guess = rate * DOWN
