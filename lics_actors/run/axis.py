"""A run's axis of time: seconds since it was opened, by a clock that nobody sets."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Axis:
    """Begins anew with each incarnation of the actor: at the time of day then, and never before what was recorded."""

    def __init__(self, zero: datetime, at_least: float = 0.0) -> None:
        since = max(at_least, (datetime.now(UTC) - zero).total_seconds())
        self._offset = since - time.monotonic()

    def now(self) -> float:
        """Return the time, in seconds."""
        return time.monotonic() + self._offset
