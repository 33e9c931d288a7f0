"""The end of the journals that tell of alarms and of the supervision tree, for those who look on.

Apart from shipping: an alarm has to be seen also, and above all, while the database is away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from lics_actors.journal import JournalError, journal_files
from lics_actors.live.messages import ALARMS, FLEET, AlarmLive, LiveMessage, NodeLive
from lics_actors.recorder.outboxes import LIST_S, POLL_S, Signature, signature
from lics_actors.recorder.readers import Readers
from lics_actors.store.records import AlarmCleared, AlarmRaised, FleetEvent, Record

RECENT: Final = timedelta(seconds=30)  # told again at the start: what happened while there was no Recorder
ENTRIES: Final = 500
MAX_OPEN: Final = 1000
MOST: Final = 2000  # told in one go; what is left is told 0.2 s later
OPEN_READERS: Final = 32
TOLD: Final = frozenset(each.__name__ for each in (AlarmRaised, AlarmCleared, FleetEvent))
FRESH_NS: Final = 50_000_000  # a file as young as that may change again without looking changed

Publish = Callable[[str, LiveMessage, bool], None]  # LivePublisher.publish


class JournalTail:
    """Publishes AlarmLive and NodeLive as they are journaled, by all but devices' actors, which have only their own to tell."""

    def __init__(self, folder: Path, publish: Publish) -> None:
        self._folder, self._publish = folder, publish
        self._since = datetime.now(UTC) - RECENT
        self._readers = Readers(OPEN_READERS)
        self._positions: dict[Path, tuple[UUID, int]] = {}
        self._seen: dict[Path, Signature] = {}
        self._paths: list[Path] = []
        self._listed = -LIST_S
        self._raised: dict[tuple[str, str], AlarmRaised] = {}

    async def run(self) -> None:
        """Follow the journals until cancelled."""
        try:
            while True:
                for record in await asyncio.to_thread(self.news):
                    self._tell(record)
                await asyncio.sleep(POLL_S)
        finally:
            self._readers.close()

    def news(self) -> list[Record]:
        """Return what was journaled since the last time; about MOST of it, and the rest when asked again."""
        if time.monotonic() - self._listed >= LIST_S:
            self._paths = [path for path in journal_files(self._folder) if not path.name.startswith("device-")]
            self._listed = time.monotonic()
            self._forget_but(set(self._paths))
        found: list[Record] = []
        for path in self._paths:
            looks = signature(path)
            if looks is None or looks == self._seen.get(path):
                continue
            self._seen[path] = looks if time.time_ns() - looks[2] > FRESH_NS else (0, 0, 0)
            found += self._read(path)
            if len(found) >= MOST:
                self._seen.pop(path, None)  # it may not have been read to its end
                break
        return found

    def _read(self, path: Path) -> list[Record]:
        """Return what is to be told of a journal, batch by batch: a run's is long, and hardly any of it is."""
        found: list[Record] = []
        try:
            reader = self._readers.open(path)
            identity, position = self._positions.get(path, (reader.identity, 0))
            after = position if identity == reader.identity else 0
            while len(found) < MOST:
                position, records = reader.read_kinds(after, ENTRIES, TOLD)
                if position == after:
                    break
                found += [each for each in records if not isinstance(each, FleetEvent) or each.time >= self._since]
                after = position
                self._positions[path] = reader.identity, after
        except JournalError:  # moved aside, or just being made: the new one is read from its beginning
            self._readers.forget(path)
            self._seen.pop(path, None)
        return found

    def _forget_but(self, paths: set[Path]) -> None:
        """Forget journals that are gone: runs come and go."""
        self._readers.keep(paths)
        for gone in (self._seen.keys() | self._positions.keys()) - paths:
            self._seen.pop(gone, None)
            self._positions.pop(gone, None)

    def _tell(self, record: Record) -> None:
        said: LiveMessage
        match record:
            case AlarmRaised(time=time, source=source, kind=kind):
                self._raised[source, kind] = record
                if len(self._raised) > MAX_OPEN:
                    del self._raised[next(iter(self._raised))]
                topic, said = ALARMS, alarm_told(record)
            case AlarmCleared(time=time, source=source, kind=kind):
                topic, said = ALARMS, alarm_told(self._raised.pop((source, kind), None), record)
            case FleetEvent(time=time, node=node, kind=what, reason=reason):
                topic, said = FLEET, NodeLive(node, what, reason, time)
            case _:
                return
        if time >= self._since:
            self._publish(topic, said, True)


def alarm_told(raised: AlarmRaised | None, over: AlarmCleared | None = None) -> AlarmLive:
    """Return what viewers are told of an alarm before the table knows; of a raise that nobody saw, only that it is over. Pure."""
    returned_at = over.time if over is not None else None
    if raised is not None:
        return AlarmLive(raised.source, raised.kind, raised.severity, raised.message, raised.time, returned_at=returned_at)
    assert over is not None
    return AlarmLive(over.source, over.kind, "high", "", None, returned_at=returned_at)
