"""The audit as the API says it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from lics_actors.store.audits import AuditFilter
from lics_actors.store.records import Audited
from web.schemas.base import Answer, Cursor, PageLimit, Query, UtcTime

Word = Annotated[str | None, Field(min_length=1, max_length=255)]


class AuditChoice(Query):
    """Which acts."""

    principal: Annotated[Word, Field(description="who did it, like user:admin")] = None
    action: Annotated[Word, Field(description="what, like fleet.restart")] = None
    target: Annotated[Word, Field(description="to what: a node, or alarm:7")] = None
    outcome: Annotated[Word, Field(description="ok, refused, failed; asked: nobody lived to tell")] = None
    origin: Annotated[Word, Field(description="cli, rest, ws or schedule")] = None
    remote: Annotated[Word, Field(description="from which address")] = None
    q: Annotated[Word, Field(description="somewhere in names, reason, error, before or after, in any case")] = None
    start: UtcTime | None = Field(None, alias="from", description="from this time on")
    end: UtcTime | None = Field(None, alias="to", description="before this time")

    def chosen(self) -> AuditFilter:
        """Return what is asked for."""
        return AuditFilter(
            self.principal, self.action, self.target, self.outcome, self.origin, self.remote, self.q, self.start, self.end
        )


class AuditQuery(AuditChoice):
    """Which acts, newest first."""

    limit: PageLimit = 100
    cursor: Cursor = None


class AuditExportQuery(AuditChoice):
    """Which acts, and how they are written."""

    format: Annotated[Literal["csv", "ndjson"], Field(description="csv for spreadsheets, ndjson for programs")] = "csv"


class AuditView(Answer):
    """Something that a person, or a program in a person's name, did or tried."""

    act: UUID
    time: datetime = Field(description="when it ended; of one without an end, when it was asked")
    principal: str = Field(examples=["user:admin"])
    action: str = Field(examples=["fleet.restart"])
    target: str = Field(examples=["recorder"])
    outcome: str = Field(description="ok, refused, failed; asked: nobody lived to tell", examples=["ok"])
    reason: str | None
    origin: str = Field(description="cli, rest, ws or schedule")
    remote: str | None = Field(description="from which address")
    request_id: str | None
    error: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    laboratory: UUID | None = Field(description="of which laboratory; null: of the house")


class AuditPage(Answer):
    """A page of acts, newest first."""

    items: list[AuditView]
    next: str | None = Field(description="cursor of the page after")


def audit_view(audited: Audited) -> AuditView:
    """Return an act as the API says it."""
    return AuditView.model_construct(**{name: getattr(audited, name) for name in AuditView.model_fields})
