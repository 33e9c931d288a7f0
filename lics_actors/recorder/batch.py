"""When to commit, when to ship, when to stop reading, when to try again: the recorder's rules. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from lics_actors.recorder.arrival import Arrival

# A group commit costs about 0.4 ms of a core, in fsync and in changing threads, however many messages it holds: every 10 ms it
# takes 4 % of a core at most. Nobody waits for it: a sender has its PUBACK from the broker, and the broker's window is wide.
GROUP_COMMIT_S = 0.010
GROUP_COMMIT_MESSAGES = 1000

# Ten transactions a second cost the database nothing when little happens; a COPY of 5,000 rows takes some 20 ms.
SHIP_AFTER_S = 0.1
SHIP_FROM_ROWS = 5000  # as many do not wait,
SHIP_MESSAGES = 10_000  # and no more messages go together,
SHIP_BYTES = 4 << 20  # nor more of their payload: some 60,000 rows of a few samples a message, 0.2 s of COPY

# Reading ordinary telemetry takes some 1.5 µs a message and 10 ns a byte: a slice takes 1 to 2 ms.
SLICE_BYTES = 128 << 10
SLICE_MESSAGE_BYTES = 150

# Read but not yet durable; beyond it the socket is left unread until the disk has caught up.
PENDING_MESSAGES = 20_000
PENDING_BYTES = 32 << 20

ALARM_AT, ALARM_GONE_AT = 0.80, 0.70  # of the quota
FULL_AT, READ_ON_BELOW = 1.00, 0.90

RETRY_FIRST_S, RETRY_LONGEST_S = 0.1, 5.0

KEPT_REJECTIONS_PER_MINUTE = 10  # of each device and topic, so that one topic hides no other; the rest is counted
REMEMBERED_REJECTORS = 10_000

Item = TypeVar("Item")


def commit_due_in(messages: int, waiting_s: float) -> float:
    """Return in how many seconds the messages read are to be committed, the oldest having waited `waiting_s`; 0 is now."""
    return 0.0 if messages >= GROUP_COMMIT_MESSAGES else max(0.0, GROUP_COMMIT_S - waiting_s)


def ship_due_in(rows: float, since_last_s: float) -> float:
    """Return in how many seconds what is in the spool, about so many `rows`, is to be shipped, the last shipment being
    `since_last_s` ago."""
    return 0.0 if rows >= SHIP_FROM_ROWS else max(0.0, SHIP_AFTER_S - since_last_s)


class Pressure(StrEnum):
    """How full the spool is."""

    EASY = "easy"
    HIGH = "high"  # an alarm: a person has until `FULL` to bring the database back
    FULL = "full"  # nothing more is read or acknowledged; the broker keeps it


def pressure(before: Pressure, used_bytes: int, quota_bytes: int) -> Pressure:
    """Return how full the spool is. Each state is left a little below where it is entered, so that it does not flicker."""
    share = used_bytes / quota_bytes
    if share >= FULL_AT or (before is Pressure.FULL and share >= READ_ON_BELOW):
        return Pressure.FULL
    if share >= ALARM_AT or (before is not Pressure.EASY and share >= ALARM_GONE_AT):
        return Pressure.HIGH
    return Pressure.EASY


def retry_in(failures: int, chance: float) -> float:
    """Return how long to wait after `failures` in a row (from 1): doubling, between half and all of it by `chance` (0 to 1)."""
    longest = min(RETRY_LONGEST_S, RETRY_FIRST_S * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + 0.5 * chance)


def slices(messages: Sequence[tuple[int, Arrival]]) -> Iterator[Sequence[tuple[int, Arrival]]]:
    """Yield `messages` in order, in pieces that keep the loop for some two milliseconds at most."""
    begin = size = 0
    for at, (_, arrival) in enumerate(messages):
        size += SLICE_MESSAGE_BYTES + len(arrival.payload)
        if size >= SLICE_BYTES:
            yield messages[begin : at + 1]
            begin, size = at + 1, 0
    if begin < len(messages):
        yield messages[begin:]


def halves(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    """Return a refused batch (of at least two) as two, in order, to find what is refused."""
    middle = len(items) // 2
    return items[:middle], items[middle:]


@dataclass(frozen=True, slots=True)
class _Minute:
    minute: int
    kept: int = 0
    suppressed: int = 0


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep this rejected payload; `suppressed` before it were only counted."""

    suppressed: int


@dataclass(slots=True)
class RejectionLimit:
    """Which rejected payloads are kept. Counts in minutes of the messages' own arrival, so a replay decides alike."""

    _shares: dict[tuple[UUID, bytes], _Minute] = field(default_factory=dict)

    def admit(self, device_id: UUID, topic: bytes, received_us: int) -> Keep | None:
        """Return `Keep`, or None where the device's topic has had its share of this minute."""
        minute, share = received_us // 60_000_000, (device_id, topic)
        seen = self._shares.pop(share, _Minute(minute))
        if seen.minute != minute:
            seen = _Minute(minute, suppressed=seen.suppressed)
        if seen.kept < KEPT_REJECTIONS_PER_MINUTE:
            answer: Keep | None = Keep(seen.suppressed)
            seen = _Minute(minute, seen.kept + 1)
        else:
            answer = None
            seen = replace(seen, suppressed=seen.suppressed + 1)
        self._shares[share] = seen  # last in, so that the one silent for longest is first out
        if len(self._shares) > REMEMBERED_REJECTORS:
            del self._shares[next(iter(self._shares))]
        return answer
