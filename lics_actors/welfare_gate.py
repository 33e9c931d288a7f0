"""Who lets a run begin: its subject has rested, its pumps are calibrated, and it is told what it may give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from config.settings import Settings
from lics_actors.errors import ConflictError, RunNotFoundError
from lics_actors.experiment.plan import PlanReward
from lics_actors.run.orders import Allowance, RunOrder
from lics_actors.store.repository import Repository
from lics_actors.store.welfare import GrantWish
from lics_actors.welfare.calibration import Standing, standing
from lics_actors.welfare.days import LaboratoryDay, day_of
from lics_actors.welfare.judge import in_force, may_begin
from lics_actors.welfare.messages import Refused
from lics_actors.welfare.taking import KINDS

NO_LIMIT: Final = 1e9  # what no daily amount may exceed (study/subject_documents.py)


class SubjectNotAllowedError(ConflictError):
    """The subject's limits forbid a session now."""

    code = "SUBJECT_LIMIT"


class CalibrationExpiredError(ConflictError):
    """What gives the reward was calibrated once, and that is over."""

    code = "CALIBRATION_EXPIRED"


class WelfareGate:
    """Asked before a run is ordered (`check`), and once it has its subject for itself (`admit`)."""

    def __init__(self, repository: Repository, settings: Settings) -> None:
        self._repository = repository
        self._zone, self._starts = settings.zone(), settings.day_starts

    async def check(self, order: RunOrder, reward: PlanReward | None) -> None:
        """Let pass what may begin now, and what is a run already.

        Raises:
            SubjectNotAllowedError, CalibrationExpiredError, DatabaseUnavailableError
        """
        try:
            await self._repository.get_run(order.run_id)
        except RunNotFoundError:
            await self.calibrated([order.roles[reward.role].device_id] if reward is not None else [])
            await self.rested(order.subject_id)

    async def calibrated(self, device_ids: Iterable[UUID]) -> None:
        """Let pass devices whose calibration is in force, and those that nobody ever calibrated.

        Raises:
            CalibrationExpiredError, DatabaseUnavailableError
        """
        now = datetime.now(UTC)
        for each in (await self._repository.newest_calibrations(device_ids)).values():
            if standing(each, now) is Standing.EXPIRED:
                until = each.valid_until.isoformat(timespec="minutes")
                message = f"the calibration of what gives the reward is over since {until}: calibrate it anew"
                raise CalibrationExpiredError(message, device_id=str(each.device))

    async def rested(self, subject_id: UUID | None) -> None:
        """Let pass a subject that may be in a session now.

        Raises:
            SubjectNotAllowedError, DatabaseUnavailableError
        """
        if subject_id is None:
            return
        now, limits = datetime.now(UTC), await self._repository.subject_limits(subject_id)
        overrides = await self._repository.overrides(subject_id, now)
        answer = may_begin(limits, overrides, now, await self._repository.last_session(subject_id))
        if isinstance(answer, Refused):
            raise SubjectNotAllowedError(answer.reason, subject_id=str(subject_id), limit=answer.limit)

    async def admit(self, order: RunOrder, reward: PlanReward | None, most: float | None) -> RunOrder:
        """Return the order with what the run may give of its subject's day, and what its pump is to be told. `most`: what the
        protocol gives at most, None: nobody says.

        Raises:
            DatabaseUnavailableError: ask again under the same run.
        """
        if reward is None:
            return order
        device_id = order.roles[reward.role].device_id
        newest = (await self._repository.newest_calibrations([device_id])).get(device_id)
        curves = {} if newest is None else {reward.role: newest.fit.curve}
        if order.subject_id is None or reward.kind not in KINDS:
            return replace(order, curves=curves)
        wish = GrantWish(order.laboratory_id, order.run_id, order.subject_id, KINDS[reward.kind], most, self.today())
        return replace(order, curves=curves, allowance=await self.allowance(wish, order.ordered_at))

    async def allowance(self, wish: GrantWish, began: datetime) -> Allowance | None:
        """Return what a run that began then may give of its subject's day, in all; None: nobody keeps a ledger of it.

        Raises:
            DatabaseUnavailableError
        """
        granted = await self._repository.grant(wish)
        limits = await self._repository.subject_limits(wish.subject_id)
        session_s = in_force(limits, await self._repository.overrides(wish.subject_id, began), datetime.now(UTC)).session_s
        if session_s is None:
            return granted
        granted = granted or Allowance(NO_LIMIT, wish.day.begin, wish.day.end)
        over = began + timedelta(seconds=session_s)
        return replace(granted, until=over if granted.until is None else min(over, granted.until))

    def today(self) -> LaboratoryDay:
        """Return the laboratory's present day."""
        return day_of(datetime.now(UTC), self._zone, self._starts)
