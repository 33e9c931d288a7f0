"""The newest messages of the spool, still in memory: what is shipped within a second need not be read again. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from lics_actors.recorder.arrival import Arrival

# A second and more of what a recorder can take in; beyond, the oldest are read from the disk again.
RECENT_MESSAGES = 50_000
RECENT_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class _Group:
    first: int
    arrivals: Sequence[Arrival]
    size: int

    @property
    def last(self) -> int:
        return self.first + len(self.arrivals) - 1


@dataclass(slots=True)
class Recent:
    """The last group commits, without a gap up to the newest; `generation` is that of the file their positions belong to."""

    generation: int = 0
    _groups: deque[_Group] = field(default_factory=deque)
    _messages: int = 0
    _bytes: int = 0

    def add(self, arrivals: Sequence[Arrival], last: int, generation: int) -> None:
        """Remember `arrivals`, just made durable, the last at position `last`; forget the oldest where it becomes too much."""
        group = _Group(last - len(arrivals) + 1, arrivals, sum([len(each.payload) + len(each.topic) for each in arrivals]))
        if generation != self.generation or (self._groups and self._groups[-1].last + 1 != group.first):
            self.clear()
            self.generation = generation
        self._groups.append(group)
        self._messages += len(arrivals)
        self._bytes += group.size
        while self._messages > RECENT_MESSAGES or self._bytes > RECENT_BYTES:
            self._drop()

    def behind(self, after: int, limit: int, max_bytes: int) -> list[tuple[int, Arrival]]:
        """Return messages behind position `after` with their positions, as `read_spool` would; nothing where they are not all
        here. What lies before them is forgotten: it is in the tables."""
        while self._groups and self._groups[0].last <= after:
            self._drop()
        found: list[tuple[int, Arrival]] = []
        if not self._groups or self._groups[0].first > after + 1:
            return found
        size = 0
        for group in self._groups:
            if found and (len(found) + len(group.arrivals) > limit or size + group.size > max_bytes):
                break
            size += group.size
            found.extend(enumerate(group.arrivals, group.first))
        return found if found[0][0] > after else found[after + 1 - found[0][0] :]

    def clear(self) -> None:
        """Forget everything."""
        self._groups.clear()
        self._messages = self._bytes = 0

    def _drop(self) -> None:
        group = self._groups.popleft()
        self._messages -= len(group.arrivals)
        self._bytes -= group.size
