"""Signing in and out, and one's own account."""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response

from lics_actors.access.errors import CrossSiteError, SessionOverError
from web.access import access, agent, forget_cookies, presented, stranger, tokens_answer
from web.asking import asker
from web.auth import principal, public, requires
from web.schemas.access import (
    MeView,
    PasswordBody,
    RedeemBody,
    RefreshBody,
    SessionList,
    SignInBody,
    TokensView,
    session_view,
)
from web.scoping import judged
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("auth", __name__)
TOKENS = {200: Said(TokensView, "You are in.")}
GONE = {204: Said(None, "It is over.")}


@blueprint.post("/auth/sign-in")
@public()
@speaks(Speech(tag="auth", body=SignInBody, answers=TOKENS, errors=(401, 429, 503)))
async def sign_in(body: SignInBody) -> Response:
    """Sign in by e-mail address and password.

    Whatever is wrong, the answer is the same and takes as long. Too many attempts, right or wrong, are answered with 429.
    """
    granted = await access().desk.sign_in(stranger(), body.email, body.password, agent())
    return tokens_answer(granted, cookie=body.cookie)


@blueprint.post("/auth/refresh")
@public()
@speaks(Speech(tag="auth", body=RefreshBody, body_required=False, answers=TOKENS, errors=(401, 403, 503)))
async def refresh(body: RefreshBody) -> Response:
    """Take the next access token.

    A refresh token is for one use and brings the next one. One that comes twice ends its session: somebody has a copy.
    """
    try:
        token, cookie = presented(body.refresh_token)
        return tokens_answer(await access().desk.refresh(stranger(), token), cookie=cookie)
    except (SessionOverError, CrossSiteError) as error:
        await access().refusals.note(stranger(), "auth.refresh", "session:?", error)
        raise


@blueprint.post("/auth/sign-out")
@requires("account:write")
@speaks(Speech(tag="auth", answers=GONE, errors=(404, 409, 503)))
async def sign_out() -> Response:
    """End the session that asks: its access tokens at once, its refresh token, and its cookies."""
    who = principal()
    await access().desk.sign_out(asker(), who.account, who.claims.session if who.claims else None)
    return forget_cookies(Response(b"", 204))


@blueprint.get("/auth/me")
@requires("account:read")
@speaks(Speech(tag="auth", answers={200: Said(MeView, "You.")}))
async def me() -> Response:
    """Who you are, and what you may."""
    who = principal()
    session = who.claims.session if who.claims else None
    role = who.role.value if who.role else None
    reach = who.reach
    places = None if reach.everywhere else {each: sorted(may) for each, may in reach.places.items()}
    return answer(
        MeView(
            principal=who.name,
            role=role,
            permissions=sorted(who.permissions),
            laboratories=places,
            user=who.account,
            session=session,
        )
    )


@blueprint.post("/auth/password")
@requires("account:write")
@speaks(Speech(tag="auth", body=PasswordBody, answers=TOKENS, errors=(409, 429, 503)))
async def change_password(body: PasswordBody) -> Response:
    """Change your password. All your sessions end, and a new one begins."""
    granted = await access().desk.change_password(asker(), principal().claims, body.current, body.password, agent())
    return tokens_answer(granted, cookie=body.cookie)


@blueprint.post("/auth/reset")
@public()
@speaks(Speech(tag="auth", body=RedeemBody, answers=GONE, errors=(401, 429, 503)))
async def reset_password(body: RedeemBody) -> Response:
    """Set your password by the one-time code that an administrator gave you. All your sessions end."""
    await access().desk.redeem(stranger(), body.email, body.code, body.password)
    return Response(b"", 204)


@blueprint.post("/auth/claim")
@public()
@speaks(Speech(tag="auth", body=RedeemBody, answers=GONE, errors=(401, 429, 503)))
async def claim(body: RedeemBody) -> Response:
    """Become the first administrator, by the code in `secrets/first_admin_code` of the data directory.

    It works while there is no account at all, and never again.
    """
    await access().desk.claim(stranger(), body.email, body.code, body.password)
    return Response(b"", 204)


@blueprint.get("/auth/sessions")
@requires("account:read")
@speaks(Speech(tag="auth", answers={200: Said(SessionList, "Those that are not over.")}, errors=(503,)))
async def list_sessions() -> Response:
    """Where you are signed in."""
    who = principal()
    found = [] if who.account is None else await access().desk.repository.sessions(who.account)
    current = who.claims.session if who.claims else None
    return answer(SessionList.model_construct(items=[session_view(each, current) for each in found]))


@blueprint.delete("/auth/sessions/<uuid:session_id>")
@requires("account:write")
@judged("by its owner: sessions of one's own account")
@speaks(Speech(tag="auth", answers=GONE, errors=(409, 503)))
async def end_session(session_id: UUID) -> Response:
    """End one of your sessions, at once."""
    await access().desk.sign_out(asker(), principal().account, session_id)
    return Response(b"", 204)
