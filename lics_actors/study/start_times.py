"""Whether an experiment has a session for a subject now, where a person begins one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from lics_actors.errors import OutsideScheduleError, RunNotFoundError
from lics_actors.schedule.plans import windows_of
from lics_actors.schedule.rules import forbidden
from lics_actors.store.repository import Repository
from lics_actors.store.subjects import Subject
from lics_actors.study.experiment_desk import plan_of

LOOK_BACK: Final = timedelta(days=3)  # a window over midnight that opened yesterday counts to yesterday, in any time zone


class StartTimes:
    """Asked before a run is ordered by hand."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def check(self, run_id: UUID, experiment_id: UUID | None, subject: Subject | None) -> None:
        """Let pass what its experiment has a session for now, what belongs to none, and what is a run already.

        Raises:
            OutsideScheduleError, ExperimentNotFoundError, DatabaseUnavailableError
        """
        if experiment_id is None or subject is None:
            return
        schedule = plan_of(await self._repository.get_experiment(experiment_id)).schedule
        now = datetime.now(UTC)
        begun = await self._repository.begun_since(experiment_id, subject.id, now - LOOK_BACK, run_id)
        told = forbidden(windows_of(schedule), ZoneInfo(schedule.zone), schedule.most_a_day, now, begun)
        if told is None or await self._is_run(run_id):
            return
        message = f"{told.why}; or say why it begins all the same (`beyond_schedule`)"
        opens = {} if told.next is None else {"opens_at": told.next.isoformat()}
        raise OutsideScheduleError(message, rule=told.rule, experiment_id=str(experiment_id), **opens)

    async def _is_run(self, run_id: UUID) -> bool:
        try:
            await self._repository.get_run(run_id)
        except RunNotFoundError:
            return False
        return True
