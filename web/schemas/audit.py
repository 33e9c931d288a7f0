"""The audit as the API says it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from lics_actors.store.records import Audited
from web.schemas.base import Answer, Cursor, PageLimit, Query, UtcTime

Word = Annotated[str | None, Field(min_length=1, max_length=255)]


class AuditQuery(Query):
    """Which acts, newest first."""

    principal: Annotated[Word, Field(description="who did it, like user:admin")] = None
    action: Annotated[Word, Field(description="what, like fleet.restart")] = None
    target: Annotated[Word, Field(description="to what: a node, or alarm:7")] = None
    outcome: Annotated[Word, Field(description="ok, refused, failed; asked: nobody lived to tell")] = None
    start: UtcTime | None = Field(None, alias="from", description="from this time on")
    end: UtcTime | None = Field(None, alias="to", description="before this time")
    limit: PageLimit = 100
    cursor: Cursor = None


class AuditView(Answer):
    """Something that a person, or a program in a person's name, did or tried."""

    act: UUID
    time: datetime = Field(description="when it ended; of one without an end, when it was asked")
    principal: str = Field(examples=["user:admin"])
    action: str = Field(examples=["fleet.restart"])
    target: str = Field(examples=["recorder"])
    outcome: str = Field(description="ok, refused, failed; asked: nobody lived to tell", examples=["ok"])
    reason: str | None
    origin: str = Field(description="cli, rest or ws")
    remote: str | None = Field(description="from which address")
    request_id: str | None
    error: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditPage(Answer):
    """A page of acts, newest first."""

    items: list[AuditView]
    next: str | None = Field(description="cursor of the page after")


def audit_view(audited: Audited) -> AuditView:
    """Return an act as the API says it."""
    return AuditView.model_construct(**{name: getattr(audited, name) for name in AuditView.model_fields})
