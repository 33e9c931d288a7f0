"""Beginning the run of a slot, under the slot's id: however often, and by however many, it is one run."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Final

from lics_actors.audit import Asker
from lics_actors.errors import DatabaseUnavailableError, LicsError, RunNotFoundError
from lics_actors.schedule.messages import Began, BeginFailed, Looked, Slot
from lics_actors.schedule.preflight import A_DAY, forbidding
from lics_actors.store.repository import Repository
from lics_actors.store.runs import Run
from lics_actors.study.experiment_desk import ExperimentDesk
from lics_actors.study.preflight_desk import PreflightDesk
from lics_actors.study.run_desk import RunDesk, RunWanted

ORIGIN: Final = "schedule"  # of what the audit is told
UNKNOWN: Final = frozenset({"device_unavailable", "device_timeout", "internal_error"})  # nobody knows whether it was taken

log = logging.getLogger(__name__)


class Starter:
    """Looks at slots, and begins their runs."""

    def __init__(self, repository: Repository, experiments: ExperimentDesk, runs: RunDesk, preflight: PreflightDesk) -> None:
        self._repository, self._experiments, self._runs, self._preflight = repository, experiments, runs, preflight

    async def look(self, slot: Slot) -> Looked:
        """Return what forbids a slot's session now.

        Raises:
            DatabaseUnavailableError
        """
        try:
            experiment = await self._repository.get_experiment(slot.plan.experiment)
            checked = await self._preflight.check(experiment, slot.plan.subject, slot.plan.rig, slot.id)
        except DatabaseUnavailableError:
            raise
        except LicsError as error:
            return Looked(datetime.now(UTC), slot.id, (error.message,))
        needless = any(each.code == A_DAY for each in checked.problems)
        return Looked(datetime.now(UTC), slot.id, forbidding(checked.problems), needless)

    async def begin(self, slot: Slot) -> Began | BeginFailed:
        """Have a slot's run begin; asked again it is the same run.

        Raises:
            DatabaseUnavailableError: nothing is known; ask again.
        """
        try:
            before = await self._row(slot)
            if before is not None and (before.opened_at is not None or before.n >= 0):
                return Began(datetime.now(UTC), slot.id)
            if before is not None and before.ended_at is not None:
                return BeginFailed(datetime.now(UTC), slot.id, before.why, final=True)
            await self._runs.start(Asker(slot.by, ORIGIN), await self._wanted(slot, before))
        except DatabaseUnavailableError:
            raise
        except LicsError as error:
            return await self._failed(slot, error)
        return Began(datetime.now(UTC), slot.id)

    async def _wanted(self, slot: Slot, before: Run | None) -> RunWanted:
        plan, home = slot.plan, frozenset({slot.plan.laboratory})
        experiment = await self._repository.get_experiment(plan.experiment, home)
        turn = await self._experiments.turn(experiment, plan.subject, None if before is None else before.stage)
        rig = await self._repository.get_rig(plan.rig if before is None else before.rig_id)
        subject = await self._repository.get_subject(plan.subject, home)
        what = (slot.id, rig, turn.version, subject)
        parameters = turn.stage.parameters
        return RunWanted(*what, parameters=parameters, experiment_id=experiment.id, stage=turn.place.stage, planned=True)

    async def _failed(self, slot: Slot, error: LicsError) -> BeginFailed:
        log.warning("a session could not begin", extra={"run": str(slot.id), "reason": error.message})
        now, row = datetime.now(UTC), await self._row(slot)
        if error.type in UNKNOWN or (row is not None and row.ended_at is None):
            return BeginFailed(now, slot.id, error.message)
        return BeginFailed(now, slot.id, error.message, final=row is not None, turned_away=row is None)

    async def _row(self, slot: Slot) -> Run | None:
        try:
            return await self._repository.get_run(slot.id)
        except RunNotFoundError:
            return None
