"""From the leaf actors' journals to the tables: find those that changed, cheaply, and ship each entry once."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from lics_actors.errors import DatabaseUnavailableError, StorageFullError
from lics_actors.journal import JournalError, JournalReplacedError, journal_files, shipped_at_ns, write_shipped
from lics_actors.recorder.anchoring import Anchoring
from lics_actors.recorder.batch import halves, retry_in
from lics_actors.recorder.database import Database
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.partition import Part
from lics_actors.recorder.readers import Readers
from lics_actors.recorder.routing import NOBODY
from lics_actors.recorder.tally import Tally
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.errors import RowRefusedError
from lics_actors.store.records import REJECTED_KEPT_BYTES, Audited, PayloadRejected, Record, encode_record
from lics_actors.store.shipping import journal_position, ship_journal

log = logging.getLogger(__name__)

POLL_S = 0.2  # 300 journals: one stat each, 0.4 ms
LIST_S = 1.0  # how often the folder is read for new ones
FRESH_NS = 50_000_000  # a file changed again within the clock's tick (4 ms) looks unchanged: look twice at what is so young
ENTRIES = 500
TURNS = 20  # batches of one journal before the others have their turn
OPEN_READERS = 64
REMEMBERED = 10_000  # positions, 2 MiB: a run's journal is a new one each time
LEFT_NS = 15_000_000_000  # a journal that its recorder has not touched so long after it changed is anybody's

Signature = tuple[int, int, int]  # inode, size, modification time in ns
Entries = Sequence[tuple[int, Record]]


def signature(path: Path) -> Signature | None:
    """Return what changes whenever the journal does: of its write-ahead log, or of itself where that is checkpointed away."""
    for name in (f"{path}-wal", path):
        with suppress(FileNotFoundError):
            stat = Path(name).stat()
            return stat.st_ino, stat.st_size, stat.st_mtime_ns
    return None


class Outboxes:
    """Ships the journals of a folder: those of its part at once, the others' when nobody else does. Positions live in the
    database, so none is shipped twice; what is remembered here only saves asking."""

    def __init__(self, folder: Path, database: Database, letters: DeadLetters, tally: Tally, part: Part = Part()) -> None:
        self.alarms_changed: Callable[[Sequence[Alarm]], None] = lambda _alarms: None  # hears of them once they are in the table
        self._folder, self._database, self._letters, self._tally = folder, database, letters, tally
        self._paths: list[Path] = []
        self._own: set[Path] = set()
        self._listed = -LIST_S
        self._part = part
        self._seen: dict[Path, Signature] = {}
        self._readers = Readers(OPEN_READERS)
        self._positions: dict[UUID, int] = {}
        self.failing: str | None = None
        self.anchoring: Anchoring | None = None  # moves when acts were shipped

    async def run(self) -> None:
        """Ship, for ever; what fails is tried again."""
        failures = 0
        while True:
            try:
                await self.turn()
                failures, self.failing = 0, None
            except DatabaseUnavailableError:
                failures += 1
            except Exception as error:
                failures += 1
                self._tally.faults += 1
                self.failing = f"{type(error).__name__}: {error}"
                log.exception("shipping a journal failed, to be tried again")
            await asyncio.sleep(max(POLL_S, retry_in(failures, random.random()) if failures else 0.0))  # noqa: S311 - jitter

    async def turn(self) -> None:
        """Ship what changed since the last turn.

        Raises:
            DatabaseUnavailableError: what was not shipped will be found again.
        """
        changed = list((await asyncio.to_thread(self._changed)).items())
        random.shuffle(changed)  # a Recorder that dies early again and again must not always begin with the same
        for path, now in changed:
            if await self._ship(path):
                self._seen[path] = now
            else:
                self._seen.pop(path, None)
        if self.anchoring is not None and self.anchoring.due:
            await self.anchoring.move()

    async def close(self) -> None:
        """Close the journals."""
        self._readers.close()

    def _changed(self) -> dict[Path, Signature]:
        """Return the journals to be read, with what they look like before that."""
        if time.monotonic() - self._listed >= LIST_S:
            self._paths, self._listed = journal_files(self._folder), time.monotonic()
            self._own = {path for path in self._paths if self._part.owns(path.stem.encode())}
            for path in self._seen.keys() - set(self._paths):
                del self._seen[path]
            self._readers.keep(self._paths)
        found, now_ns = {}, time.time_ns()
        for path in self._paths:
            looks = signature(path)
            if looks and looks != self._seen.get(path) and self._ours(path, looks[2], now_ns):
                # too young to be told from its next change: an impossible signature has it read again
                found[path] = looks if now_ns - looks[2] > FRESH_NS else (0, 0, 0)
        return found

    def _ours(self, path: Path, changed_ns: int, now_ns: int) -> bool:
        """Return whether it is for us to ship a changed journal: it is our part's, or its recorder has left it for too long."""
        if path in self._own:
            return True
        if now_ns - changed_ns < LEFT_NS or self._part.retiring:
            return False
        shipped_at = shipped_at_ns(path)
        return shipped_at is None or shipped_at < changed_ns

    async def _ship(self, path: Path) -> bool:
        """Ship a journal; return whether it was read to its end."""
        try:
            reader = await asyncio.to_thread(self._readers.open, path)
            position = await self._position(reader.identity)
            for _ in range(TURNS):
                entries = await asyncio.to_thread(reader.read, position, ENTRIES)
                if not entries:
                    return True
                await self._write(path, reader.identity, entries)
                position = self._positions[reader.identity] = entries[-1][0]
                self._tally.journal_entries += len(entries)
                await asyncio.to_thread(write_shipped, path, position, reader.identity)
                if len(entries) < ENTRIES:
                    return True  # its end when it was looked at; what came since has another signature, and others wait
        except JournalReplacedError:
            self._readers.forget(path)
        except JournalError as error:
            log.warning("a journal cannot be read", extra={"journal": path.name, "reason": error.message})
            self._readers.forget(path)
            return True  # until it changes; its writer moves it aside
        except (StorageFullError, OSError) as error:
            log.warning("a journal's position cannot be kept", extra={"journal": path.name, "reason": str(error)})
        return False

    async def _position(self, identity: UUID) -> int:
        if identity not in self._positions:
            if len(self._positions) >= REMEMBERED:
                del self._positions[next(iter(self._positions))]
            self._positions[identity] = await self._database.call(lambda repository: journal_position(repository, identity))
        return self._positions[identity]

    async def _write(self, path: Path, identity: UUID, entries: Entries) -> None:
        try:
            alarms = await self._database.call(lambda repository: ship_journal(repository, identity, entries))
        except RowRefusedError as error:
            if len(entries) > 1:
                for half in halves(entries):
                    await self._write(path, identity, half)
            else:
                await self._refused(path, identity, entries[0], error)
        else:
            self.alarms_changed(alarms)
            if self.anchoring is not None and any(isinstance(record, Audited) for _, record in entries):
                self.anchoring.due = True

    async def _refused(self, path: Path, identity: UUID, entry: tuple[int, Record], error: RowRefusedError) -> None:
        """Ship a note in the place of an entry that the database refuses, so that those behind it get through."""
        position, record = entry
        data, reason = encode_record(record), f"the database refuses it: {error.facts.get('reason', error.message)}"
        log.error("a journal entry is refused", extra={"journal": path.name, "position": position, "reason": reason})
        self._tally.dead_letters += 1
        await self._letters.keep_entry(path.name, position, data, reason)
        note = PayloadRejected(
            NOBODY, datetime.now(UTC), f"journal/{path.stem}", reason.replace("\0", "�"), data[:REJECTED_KEPT_BYTES], len(data)
        )
        await self._database.call(lambda repository: ship_journal(repository, identity, [(position, note)]))
