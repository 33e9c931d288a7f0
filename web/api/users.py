"""The accounts of the laboratory, for those who manage them."""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response, request

from lics_actors.access.laboratories import DEFAULT_LABORATORY, MEMBER_ROLES
from lics_actors.access.people import Account
from web.access import access
from web.asking import asker
from web.auth import principal, requires
from web.etags import etag, expected_version
from web.schemas.access import CodeView, NewUserBody, UserPage, UserPatch, UsersQuery, UserView, user_view
from web.scoping import judged, place_there, where
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("users", __name__)


MANAGED = "access/users.py: whoever asks manages the account in one of his laboratories"


def _view(account: Account) -> UserView:
    return user_view(account, where())


def _code(account: Account, code: str) -> CodeView:
    return CodeView.model_construct(user=_view(account), code=code, expires_at=account.code_expires_at)


@blueprint.get("/users")
@requires("user:read")
@speaks(Speech(tag="users", query=UsersQuery, answers={200: Said(UserPage, "A page, by e-mail address.")}, errors=(503,)))
async def list_users(query: UsersQuery) -> Response:
    """Who may sign in."""
    page = await access().users.repository.accounts(query.limit, query.cursor, where())
    return answer(UserPage.model_construct(items=[_view(each) for each in page.items], next=page.next))


@blueprint.post("/users")
@requires("user:write")
@speaks(
    Speech(
        tag="users",
        body=NewUserBody,
        answers={201: Said(CodeView, "There it is, with the code that sets its password.", headers=("Location",))},
        errors=(404, 409, 503),
    )
)
async def add_user(body: NewUserBody) -> Response:
    """Make an account. You manage roles below your own only.

    Hand the code over; with it the person sets a password (`auth/reset`) within a day.
    """
    home = await place_there(body.laboratory_id) if body.role in MEMBER_ROLES else DEFAULT_LABORATORY
    account, code = await access().users.add(asker(), principal().reach, body.email, body.role, home)
    return answer(_code(account, code), 201, {"Location": f"/api/v1/users/{account.id}"})


@blueprint.get("/users/<uuid:user_id>")
@requires("user:read")
@judged(MANAGED)
@speaks(Speech(tag="users", answers={200: Said(UserView, "The account.", ("ETag",))}, errors=(503,)))
async def get_user(user_id: UUID) -> Response:
    """One account."""
    return await _tagged(await access().users.met(principal().reach, user_id))


@blueprint.patch("/users/<uuid:user_id>")
@requires("user:write")
@judged(MANAGED)
@speaks(
    Speech(
        tag="users",
        body=UserPatch,
        headers=("If-Match",),
        answers={200: Said(UserView, "As it is now.", ("ETag",))},
        errors=(409, 412, 503),
    )
)
async def change_user(user_id: UUID, body: UserPatch) -> Response:
    """Give an account another role, disable or enable it. Its tokens end at once; disabled, its sessions and keys, too.

    The role is the one in `laboratory_id`, or in its only laboratory. Who is of several laboratories is disabled by somebody who
    is administrator in all of them. Accounts are never deleted: the audit names them.
    """
    changed = await access().users.change(
        asker(),
        principal().reach,
        user_id,
        body.role,
        disabled=body.disabled,
        reason=body.reason,
        laboratory=body.laboratory_id,
        expected=expected_version(request.headers.get("If-Match")),
    )
    return await _tagged(changed)


async def _tagged(account: Account) -> Response:
    response = answer(_view(account))
    response.headers["ETag"] = etag(account.generation, await response.get_data(as_text=False))
    return response


@blueprint.post("/users/<uuid:user_id>/code")
@requires("user:write")
@judged(MANAGED)
@speaks(Speech(tag="users", answers={200: Said(CodeView, "The code.")}, errors=(503,)))
async def make_code(user_id: UUID) -> Response:
    """Make a one-time code for somebody who forgot the password."""
    return answer(_code(*await access().users.reset(asker(), principal().reach, user_id)))


@blueprint.delete("/users/<uuid:user_id>/sessions")
@requires("user:write")
@judged(MANAGED)
@speaks(Speech(tag="users", answers={204: Said(None, "They are over.")}, errors=(503,)))
async def end_user_sessions(user_id: UUID) -> Response:
    """End all sessions of an account, at once."""
    await access().users.end_sessions(asker(), principal().reach, user_id)
    return Response(b"", 204)
