"""The reading side of a journal, for the process that ships it."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Collection
from pathlib import Path

import msgspec

from lics_actors.journal.file import CACHE_KIB, JournalCorruptError, JournalReplacedError, identity_of, told_errors
from lics_actors.store.records import Record, decode_record, record_kind

log = logging.getLogger(__name__)


class JournalReader:
    """Reads a journal while its writer goes on; may be used from any thread, by one at a time.

    Raises:
        JournalCorruptError: the file is missing, no journal yet, or damaged (its writer will move it aside).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = threading.Lock()  # a thread reads on when who waited for it is given up, and SQLite dies of a close then
        with told_errors(path):
            self._db = self._connect()
            try:
                self._inode = path.stat().st_ino
                self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
                self.identity = identity_of(self._db, path)
            except (sqlite3.OperationalError, FileNotFoundError) as error:  # no table yet: its writer is just making it
                self._db.close()
                raise JournalCorruptError(f"{path.name} is no journal yet: {error}", path=str(path)) from error
            except BaseException:
                self._db.close()
                raise

    def read(self, after: int, limit: int) -> list[tuple[int, Record]]:
        """Return up to `limit` entries behind position `after`; empty at the end.

        An entry that cannot be decoded is logged and passed over.

        Raises:
            JournalReplacedError: the writer began a new journal in this place; open it again.
            JournalCorruptError: the file is damaged.
        """
        found: list[tuple[int, Record]] = []
        while len(found) < limit:
            with self._held, told_errors(self.path):
                rows = self._rows(after, limit - len(found))
            if not rows:
                break
            after = rows[-1][0]
            found.extend((position, record) for position, data in rows if (record := self._decoded(position, data)))
        return found

    def read_kinds(self, after: int, limit: int, kinds: Collection[str]) -> tuple[int, list[Record]]:
        """Return what is of these kinds (names of records) among the next `limit` entries, and the position of the last of these;
        `after` itself at the end. The others are not decoded: most of a run's journal is nobody's but its own.

        Raises:
            JournalReplacedError, JournalCorruptError: as `read`.
        """
        with self._held, told_errors(self.path):
            rows = self._rows(after, limit)
        wanted = ((position, data) for position, data in rows if record_kind(data) in kinds)
        found = [record for position, data in wanted if (record := self._decoded(position, data))]
        return (rows[-1][0] if rows else after), found

    def close(self) -> None:
        """Close when nobody reads any more; the reader cannot be used again."""
        with self._held:
            self._db.close()

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        try:
            return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise JournalCorruptError(f"{self.path.name} cannot be opened: {error}", path=str(self.path)) from error

    def _rows(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        try:
            replaced = self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            replaced = True
        if replaced:
            raise JournalReplacedError(f"{self.path.name} was replaced", path=str(self.path))
        query = "SELECT position, record FROM entry WHERE position > ? ORDER BY position LIMIT ?"
        return self._db.execute(query, (after, limit)).fetchall()  # to the end: an open statement would hold a snapshot

    def _decoded(self, position: int, data: bytes) -> Record | None:
        try:
            return decode_record(data)
        except (msgspec.MsgspecError, TypeError) as error:  # a flipped bit, or a later version's record
            facts = {"path": str(self.path), "position": position, "reason": str(error)}
            log.error("journal entry unreadable, passed over", extra=facts)
            return None
