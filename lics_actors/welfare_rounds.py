"""What welfare needs while nobody asks: runs told what they may give, a person told of what is amiss. Any number may run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID, uuid5

from lics_actors.errors import DatabaseUnavailableError, LicsError
from lics_actors.run.messages import RenewAllowance, RunView, RunWish
from lics_actors.run.orders import Allowance
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.repository import Repository
from lics_actors.store.runs import Run, RunFilter
from lics_actors.welfare.days import Calendar, LaboratoryDay, day_of
from lics_actors.welfare_gate import WelfareGate

ROUND_S: Final = 10.0  # so late a run hears of a new day or of an override
MAX_RUNS: Final = 500
PRINCIPAL: Final = "system:welfare"

log = logging.getLogger(__name__)


class RunSteering(Protocol):
    """What is needed of lics_actors.client.FleetClient."""

    async def steer_run(self, wish: RunWish, /) -> RunView:
        """Do with a run what is wanted."""


class WelfareRounds:
    """Goes round. `tell`: shows alarms on screens. What several do at once is done once: under locks, or under the same id."""

    def __init__(
        self, repository: Repository, fleet: RunSteering, calendar: Calendar, tell: Callable[[Sequence[Alarm]], None]
    ) -> None:
        self._repository, self._fleet, self._tell = repository, fleet, tell
        self._gate, self._calendar = WelfareGate(repository, calendar), calendar
        self._told: dict[UUID, Allowance] = {}  # what each run that is not over was told last

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            try:
                await self.round(datetime.now(UTC))
            except DatabaseUnavailableError:
                pass  # runs go on with what they were allowed
            except Exception:
                log.exception("a round of welfare broke off, to be made again")
            await asyncio.sleep(ROUND_S)

    async def round(self, now: datetime) -> None:
        """Go round once.

        Raises:
            DatabaseUnavailableError
        """
        day = day_of(now, self._calendar.zone(), self._calendar.day_starts)
        for subject in await self._repository.watched_subjects():
            known = await self._repository.subject_day(subject.id, day)
            self._tell(await self._repository.tell_concerns(known, subject.id, now))
        await self._renew(day)

    async def _renew(self, day: LaboratoryDay) -> None:
        page = await self._repository.list_runs(RunFilter(unfinished=True), MAX_RUNS)
        self._told = {each.id: self._told[each.id] for each in page.items if each.id in self._told}
        for run in page.items:
            if run.subject_id is None or run.opened_at is None:
                continue
            try:
                await self._renewed(run, day)
            except DatabaseUnavailableError:
                raise
            except LicsError as error:  # it is over, or its fleet is away: the next round, if there is one
                log.info("an allowance was not renewed", extra={"run": str(run.id), "reason": error.message})

    async def _renewed(self, run: Run, day: LaboratoryDay) -> None:
        allowance = await self._gate.renewed(run, day)
        if allowance is None or self._told.get(run.id) == allowance:
            return
        await self._fleet.steer_run(RenewAllowance(run.id, ask_of(run.id, allowance), PRINCIPAL, allowance))
        self._told[run.id] = allowance


def ask_of(run_id: UUID, allowance: Allowance) -> UUID:
    """Return under which id a run is told an allowance: repeated it is told once."""
    return uuid5(run_id, f"allowance {allowance.serial}")
