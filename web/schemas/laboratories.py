"""Laboratories and their members as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from lics_actors.access.people import Laboratory, Member
from web.schemas.access import Email, RoleWord
from web.schemas.base import LABORATORY, Answer, Body, Cursor, PageLimit, Query, Reason

LaboratoryName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S", examples=["vision"], description="unique")]


class LaboratoryBody(Body):
    """A laboratory."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "vision"}]})
    name: LaboratoryName


class LaboratoryView(Answer):
    """What devices, rigs and data belong to."""

    id: UUID = Field(examples=[LABORATORY])
    name: str
    version: int
    created_at: datetime
    created_by: str


class LaboratoryList(Answer):
    """Laboratories, by name."""

    items: list[LaboratoryView]


class MemberBody(Body):
    """What somebody is to be in a laboratory."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "technician"}]})
    role: RoleWord


class NewMemberBody(MemberBody):
    """Who is to be a member; the account must be there."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@lab.example", "role": "technician"}]})
    email: Email


class LeaveBody(Body):
    """Why somebody is taken out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "left the project"}]})
    reason: Reason | None = None


class MembersQuery(Query):
    """Which members, by e-mail address."""

    limit: PageLimit = 100
    cursor: Cursor = None


class MemberView(Answer):
    """Somebody in a laboratory."""

    user: UUID
    email: str
    role: str
    since: datetime
    given_by: str
    disabled_at: datetime | None


class MemberPage(Answer):
    """A page of members."""

    items: list[MemberView]
    next: str | None = Field(description="cursor of the page after")


class MoveBody(Body):
    """Where a device is to belong, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"laboratory_id": LABORATORY, "reason": "lent for a study"}]})
    laboratory_id: UUID
    reason: Reason


def laboratory_view(laboratory: Laboratory) -> LaboratoryView:
    """Return a laboratory as the API says it."""
    return LaboratoryView.model_construct(**{name: getattr(laboratory, name) for name in LaboratoryView.model_fields})


def member_view(member: Member) -> MemberView:
    """Return a member as the API says it."""
    names = ("email", "since", "given_by", "disabled_at")
    values = {name: getattr(member, name) for name in names}
    return MemberView.model_construct(user=member.account_id, role=member.role.value, **values)
