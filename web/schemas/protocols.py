"""Protocols as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from drivers.native.subject import SubjectModel
from lics_actors.store.protocols import Protocol, ProtocolVersion, Rehearsal
from lics_actors.study.protocol_desk import Kept
from lics_actors.study.rehearsing import MAX_TRIALS
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query

PROTOCOL: Final = "0f3b5a52-0a5e-4a3b-9a5d-6f1f6a0c7d44"
Note = Annotated[str, Field(max_length=500, examples=["shorter window"], description="what is new about it")]
Value = bool | float | str


class ProtocolUpload(Body):
    """A protocol: its `document` as YAML or JSON text or as JSON, or the name of a `classic`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"classic": "fixed_ratio"}]})
    laboratory_id: UUID | None = Field(None, description="the only one that is yours, if absent")
    document: str | dict[str, Any] | None = Field(None, description="see docs/protocols.md")
    classic: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(None, description="of `protocols/classics`")
    note: Note = ""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.document is None) == (self.classic is None):
            raise ValueError("give `document` or `classic`")
        return self


class ProtocolsQuery(Query):
    """Which protocols."""

    name: Annotated[str | None, Field(max_length=50, description="the one called so")] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class VersionsQuery(Query):
    """Which page of versions or rehearsals."""

    limit: PageLimit = 100
    cursor: Cursor = None


class RehearsalBody(Body):
    """How to rehearse; parameters as in a protocol: `12 ul`, `0.5`, `true`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"trials": 200, "subject_model": "random"}]})
    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = 1000
    subject_model: SubjectModel = "random"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    parameters: dict[str, Value] = Field(default_factory=dict)


class ProtocolView(Answer):
    """A protocol; what it says is in its versions."""

    id: UUID = Field(examples=[PROTOCOL])
    laboratory_id: UUID
    name: str
    title: str
    newest: int = Field(description="the number of its latest version")
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


class ProtocolPage(Answer):
    """A page of protocols, by name."""

    items: list[ProtocolView]
    next: str | None = Field(description="cursor of the page after")


class ClassicView(Answer):
    """A protocol that is shipped."""

    name: str
    title: str


class ClassicsView(Answer):
    """The protocols that are shipped."""

    items: list[ClassicView]


class FindingView(Answer):
    """What should be looked at in a protocol."""

    path: str
    reason: str
    todo: str
    level: str


class VersionView(Answer):
    """A version, in short."""

    id: UUID
    protocol_id: UUID
    number: int
    schema_version: int = Field(description="of the language")
    digest: str = Field(description="SHA-256 of the document in its one form")
    note: str
    findings: list[FindingView]
    created_at: datetime
    created_by: str


class WholeVersionView(VersionView):
    """A version, never changed."""

    name: str
    title: str
    text: str = Field(description="as written")
    document: dict[str, Any] = Field(description="as read; the order of names matters")
    rehearsed: bool = Field(description="soundly, so that it may be armed")


class VersionPage(Answer):
    """A page of versions, newest first."""

    items: list[VersionView]
    next: str | None = Field(description="cursor of the page after")


class RehearsalView(Answer):
    """What a rehearsal came to."""

    id: UUID
    time: datetime
    principal: str
    trials: int
    subject_model: str
    seed: int
    parameters: dict[str, Any]
    sound: bool = Field(description="it may be armed on the strength of this one")
    why_not: str
    result: dict[str, Any] = Field(description="as `lics run rehearse --json` prints it")
    software: str


class RehearsalPage(Answer):
    """A page of rehearsals, newest first."""

    items: list[RehearsalView]
    next: str | None = Field(description="cursor of the page after")


def protocol_view(row: Protocol) -> ProtocolView:
    """Return a protocol as the API says it."""
    return ProtocolView.model_construct(**{name: getattr(row, name) for name in ProtocolView.model_fields})


def version_view(row: ProtocolVersion) -> VersionView:
    """Return a version in short."""
    return VersionView.model_construct(**_version_facts(row))


def whole_version_view(kept: Kept, document: dict[str, Any], rehearsed: bool) -> WholeVersionView:
    """Return a version with all of it."""
    names = {"name": kept.protocol.name, "title": document["title"], "text": kept.version.text}
    return WholeVersionView.model_construct(**_version_facts(kept.version), **names, document=document, rehearsed=rehearsed)


def rehearsal_view(row: Rehearsal) -> RehearsalView:
    """Return a rehearsal as the API says it."""
    return RehearsalView.model_construct(**{name: getattr(row, name) for name in RehearsalView.model_fields})


def _version_facts(row: ProtocolVersion) -> dict[str, Any]:
    facts = {name: getattr(row, name) for name in VersionView.model_fields if name != "findings"}
    return facts | {"findings": [FindingView(**dict(each)) for each in row.findings]}
