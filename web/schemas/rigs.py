"""Rigs as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from lics_actors.rig_desk import RigState
from lics_actors.store.rig_documents import InterlockBody, Role
from lics_actors.store.rigs import RigRow
from web.schemas.base import LABORATORY, Answer, Body, Cursor, LaboratoryId, PageLimit, Query, Reason
from web.schemas.devices import PUMP, left_out

RIG: Final = "9a1f4c55-6f0e-4d4b-8f5e-0d5a1c1f8b22"
INTERLOCK: Final = {
    "name": "overheated",
    "when": {"metric": "temperature_c", "of": "sensor", "op": ">", "value": 40},
    "trip": [{"role": "pump", "command": "stop"}],
}
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"\S", examples=["cage 3"], description="unique among rigs")]
Devices = Annotated[dict[Role, UUID], Field(max_length=200, examples=[{"pump": PUMP}], description="role → device")]
# As a schema conditions would contain themselves, which few tools that read one survive.
_SCHEMA: Final = {
    "type": "array",
    "maxItems": 100,
    "items": {"type": "object", "required": ["name", "when", "trip"]},
    "examples": [[INTERLOCK]],
    "description": "see docs/safety.md for what they may say",
}
Interlocks = Annotated[list[InterlockBody], Field(max_length=100), WithJsonSchema(_SCHEMA)]


class RigBody(Body):
    """A rig as people define it; what is left out takes its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "cage 3", "devices": {}, "interlocks": []}]})
    name: Name
    devices: Devices = Field(default_factory=dict)
    interlocks: Interlocks = Field(default_factory=list)


class NewRigBody(RigBody):
    """A rig to be."""

    id: UUID | None = Field(None, description="made up if absent", examples=[RIG])
    laboratory_id: LaboratoryId = None


class RigPatch(Body):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "cage 4"}], "minProperties": 1})
    name: Name = Field(default_factory=left_out)
    devices: Devices = Field(default_factory=left_out)
    interlocks: Interlocks = Field(default_factory=left_out)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        return self


class RigsQuery(Query):
    """Which rigs."""

    device: Annotated[UUID | None, Field(description="those it belongs to")] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class ResetBody(Body):
    """Why interlocks are reset, and which: all of the rig's, where none is named."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "door closed, nobody inside"}]})
    reason: Reason
    interlock: Role | None = Field(None, examples=["overheated"])


class TrippedView(Answer):
    """An interlock that has tripped a device."""

    device_id: UUID
    interlock: str
    since: datetime
    why: str


class RigView(Answer):
    """A rig."""

    id: UUID = Field(examples=[RIG])
    laboratory_id: UUID = Field(examples=[LABORATORY])
    name: str
    devices: dict[str, UUID]
    interlocks: list[dict[str, Any]]
    version: int = Field(description="counts people's changes; first part of the `ETag`")
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


class RigStateView(RigView):
    """A rig and how it is now."""

    tripped: list[TrippedView]
    unknown: list[UUID] = Field(description="the devices whose actor did not say")


class RigPage(Answer):
    """A page of rigs, by name."""

    items: list[RigView]
    next: str | None = Field(description="cursor of the page after")


def rig_view(row: RigRow) -> RigView:
    """Return a rig as the API says it."""
    return RigView.model_construct(**_facts(row))


def rig_state_view(state: RigState) -> RigStateView:
    """Return a rig as it is now."""
    tripped = [
        TrippedView(device_id=device_id, interlock=each.interlock, since=each.since, why=each.why)
        for device_id, those in state.tripped.items()
        for each in those
    ]
    return RigStateView.model_construct(**_facts(state.row), tripped=tripped, unknown=list(state.unknown))


def _facts(row: RigRow) -> dict[str, Any]:
    names = ("id", "laboratory_id", "name", "version", "created_at", "updated_at", "created_by", "updated_by")
    plain = {name: getattr(row, name) for name in names}
    return plain | {"devices": dict(row.devices), "interlocks": [dict(each) for each in row.interlocks]}
