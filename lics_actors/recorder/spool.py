"""The spool: raw messages on the host's own disk, from before their PUBACK until they are in the tables.

SQLite in WAL mode with `synchronous=FULL`: what `append` returned for survives SIGKILL and power loss. One row is a
*segment*, the messages of one group commit: 0.1 µs a message to encode, where a row for each would cost 2 µs.

A message's position is its number; the first of a file is the time of its making in microseconds, so that no position
is ever used twice, whatever happens to the file.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from lics_actors.errors import StorageFullError
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.errors import SpoolCorruptError, SpoolInUseError

FILE = "spool.sqlite"
SEGMENT_MESSAGES = 2000  # bounds what reading one segment takes from memory
_VACUUM_ABOVE_PAGES = 4096  # 16 MiB of free pages are kept for reuse; more go back to the disk,
_VACUUM_PAGES = 512  # 2 MiB with each trim, so that no append waits long behind it
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG}  # too big: of a row whose header is nonsense
_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}

_PRAGMAS = ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=FULL", "secure_delete=OFF")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS segment (
    first INTEGER PRIMARY KEY, count INTEGER NOT NULL, crc INTEGER NOT NULL, messages BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
"""
_TRIMMED = "SELECT position FROM mark WHERE name = 'trimmed'"
_NEWEST = "SELECT first + count - 1 FROM segment ORDER BY first DESC LIMIT 1"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Arrival])


