"""Who lets a run begin: its subject has rested, its pumps are calibrated, and it is told what it may give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from lics_actors.errors import ConflictError, RunNotFoundError
from lics_actors.experiment.plan import PlanReward
from lics_actors.run.orders import Allowance, RunOrder
from lics_actors.store.granting import GrantWish
from lics_actors.store.repository import Repository
from lics_actors.store.runs import Run
from lics_actors.welfare.calibration import Standing, standing
from lics_actors.welfare.days import Calendar, LaboratoryDay, day_of
from lics_actors.welfare.judge import may_begin
from lics_actors.welfare.messages import Refused
from lics_actors.welfare.taking import KINDS, UNITS


class SubjectNotAllowedError(ConflictError):
    """The subject's limits forbid a session now."""

    code = "SUBJECT_LIMIT"


class CalibrationExpiredError(ConflictError):
    """What gives the reward was calibrated once, and that is over."""

    code = "CALIBRATION_EXPIRED"


class WelfareGate:
    """Asked before a run is ordered (`check`), and once it has its subject for itself (`admit`)."""

    def __init__(self, repository: Repository, calendar: Calendar) -> None:
        self._repository, self._calendar = repository, calendar

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
        """Return the order with what the run may give of its subject's days, when its session ends at the latest, and what its
        pump is to be told. `most`: what the protocol gives at most, None: nobody says.

        Raises:
            DatabaseUnavailableError: ask again under the same run.
        """
        if reward is not None:
            device_id = order.roles[reward.role].device_id
            newest = (await self._repository.newest_calibrations([device_id])).get(device_id)
            order = order if newest is None else replace(order, curves={reward.role: newest.fit.curve})
        if order.subject_id is None:
            return order
        kept = None if reward is None else KINDS.get(reward.kind)
        wish = GrantWish(order.laboratory_id, order.run_id, order.subject_id, kept, most, self._day)
        return replace(order, allowance=await self.allowance(wish, order.ordered_at))

    async def renewed(self, run: Run, day: LaboratoryDay) -> Allowance | None:
        """Return what a run that is under way may give from now on; None: it has no subject.

        Raises:
            DatabaseUnavailableError
        """
        if run.subject_id is None:
            return None
        wish = GrantWish(run.laboratory_id, run.id, run.subject_id, UNITS.get(run.unit), None, day)
        return await self.allowance(wish, run.ordered_at)

    async def allowance(self, wish: GrantWish, began: datetime) -> Allowance:
        """Return what a run that began then may give of its subject's day, in all, and of the day after.

        Raises:
            DatabaseUnavailableError
        """
        following = day_of(wish.day.end, self._calendar.zone(), self._calendar.day_starts)
        return await self._repository.grant(replace(wish, following=following, began=began))

    @property
    def _day(self) -> LaboratoryDay:
        return day_of(datetime.now(UTC), self._calendar.zone(), self._calendar.day_starts)
