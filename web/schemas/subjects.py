"""Subjects as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, model_validator

from lics_actors.store.changes import Change
from lics_actors.store.subjects import FACTS, Subject, Weight
from lics_actors.study.subject_documents import RFID, Daily, Sex, Species, Status
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query, Reason, UtcTime
from web.schemas.devices import left_out

SUBJECT: Final = "5d9cf0c1-93c5-4d8e-a1c5-0c8a2f1b7e33"
EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "m-17",
    "species": "Mus musculus",
    "sex": "female",
    "birth_date": "2025-11-03",
    "rfid": "900.115000012345",
    "daily": {"fluid_ul": {"target": 1200, "max": 2000}},
}
Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S")]
Name = Annotated[Text, Field(examples=["m-17"], description="unique in the laboratory among subjects in use")]
Rfid = Annotated[str, Field(pattern=RFID, examples=["900.115000012345"], description="worn by one subject in use")]
Notes = Annotated[str, Field(max_length=4000)]
BirthDate = Annotated[date | None, Field(examples=["2025-11-03"])]
DailyAmounts = Annotated[Daily, Field(description="of fluid (µl) and food over all rigs")]


class NewSubjectBody(Body):
    """A subject to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})
    id: UUID | None = Field(None, description="made up if absent", examples=[SUBJECT])
    laboratory_id: UUID | None = Field(None, description="the only one that is yours, if absent")
    name: Name
    species: Species
    sex: Sex = "unknown"
    birth_date: BirthDate = None
    rfid: Rfid | None = None
    status: Status = "active"
    daily: DailyAmounts = Field(default_factory=Daily)
    notes: Notes = ""
    reason: Reason | None = None


class SubjectPatch(Body):
    """What to change; what is left out stays. Daily amounts, status and tag need a reason."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "resting", "reason": "wound at the ear"}], "minProperties": 1}
    )
    name: Name = Field(default_factory=left_out)
    species: Species = Field(default_factory=left_out)
    sex: Sex = Field(default_factory=left_out)
    birth_date: BirthDate = None
    rfid: Rfid | None = None
    status: Status = Field(default_factory=left_out)
    daily: DailyAmounts = Field(default_factory=left_out)
    notes: Notes = Field(default_factory=left_out)
    reason: Reason | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set - {"reason"}:
            raise ValueError("nothing to change")
        return self


class SubjectsQuery(Query):
    """Which subjects."""

    status: Annotated[Status | None, Field(description="only those that are so")] = None
    rfid: Annotated[str | None, Field(max_length=64, description="only those that wear this tag")] = None
    species: Annotated[str | None, Field(max_length=255)] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class WeightBody(Body):
    """What a subject weighs."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"weight_g": 23.4}]})
    weight_g: Annotated[float, Field(gt=0, le=1_000_000)]
    time: UtcTime | None = Field(None, strict=False, description="now, if absent")
    note: Notes = ""


class SubjectView(Answer):
    """A subject."""

    id: UUID = Field(examples=[SUBJECT])
    laboratory_id: UUID
    name: str
    species: str
    sex: str
    birth_date: date | None
    rfid: str | None
    status: str = Field(description="active, resting or retired; a retired one leaves its name and tag to others")
    daily: dict[str, Any]
    notes: str
    version: int = Field(description="counts people's changes; first part of the `ETag`")
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


class SubjectPage(Answer):
    """A page of subjects, by name."""

    items: list[SubjectView]
    next: str | None = Field(description="cursor of the page after")


class WeightView(Answer):
    """What a subject weighed."""

    id: UUID
    time: datetime
    weight_g: float
    note: str
    principal: str


class WeightPage(Answer):
    """A page of weights, newest first."""

    items: list[WeightView]
    next: str | None = Field(description="cursor of the page after")


class ChangeView(Answer):
    """A version: who made it, why, and what it was."""

    version: int
    time: datetime
    principal: str
    reason: str | None
    changed: list[str] = Field(description="what is otherwise than before")
    facts: dict[str, Any]


class ChangePage(Answer):
    """A page of versions, newest first."""

    items: list[ChangeView]
    next: str | None = Field(description="cursor of the page after")


class ChangesQuery(Query):
    """Which page of a history."""

    limit: PageLimit = 100
    cursor: Cursor = None


def subject_view(row: Subject) -> SubjectView:
    """Return a subject as the API says it."""
    return SubjectView.model_construct(**{name: getattr(row, name) for name in SubjectView.model_fields})


def weight_view(row: Weight) -> WeightView:
    """Return a weight as the API says it."""
    return WeightView.model_construct(**{name: getattr(row, name) for name in WeightView.model_fields})


def change_view(row: Change) -> ChangeView:
    """Return a version as the API says it."""
    facts = {name: getattr(row, name) for name in ChangeView.model_fields}
    return ChangeView.model_construct(**facts | {"changed": list(row.changed)})


def said(body: NewSubjectBody | SubjectPatch) -> dict[str, Any]:
    """Return what a body says of a subject, as it is kept."""
    given = {name: getattr(body, name) for name in FACTS if name in body.model_fields_set}
    return given | ({"daily": body.daily.document()} if "daily" in given else {})
