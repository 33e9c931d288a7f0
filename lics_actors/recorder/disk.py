"""The spool behind an async face: its fsyncs in a thread of their own, damage mended, fullness watched."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lics_actors.errors import StorageFullError
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.batch import Pressure, pressure
from lics_actors.recorder.errors import SpoolCorruptError, SpoolInUseError
from lics_actors.recorder.recent import Recent
from lics_actors.recorder.spool import FILE, Spool, read_spool

log = logging.getLogger(__name__)
Result = TypeVar("Result")

OPEN_AGAIN_S = 0.5


class DiskThread:
    """One thread for everything that waits for the disk, so that the loop never does."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="disk")

    async def do(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Return what `function` returns, called in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def close(self) -> None:
        """End the thread once it has nothing to do."""
        self._executor.shutdown(wait=False)


class Disk:
    """The open spool. `full` says why nothing can be written, while that is so; `pressure` how near the quota is."""

    def __init__(self, thread: DiskThread, spool: Spool, quota_bytes: int) -> None:
        self._thread, self._spool, self._quota = thread, spool, quota_bytes
        self._recent = Recent()
        self.full: str | None = None
        self.pressure = Pressure.EASY
        self.used_bytes = 0
        self.arrived = asyncio.Event()  # something to ship
        self.eased = asyncio.Event()  # something may be appended
        if spool.damage:
            _report(spool.damage)
        self._measured(spool.used_bytes())

    @property
    def last(self) -> int:
        """Return the position of the newest message."""
        return self._spool.last

    @property
    def trimmed(self) -> int:
        """Return the position up to which everything is in the tables."""
        return self._spool.trimmed

    async def append(self, arrivals: Sequence[Arrival]) -> None:
        """Return when `arrivals` are durable.

        Raises:
            StorageFullError: nothing was written.
        """
        last, generation = await self._mended(lambda: (self._spool.append(arrivals), self._spool.generation))
        self._recent.add(arrivals, last, generation)
        self.arrived.set()

    async def trim(self, through: int) -> None:
        """Drop what is in the tables.

        Raises:
            StorageFullError: nothing was dropped.
        """
        await self._mended(lambda: self._spool.trim(through))

    async def read(self, after: int, limit: int, max_bytes: int) -> list[tuple[int, Arrival]]:
        """Return messages behind `after`, see `read_spool`: from memory where they are still there, else from the file.

        What a damaged file still holds comes again at new positions.
        """
        generation = self._spool.generation
        if generation == self._recent.generation and (recent := self._recent.behind(after, limit, max_bytes)):
            return recent
        try:
            return await asyncio.to_thread(read_spool, self._spool.path, after, limit, max_bytes)
        except SpoolCorruptError as error:
            await self._thread.do(self._mend, error, generation)
            self.arrived.set()
            return []

    def damaged(self) -> list[str]:
        """Return the names of damaged files that wait for a person."""
        return sorted(path.name for path in self._spool.path.parent.glob(f"{FILE}.corrupt-*[0-9]"))

    async def close(self) -> None:
        """Close the file."""
        await self._thread.do(self._spool.close)

    async def _mended(self, work: Callable[[], Result]) -> Result:
        try:
            result, used_bytes = await self._thread.do(lambda: self._measuring(work))
        except StorageFullError as error:
            if self.full is None:
                log.error("the spool cannot be written", extra={"reason": error.message})
            self.full = error.message
            raise
        self._measured(used_bytes)
        self.full = None
        return result

    def _measuring(self, work: Callable[[], Result]) -> tuple[Result, int]:
        generation = self._spool.generation
        try:
            result = work()
        except SpoolCorruptError as error:
            self._mend(error, generation)
            result = work()
        return result, self._spool.used_bytes()

    def _mend(self, error: SpoolCorruptError, generation: int) -> None:
        if self._spool.generation == generation:
            _report(self._spool.begin_anew(error))

    def _measured(self, used_bytes: int) -> None:
        self.used_bytes = used_bytes
        self.pressure = pressure(self.pressure, used_bytes, self._quota)
        if self.pressure is Pressure.FULL:
            self.eased.clear()
        else:
            self.eased.set()


async def open_disk(thread: DiskThread, folder: Path, quota_bytes: int) -> Disk:
    """Open the spool, waiting for a process that still has it and for a disk that is full."""
    waited = False
    while True:
        try:
            spool = await thread.do(Spool, folder)
        except (StorageFullError, SpoolInUseError) as error:
            if not waited:
                log.error("the spool cannot be opened yet", extra={"reason": str(error)})
            waited = True
            await asyncio.sleep(OPEN_AGAIN_S)
        else:
            return Disk(thread, spool, quota_bytes)


def free_bytes(folder: Path) -> int | None:
    """Return what may still be written to the file system of `folder`; None where it does not say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _report(error: SpoolCorruptError) -> None:
    kept_as = error.kept_as.name if error.kept_as else None
    log.error("spool damaged, begun anew", extra={"reason": error.reason, "kept_as": kept_as, "salvaged": error.salvaged})
