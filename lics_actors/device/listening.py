"""How much of its device's telemetry an actor listens to: all of it, or where that is much a sample now and then. Pure.

The record has every message; the actor needs the newest values and a sign of life. Above BUSY messages a second it rests (its
session unsubscribes the data plane) and comes back for a sample. What follows from that:

- The twin's newest values and `last_seen` are at most a rest older than the device's own, `MAX_REST_S` or a third of
  `silent_s`. A metric that only one message in many carries comes with the long samples, about every two minutes.
- A device that falls silent is found stale up to one rest later, never earlier.
- Of 400 messages a second the actor hears some three: 8 in five seconds, and 200 in two minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

BUSY: Final = 20  # messages within BUSY_S: 80 µs each, so 0.2 % of a core
BUSY_S: Final = 1.0
SAMPLE: Final = 8  # messages
LONG_SAMPLE: Final = 200
LONG_S: Final = 0.5
LONG_EVERY: Final = 24  # samples: once in two minutes
MAX_REST_S: Final = 5.0
MIN_REST_S: Final = 0.5  # below, subscribing and unsubscribing would cost what it saves


@dataclass(frozen=True, slots=True)
class Listening:
    """`since`: when the window or the sample began (seconds of any clock that runs on); `heard`: messages in it."""

    since: float = 0.0
    heard: int = 0
    resting: bool = False
    samples: int = 0  # 0: listens to everything

    @property
    def sampled(self) -> bool:
        """Return whether it listens to samples only."""
        return self.samples > 0


def rest_s(silent_s: float, chance: float) -> float | None:
    """Return how long a rest lasts where a device is stale after `silent_s`; None where it must not rest at all.

    `chance` in [0, 1) spreads rests, so that they fall into step neither with the device nor with each other.
    """
    longest = min(MAX_REST_S, silent_s / 3)
    return None if longest < MIN_REST_S else longest * (1 - 0.2 * chance)


def heard(listening: Listening, now: float) -> Listening:
    """Return the state after a message of the data plane; where it is `resting`, the session is to unsubscribe."""
    if listening.resting:
        return listening
    took_s, count = now - listening.since, listening.heard + 1
    if not listening.sampled:
        if listening.heard == 0 or not 0 <= took_s < BUSY_S:
            return replace(listening, since=now, heard=1)
        return Listening(now, resting=True, samples=1) if count > BUSY else replace(listening, heard=count)
    long = listening.samples % LONG_EVERY == 0
    if count < (LONG_SAMPLE if long else SAMPLE) and not (long and took_s >= LONG_S):
        return replace(listening, heard=count)
    if count * BUSY_S > BUSY * took_s:
        return Listening(now, resting=True, samples=listening.samples + 1)
    return Listening(now, 1)


def rested(listening: Listening, now: float) -> Listening:
    """Return the state after a rest: the session has subscribed again, and what comes is a sample."""
    return replace(listening, since=now, heard=0, resting=False)
