"""Experiments as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, model_validator

from lics_actors.store.experiments import Experiment
from lics_actors.study.plans import MAX_STAGES, MAX_SUBJECTS, Schedule, Stage, Status
from lics_actors.study.progression import Place
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query, Reason
from web.schemas.devices import left_out
from web.schemas.subjects import SUBJECT

VERSION: Final = "1c0a54b0-6f0b-4a26-8a2f-7b7f0d9c6a11"
EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "two choices, batch 3",
    "stages": [
        {"name": "habituation", "protocol_version_id": VERSION, "advance": {"runs": 2, "trials": 50, "share": 0.8}},
        {"name": "choice", "protocol_version_id": VERSION, "parameters": {"ratio": 2.0}},
    ],
    "subjects": [SUBJECT],
    "schedule": {"zone": "Europe/Berlin", "windows": [{"begin": "08:00", "end": "18:00", "days": ["mon", "tue"]}]},
}
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S", description="unique in the laboratory")]
About = Annotated[str, Field(max_length=4000)]
Stages = Annotated[list[Stage], Field(min_length=1, max_length=MAX_STAGES)]
Subjects = Annotated[list[UUID], Field(max_length=MAX_SUBJECTS, description="in the order of their turns")]


class NewExperimentBody(Body):
    """An experiment to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    id: UUID | None = Field(None, description="made up if absent")
    laboratory_id: UUID | None = Field(None, description="the only one that is yours, if absent")
    name: Name
    about: About = ""
    status: Status = "draft"
    stages: Stages
    subjects: Subjects = Field(default_factory=list)
    schedule: Schedule = Field(default_factory=Schedule)
    reason: Reason | None = None


class ExperimentPatch(Body):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "active"}], "minProperties": 1})
    name: Name = Field(default_factory=left_out)
    about: About = Field(default_factory=left_out)
    status: Status = Field(default_factory=left_out)
    stages: Stages = Field(default_factory=left_out)
    subjects: Subjects = Field(default_factory=left_out)
    schedule: Schedule = Field(default_factory=left_out)
    reason: Reason | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set - {"reason"}:
            raise ValueError("nothing to change")
        return self


class ExperimentsQuery(Query):
    """Which experiments."""

    status: Annotated[Status | None, Field(description="only those that are so")] = None
    subject: Annotated[UUID | None, Field(description="only those in which it takes part")] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class ExperimentView(Answer):
    """An experiment."""

    id: UUID
    laboratory_id: UUID
    name: str
    about: str
    status: str = Field(description="draft, active, paused or done")
    stages: list[dict[str, Any]]
    subjects: list[UUID]
    schedule: dict[str, Any]
    version: int = Field(description="counts people's changes; first part of the `ETag`")
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


class ExperimentPage(Answer):
    """A page of experiments, by name."""

    items: list[ExperimentView]
    next: str | None = Field(description="cursor of the page after")


class PlaceView(Answer):
    """Where a subject stands."""

    subject_id: UUID
    stage: int
    name: str
    runs: int = Field(description="how many in a row have counted in this stage")
    why: str


class PlacesView(Answer):
    """Where the subjects stand, in the order of their turns."""

    items: list[PlaceView]


def experiment_view(row: Experiment) -> ExperimentView:
    """Return an experiment as the API says it."""
    facts = {name: getattr(row, name) for name in ExperimentView.model_fields}
    stages = [dict(each) for each in row.stages]
    return ExperimentView.model_construct(
        **facts | {"stages": stages, "subjects": list(row.subjects), "schedule": dict(row.schedule)}
    )


def place_view(row: Experiment, subject_id: UUID, place: Place) -> PlaceView:
    """Return where a subject stands."""
    name = str(row.stages[place.stage]["name"])
    return PlaceView(subject_id=subject_id, stage=place.stage, name=name, runs=place.runs, why=place.why)


def said_of_plan(body: NewExperimentBody | ExperimentPatch) -> dict[str, Any]:
    """Return what a body says of an experiment, as it is kept."""
    plain = {"name", "about", "status"} & body.model_fields_set
    given: dict[str, Any] = {name: getattr(body, name) for name in plain}
    if "stages" in body.model_fields_set:
        given["stages"] = tuple(each.model_dump(mode="json", exclude_none=True) for each in body.stages)
    if "subjects" in body.model_fields_set:
        given["subjects"] = tuple(body.subjects)
    if "schedule" in body.model_fields_set:
        given["schedule"] = body.schedule.model_dump(mode="json", exclude_none=True)
    return given
