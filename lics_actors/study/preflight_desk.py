"""Finding out what speaks against a session: from tables and devices' actors. Judged in schedule/preflight.py."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from lics_actors.device.messages import DeviceTwin
from lics_actors.errors import ConflictError, InvalidError, LicsError, NotFoundError
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import VOLUME
from lics_actors.schedule.plans import windows_of
from lics_actors.schedule.preflight import DeviceFact, Facts, Problem, problems
from lics_actors.schedule.rules import day_of_start
from lics_actors.store.experiments import Experiment
from lics_actors.store.repository import Repository
from lics_actors.store.rigs import RigRow
from lics_actors.store.runs import RunFilter
from lics_actors.store.subjects import Subject
from lics_actors.study.experiment_desk import ExperimentDesk, Turn, plan_of
from lics_actors.study.run_desk import RunDesk, RunFleet
from lics_actors.welfare.calibration import standing
from lics_actors.welfare.days import Calendar, day_of
from lics_actors.welfare.judge import in_force, room
from lics_actors.welfare.taking import KINDS
from lics_actors.welfare_gate import SubjectNotAllowedError, WelfareGate

ASK_S: Final = 2.0  # as a run's devices are asked (study/run_desk.py)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a session. `turn` None: the subject has none."""

    subject: Subject
    rig: RigRow | None
    turn: Turn | None
    problems: tuple[Problem, ...]


