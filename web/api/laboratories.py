"""Laboratories, and who is what in them."""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response

from lics_actors.access.errors import AccountNotFoundError, RoleTooHighError
from lics_actors.access.laboratories import MEMBER_ROLES
from lics_actors.access.people import Account
from lics_actors.access.roles import Role
from lics_actors.access.rules import email_of
from web.access import access
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.schemas.access import UserView, user_view
from web.schemas.laboratories import (
    LaboratoryBody,
    LaboratoryList,
    LaboratoryView,
    LeaveBody,
    MemberBody,
    MemberPage,
    MembersQuery,
    NewMemberBody,
    laboratory_view,
    member_view,
)
from web.scoping import judged, where
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("laboratories", __name__)
AS_IT_IS = {200: Said(LaboratoryView, "As it is.")}
MEMBER = {200: Said(UserView, "The account, as it is now.")}
THERE = "the laboratory by itself, the account by its membership there"


@blueprint.get("/laboratories")
@requires("laboratory:read")
@speaks(Speech(tag="laboratories", answers={200: Said(LaboratoryList, "Yours, by name.")}, errors=(503,)))
async def list_laboratories() -> Response:
    """The laboratories that you are a member of."""
    found = await backing().repository.laboratories(where())
    return answer(LaboratoryList.model_construct(items=[laboratory_view(each) for each in found]))


@blueprint.post("/laboratories")
@requires("laboratory:create")
@speaks(
    Speech(
        tag="laboratories",
        body=LaboratoryBody,
        answers={201: Said(LaboratoryView, "There it is, empty.", headers=("Location",))},
        errors=(409, 503),
    )
)
async def add_laboratory(body: LaboratoryBody) -> Response:
    """Make a laboratory. It is never deleted: what is recorded names it."""
    made = await access().memberships.add(asker(), body.name)
    return answer(laboratory_view(made), 201, {"Location": f"/api/v1/laboratories/{made.id}"})


@blueprint.get("/laboratories/<uuid:laboratory_id>")
@requires("laboratory:read")
@speaks(Speech(tag="laboratories", answers=AS_IT_IS, errors=(503,)))
async def get_laboratory(laboratory_id: UUID) -> Response:
    """One laboratory."""
    return answer(laboratory_view(await backing().repository.laboratory(laboratory_id)))


@blueprint.patch("/laboratories/<uuid:laboratory_id>")
@requires("laboratory:write")
@speaks(Speech(tag="laboratories", body=LaboratoryBody, answers=AS_IT_IS, errors=(409, 503)))
async def rename_laboratory(laboratory_id: UUID, body: LaboratoryBody) -> Response:
    """Give a laboratory another name."""
    return answer(laboratory_view(await access().memberships.rename(asker(), laboratory_id, body.name)))


@blueprint.get("/laboratories/<uuid:laboratory_id>/members")
@requires("user:read")
@speaks(Speech(tag="laboratories", query=MembersQuery, answers={200: Said(MemberPage, "By e-mail address.")}, errors=(503,)))
async def list_members(laboratory_id: UUID, query: MembersQuery) -> Response:
    """Who is what in a laboratory."""
    await backing().repository.laboratory(laboratory_id)
    page = await backing().repository.members(laboratory_id, query.limit, query.cursor)
    return answer(MemberPage.model_construct(items=[member_view(each) for each in page.items], next=page.next))


@blueprint.post("/laboratories/<uuid:laboratory_id>/members")
@requires("user:write")
@speaks(Speech(tag="laboratories", body=NewMemberBody, answers=MEMBER, errors=(409, 503)))
async def add_member(laboratory_id: UUID, body: NewMemberBody) -> Response:
    """Take somebody who has an account into a laboratory."""
    account = await backing().repository.account_by_email(email_of(body.email) or "")
    if account is None:
        raise AccountNotFoundError(f"no user {body.email!r}; make an account first", user=body.email)
    return await _put(laboratory_id, account, body.role)


@blueprint.put("/laboratories/<uuid:laboratory_id>/members/<uuid:user_id>")
@requires("user:write")
@judged(THERE)
@speaks(Speech(tag="laboratories", body=MemberBody, answers=MEMBER, errors=(409, 503)))
async def put_member(laboratory_id: UUID, user_id: UUID, body: MemberBody) -> Response:
    """Give a member another role. Its tokens say so at once: those of before end."""
    return await _put(laboratory_id, await access().users.met(principal().reach, user_id), body.role)


@blueprint.delete("/laboratories/<uuid:laboratory_id>/members/<uuid:user_id>")
@requires("user:write")
@judged(THERE)
@speaks(Speech(tag="laboratories", body=LeaveBody, body_required=False, answers=MEMBER, errors=(409, 503)))
async def remove_member(laboratory_id: UUID, user_id: UUID, body: LeaveBody) -> Response:
    """Take somebody out of a laboratory, at once; the account stays."""
    account = await access().users.met(principal().reach, user_id)
    left = await access().memberships.remove(asker(), principal().reach, laboratory_id, account, body.reason)
    return answer(user_view(left, where()))


async def _put(laboratory_id: UUID, account: Account, role: Role) -> Response:
    if role not in MEMBER_ROLES:
        raise RoleTooHighError(f"nobody is {role} of a laboratory")
    changed = await access().memberships.put(asker(), principal().reach, laboratory_id, account, role)
    return answer(user_view(changed, where()))
