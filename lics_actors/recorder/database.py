"""The recorder's way to the database: one repository, and since when it does not answer."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lics_actors.errors import DatabaseUnavailableError
from lics_actors.store.repository import Repository

log = logging.getLogger(__name__)
Result = TypeVar("Result")

CALL_TIMEOUT_S = 70.0  # beyond the store's own limit for a batch: a call that hangs all the same is given up
SLOW_S = 5.0  # a call that takes longer is counted as no answer, though it may still come
POOL_SIZE = 2  # one connection for samples, one for journals


class Database:
    """Shared by the tasks that ship. `reason` says why the last call failed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._repository: Repository | None = None
        self._connecting = asyncio.Lock()
        self._failing_since: float | None = None
        self._under_way: dict[int, float] = {}
        self._serial = itertools.count()
        self.reason = ""

    def away_s(self) -> float:
        """Return for how long the database has not answered; 0 while it does."""
        now = time.monotonic()
        waiting = max((now - began for began in self._under_way.values()), default=0.0)
        failing = 0.0 if self._failing_since is None else now - self._failing_since
        return max(failing, waiting if waiting > SLOW_S else 0.0)

    async def call(self, work: Callable[[Repository], Awaitable[Result]]) -> Result:
        """Return what `work` returns.

        Raises:
            DatabaseUnavailableError: the database does not answer, or not in time.
        """
        serial = next(self._serial)
        self._under_way[serial] = time.monotonic()
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                result = await work(await self._connected())
        except TimeoutError as error:
            self._failed(f"no answer within {CALL_TIMEOUT_S:.0f} s")
            raise DatabaseUnavailableError("the database does not answer in time") from error
        except DatabaseUnavailableError as error:
            self._failed(error.message)
            raise
        finally:
            del self._under_way[serial]
        self._answered()
        return result

    async def close(self) -> None:
        """Give up the connections."""
        if self._repository:
            await self._repository.close()

    async def _connected(self) -> Repository:
        async with self._connecting:
            if self._repository is None:
                self._repository = await Repository.connect(self._url, pool_size=POOL_SIZE, max_overflow=0)
            return self._repository

    def _failed(self, reason: str) -> None:
        self.reason = reason
        if self._failing_since is None:
            self._failing_since = time.monotonic()
            log.warning("database away, spooling goes on", extra={"reason": reason})

    def _answered(self) -> None:
        if self._failing_since is not None:
            log.info("database back", extra={"away_s": round(time.monotonic() - self._failing_since, 3)})
            self._failing_since = None
