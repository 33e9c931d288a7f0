"""What hands give while a run of the same subject goes on: the run is told at once, and may be asked before."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from lics_actors.errors import FleetUnavailableError, LicsError
from lics_actors.run.messages import RenewAllowance
from lics_actors.store.doses import SubjectLimitError
from lics_actors.store.repository import Repository
from lics_actors.store.runs import RunFilter
from lics_actors.welfare.days import Calendar, LaboratoryDay, day_of
from lics_actors.welfare.judge import UNITS
from lics_actors.welfare.messages import TOLERANCE, Entry
from lics_actors.welfare_gate import WelfareGate
from lics_actors.welfare_rounds import PRINCIPAL, RunSteering, ask_of

TELL_S: Final = 4.0  # a run that does not answer within it is told by the next round

log = logging.getLogger(__name__)


class Hand:
    """Notes what a hand gave, or is about to give."""

    def __init__(self, repository: Repository, fleet: RunSteering, calendar: Calendar) -> None:
        self._repository, self._fleet, self._calendar = repository, fleet, calendar
        self._gate = WelfareGate(repository, calendar)

    async def noted(self, laboratory_id: UUID, entry: Entry) -> Entry:
        """Keep what was given: a fact, also where it is more than it should be. Runs of the subject are told; one that cannot be
        reached now hears of it from the next round.

        Raises:
            ConflictError: the id is that of something else. DatabaseUnavailableError
        """
        kept = await self._repository.give_by_hand(laboratory_id, entry)
        try:
            await self._over(entry.subject)
        except LicsError as error:
            log.info("a run was not told what a hand gave", extra={"subject": str(entry.subject), "reason": error.message})
        return kept

    async def asked(self, laboratory_id: UUID, entry: Entry) -> Entry:
        """Keep what is about to be given, if the day has room for it also after all that runs may still give: they have said
        that they give so much less. Otherwise nothing of it is kept, and it is not to be given.

        Raises:
            SubjectLimitError: there is no room. FleetUnavailableError, DeviceTimeoutError: a run could not be asked.
            ConflictError: the id is that of something else, or of what was refused before. DatabaseUnavailableError
        """
        day = self._day()
        kept = await self._repository.reserve_by_hand(laboratory_id, entry, day)
        try:
            over = await self._over(entry.subject)
        except LicsError as error:
            await self._repository.withdraw_by_hand(laboratory_id, entry, "a run could not be asked")
            message = f"a run of this subject cannot say what it has given, so this is not to be given now: {error.message}"
            raise FleetUnavailableError(message, subject_id=str(entry.subject)) from error
        if over > TOLERANCE:
            await self._repository.withdraw_by_hand(laboratory_id, entry, "runs had given too much by then")
            raise SubjectLimitError(entry, f"a run has given too much for it: {over:g} {UNITS[entry.substance]} less is possible")
        return kept

    async def _over(self, subject_id: UUID) -> float:
        """Tell the subject's runs what they may give from now on; return how much more than that they have given already.

        Raises:
            LicsError: one did not answer.
        """
        page = await self._repository.list_runs(RunFilter(subject_id=subject_id, unfinished=True), 100)
        over = 0.0
        for run in page.items:
            allowance = await self._gate.renewed(run, self._day())
            if allowance is None or allowance.amount is None:
                continue
            wish = RenewAllowance(run.id, ask_of(run.id, allowance), PRINCIPAL, allowance)
            try:
                async with asyncio.timeout(TELL_S):
                    over = max(over, (await self._fleet.steer_run(wish)).overdrawn)
            except TimeoutError:
                raise FleetUnavailableError("the run did not answer in time", run_id=str(run.id)) from None
        return over

    def _day(self) -> LaboratoryDay:
        return day_of(datetime.now(UTC), self._calendar.zone(), self._calendar.day_starts)
