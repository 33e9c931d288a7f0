"""How long reactions took: the newest few hundred, for a look; all of them are in the record. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

KEPT: Final = 512


class Reactions:
    """Milliseconds from when something came in to when the command that answers it was published."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=KEPT)

    def took(self, milliseconds: float) -> None:
        """Add one."""
        self._newest.append(milliseconds)

    def figures(self) -> dict[str, float]:
        """Return `p50`, `p99`, `max` and `count` of the newest; nothing where there is none."""
        if not self._newest:
            return {}
        ordered = sorted(self._newest)
        last = len(ordered) - 1
        return {
            "p50": round(ordered[round(last * 0.5)], 3),
            "p99": round(ordered[round(last * 0.99)], 3),
            "max": round(ordered[-1], 3),
            "count": float(len(ordered)),
        }
