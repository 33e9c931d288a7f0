"""How many requests somebody may make: a bucket in each worker, and what all workers together counted. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 5.0  # over so long the workers count together


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second for ever, and `burst` at once after a rest."""

    per_s: float
    burst: float

    @property
    def in_window(self) -> float:
        """Return how many all workers together let pass in a window."""
        return self.per_s * WINDOW_S + self.burst


@dataclass(slots=True)
class Count:
    """What one worker knows of somebody. `others`: what the other workers counted in `window`, as last heard."""

    tokens: float
    at: float
    window: int = -1
    mine: int = 0
    unsaid: int = 0
    others: int = 0


def begun(rate: Rate, now: float) -> Count:
    """Return the count of somebody new."""
    return Count(rate.burst, now)


def wait_s(count: Count, rate: Rate, now: float) -> float:
    """Return how long he waits before his next request; 0: he may. The count is brought up to `now`."""
    count.tokens = min(rate.burst, count.tokens + max(0.0, now - count.at) * rate.per_s)
    count.at = now
    window = int(now // WINDOW_S)
    if window != count.window:
        count.window, count.mine, count.unsaid, count.others = window, 0, 0, 0
    if count.mine + count.others >= rate.in_window:
        return (window + 1) * WINDOW_S - now
    return 0.0 if count.tokens >= 1.0 else (1.0 - count.tokens) / rate.per_s


def took(count: Count) -> None:
    """Count a request that was let pass."""
    count.tokens -= 1.0
    count.mine += 1
    count.unsaid += 1


def heard(count: Count, window: int, said: int, total: int) -> None:
    """Take in what all workers counted in a window, after this one has said `said` more of its own."""
    if window == count.window:
        count.unsaid -= said
        count.others = max(0, total - (count.mine - count.unsaid))
