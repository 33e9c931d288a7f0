"""What waits for a client that reads more slowly than things happen: bounded, honest about what it loses. Pure, but remembers.

Two kinds of things wait. What happened (events, commands, device states, alarms, snapshots, answers) waits in order; beyond
the bound all of it, except answers, becomes one `gap` a topic, so the client knows what to ask for again. Telemetry does not
queue: of each topic the newest value of each metric waits, however long it takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lics_actors.live.messages import TelemetryLive, merged
from web.live.posts import NO_TOPIC, Post, answer, post
from web.live.protocol import Gap
from web.live.views import telemetry_told

PATIENCE: Final = 3  # gaps without ever having caught up: such a client is told to come back later


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may wait for one client, and for how long nothing of it may move."""

    messages: int = 2000
    size: int = 1024 * 1024  # bytes; most are shared with other clients
    stalled_s: float = 10.0


class Backlog:
    """All that waits for one client. The clock comes from outside."""

    __slots__ = ("_bounds", "_posts", "_size", "_telemetry", "folds", "gaps", "moved_at")

    def __init__(self, bounds: Bounds, now: float) -> None:
        self._bounds = bounds
        self._posts: deque[Post | Gap] = deque()
        self._size = 0
        self._telemetry: dict[str, tuple[int, TelemetryLive]] = {}
        self.folds = 0  # since it was last empty
        self.gaps = 0
        self.moved_at = now

    def __bool__(self) -> bool:
        return bool(self._posts or self._telemetry)

    def __len__(self) -> int:
        return len(self._posts) + len(self._telemetry)

    def put(self, posts: Iterable[Post], now: float) -> None:
        """Let posts wait, in order."""
        if not self:
            self.moved_at = now
        for fresh in posts:
            self._posts.append(fresh)
            self._size += fresh.size
            if self._over():
                self._fold()

    def put_gap(self, gap: Gap) -> None:
        """Let a gap wait in its place."""
        self._posts.append(gap)

    def put_telemetry(self, topic: str, n: int, values: TelemetryLive, now: float) -> None:
        """Let values wait, together with those of the same topic."""
        if not self:
            self.moved_at = now
        before = self._telemetry.get(topic)
        self._telemetry[topic] = n, merged(before[1], values) if before else values

    def forget(self, topic: str) -> None:
        """Drop a topic's telemetry: the client wants it no more."""
        self._telemetry.pop(topic, None)

    def take(self, size: int, now: float) -> list[Post]:
        """Return the next posts, in order, about `size` bytes and at least one; what happened comes before what was measured."""
        taken: list[Post] = []
        room = size
        for following in self._next():
            taken.append(following)
            room -= following.size
            if room <= 0:
                break
        if taken:
            self.moved_at = now
        if not self:
            self.folds = 0
        return taken

    def too_slow(self, now: float) -> bool:
        """Return whether to send this client away: nothing moves, gap follows gap, or its answers alone are too many."""
        stalled = bool(self) and now - self.moved_at > self._bounds.stalled_s
        return stalled or self.folds >= PATIENCE or self._over()

    def _next(self) -> Iterator[Post]:
        while self._posts:
            first = self._posts.popleft()
            if isinstance(first, Gap):
                yield answer(first)
            else:
                self._size -= first.size
                yield first
        while self._telemetry:
            topic = next(iter(self._telemetry))
            n, values = self._telemetry.pop(topic)
            yield post(telemetry_told(topic, n, values))

    def _over(self) -> bool:
        many = len(self._posts) > self._bounds.messages
        return many or (self._size > self._bounds.size and len(self._posts) > 1)

    def _fold(self) -> None:
        """Turn what can be asked for again into a gap a topic; answers stay."""
        missed: dict[str, Gap] = {}
        answers: list[Post] = []
        for waiting in self._posts:
            if isinstance(waiting, Post) and waiting.topic == NO_TOPIC:
                answers.append(waiting)
                continue
            first, last = (waiting.first, waiting.last) if isinstance(waiting, Gap) else (waiting.n, waiting.n)
            before = missed.get(waiting.topic)
            if before is not None:
                first, last = min(first, before.first), max(last, before.last)
            missed[waiting.topic] = Gap(waiting.topic, first, last)
        self._posts = deque([*answers, *missed.values()])
        self._size = sum(each.size for each in answers)
        self.folds += 1
        self.gaps += len(missed)
