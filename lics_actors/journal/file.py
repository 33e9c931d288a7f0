"""A journal as a file: how it is known, checked, moved aside, and how far it was shipped."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from lics_actors.errors import LicsError, StorageFullError

SUFFIX = ".journal"
APPLICATION_ID = 0x4C494353  # "LICS": tells a journal from any other SQLite file
SCHEMA = 1
CACHE_KIB = 128  # an actor has 6 MiB in all; a journal's hot pages are a handful
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG}  # too big: of a row whose header is nonsense
CHECKED_BYTES = 64 << 20  # a quick_check reads the whole file, 0.2 s for this much; beyond, only what is touched is checked


class JournalError(LicsError):
    """A journal cannot be used; facts: `path`."""

    code = "JOURNAL_ERROR"


class JournalCorruptError(JournalError):
    """The file is no journal, or a damaged one. The writer moves it aside; a reader passes over it."""

    code = "JOURNAL_CORRUPT"


class JournalReplacedError(JournalError):
    """The file a reader had open was moved aside and a new journal begun: open it again, its identity differs."""

    code = "JOURNAL_REPLACED"


def journal_path(folder: Path, name: str) -> Path:
    """Return where the journal of `device-<uuid>`, `fleet`, `rack-1` … lies."""
    return folder / f"{name}{SUFFIX}"


def journal_files(folder: Path) -> list[Path]:
    """Return the journals in a folder, by name; none where there is no folder."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def write_shipped(path: Path, position: int, identity: UUID | None = None) -> None:
    """Say that a journal is in the database up to `position`; its writer trims to there.

    Give `identity` (of the reader): a journal begun anew meanwhile then keeps what nobody has shipped.
    """
    target = _shipped_path(path)
    temporary = target.with_name(target.name + ".new")
    temporary.write_text(f"{position} {identity or ''}".strip())
    temporary.replace(target)


def read_shipped(path: Path, identity: UUID) -> int:
    """Return the position `write_shipped` wrote for this journal, or 0: dropping nothing is always right."""
    try:
        position, *whose = _shipped_path(path).read_text().split()
        return int(position) if whose in ([], [str(identity)]) else 0
    except (FileNotFoundError, ValueError):
        return 0


def shipped_at_ns(path: Path) -> int | None:
    """Return when `write_shipped` last spoke of a journal (nanoseconds since the Unix epoch), None where it never did."""
    try:
        return _shipped_path(path).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def move_aside(path: Path) -> Path:
    """Rename a damaged journal, with its write-ahead log, to `<path>.corrupt-<time>` and return that."""
    aside = path.with_name(f"{path.name}.corrupt-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    path.rename(aside)
    for ending in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    _shipped_path(path).unlink(missing_ok=True)
    return aside


def discard(path: Path) -> None:
    """Remove a journal that nobody writes and nobody needs any more, with all that lies beside it."""
    for each in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", ".shipped"))):
        each.unlink(missing_ok=True)


def check(db: sqlite3.Connection, path: Path) -> None:
    """Let pass a sound journal and an empty file.

    Raises:
        JournalCorruptError: it is damaged, or something else than a journal.
        JournalError: a later version wrote it.
    """
    db.execute("BEGIN")  # of one moment: another process may be making it
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        db.execute("ROLLBACK")
    if tables and application != APPLICATION_ID:
        raise JournalCorruptError(f"{path.name} is no journal", path=str(path))
    if version > SCHEMA:
        message = f"{path.name} was written by a later version of LICS (schema {version}); this one knows {SCHEMA}"
        raise JournalError(message, path=str(path))
    if path.stat().st_size <= CHECKED_BYTES:
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise JournalCorruptError(f"{path.name} is damaged: {verdict}", path=str(path))


def identity_of(db: sqlite3.Connection, path: Path) -> UUID:
    """Return the identity made with the file."""
    row: Any = db.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    if row is None or not isinstance(row[0], bytes) or len(row[0]) != 16:
        raise JournalCorruptError(f"{path.name} has no identity", path=str(path))
    return UUID(bytes=row[0])


@contextlib.contextmanager
def told_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into LICS's."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # extended codes carry the primary one in their low byte
        facts = {"path": str(path), "reason": str(error)}
        if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            raise StorageFullError(f"the disk under {path.name} takes no more: {error}", **facts) from error
        kind = JournalCorruptError if code in DAMAGED else JournalError
        raise kind(f"{path.name}: {error}", **facts) from error
    except OSError as error:
        raise StorageFullError(f"the folder of {path.name} takes nothing: {error.strerror}", path=str(path)) from error


def _shipped_path(path: Path) -> Path:
    return path.with_name(path.name + ".shipped")
