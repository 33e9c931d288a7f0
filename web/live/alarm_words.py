"""Which words about alarms are news. Pure, but remembers.

An alarm is told twice: by its source, at once, and by whoever writes it into the table, which knows more. They say so in either
order; what the source says must not hide what the table said.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lics_actors.live.messages import AlarmLive, moments

REMEMBERED: Final = 1000  # alarms
LATE_US: Final = 30_000_000  # a word that comes later than so is told: clocks are set back, and a database may be away then


class AlarmWords:
    """What tables said of alarms lately."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[datetime, int]] = {}

    def news(self, n: int, message: AlarmLive) -> bool:
        """Return whether viewers are to hear it: all but a source's word about what a table has just told of. `n`: the number it
        has on the bus, a time in µs."""
        key, at = (message.source, message.alarm_kind), max(moments(message), default=None)
        known = self._known.get(key)
        if message.id is None:
            return known is None or at is None or at > known[0] or n > known[1] + LATE_US
        if at is not None:
            self._known.pop(key, None)
            self._known[key] = (at if known is None else max(at, known[0])), n
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        return True
