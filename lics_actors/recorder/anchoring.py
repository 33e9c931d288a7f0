"""Moves the audit's anchor on behind what is shipped, and never over a chain that is not the one it saw."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from lics_actors.anchors import read_anchor, write_anchor
from lics_actors.errors import StorageFullError
from lics_actors.recorder.database import Database
from lics_actors.store.audit_chain import Link

log = logging.getLogger(__name__)


class Anchoring:
    """`broken` says what is wrong with the audit, None where nothing is seen to be."""

    def __init__(self, path: Path, database: Database) -> None:
        self._path, self._database = path, database
        self.broken: str | None = None
        self.due = True  # also once at the start: what was cut off meanwhile is seen then

    async def move(self) -> None:
        """See that the chain still leads through the anchor, and keep its last place.

        Raises:
            DatabaseUnavailableError
        """
        self.due = False
        try:
            anchor = await asyncio.to_thread(read_anchor, self._path)
        except (OSError, ValueError) as error:
            self._is_broken(f"the audit's anchor cannot be read: {error}")
            return
        if anchor is not None and (digest := await self._digest(anchor.n)) != anchor.digest:
            seen = "is not there any more" if digest is None else "is another one"
            self._is_broken(f"row {anchor.n} of the audit, which the anchor saw, {seen}; `lics audit verify` says more")
            return
        head = await self._database.call(lambda repository: repository.audit_head())
        self.broken = None
        if head is not None and (anchor is None or head.n > anchor.n):
            await self._keep(head)

    async def _digest(self, n: int) -> bytes | None:
        return await self._database.call(lambda repository: repository.audit_digest(n))

    async def _keep(self, head: Link) -> None:
        try:
            await asyncio.to_thread(write_anchor, self._path, head)
        except StorageFullError as error:
            log.warning("the audit's anchor stays behind", extra={"reason": error.message})

    def _is_broken(self, why: str) -> None:
        if self.broken != why:
            log.error("the audit is not what it was", extra={"reason": why})
        self.broken = why
