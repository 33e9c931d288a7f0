"""What the broker says of itself in its `$SYS` topics, and what follows from it. Pure.

Names and meaning are mosquitto's (mosquitto(8), "Broker status"); LICS's fallback broker speaks of what it dropped, too. Neither
says what its limits are, and others may say nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

DROPPED = "$SYS/broker/publish/messages/dropped"  # messages that found a client's queue full, since the broker started
STORED = "$SYS/broker/store/messages/count"  # messages it holds, queued for anybody or retained
EPISODE_S = 600.0  # how long what was dropped is spoken of: it cannot be undone, and a person shall see it


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """What was heard. `total`: dropped since the broker started; `lost`: of these in the present episode, the last `lost_at`
    (seconds of any clock that never runs backwards); `stored`: messages the broker holds."""

    total: int | None = None
    lost: int = 0
    lost_at: float | None = None
    stored: int | None = None

    def heard(self, topic: str, payload: bytes, now: float) -> BrokerFacts:
        """Return what is known after a message; one that says nothing changes nothing."""
        if not payload.isdigit() or len(payload) > 18:
            return self
        if topic == STORED:
            return replace(self, stored=int(payload))
        return self._dropped(int(payload), now) if topic == DROPPED else self

    def _dropped(self, total: int, now: float) -> BrokerFacts:
        """Count what is new. A smaller total is that of a broker started anew; the first ever tells only where to begin."""
        if self.total is None:
            return replace(self, total=total)
        new = total - self.total if total >= self.total else total
        if not new:
            return replace(self, total=total)
        before = self.lost if self.lost_at is not None and now - self.lost_at < EPISODE_S else 0
        return replace(self, total=total, lost=before + new, lost_at=now)
