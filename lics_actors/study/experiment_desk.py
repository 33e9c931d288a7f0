"""What people do about experiments, and where their subjects stand; audited. Web, command line and scheduler share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import ConflictError, InvalidError, NotFoundError, PreconditionFailedError, ProtocolNotFoundError
from lics_actors.experiment.compiling import compile_protocol
from lics_actors.store.experiments import Experiment, NewExperiment, facts
from lics_actors.store.protocols import ProtocolVersion
from lics_actors.store.repository import Repository
from lics_actors.study.parameters import base_units
from lics_actors.study.plans import Criterion, ExperimentPlan, Stage, read_plan
from lics_actors.study.progression import PastRun, Place, place_of
from lics_actors.study.protocol_documents import kept

Fault = dict[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a subject's next run in an experiment is."""

    place: Place
    stage: Stage
    version: ProtocolVersion


class ExperimentDesk:
    """Keeps experiments."""

    def __init__(self, repository: Repository, audit: AuditLog) -> None:
        self._repository, self._audit = repository, audit

    async def create(self, asker: Asker, new: NewExperiment, reason: str | None = None) -> Experiment:
        """Keep an experiment.

        Raises:
            InvalidError: its plan makes no sense; ConflictError: its name or id is in use. DatabaseUnavailableError
        """
        async with self._audit.act(asker, "experiment.create", f"experiment:{new.experiment_id or new.name}", reason) as found:
            await self._check(plan_of(new), new.laboratory_id)
            made = await self._repository.create_experiment(new, reason)
            found.after = facts(made)
        return made

    async def change(
        self, asker: Asker, experiment: Experiment, changes: Mapping[str, Any], expected: int | None, reason: str | None
    ) -> Experiment:
        """Change some of an experiment as it was read; runs that are over keep the stage they were begun in.

        Raises:
            InvalidError, ConflictError, PreconditionFailedError, DatabaseUnavailableError
        """
        async with self._audit.act(asker, "experiment.change", f"experiment:{experiment.id}", reason) as found:
            found.before = facts(experiment)
            if expected not in (None, experiment.version):
                message = f"{experiment.name} was changed by {experiment.updated_by} in between; look at it again"
                raise PreconditionFailedError(message, experiment_id=str(experiment.id))
            if changes.keys() & {"stages", "subjects", "schedule"}:
                said = {name: changes.get(name, getattr(experiment, name)) for name in ("stages", "subjects", "schedule")}
                await self._check(read_plan(said), experiment.laboratory_id)
            after = await self._repository.update_experiment(experiment, changes, principal=asker.principal, reason=reason)
            found.after = facts(after)
        return after

    async def turn(self, experiment: Experiment, subject_id: UUID, stage: int | None = None) -> Turn:
        """Return what a subject's next run is; in a named `stage` by somebody's decision.

        Raises:
            ConflictError: the experiment is not active, or the subject does not take part.
            InvalidError: there is no such stage. ProtocolNotFoundError, DatabaseUnavailableError
        """
        if experiment.status != "active":
            raise ConflictError(f"{experiment.name} is {experiment.status}", experiment_id=str(experiment.id))
        if subject_id not in experiment.subjects:
            raise ConflictError(f"the subject takes no part in {experiment.name}", experiment_id=str(experiment.id))
        place = await self.place(experiment, subject_id) if stage is None else Place(stage, 0, "a person's decision")
        stages = plan_of(experiment).stages
        if not 0 <= place.stage < len(stages):
            message = f"from 0 to {len(stages) - 1}"
            raise InvalidError("there is no such stage", ({"field": "stage", "message": message},))
        chosen = stages[place.stage]
        home = frozenset({experiment.laboratory_id})
        return Turn(place, chosen, await self._repository.version_of_id(chosen.protocol_version_id, home))

    async def place(self, experiment: Experiment, subject_id: UUID) -> Place:
        """Return where a subject stands after its runs so far.

        Raises:
            ProtocolNotFoundError, DatabaseUnavailableError
        """
        stages = plan_of(experiment).stages
        past = [PastRun(*each) for each in await self._repository.past_runs(experiment.id, subject_id)]
        good = [await self._good(stage.protocol_version_id) for stage in stages] if past else [frozenset[str]()] * len(stages)
        return place_of(stages, good, past)

    async def _good(self, version_id: UUID) -> frozenset[str]:
        document = kept((await self._repository.version_of_id(version_id)).document)
        return frozenset(name for name, outcome in document.outcomes.items() if outcome.good)

    async def _check(self, plan: ExperimentPlan, laboratory_id: UUID) -> None:
        home, faults = frozenset({laboratory_id}), list[Fault]()
        for n, stage in enumerate(plan.stages):
            faults += await self._stage_faults(f"stages.{n}", stage, home)
        for n, subject_id in enumerate(plan.subjects):
            try:
                await self._repository.get_subject(subject_id, home)
            except NotFoundError:
                faults.append({"field": f"subjects.{n}", "message": "there is no such subject in this laboratory"})
        for field, noun, named in (("rigs", "rig", plan.schedule.rigs), ("readers", "device", plan.schedule.readers)):
            for subject_id, each in named.items():
                if await self._repository.laboratory_of(noun, each) != laboratory_id:
                    message = f"there is no such {noun} in this laboratory"
                    faults.append({"field": f"schedule.{field}.{subject_id}", "message": message})
        if faults:
            raise InvalidError("this plan makes no sense; see fields", tuple(faults))

    async def _stage_faults(self, path: str, stage: Stage, home: frozenset[UUID]) -> list[Fault]:
        try:
            document = kept((await self._repository.version_of_id(stage.protocol_version_id, home)).document)
        except ProtocolNotFoundError:
            return [{"field": f"{path}.protocol_version_id", "message": "there is no such version in this laboratory"}]
        faults = []
        for name, criterion in (("advance", stage.advance), ("back", stage.back)):
            if isinstance(criterion, Criterion) and criterion.outcome not in {None, *document.outcomes}:
                message = f"the protocol has no such outcome; it has: {', '.join(document.outcomes)}"
                faults.append({"field": f"{path}.{name}.outcome", "message": message})
        try:
            base_units(compile_protocol(document, {}).plan, stage.parameters)
        except InvalidError as error:
            faults += [{"field": f"{path}.{each['field']}", "message": each["message"]} for each in error.fields]
        return faults


def plan_of(kept_or_new: Experiment | NewExperiment) -> ExperimentPlan:
    """Return the plan of an experiment.

    Raises:
        InvalidError: it is none.
    """
    said = {"stages": kept_or_new.stages, "subjects": kept_or_new.subjects, "schedule": kept_or_new.schedule}
    return read_plan(said)