class PreflightDesk:
    """Looks at sessions before they begin."""

    def __init__(
        self,
        repository: Repository,
        fleet: RunFleet,
        experiments: ExperimentDesk,
        runs: RunDesk,
        *,
        gate: WelfareGate,
        calendar: Calendar,
    ) -> None:
        self._repository, self._fleet = repository, fleet
        self._experiments, self._runs, self._gate, self._calendar = experiments, runs, gate, calendar

    async def check(
        self, experiment: Experiment, subject_id: UUID, rig_id: UUID | None = None, run_id: UUID | None = None
    ) -> Checked:
        """Return what speaks against a subject's next session, at the rig that the plan names or this one. `run_id`: its own run
        is in nobody's way.

        Raises:
            SubjectNotFoundError, RigNotFoundError, DatabaseUnavailableError
        """
        home = frozenset({experiment.laboratory_id})
        subject = await self._repository.get_subject(subject_id, home)
        wanted = rig_id or plan_of(experiment).schedule.rigs.get(subject_id)
        rig = None if wanted is None else await self._repository.get_rig(wanted)
        facts = Facts(experiment.name, experiment.status, subject.name, subject.status, rig=None if rig is None else rig.name)
        facts = replace(facts, takes_part=subject_id in experiment.subjects, resting=await self._resting(subject_id))
        facts = await self._counted(facts, experiment, subject_id, run_id)
        if rig is not None:
            facts = await self._at_rig(facts, rig, subject, run_id)
        try:
            turn = await self._experiments.turn(experiment, subject_id)
        except ConflictError:  # said above: it is not active, or the subject takes no part
            return Checked(subject, rig, None, problems(facts))
        except NotFoundError as error:
            return Checked(subject, rig, None, problems(replace(facts, unfit=(error.message,))))
        facts = replace(facts, version=f"version {turn.version.number} of the protocol of stage {turn.stage.name}")
        facts = replace(facts, rehearsed=await self._repository.is_rehearsed(turn.version.id))
        if rig is not None:
            facts = await self._of_protocol(facts, rig, turn, subject)
        return Checked(subject, rig, turn, problems(facts))

    async def _counted(self, facts: Facts, experiment: Experiment, subject_id: UUID, run_id: UUID | None) -> Facts:
        schedule, now = plan_of(experiment).schedule, datetime.now(UTC)
        most = schedule.most_a_day
        if most is None:
            return facts
        zone, windows = ZoneInfo(schedule.zone), windows_of(schedule)
        begun = await self._repository.begun_since(experiment.id, subject_id, now - timedelta(days=3), run_id)
        day = day_of_start(windows, zone, now)
        same = sum(day_of_start(windows, zone, each) == day for each in begun)
        return replace(facts, begun=same, a_day=most)

    async def _resting(self, subject_id: UUID) -> str | None:
        try:
            await self._gate.rested(subject_id)
        except SubjectNotAllowedError as refusal:
            return refusal.message
        return None

    async def _at_rig(self, facts: Facts, rig: RigRow, subject: Subject, run_id: UUID | None) -> Facts:
        members = await self._repository.rig_members(rig.devices.values(), rig.laboratory_id)
        twins = await asyncio.gather(*map(self._twin, rig.devices.values()))
        devices = []
        for (role, key), twin in zip(rig.devices.items(), twins, strict=True):
            member = members.get(key)
            if member is None:
                devices.append(DeviceFact(role, str(key), "gone"))
                continue
            status = "retired" if member.retired else _status(twin)
            mine = f"run:{run_id}"
            holder = None if twin is None or twin.reserved_by in {None, mine} else twin.reserved_by
            tripped = () if twin is None else tuple(each.interlock for each in twin.tripped)
            devices.append(DeviceFact(role, member.name, status, holder, tripped))
        sources = [f"rig:{rig.id}", f"subject:{subject.id}", *(f"device:{each}" for each in rig.devices.values())]
        alarms = tuple(message for _, _, message in await self._repository.critical_alarms(sources))
        return replace(facts, devices=tuple(devices), alarms=alarms, holder=await self._holder(rig, subject, run_id))

    async def _twin(self, device_id: UUID) -> DeviceTwin | None:
        try:
            async with asyncio.timeout(ASK_S):
                return await self._fleet.twin(device_id)
        except (LicsError, TimeoutError):
            return None

    async def _holder(self, rig: RigRow, subject: Subject, run_id: UUID | None) -> str | None:
        of_rig = (await self._repository.list_runs(RunFilter(unfinished=True, rig_id=rig.id), 2)).items
        of_subject = (await self._repository.list_runs(RunFilter(unfinished=True, subject_id=subject.id), 2)).items
        for name, runs in ((f"rig {rig.name}", of_rig), (subject.name, of_subject)):
            for run in runs:
                if run.id != run_id:
                    return f"{name} is in run {run.id} of {run.subject or 'no subject'} at {run.rig}, which is {run.phase}"
        return None

    async def _of_protocol(self, facts: Facts, rig: RigRow, turn: Turn, subject: Subject) -> Facts:
        try:
            plan, roles = await self._runs.fit(rig, turn.version, {})
        except InvalidError as error:
            faults = tuple(f"{each['field']}: {each['message']}" for each in error.fields)
            return replace(facts, unfit=faults or (error.message,))
        if plan.reward is None:
            return facts
        device_id = rig.devices[roles[plan.reward.role]]
        newest = (await self._repository.newest_calibrations([device_id])).get(device_id)
        name = next((each.name for each in facts.devices if each.role == roles[plan.reward.role]), str(device_id))
        facts = replace(facts, left=await self._left(plan, subject.id))
        if newest is None and plan.reward.kind != VOLUME:
            return facts  # pellets are counted
        return replace(facts, calibration=(name, standing(newest, datetime.now(UTC))))

    async def _left(self, plan: Plan, subject_id: UUID) -> tuple[float, str] | None:
        if plan.reward is None or plan.reward.kind not in KINDS:
            return None
        substance = KINDS[plan.reward.kind]
        now = datetime.now(UTC)
        known = await self._repository.subject_day(subject_id, day_of(now, self._calendar.zone(), self._calendar.day_starts))
        most = in_force(known.limits, known.overrides, now).most(substance)
        return None if most is None else (room(most, known.ledger.most(substance)), substance.value)


def _status(twin: DeviceTwin | None) -> str | None:
    """Return a device's word, without what is told apart."""
    if twin is None:
        return None
    return "online" if twin.status == "tripped" else twin.status