class Spool:
    """The writing side: one process a folder, one thread at a time. Read with `read_spool`, from any thread.

    Every method may raise StorageFullError, when the disk refuses to write (nothing has changed, the same call may be
    made again later), or SpoolCorruptError, when the file turns out to be damaged (then call `begin_anew`).
    """

    def __init__(self, folder: Path) -> None:
        """Open the spool in `folder`, or make it; `damage` tells of a damaged file that was found and replaced.

        `generation` counts the files begun anew since then.

        Raises:
            SpoolInUseError: another process has it open.
        """
        self.path = folder / FILE
        self.damage: SpoolCorruptError | None = None
        self.generation = 0
        self._lock = _locked(folder)
        try:
            self._open()
        except SpoolCorruptError as error:
            self.damage = self.begin_anew(error)
        except BaseException:
            self._lock.close()
            raise

    def _open(self) -> None:
        with _told(self.path):
            self._database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            for pragma in _PRAGMAS:
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript(_SCHEMA)
            self._database.execute("INSERT OR IGNORE INTO mark VALUES ('trimmed', ?)", (time.time_ns() // 1000,))
            self._trimmed: int = self._database.execute(_TRIMMED).fetchone()[0]
            newest = self._database.execute(_NEWEST).fetchone()
            self._last: int = max(self._trimmed, newest[0] if newest else 0)
            self._page_bytes = self._pragma("page_size")
        _sync_folder(self.path.parent)

    @property
    def trimmed(self) -> int:
        """Return the position up to which everything is in the tables."""
        return self._trimmed

    @property
    def last(self) -> int:
        """Return the position of the newest message; `trimmed` when there is none."""
        return self._last

    def append(self, arrivals: Sequence[Arrival]) -> int:
        """Make `arrivals` durable, in order, all or none; return the position of the last."""
        rows = []
        for at in range(0, len(arrivals), SEGMENT_MESSAGES):
            part = arrivals[at : at + SEGMENT_MESSAGES]
            data = _encoder.encode(part)
            rows.append((self._last + 1 + at, len(part), zlib.crc32(data), data))
        with self._transaction():
            self._database.executemany("INSERT INTO segment VALUES (?, ?, ?, ?)", rows)
        self._last += len(arrivals)
        return self._last

    def trim(self, through: int) -> None:
        """Drop what is in the tables: every segment that ends at or before position `through`."""
        with self._transaction():
            self._database.execute("DELETE FROM segment WHERE first <= ? AND first + count - 1 <= ?", (through, through))
            self._database.execute("UPDATE mark SET position = max(position, ?) WHERE name = 'trimmed'", (through,))
        self._trimmed = max(self._trimmed, through)
        with _told(self.path):
            if self._pragma("freelist_count") > _VACUUM_ABOVE_PAGES:
                self._database.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")  # execute() steps once on 3.11

    def used_bytes(self) -> int:
        """Return how much of the disk the messages take; freed pages that wait for reuse do not count."""
        with _told(self.path):
            return (self._pragma("page_count") - self._pragma("freelist_count")) * self._page_bytes

    def begin_anew(self, error: SpoolCorruptError) -> SpoolCorruptError:
        """Move the damaged file aside and begin a new one with all that can still be read; return `error` with these facts."""
        self._database.close()
        kept_as = self.path.with_name(f"{self.path.name}.corrupt-{time.time_ns() // 1000}")
        for suffix in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + suffix)
            if part.exists():
                part.rename(kept_as.with_name(kept_as.name + suffix))
        self._open()
        self.generation += 1
        salvaged = 0
        for arrivals in _salvage(kept_as):
            self.append(arrivals)
            salvaged += len(arrivals)
        return SpoolCorruptError(self.path, error.reason, kept_as, salvaged)

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._database.close()
        self._lock.close()

    def _pragma(self, name: str) -> int:
        value: int = self._database.execute(f"PRAGMA {name}").fetchone()[0]
        return value

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _told(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise


def read_spool(path: Path, after: int, limit: int, max_bytes: int) -> list[tuple[int, Arrival]]:
    """Return messages behind position `after`, oldest first, with their positions: whole segments until `limit` messages
    or `max_bytes` are reached, at least one segment if there is any.

    Raises:
        SpoolCorruptError: a segment is damaged.
        StorageFullError: the disk cannot be read.
    """
    found: list[tuple[int, Arrival]] = []
    size = 0
    with _told(path), closing(_reading(path)) as database:
        rows = database.execute(
            "SELECT first, crc, messages FROM segment WHERE first >= "
            "coalesce((SELECT max(first) FROM segment WHERE first <= ?), 0) AND first + count > ? ORDER BY first",
            (after + 1, after + 1),
        )
        for first, crc, data in rows:
            if found and (len(found) >= limit or size + len(data) > max_bytes):
                break
            size += len(data)
            arrivals = _decoded(path, first, crc, data)
            found.extend((first + n, arrival) for n, arrival in enumerate(arrivals) if first + n > after)
    return found


def _decoded(path: Path, first: int, crc: int, data: bytes) -> list[Arrival]:
    if zlib.crc32(data) != crc:
        raise SpoolCorruptError(path, f"checksum of segment {first}")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, TypeError) as error:
        raise SpoolCorruptError(path, f"segment {first}: {error}") from error


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _salvage(path: Path) -> Iterator[list[Arrival]]:
    """Yield what can be read of a damaged file: segments from the front up to the damage, then from the back down to it."""
    seen: set[int] = set()
    for order in ("ASC", "DESC"):
        try:
            with closing(_reading(path)) as database:
                for first, crc, data in database.execute(f"SELECT first, crc, messages FROM segment ORDER BY first {order}"):  # noqa: S608
                    if first in seen:
                        break
                    seen.add(first)
                    if zlib.crc32(data) == crc:
                        yield _decoder.decode(data)
        except (sqlite3.Error, TypeError, msgspec.DecodeError):
            continue


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell SQLite's errors in the recorder's words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the primary of an extended result code
        if code in _DAMAGED:
            raise SpoolCorruptError(path, str(error)) from error
        if code in _UNWRITABLE:
            raise StorageFullError(f"the spool cannot be written: {error}", reason=str(error)) from error
        raise


def _locked(folder: Path) -> TextIO:
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "spool.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise SpoolInUseError(folder) from None
    return lock


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
