"""Housekeeper: the leaf that keeps the rollups and the rules of retention, step after step; beside it, welfare's rounds."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from lics_actors.errors import LicsError, StorageFullError
from lics_actors.fleet.messages import HousekeeperSpec
from lics_actors.housekeeping import plan
from lics_actors.housekeeping.welfare import go_rounds
from lics_actors.journal import JournalError, journal_path
from lics_actors.journal.alarms import AlarmJournal
from lics_actors.runtime.actor import LeafActor
from lics_actors.store.pruning import prune
from lics_actors.store.repository import Repository
from lics_actors.store.rolling import SOURCES
from lics_actors.store.upkeep import LATE_AT_ONCE, Upkeep, upkeep

log = logging.getLogger(__name__)

NAME = "housekeeper"  # of its alarms and their journal


class Housekeeper(LeafActor):
    """Begins with a `HousekeeperSpec`. Whatever interrupts it, the next incarnation goes on: all it knows is in the database."""

    def __init__(self) -> None:
        super().__init__()
        self.done: plan.Round | None = None
        self.failures = 0
        self.pruned = 0
        self._pace = dict.fromkeys(SOURCES, plan.Pace())
        self._prune_due = 0.0
        self._alarms: AlarmJournal | None = None
        self.spec: HousekeeperSpec | None = None

    def begin(self, spec: object) -> None:
        """Start keeping."""
        assert isinstance(spec, HousekeeperSpec)
        self.spec, self.database_url, self.journal_dir = spec, spec.database_url, Path(spec.journal_dir)
        self.start_loop()

    def state_word(self) -> str:
        """Return how it goes."""
        return plan.word(self.done, self.failures)

    def stats(self) -> Mapping[str, float]:
        """Return how far behind the rollups are, and how many values were deleted by age."""
        behind = 0.0 if self.done is None else self.done.behind_s
        return {"rollup_behind_s": round(behind, 1), "values_pruned": float(self.pruned)}

    def on_events(self, events: list[object]) -> None:
        """Wake, so that operators see the word that changed."""

    async def run(self) -> None:
        """Keep until stopped."""
        repository: Repository | None = None
        rounds = None if self.spec is None else asyncio.create_task(go_rounds(self.spec))
        try:
            while True:
                before, reason = self.state_word(), ""
                try:
                    repository = repository or await Repository.connect(self.database_url, pool_size=1, max_overflow=0)
                    self.done, self.failures = await self._round(repository), 0
                    rest = plan.rest_s(self.done)
                except LicsError as error:
                    self.failures, reason = self.failures + 1, error.message
                    rest = plan.retry_s(self.failures, random.random())  # noqa: S311 - spreads attempts, guards nothing
                    log.warning("housekeeping has to wait", extra={"reason": error.message, "seconds": round(rest, 1)})
                self._tell(plan.conditions(self.failures, reason))
                if self.state_word() != before:
                    self.post(self.state_word())
                await asyncio.sleep(rest)
        finally:
            if rounds is not None:
                rounds.cancel()
                await asyncio.wait([rounds])
            if self._alarms is not None:
                self._alarms.close()
            if repository is not None:
                await repository.close()

    def _tell(self, conditions: Mapping[str, str]) -> None:
        """Journal which alarms stand; where the disk takes nothing, the next round tells them."""
        try:
            self._alarms = self._alarms or AlarmJournal(journal_path(self.journal_dir, NAME), NAME, {plan.ALARM: "medium"})
        except (StorageFullError, JournalError) as error:
            log.warning("alarms cannot be journalled", extra={"reason": error.message})
            return
        told = self._alarms.standing
        self._alarms.tell(conditions)
        if self._alarms.standing != told:
            self._alarms.trim()

    async def _round(self, repository: Repository) -> plan.Round:
        began = time.monotonic()
        async with upkeep(repository) as session:
            if session is None:
                return plan.Round(ours=False)
            until = await session.until(plan.LAG_S)
            behind = [await self._advance(session, source, until) for source in SOURCES]
            late = [await session.mend(source) == LATE_AT_ONCE for source in SOURCES]
            left = await self._prune(session, until)
        return plan.Round(True, max(behind), any(late), left, time.monotonic() - began)

    async def _advance(self, session: Upkeep, source: str, until: datetime) -> float:
        began, pace = time.monotonic(), self._pace[source]
        self._pace[source] = pace.after_failure()
        progress = await session.advance(source, until, pace.width)
        self._pace[source] = pace.after(time.monotonic() - began)
        return progress.behind_s

    async def _prune(self, session: Upkeep, now: datetime) -> bool:
        if time.monotonic() < self._prune_due:
            return False
        pruned = await prune(session, now, plan.PRUNE_S)
        self.pruned += pruned.rows
        if pruned.rows:
            log.info("values deleted by age", extra={"rows": pruned.rows, "more": pruned.more})
        if not pruned.more:
            self._prune_due = time.monotonic() + plan.PRUNE_EVERY_S
        return pruned.more
