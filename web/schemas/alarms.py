"""Alarms as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from lics_actors.store.alarm_states import MAX_SHELVED, Alarm, AlarmState
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query, Reason


class AlarmsQuery(Query):
    """Which alarms."""

    all: Annotated[bool, Field(description="list those that are over as well")] = False
    active: Annotated[bool | None, Field(description="only those whose condition stands, or does not")] = None
    acknowledged: Annotated[bool | None, Field(description="only those that a person has seen, or nobody has")] = None
    shelved: Annotated[bool | None, Field(description="only those that are shelved, or are not")] = None
    source: Annotated[str | None, Field(min_length=1, max_length=255, description="only those of this node")] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class AcknowledgeBody(Body):
    """What the person who has seen an alarm says about it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"comment": "the technician is told"}]})
    comment: Reason | None = None


class ShelveBody(Body):
    """For how long an alarm is to be out of sight, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"for_s": 3600.0, "reason": "cage cleaning"}]})
    for_s: Annotated[float, Field(ge=1, le=MAX_SHELVED.total_seconds(), description="seconds from now")]
    reason: Reason


class UnshelveBody(Body):
    """Why an alarm is to be seen again before its time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the cages are clean"}]})
    reason: Reason | None = None


class AlarmView(Answer):
    """Something that needs, or needed, a person (ISA-18.2)."""

    id: int | None = Field(description="null on the WebSocket while the table does not know it yet")
    source: str = Field(examples=["recorder"])
    kind: str = Field(examples=["spool-high"])
    severity: str = Field(description="low, medium, high or critical", examples=["high"])
    message: str
    state: AlarmState
    active: bool = Field(description="its condition stands")
    raised_at: datetime
    last_at: datetime | None = Field(description="when it was last raised")
    count: int = Field(description="how often it was raised while open")
    returned_at: datetime | None = Field(description="when its condition was gone")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    comment: str | None
    shelved_at: datetime | None
    shelved_by: str | None
    shelved_until: datetime | None
    shelve_reason: str | None
    cleared_at: datetime | None = Field(description="when it was over: condition gone, and seen")


class AlarmPage(Answer):
    """A page of alarms, newest first."""

    items: list[AlarmView]
    next: str | None = Field(description="cursor of the page after")


STORED = frozenset(AlarmView.model_fields) - {"id", "state", "active"}


def alarm_view(alarm: Alarm) -> AlarmView:
    """Return an alarm as the API says it."""
    stored = {name: getattr(alarm, name) for name in STORED}
    return AlarmView.model_construct(id=alarm.id or None, state=alarm.state, active=alarm.active, **stored)
