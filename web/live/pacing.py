"""How often: rates that clients may not exceed, and how much of a worker's time telemetry and snapshots may take. Pure."""

from __future__ import annotations

from typing import Final

TELEMETRY_SHARE: Final = 0.2  # of a worker's time: 50 viewers of 100 devices must leave it to commands, events and REST
TELEMETRY_S: Final = 0.05  # no person sees more than 20 values a second, and no device's actor tells more


def next_round(began: float, spent_s: float) -> float:
    """Return when telemetry may be sent next, after a round that began at `began` and took `spent_s` of the worker's time."""
    return began + max(TELEMETRY_S, spent_s / TELEMETRY_SHARE)


SNAPSHOT_SHARE: Final = 0.2  # of the time that passes: after a restart hundreds want the same snapshot within a second
GATHER_S: Final = 0.5  # nobody waits longer than this for others to come


def next_snapshot(began: float, ended: float) -> float:
    """Return when a topic's next snapshot may be begun: those who come until then share it."""
    return max(ended, min(ended + GATHER_S, began + (ended - began) / SNAPSHOT_SHARE))


class Bucket:
    """A rate with some patience: `burst` at once, `per_s` in the long run. Pure, but remembers."""

    __slots__ = ("_burst", "_filled_at", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._left, self._filled_at = burst, now

    def take(self, now: float, cost: float = 1.0) -> bool:
        """Return whether `cost` is within the rate, and count it if it is."""
        self._left = min(self._burst, self._left + max(0.0, now - self._filled_at) * self._per_s)
        self._filled_at = now
        if self._left < cost:
            return False
        self._left -= cost
        return True
