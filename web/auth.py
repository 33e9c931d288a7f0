"""Who asks, and what they may: every route declares the permission it needs, and none answers without one."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

from quart import Quart, current_app, g, request

from web.errors import AuthenticationError, PermissionDeniedError

View = TypeVar("View", bound=Callable[..., Any])

DECLARED: Final = "_lics_permission"
PUBLIC: Final = "public"
ADMIN: Final = "user:admin"
UNDECLARED: Final = "a route without a declared permission was reached"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: `user:<id>`, as it is written to journals and tables."""

    name: str


class TokenKeeper:
    """Knows the one token that guards everything until there are accounts; compares in constant time."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def principal(self, token: str) -> Principal | None:
        """Return whose token it is, None if nobody's."""
        return Principal(ADMIN) if hmac.compare_digest(token.encode(), self._token) else None


def allowed(principal: Principal, permission: str) -> bool:
    """Return whether `principal` has `permission` (`device:read` …). The one place roles will come to."""
    return principal.name == ADMIN and bool(permission)


def requires(permission: str) -> Callable[[View], View]:
    """Declare the permission a route needs, as `noun:verb`."""

    def declare(view: View) -> View:
        setattr(view, DECLARED, permission)
        return view

    return declare


def public() -> Callable[[View], View]:
    """Declare that a route is for everybody."""
    return requires(PUBLIC)


def permission_of(view: Callable[..., Any]) -> str | None:
    """Return what a view declared, None if it declared nothing."""
    return cast("str | None", getattr(view, DECLARED, None))


def principal() -> Principal:
    """Return who asks, in a route that is not public."""
    return cast("Principal", g.principal)


def _bearer() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationError("this needs a bearer token: Authorization: Bearer <token>")
    return token.strip()


def install(app: Quart, keeper: TokenKeeper) -> None:
    """Ask for a token before every route that is not public."""

    async def guard() -> None:
        if request.url_rule is None:
            return  # no such route or method: answered as that
        permission = permission_of(current_app.view_functions[request.url_rule.endpoint])
        if permission == PUBLIC:
            return
        asker = keeper.principal(_bearer())
        if asker is None:
            raise AuthenticationError("the token is not valid")
        if permission is None or not allowed(asker, permission):
            raise PermissionDeniedError(f"{asker.name} may not {permission}" if permission else UNDECLARED)
        g.principal = asker

    app.before_request(guard)
