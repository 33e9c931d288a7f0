"""Who did what: each act is on this host's disk before it is done, and its end after, whatever is away meanwhile.

The Recorder ships both to the table `audit`. Web and command line write the same journal; SQLite lets one in at a time.
What is durable elsewhere with its principal (commands, in their devices' journals) is noted when it is over, without waiting.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace

from config.settings import Settings
from lics_actors.errors import LicsError, StorageFullError
from lics_actors.journal import Journal, JournalError, journal_path
from lics_actors.store.records import Audited

JOURNAL: Final = "operators"
TRIM_EVERY: Final = 50  # acts: a few KiB each
UNAVAILABLE: Final = frozenset({"device_unavailable", "device_timeout", "internal_error"})  # any other type is a refusal

NOTES: Final = 10_000  # that wait for the disk; a second's worth of commands is a tenth of it

log = logging.getLogger(__name__)

told: ContextVar[list[str] | None] = ContextVar("told", default=None)
"""The actions that the audit was told of in this context, where somebody wants to know (web/audited.py)."""


class Outcome(StrEnum):
    """How an act ended; ASKED: it has not, or nobody lived to tell."""

    ASKED = "asked"
    OK = "ok"
    REFUSED = "refused"  # not allowed, no such thing, no reason given …: nothing was done
    FAILED = "failed"  # nobody answered, or it went wrong: something may have been done


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and from where. `origin`: cli, rest, ws or schedule."""

    principal: str
    origin: str
    remote: str | None = None
    request_id: str | None = None


@dataclass(slots=True)
class Found:
    """What an act found and what it left behind, noted while it is done."""

    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


class AuditLog:
    """Opened when there is first something to write. Several processes may write the same journal; of each, one loop."""

    def __init__(self, settings: Settings) -> None:
        self._path = journal_path(settings.data_dir / "journals", JOURNAL)
        self._alone = asyncio.Lock()
        self._held = threading.Lock()  # a thread writes on when who waited for it is given up, and SQLite dies of a close then
        self._journal: Journal | None = None
        self._inode: int | None = None
        self._written = 0
        self._noted: list[Audited] = []
        self._writing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def act(self, asker: Asker, action: str, target: str, reason: str | None) -> AsyncIterator[Found]:
        """Do something under audit: what is raised within is how it ended, and is raised on.

        A disk that takes nothing stops nobody: operators are needed most then. It is logged instead.
        """
        asked = _record(asker, action, target, Outcome.ASKED, reason)
        found, outcome, error = Found(), Outcome.FAILED, "it was given up"
        await self._write([asked])
        try:
            yield found
            outcome, error = Outcome.OK, ""
        except LicsError as refusal:
            outcome, error = _ending(refusal)
            raise
        except Exception as fault:
            error = type(fault).__name__
            raise
        finally:
            end = replace(asked, time=datetime.now(UTC), outcome=outcome, error=error or None)
            whole = replace(end, before=_facts(found.before), after=_facts(found.after))
            await asyncio.shield(asyncio.ensure_future(self._write([whole])))

    async def refused(self, asker: Asker, action: str, target: str, reason: str | None, error: LicsError) -> None:
        """Note an act that was refused before anything could be asked."""
        try:
            async with self.act(asker, action, target, reason):
                raise error
        except LicsError as same:
            if same is not error:
                raise

    def note(
        self,
        asker: Asker,
        action: str,
        target: str,
        reason: str | None = None,
        *,
        after: Mapping[str, Any] | None = None,
        error: LicsError | None = None,
    ) -> None:
        """Note what is over, without waiting: it is on the disk within milliseconds, many of them with one fsync.

        For what is durable elsewhere with its principal; a process that is killed loses the last milliseconds of notes.
        """
        outcome, why = (Outcome.OK, "") if error is None else _ending(error)
        record = replace(_record(asker, action, target, outcome, reason), error=why or None, after=_facts(after))
        if len(self._noted) >= NOTES:
            _lost(record, "too many wait for the disk")
            return
        self._noted.append(record)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_notes())

    async def flush(self) -> None:
        """Wait until all that was noted is on the disk."""
        while self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write_notes(self) -> None:
        try:
            while self._noted:
                noted, self._noted = self._noted, []
                await self._write(noted)
        finally:
            self._writing = None

    async def _write(self, records: Sequence[Audited]) -> None:
        async with self._alone:
            await asyncio.to_thread(self._append, records)

    def _append(self, records: Sequence[Audited]) -> None:
        try:
            with self._held:
                self._append_alone(records)
        except (StorageFullError, JournalError) as error:
            for record in records:
                _lost(record, error.message)

    def _append_alone(self, records: Sequence[Audited]) -> None:
        journal = self._opened()
        journal.append(records)
        trims = self._written == 0 or (self._written + len(records)) // TRIM_EVERY > self._written // TRIM_EVERY
        self._written += len(records)
        if trims:
            journal.trim()

    def _opened(self) -> Journal:
        """Return the journal; another process may have found it damaged and begun a new one in its place."""
        if self._journal is not None and self._inode != _inode(self._path):
            self._journal.close()
            self._journal = None
        if self._journal is None:
            self._journal = Journal(self._path)
            self._inode = _inode(self._path)
        return self._journal

    def close(self) -> None:
        """Close the journal when nobody writes any more; a later act opens it again."""
        with self._held:
            if self._journal is not None:
                self._journal.close()
                self._journal = None


def _record(asker: Asker, action: str, target: str, outcome: Outcome, reason: str | None) -> Audited:
    if (listening := told.get()) is not None:
        listening.append(action)
    return Audited(
        act=uuid4(),
        time=datetime.now(UTC),
        principal=asker.principal,
        action=action,
        target=target,
        outcome=outcome,
        origin=asker.origin,
        reason=reason,
        remote=asker.remote,
        request_id=asker.request_id,
    )


def _ending(error: LicsError) -> tuple[Outcome, str]:
    outcome = Outcome.FAILED if error.type in UNAVAILABLE else Outcome.REFUSED
    return outcome, f"{error.code}: {error.message}"


def _lost(record: Audited, why: str) -> None:
    """Say an act where it is still seen: the log."""
    facts = {name: value for name, value in zip(record.__struct_fields__, _values(record), strict=True) if name != "time"}
    log.error("an act is not in the audit", extra={**facts, "disk": why})


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _values(record: Audited) -> list[Any]:
    return [getattr(record, name) for name in record.__struct_fields__]


def _facts(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if found is None else dict(found)
