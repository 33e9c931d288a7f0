"""Signing in as a part of the application: what it stands on, and the cookies it sets."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from quart import Quart, Response, current_app, request

from config.settings import Settings
from lics_actors.access.desk import Desk, Granted
from lics_actors.access.ending import Bell, Endings
from lics_actors.access.errors import CrossSiteError
from lics_actors.access.keyring import KeyRing
from lics_actors.access.memberships import Memberships
from lics_actors.access.passwords import Passwords
from lics_actors.access.rules import same_origin
from lics_actors.access.throttle import Throttle
from lics_actors.access.tokens import AccessTokens
from lics_actors.access.users import Users
from lics_actors.audit import Asker, AuditLog
from lics_actors.store.repository import Repository
from web.auth import Refusals, TokenKeeper
from web.errors import request_id
from web.schemas.access import TokensView

ACCESS: Final = "lics_access"
COOKIE: Final = "lics_refresh"  # no script reads it
CSRF_COOKIE: Final = "lics_csrf"  # our own pages read it
COOKIE_PATH: Final = "/api/v1/auth"
CSRF_HEADER: Final = "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class Access:
    """What the handlers of accounts use."""

    desk: Desk
    users: Users
    memberships: Memberships
    keeper: TokenKeeper
    endings: Endings
    refusals: Refusals


def build(settings: Settings, repository: Repository, audit: AuditLog) -> Access:
    """Return it; it works at once and is at its best while `install`ed."""
    tokens = AccessTokens(KeyRing(settings), settings.jwt_access_token_expire_minutes * 60.0)
    bell = Bell(settings.redis_url, settings.mqtt_topic_prefix)
    endings = Endings(repository, bell, tokens.lifetime_s)
    throttle = Throttle(settings.redis_url, settings.mqtt_topic_prefix)
    lifetime = timedelta(days=settings.jwt_refresh_token_expire_days)
    desk = Desk(repository, audit, Passwords(), tokens, throttle, endings, lifetime, settings.first_admin_code)
    keeper = TokenKeeper(settings.admin_token_value(), tokens, endings, repository)
    memberships = Memberships(repository, audit, endings)
    return Access(desk, Users(repository, audit, endings), memberships, keeper, endings, Refusals(audit))


def install(app: Quart, access: Access) -> None:
    """Have `app` know, while it serves, what is ended."""
    app.extensions[ACCESS] = access

    async def knowing() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(access.endings.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await access.desk.throttle.close()
        access.desk.passwords.close()

    app.while_serving(knowing)


def access() -> Access:
    """Return what the application being asked has."""
    return cast("Access", current_app.extensions[ACCESS])


def stranger() -> Asker:
    """Return who sent a request that needs no token, for the audit."""
    return Asker("anonymous", "rest", request.remote_addr, request_id())


def agent() -> str | None:
    """Return what the asker says it is."""
    return request.headers.get("User-Agent")


def csrf_of(refresh: str) -> str:
    """Return what only those can know who may read the answer that brought a refresh token, or its second cookie."""
    return hashlib.sha256(b"lics-csrf:" + refresh.encode("utf-8", "surrogatepass")).hexdigest()


def presented(given: str | None) -> tuple[str, bool]:
    """Return the refresh token of the request, and whether it came as a cookie; empty where there is none.

    Raises:
        CrossSiteError: it came as a cookie, and nothing shows that our own page sent it.
    """
    if given is not None:
        return given, False
    token = request.cookies.get(COOKIE, "")
    own = same_origin(request.headers.get("Sec-Fetch-Site"), request.headers.get(CSRF_HEADER), csrf_of(token))
    if token and not own:
        raise CrossSiteError(f"with the cookie come `{CSRF_HEADER}` and no other site")
    return token, True


def tokens_answer(granted: Granted, *, cookie: bool) -> Response:
    """Return what lets somebody in; with `cookie` the refresh token where no script reads it."""
    csrf = csrf_of(granted.refresh) if cookie else None
    view = TokensView.model_construct(
        access_token=granted.access,
        token_type="Bearer",  # noqa: S106 - RFC 6750's word
        expires_in=round(granted.claims.expires - granted.claims.issued, 3),
        refresh_token=None if cookie else granted.refresh,
        csrf_token=csrf,
        session=granted.session.id,
        session_expires_at=granted.session.expires_at,
    )
    response = Response(view.model_dump_json(), 200, content_type="application/json")
    if csrf is not None:
        left_s = max(0, int((granted.session.expires_at - datetime.now(UTC)).total_seconds()))
        _set(response, COOKIE, granted.refresh, COOKIE_PATH, left_s, hidden=True)
        _set(response, CSRF_COOKIE, csrf, "/", left_s, hidden=False)
    return response


def forget_cookies(response: Response) -> Response:
    """Take the cookies back."""
    _set(response, COOKIE, "", COOKIE_PATH, 0, hidden=True)
    _set(response, CSRF_COOKIE, "", "/", 0, hidden=False)
    return response


def _set(response: Response, name: str, value: str, path: str, left_s: int, *, hidden: bool) -> None:
    response.set_cookie(name, value, max_age=left_s, path=path, secure=request.is_secure, httponly=hidden, samesite="Strict")
