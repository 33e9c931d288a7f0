"""What a device says again after a lost connection: messages that a killed broker may have acknowledged and forgotten. Pure."""

from __future__ import annotations

import math
from typing import Final

Key = tuple[str, int, int]  # leaf of the topic, epoch, seq

KEPT_S: Final = 5.0  # the embedded broker writes its queues to disk every second; the rest is for a slow disk
MOST: Final = 500  # messages; a small memory


class Recent:
    """Messages acknowledged in the last `KEPT_S` before the broker's last sign of life. Times are of any steady clock.

    It outlives a power cut, as a few kilobytes of flash do.
    """

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[float, bytes]] = {}

    def acknowledged(self, key: Key, payload: bytes, now: float) -> None:
        """The broker says that it has this message."""
        self._kept.pop(key, None)  # the newest is the last
        self._kept[key] = (now, payload)
        while self._kept and self._is_over(now):
            del self._kept[next(iter(self._kept))]

    def again(self) -> list[tuple[Key, bytes]]:
        """Return what is to be said again, oldest first; each is kept until it is acknowledged anew."""
        for key, (_, payload) in self._kept.items():
            self._kept[key] = (math.inf, payload)
        return [(key, payload) for key, (_, payload) in self._kept.items()]

    def _is_over(self, now: float) -> bool:
        acknowledged_at, _ = next(iter(self._kept.values()))
        return acknowledged_at < now - KEPT_S or len(self._kept) > MOST
