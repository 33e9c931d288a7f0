"""What people do about runs' files: have them made, by a process that fails alone, and read them. Under audit."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import msgspec

from config import __version__
from config.settings import Settings
from lics_actors.audit import Asker, AuditLog
from lics_actors.datafile.exporting import NotWritten, Outcome, Task
from lics_actors.datafile.formats import FORMATS, FormatName
from lics_actors.datafile.running import run
from lics_actors.errors import ConflictError, DatabaseUnavailableError, DeviceUnavailableError, LicsError
from lics_actors.store.exports import Export, ExportNotFoundError
from lics_actors.store.repository import Repository

if TYPE_CHECKING:
    from lics_actors.datafile.storage import Opened, Storage

AT_ONCE: Final = 2  # processes of this one: each takes a core for seconds
WAITING: Final = 20  # beyond that people are told to come back
GRACE_S: Final = 10.0  # after its own limit the process is killed

log = logging.getLogger(__name__)


class TooManyExportsError(DeviceUnavailableError):
    """Too many files wait to be made."""

    code = "TOO_MANY_EXPORTS"


class ExportNotReadyError(ConflictError):
    """The file is still being made, or could not be."""

    code = "EXPORT_NOT_READY"


class ExportDesk:
    """Has files made and gives them out. `close` ends what is being made."""

    def __init__(self, repository: Repository, audit: AuditLog, settings: Settings) -> None:
        self._repository, self._audit, self._settings = repository, audit, settings
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._making: dict[UUID, asyncio.Task[Export]] = {}
        self._storage: Storage | None = None

    async def start(self, asker: Asker, laboratory_id: UUID, run_id: UUID, wanted: FormatName) -> Export:
        """Begin to make a file of a run that is over; `finished` waits for it.

        Raises:
            TooManyExportsError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "run.export", f"run:{run_id}", None) as found:
            if len(self._making) >= AT_ONCE + WAITING:
                raise TooManyExportsError("too many files are being made; try again in a minute")
            export_id = uuid4()
            key = f"{laboratory_id}/{run_id}/{export_id}{FORMATS[wanted].suffix}"
            new = Export(export_id, laboratory_id, run_id, wanted, "making", datetime.now(UTC), asker.principal, key, __version__)
            forgotten = await self._repository.begin_export(new)
            found.after = {"export": str(new.id), "format": wanted}
        task = asyncio.create_task(self._make(new, forgotten))
        self._making[new.id] = task
        task.add_done_callback(lambda _: self._making.pop(new.id, None))
        return new

    async def finished(self, export: Export, wait_s: float) -> Export:
        """Return a file that is being made as it is after at most `wait_s`."""
        task = self._making.get(export.id)
        if task is None:
            return export
        done, _ = await asyncio.wait({task}, timeout=wait_s)
        return next(iter(done)).result() if done and not task.cancelled() else export

    async def export(self, run_id: UUID, export_id: UUID) -> Export:
        """Return how a file stands.

        Raises:
            ExportNotFoundError, DatabaseUnavailableError
        """
        return self._now(await self._repository.get_export(run_id, export_id))

    async def exports(self, run_id: UUID) -> list[Export]:
        """Return a run's files, the newest first.

        Raises:
            DatabaseUnavailableError
        """
        return [self._now(each) for each in await self._repository.exports_of(run_id)]

    async def open(self, export: Export, span: tuple[int, int] | None = None) -> Opened:
        """Return the bytes of a file.

        Raises:
            ExportNotReadyError, FileGoneError, ObjectStoreUnavailableError
        """
        if export.state != "ready":
            raise ExportNotReadyError(f"the file is {export.state}{': ' + export.reason if export.reason else ''}")
        return await self._shelf().open(export.key, span)

    async def close(self) -> None:
        """End what is being made; whoever looks for it later is told that it was interrupted."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _now(self, export: Export) -> Export:
        """Return an export as it is; one whose maker died is not being made any more."""
        limit = timedelta(seconds=(self._settings.export_s + GRACE_S) * (1 + WAITING / AT_ONCE))
        if export.state == "making" and export.id not in self._making and export.created_at < datetime.now(UTC) - limit:
            return replace(export, state="failed", reason="whoever made it was interrupted")
        return export

    def _shelf(self) -> Storage:
        from lics_actors.datafile.storage import storage_of  # noqa: PLC0415 - only who exports needs its library

        if self._storage is None:
            self._storage = storage_of(self._settings)
        return self._storage

    async def _make(self, new: Export, forgotten: list[Export]) -> Export:
        async with self._turns:
            state, facts = await self._made(new)
        try:
            ended = await self._repository.end_export(new.id, state, facts)
        except ExportNotFoundError:
            await self._forget(new)
            return replace(new, state="failed", reason="it was forgotten for newer ones")
        except DatabaseUnavailableError as error:
            return replace(new, state="failed", reason=error.message)
        for each in forgotten:
            await self._forget(each)
        return ended

    async def _made(self, new: Export) -> tuple[str, dict[str, Any]]:
        path = self._settings.data_dir / "exporting" / new.key.rpartition("/")[2]
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            outcome = await self._written(new, path)
            if isinstance(outcome, NotWritten):
                log.warning("a run's file was not made", extra={"run_id": str(new.run_id), "reason": outcome.message})
                return "failed", {"reason": outcome.message}
            await self._shelf().put(new.key, path)
        except (LicsError, OSError) as error:
            log.warning("a run's file was not kept", extra={"run_id": str(new.run_id), "reason": str(error)})
            return "failed", {"reason": error.message if isinstance(error, LicsError) else "the disk takes no file"}
        except Exception:
            log.exception("a run's file was not made", extra={"run_id": str(new.run_id)})
            return "failed", {"reason": "a fault in LICS; the log of the web has it"}
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        return "ready", msgspec.structs.asdict(outcome)

    async def _written(self, new: Export, path: Path) -> Outcome:
        settings = self._settings
        if settings.database_url is None:
            return NotWritten("DATABASE_UNAVAILABLE", "DATABASE_URL is not set")
        wanted: FormatName = FORMATS[new.format].name
        task = Task(settings.database_url, new.run_id, wanted, str(path), settings.export_s, settings.export_memory_mb << 20)
        try:
            async with asyncio.timeout(settings.export_s + GRACE_S):
                return await run(task)
        except TimeoutError:
            return NotWritten("TOO_SLOW", f"it took longer than {settings.export_s} s; raise LICS_EXPORT_S")

    async def _forget(self, export: Export) -> None:
        try:
            await self._shelf().delete(export.key)
        except (LicsError, OSError) as error:
            log.warning("a run's old file is still there", extra={"key": export.key, "reason": str(error)})
