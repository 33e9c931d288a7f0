"""The laboratory's experiments: plans, every version of them, and the runs they have had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import ConflictError, ExperimentNotFoundError, PreconditionFailedError
from lics_actors.store.changes import Changes, note_change
from lics_actors.store.connection import ANSWER_S
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, only_one, page
from lics_actors.store.json_text import json_value, storable_json

MAX_PAGE: Final = 500
MAX_PAST: Final = 10_000  # runs of a subject in an experiment: a session a day for 27 years
FACTS: Final = ("name", "about", "status", "stages", "subjects", "schedule")
_INSERT: Final = """INSERT INTO experiment (id, laboratory_id, name, about, status, stages, subjects, schedule, version,
        created_at, updated_at, created_by, updated_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9, $10, $10) RETURNING *"""
_UPDATE: Final = """UPDATE experiment SET name = $2, about = $3, status = $4, stages = $5, subjects = $6, schedule = $7,
    updated_at = $8, updated_by = $9, version = version + 1 WHERE id = $1 AND version = $10 RETURNING *"""
_ONE: Final = "SELECT * FROM experiment WHERE id = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))"
_NAMED: Final = "SELECT * FROM experiment WHERE name = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2)) ORDER BY id"
_PAGE: Final = """SELECT * FROM experiment WHERE ($1::text IS NULL OR (name, id) > ($1, $3::uuid))
    AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2)) AND ($4::text IS NULL OR status = $4)
    AND ($5::uuid IS NULL OR subjects ? $5::text) ORDER BY name, id LIMIT $6"""
_PAST: Final = """SELECT stage, phase, outcomes FROM run WHERE experiment_id = $1 AND subject_id = $2 AND ended_at IS NOT NULL
    AND stage IS NOT NULL ORDER BY ordered_at, id LIMIT $3"""


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment; stages, subjects and schedule as study/plans.py has them."""

    id: UUID
    laboratory_id: UUID
    name: str
    about: str
    status: str
    stages: tuple[Mapping[str, Any], ...]
    subjects: tuple[UUID, ...]
    schedule: Mapping[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


@dataclass(frozen=True, slots=True)
class NewExperiment:
    """An experiment to be, checked."""

    laboratory_id: UUID
    name: str
    principal: str
    stages: tuple[Mapping[str, Any], ...]
    subjects: tuple[UUID, ...] = ()
    schedule: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    status: str = "draft"
    experiment_id: UUID | None = None


class Experiments(Changes):
    """The experiments' part of the repository. `laboratories` None: of all of them."""

    async def create_experiment(self, new: NewExperiment, reason: str | None = None) -> Experiment:
        """Keep an experiment and return it.

        Raises:
            ConflictError: its name is in use (fact `name`), or its id exists (fact `experiment_id`).
            DatabaseUnavailableError
        """
        experiment_id = new.experiment_id or uuid4()
        said = _said({name: getattr(new, name) for name in FACTS})
        async with self.transaction(ANSWER_S) as connection:
            try:
                row = await connection.fetchrow(
                    _INSERT, experiment_id, new.laboratory_id, *said, datetime.now(UTC), new.principal
                )
            except asyncpg.UniqueViolationError as error:
                raise _conflict(error, experiment_id, new.name) from error
            made = _experiment(row)
            await note_change(connection, "experiment", row, reason=reason, before=None, after=facts(made))
        return made

    async def get_experiment(self, experiment_id: UUID, laboratories: Laboratories = None) -> Experiment:
        """Return an experiment.

        Raises:
            ExperimentNotFoundError, DatabaseUnavailableError
        """
        return await self._one_experiment(_ONE, experiment_id, laboratories)

    async def find_experiment(self, id_or_name: str, laboratories: Laboratories = None) -> Experiment:
        """Return the experiment of this id or name.

        Raises:
            ExperimentNotFoundError; ConflictError: several laboratories have one; DatabaseUnavailableError
        """
        try:
            return await self._one_experiment(_ONE, UUID(id_or_name), laboratories)
        except ValueError:
            return await self._one_experiment(_NAMED, id_or_name, laboratories)

    async def _one_experiment(self, query: str, key: UUID | str, laboratories: Laboratories) -> Experiment:
        async with self.raw(ANSWER_S) as connection:
            found = await connection.fetch(query, key, None if laboratories is None else list(laboratories))
        if (row := only_one(found, str(key))) is None:
            raise ExperimentNotFoundError(f"no experiment {key}", experiment=str(key))
        return _experiment(row)

    async def list_experiments(
        self,
        laboratories: Laboratories = None,
        status: str | None = None,
        subject_id: UUID | None = None,
        *,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Experiment]:
        """Return experiments by name, `limit` at a time; those in which a subject takes part, where one is given.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        name, experiment_id = decode_cursor("experiments", cursor, tuple[str, UUID]) or (None, None)
        where = None if laboratories is None else list(laboratories)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_PAGE, name, where, experiment_id, status, subject_id, limit + 1)
        return page("experiments", rows, limit, lambda row: (row["name"], row["id"]), _experiment)

    async def update_experiment(
        self, before: Experiment, changes: Mapping[str, Any], *, principal: str, reason: str | None = None
    ) -> Experiment:
        """Change some of FACTS of the experiment as it was read, and return it as it then is.

        Raises:
            PreconditionFailedError: somebody changed it since. ConflictError: the name is in use.
            DatabaseUnavailableError
        """
        said = {name: changes.get(name, getattr(before, name)) for name in FACTS}
        async with self.transaction(ANSWER_S) as connection:
            try:
                row = await connection.fetchrow(_UPDATE, before.id, *_said(said), datetime.now(UTC), principal, before.version)
            except asyncpg.UniqueViolationError as error:
                raise _conflict(error, before.id, said["name"]) from error
            if row is None:
                message = f"{before.name} was changed in between; look at it again"
                raise PreconditionFailedError(message, experiment_id=str(before.id), expected=before.version)
            after = _experiment(row)
            await note_change(connection, "experiment", row, reason=reason, before=facts(before), after=facts(after))
        return after

    async def past_runs(self, experiment_id: UUID, subject_id: UUID) -> list[tuple[int, str, Mapping[str, int]]]:
        """Return stage, last phase and outcomes of a subject's runs in an experiment that are over, oldest first.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_PAST, experiment_id, subject_id, MAX_PAST)
        return [(row["stage"], row["phase"], _json(row["outcomes"])) for row in rows]


def facts(row: Experiment) -> dict[str, Any]:
    """Return what people say of an experiment, for history and audit."""
    plain = {name: getattr(row, name) for name in ("name", "about", "status")}
    stages = [dict(each) for each in row.stages]
    return {**plain, "stages": stages, "subjects": [str(each) for each in row.subjects], "schedule": dict(row.schedule)}


def _said(values: Mapping[str, Any]) -> tuple[Any, ...]:
    stages = storable_json([dict(each) for each in values["stages"]])
    subjects = storable_json([str(each) for each in values["subjects"]])
    return (values["name"], values["about"], values["status"], stages, subjects, storable_json(dict(values["schedule"])))


def _experiment(row: Mapping[str, Any]) -> Experiment:
    subjects = tuple(UUID(each) for each in _json(row["subjects"]))
    kept = {"stages": tuple(_json(row["stages"])), "subjects": subjects, "schedule": _json(row["schedule"])}
    return Experiment(**{**row, **kept})


def _conflict(error: asyncpg.UniqueViolationError, experiment_id: UUID, name: str) -> ConflictError:
    if error.constraint_name == "experiment_pkey":
        return ConflictError(f"there is an experiment {experiment_id} already", experiment_id=str(experiment_id))
    return ConflictError(f"another experiment is called {name!r}", name=name)


def _json(value: Any) -> Any:
    return json_value(value) if isinstance(value, str | bytes) else value
