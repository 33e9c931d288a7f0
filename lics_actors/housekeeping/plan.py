"""When the housekeeper works, on how much at a time, and when it rests. Pure.

It shares the database with the Recorder, which comes first: steps are short, and it rests as long as it worked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

LAG_S = 120.0  # rows come a second after their time; what comes later than this costs a few milliseconds more
EVERY_S = 15.0
PRUNE_EVERY_S = 600.0
PRUNE_S = 5.0  # deleting at a time
STEP_S = 1.0  # aimed at; a writer may wait for the locks of a statement, and SIGKILL loses a step
MIN_STEP, MAX_STEP = timedelta(minutes=1), timedelta(days=7)
MAX_REST_S = 10.0
RETRY_S, RETRY_MAX_S = 1.0, 60.0
ALARM = "housekeeping"
ALARM_AFTER = 8  # failures in a row: some two minutes, in which a server that restarts is long back


@dataclass(frozen=True, slots=True)
class Pace:
    """How wide a step of rolling up is, in time of the rows; learnt from how long steps took."""

    width: timedelta = timedelta(hours=1)

    def after(self, took_s: float) -> Pace:
        """Return the pace after a step that took so long."""
        if took_s > 2 * STEP_S:
            return replace(self, width=max(MIN_STEP, self.width / 2))
        if took_s < STEP_S / 2:
            return replace(self, width=min(MAX_STEP, self.width * 2))
        return self

    def after_failure(self) -> Pace:
        """Return the pace after a step that did not end: it may have been too much at once."""
        return replace(self, width=max(MIN_STEP, self.width / 4))


@dataclass(frozen=True, slots=True)
class Round:
    """What one round over everything came to. `ours` False: another process keeps this database."""

    ours: bool = True
    behind_s: float = 0.0
    late_left: bool = False
    prune_left: bool = False
    took_s: float = 0.0

    @property
    def more(self) -> bool:
        """Return whether there is work left that could be done at once."""
        return self.ours and (self.behind_s > 0 or self.late_left or self.prune_left)


def rest_s(done: Round) -> float:
    """Return how long to rest after a round: as long as it took while there is more to do, else until it is time again."""
    return min(MAX_REST_S, done.took_s) if done.more else EVERY_S


def retry_s(failures: int, luck: float) -> float:
    """Return how long to wait after so many failures in a row (from 1): doubling, capped, the upper half of it by luck."""
    whole = min(RETRY_MAX_S, RETRY_S * 2.0 ** min(failures - 1, 16))
    return whole * (0.5 + 0.5 * luck)


def conditions(failures: int, reason: str) -> dict[str, str]:
    """Return the alarms that stand after so many failures in a row, the last for this reason; by kind, a sentence each."""
    if failures < ALARM_AFTER:
        return {}
    return {
        ALARM: f"rollups and rules of retention wait: {reason}; nothing is lost, but long reads are slow and nothing is deleted"
    }


def word(done: Round | None, failures: int) -> str:
    """Return how it goes, in a word or two."""
    if failures:
        return "waiting (database away)"
    if done is None:
        return "starting"
    if not done.ours:
        return "standing by"
    return "catching up" if done.more else "keeping"
