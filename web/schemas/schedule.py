"""Sessions that are planned as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from lics_actors.schedule.messages import Status
from lics_actors.store.slots import SlotRow
from lics_actors.study.preflight_desk import Checked
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query, Reason, UtcTime

Shown = Literal["waiting", "starting", "started", "asked", "missed", "skipped"]


class SlotsQuery(Query):
    """Which sessions."""

    rig: Annotated[UUID | None, Field(description="only those at this rig")] = None
    subject: Annotated[UUID | None, Field(description="only those of this subject")] = None
    experiment: Annotated[UUID | None, Field(description="only those of this experiment")] = None
    status: Annotated[Shown | None, Field(description="only those that are so")] = None
    start: Annotated[UtcTime | None, Field(alias="from", description="whose windows end after this time")] = None
    end: Annotated[UtcTime | None, Field(alias="to", description="whose windows begin before this time")] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class SlotDecisionBody(Body):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the animal is at the vet's"}]})
    reason: Reason


class WishView(Answer):
    """What somebody wants of a session, until the scheduler has heard it."""

    verb: Literal["start", "skip"]
    by: str
    reason: str
    at: datetime


class SlotView(Answer):
    """A session that an experiment plans."""

    id: UUID = Field(description="its run's, too")
    laboratory_id: UUID
    experiment_id: UUID
    experiment: str | None
    subject_id: UUID
    subject: str | None
    rig_id: UUID
    rig: str | None
    date: date
    ordinal: int = Field(description="counts the subject's sessions of the date in this experiment")
    begin: datetime = Field(description="its window opens")
    end: datetime = Field(description="its window closes")
    missed: str = Field(description="what becomes of it where it does not begin in its window: skip, late or ask")
    reader_id: UUID | None = Field(description="the RFID reader at which the subject begins it")
    status: str = Field(description=", ".join(each.value for each in Status if each is not Status.LOOKING))
    why: list[str]
    by: str = Field(description="who decided it last")
    updated_at: datetime | None
    wish: WishView | None


class SlotPage(Answer):
    """A page of sessions, by when their windows open."""

    items: list[SlotView]
    next: str | None = Field(description="cursor of the page after")


class PreflightQuery(Query):
    """Whose session."""

    subject: Annotated[UUID, Field(description="one of the experiment's")]
    rig: Annotated[UUID | None, Field(description="another one than the schedule says")] = None


class PreflightProblem(Answer):
    """What is not as it should be, and what to do."""

    code: str
    message: str
    todo: str
    forbids: bool = Field(description="nothing begins while it is so; else it is only told")


class PreflightView(Answer):
    """Whether a subject's next session could begin now."""

    subject_id: UUID
    subject: str
    rig_id: UUID | None
    rig: str | None
    stage: str | None = Field(description="in which the session would be")
    ready: bool
    problems: list[PreflightProblem]


def slot_view(row: SlotRow) -> SlotView:
    """Return a session as the API says it."""
    same: dict[str, Any] = {
        name: getattr(row, name)
        for name in SlotView.model_fields
        if name not in {"date", "begin", "end", "missed", "why", "by", "wish"}
    }
    wish = None
    if row.wish in {"start", "skip"} and row.wish_at is not None:
        wish = WishView(verb=row.wish, by=row.wish_by or "", reason=row.wish_reason or "", at=row.wish_at)
    told: dict[str, Any] = {"date": row.day, "begin": row.begin_at, "end": row.end_at, "missed": row.policy, "by": row.principal}
    return SlotView.model_construct(**same, **told, why=list(row.why), wish=wish)


def preflight_view(found: Checked) -> PreflightView:
    """Return what was found."""
    problems = [
        PreflightProblem(code=each.code, message=each.message, todo=each.todo, forbids=each.forbids) for each in found.problems
    ]
    return PreflightView(
        subject_id=found.subject.id,
        subject=found.subject.name,
        rig_id=None if found.rig is None else found.rig.id,
        rig=None if found.rig is None else found.rig.name,
        stage=None if found.turn is None else found.turn.stage.name,
        ready=not any(each.forbids for each in found.problems),
        problems=problems,
    )
