"""The writing side of a journal."""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from uuid import UUID, uuid4

import msgspec

from lics_actors.device.messages import CommandState
from lics_actors.journal.file import (
    APPLICATION_ID,
    CACHE_KIB,
    SCHEMA,
    JournalCorruptError,
    check,
    identity_of,
    move_aside,
    read_shipped,
    told_errors,
)
from lics_actors.store.records import (
    AlarmRaised,
    Command,
    CommandAccepted,
    CommandMoved,
    InterlockReset,
    InterlockTripped,
    Record,
    encode_record,
)

log = logging.getLogger(__name__)
Result = TypeVar("Result")

WAL_PAGES = 256  # checkpoint at 1 MiB: 300 devices shall not keep 300 x 4 MiB of write-ahead log
BUSY_S = 5.0  # only a reader's recovery after a crash ever takes the writer's lock, for milliseconds
MAKING_S = 3600.0  # a journal is made in milliseconds; who is at it for so long has another's number
REPEATABLE = timedelta(hours=24)  # how long a settled command answers its repeat (`Idempotency-Key`) while the database is away
INDETERMINATE_KEPT = timedelta(days=7)  # a ledger silent for a week settles nothing any more

_CREATE = (
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS entry (position INTEGER PRIMARY KEY AUTOINCREMENT, record BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS command (id BLOB PRIMARY KEY, settled INTEGER NOT NULL, accepted REAL NOT NULL,"
    " position INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS unsettled ON command (accepted, position) WHERE settled = 0",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA}",
)
_commands: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_latches: msgspec.msgpack.Decoder[dict[str, InterlockTripped]] = msgspec.msgpack.Decoder(dict[str, InterlockTripped])


class Journal:
    """Synchronous: one durable append costs one fsync (0.2-0.5 ms measured), any other 0.02 ms. For one thread at a time.

    A damaged file is moved aside (`<path>.corrupt-<time>`), logged, and a new journal begun with an open alarm in it; so
    damage costs what the Recorder had not shipped yet, and never a crash loop.

    Raises:
        StorageFullError: the disk takes no more (every writing method, and opening).
        JournalError: the file was written by a later version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._recent: Command | None = None  # the last one written: it is the next to be asked for, or to move on
        self._level = ""  # of `PRAGMA synchronous`
        self._inode: int | None = None  # of the file that was opened
        self.unsynced = False
        self._tripped: dict[str, InterlockTripped] = {}
        self.forgot = False  # the file was damaged when it was opened: what had tripped is not known
        with told_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open()
        except JournalCorruptError as error:
            self._begin_anew(error)
            self.forgot = True

    def append(self, records: Sequence[Record], *, durable: bool = True) -> int:
        """Write records in order, all or none, and return the last position.

        `durable`: fsynced on return, with everything before it. Otherwise it survives this process, but a power loss only
        after `sync`, or with the next durable one.

        Raises:
            StorageFullError: nothing of it was written.
        """
        return self._mended(lambda: self._write(records, durable)) if records else self._last

    def sync(self) -> None:
        """Fsync what was appended without; nothing to do where all is durable.

        Raises:
            StorageFullError: the disk fails.
        """
        if self.unsynced:
            with told_errors(self.path), contextlib.suppress(FileNotFoundError):  # no log: all of it is in the file itself
                log_file = os.open(self.path.with_name(self.path.name + "-wal"), os.O_RDONLY)
                try:
                    os.fdatasync(log_file)
                finally:
                    os.close(log_file)
            self.unsynced = False

    def command(self, command_id: UUID) -> Command | None:
        """Return a command as it stands, or None where this journal has it no more."""
        return self._mended(lambda: self._command(command_id))

    def unsettled(self) -> list[Command]:
        """Return the commands that are not terminal, or indeterminate; oldest first."""
        query = "SELECT body FROM command WHERE settled = 0 ORDER BY accepted, position"
        rows = self._mended(lambda: self._db.execute(query).fetchall())
        return [command for (body,) in rows if (command := self._decoded(body))]

    def keep_twin(self, data: bytes) -> None:
        """Keep the actor's last view for its next incarnation (not fsynced: a twin can be learnt again)."""
        self._keep("twin", data, "NORMAL")

    def twin(self) -> bytes | None:
        """Return what `keep_twin` kept."""
        return self._kept("twin")

    def keep_filters(self, filters: Collection[str]) -> None:
        """Keep, durably, what the actor's session at the broker may be subscribed to: nobody else can give it up."""
        self._keep("filters", msgspec.msgpack.encode(sorted(filters)), "FULL")

    def filters(self) -> frozenset[str]:
        """Return what `keep_filters` kept; none where it cannot be read."""
        try:
            return frozenset(msgspec.msgpack.decode(self._kept("filters") or b"\x90", type=list[str]))
        except msgspec.MsgspecError:
            return frozenset()

    def _keep(self, key: str, data: bytes, level: str) -> None:
        def write() -> None:
            self._synchronous(level)
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, data))

        self._mended(write)

    def _kept(self, key: str) -> bytes | None:
        row = self._mended(lambda: self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone())
        return row[0] if row and isinstance(row[0], bytes) else None

    def tripped(self) -> list[InterlockTripped]:
        """Return the interlocks that have tripped and were not reset, the first one first."""
        return list(self._tripped.values())

    def trim(self) -> None:
        """Drop what the Recorder has shipped; commands stay until they need no repeat and no ledger settles them."""
        shipped = read_shipped(self.path, self.identity)
        now = time.time()
        oldest = (now - REPEATABLE.total_seconds(), now - INDETERMINATE_KEPT.total_seconds())

        def write() -> None:
            self._synchronous("NORMAL")
            with self._transaction:
                self._db.execute("DELETE FROM entry WHERE position <= ?", (shipped,))
                self._recent = None
                self._db.execute(
                    "DELETE FROM command WHERE position <= ? AND accepted < CASE settled WHEN 1 THEN ? ELSE ? END",
                    (shipped, *oldest),
                )

        self._mended(write)

    def close(self) -> None:
        """Checkpoint and close; the journal cannot be used any more."""
        self._db.close()

    def _mended(self, work: Callable[[], Result]) -> Result:
        """Do `work`; where the file turns out damaged, once more in a new one."""
        try:
            with told_errors(self.path):
                return work()
        except JournalCorruptError as error:
            self._begin_anew(error)
            with told_errors(self.path):
                return work()

    def _open(self) -> None:
        with told_errors(self.path):
            self._level, self._recent = "", None
            fresh = not self.path.exists() and _created(self.path)
            self._inode = self.path.stat().st_ino if self.path.exists() else None
            if fresh or (self._inode and self.path.stat().st_nlink > 1):  # it still has the name that it was made under
                _sweep(self.path)
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
            self._transaction = _Transaction(self._db)
            try:
                self._prepare(fresh)
            except BaseException:
                self._db.close()
                raise

    def _prepare(self, fresh: bool) -> None:
        check(self._db, self.path)
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        _furnish(self._db)
        self._level = "FULL"
        self.identity = identity_of(self._db, self.path)
        self._last = 0 if fresh else self._beyond_all_shipped()
        row = self._db.execute("SELECT value FROM meta WHERE key = 'tripped'").fetchone()
        try:
            self._tripped = _latches.decode(row[0]) if row else self._tripped
        except (msgspec.MsgspecError, TypeError):
            self.forgot = True

    def _beyond_all_shipped(self) -> int:
        """Return a position to go on from, and have it kept.

        A power loss takes entries back that the Recorder may have shipped already; their positions must not be given again, or
        what comes at them would count as shipped. So each opening goes on at the time of it, in microseconds.
        """
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetchone()
        last = max(0 if row is None else int(row[0]), time.time_ns() // 1000)
        with self._transaction:
            self._db.execute("DELETE FROM sqlite_sequence WHERE name = 'entry'")
            self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', ?)", (last,))
        return last

    def _begin_anew(self, cause: JournalCorruptError) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        with told_errors(self.path):
            if self._inode != (self.path.stat().st_ino if self.path.exists() else None):  # another process was quicker
                self._open()
                return
            aside = move_aside(self.path)
        log.error("journal damaged, moved aside", extra={"path": str(self.path), "aside": str(aside), "reason": cause.message})
        self._open()
        message = f"the journal {self.path.name} was damaged ({cause.message}); what was not shipped yet is in {aside.name}"
        with told_errors(self.path):
            if self._tripped:
                self._keep_tripped(self._tripped)
            self._write([AlarmRaised(datetime.now(UTC), self.path.stem, "journal_damaged", message)], durable=True)

    def _write(self, records: Sequence[Record], durable: bool) -> int:
        self._synchronous("FULL" if durable else "NORMAL")
        position, changed = self._last, dict[UUID, tuple[Command, int]]()
        tripped = self._tripped
        with self._transaction:
            for record in records:
                cursor = self._db.execute("INSERT INTO entry (record) VALUES (?)", (encode_record(record),))
                position = cursor.lastrowid or 0
                self._change_command(changed, record, position)
                if isinstance(record, InterlockTripped | InterlockReset):
                    tripped = _latched(tripped, record)
            if tripped is not self._tripped:
                self._keep_tripped(tripped)
            for command, at in changed.values():
                self._put_command(command, at)
        self._last, self.unsynced, self._tripped = position, not durable, tripped
        for command, _ in changed.values():
            self._recent = command
        return position

    def _change_command(self, changed: dict[UUID, tuple[Command, int]], record: Record, position: int) -> None:
        """Add to `changed` what a record makes of a command."""
        match record:
            case CommandAccepted(command=command):
                changed[command.command_id] = command, position
            case CommandMoved(command_id=command_id, step=step, epoch=epoch):
                known = changed[command_id][0] if command_id in changed else self._command(command_id)
                if known is None:  # accepted in a journal that was damaged since: the entry alone tells of it
                    return
                epoch = known.epoch if epoch is None else epoch
                changed[command_id] = msgspec.structs.replace(known, steps=(*known.steps, step), epoch=epoch), position
            case _:
                pass

    def _put_command(self, command: Command, position: int) -> None:
        settled = command.state.terminal and command.state is not CommandState.INDETERMINATE
        row = (command.command_id.bytes, settled, command.accepted_at.timestamp(), position, msgspec.msgpack.encode(command))
        self._db.execute("INSERT OR REPLACE INTO command VALUES (?, ?, ?, ?, ?)", row)

    def _keep_tripped(self, tripped: dict[str, InterlockTripped]) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('tripped', ?)", (msgspec.msgpack.encode(tripped),))

    def _command(self, command_id: UUID) -> Command | None:
        if self._recent is not None and self._recent.command_id == command_id:
            return self._recent
        row = self._db.execute("SELECT body FROM command WHERE id = ?", (command_id.bytes,)).fetchone()
        return None if row is None else self._decoded(row[0])

    def _decoded(self, body: bytes) -> Command | None:
        try:
            return _commands.decode(body)
        except (msgspec.MsgspecError, TypeError) as error:
            log.error("journaled command unreadable, passed over", extra={"path": str(self.path), "reason": str(error)})
            return None

    def _synchronous(self, level: str) -> None:
        if level != self._level:
            self._db.execute(f"PRAGMA synchronous = {level}")
            self._level = level


def _created(path: Path) -> bool:
    """Have a journal appear whole, or another process's in its place; return whether it is this one.

    Whoever opens one that is being made sees half of it, and would take it for something else.
    """
    making = path.with_name(f"{path.name}.{os.getpid()}.{uuid4().hex}.new")
    try:
        with contextlib.closing(sqlite3.connect(making, isolation_level=None)) as db:
            _furnish(db)
        os.link(making, path)
    except OSError:  # another was quicker, or the file system knows no links: then it is made in its place
        return False
    finally:
        making.unlink(missing_ok=True)
    return True


def _sweep(path: Path) -> None:
    """Remove what makers of this journal have left who were killed over it."""
    inode, now = path.stat().st_ino, time.time()
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.new*"):
        with contextlib.suppress(FileNotFoundError):
            looks = left.stat()
            maker = left.name.removeprefix(f"{path.name}.").partition(".")[0]
            at_work = maker.isdecimal() and _lives(int(maker)) and now - looks.st_mtime < MAKING_S
            if looks.st_ino == inode or not at_work:
                left.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _furnish(db: sqlite3.Connection) -> None:
    """Have everything in a journal that belongs there."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    with _Transaction(db):
        for statement in _CREATE:
            db.execute(statement)
        db.execute("INSERT OR IGNORE INTO meta VALUES ('identity', ?)", (uuid4().bytes,))


def _latched(tripped: dict[str, InterlockTripped], record: InterlockTripped | InterlockReset) -> dict[str, InterlockTripped]:
    key = f"{record.rig_id}/{record.interlock}"
    others = {name: each for name, each in tripped.items() if name != key}
    return {**others, key: record} if isinstance(record, InterlockTripped) else others


class _Transaction:
    """All or nothing of what is executed within."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:  # SQLite itself rolls back on a full disk
                self._db.execute("ROLLBACK")
