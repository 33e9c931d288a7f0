"""The accounts of the laboratory, for those who manage them."""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response

from lics_actors.access.people import Account
from lics_actors.access.roles import Role
from web.access import access
from web.asking import asker
from web.auth import principal, requires
from web.schemas.access import CodeView, NewUserBody, UserPage, UserPatch, UsersQuery, UserView, user_view
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("users", __name__)


def _role() -> Role:
    return principal().role or Role.DEVICE


def _code(account: Account, code: str) -> CodeView:
    return CodeView.model_construct(user=user_view(account), code=code, expires_at=account.code_expires_at)


@blueprint.get("/users")
@requires("user:read")
@speaks(Speech(tag="users", query=UsersQuery, answers={200: Said(UserPage, "A page, by e-mail address.")}, errors=(503,)))
async def list_users(query: UsersQuery) -> Response:
    """Who may sign in."""
    page = await access().users.repository.accounts(query.limit, query.cursor)
    return answer(UserPage.model_construct(items=[user_view(each) for each in page.items], next=page.next))


@blueprint.post("/users")
@requires("user:write")
@speaks(
    Speech(
        tag="users",
        body=NewUserBody,
        answers={201: Said(CodeView, "There it is, with the code that sets its password.", headers=("Location",))},
        errors=(409, 503),
    )
)
async def add_user(body: NewUserBody) -> Response:
    """Make an account. You manage roles below your own only.

    Hand the code over; with it the person sets a password (`auth/reset`) within a day.
    """
    account, code = await access().users.add(asker(), _role(), body.email, body.role)
    return answer(_code(account, code), 201, {"Location": f"/api/v1/users/{account.id}"})


@blueprint.get("/users/<uuid:user_id>")
@requires("user:read")
@speaks(Speech(tag="users", answers={200: Said(UserView, "The account.")}, errors=(503,)))
async def get_user(user_id: UUID) -> Response:
    """One account."""
    return answer(user_view(await access().users.repository.account(user_id)))


@blueprint.patch("/users/<uuid:user_id>")
@requires("user:write")
@speaks(Speech(tag="users", body=UserPatch, answers={200: Said(UserView, "As it is now.")}, errors=(409, 503)))
async def change_user(user_id: UUID, body: UserPatch) -> Response:
    """Give an account another role, disable or enable it. Its tokens end at once; disabled, its sessions and keys, too.

    Accounts are never deleted: the audit names them.
    """
    changed = await access().users.change(asker(), _role(), user_id, body.role, disabled=body.disabled, reason=body.reason)
    return answer(user_view(changed))


@blueprint.post("/users/<uuid:user_id>/code")
@requires("user:write")
@speaks(Speech(tag="users", answers={200: Said(CodeView, "The code.")}, errors=(503,)))
async def make_code(user_id: UUID) -> Response:
    """Make a one-time code for somebody who forgot the password."""
    return answer(_code(*await access().users.reset(asker(), _role(), user_id)))


@blueprint.delete("/users/<uuid:user_id>/sessions")
@requires("user:write")
@speaks(Speech(tag="users", answers={204: Said(None, "They are over.")}, errors=(503,)))
async def end_user_sessions(user_id: UUID) -> Response:
    """End all sessions of an account, at once."""
    await access().users.end_sessions(asker(), _role(), user_id)
    return Response(b"", 204)
