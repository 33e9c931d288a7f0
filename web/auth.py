"""Who asks, and what they may: every route declares the permission it needs, and none answers without one.

Three ways lead in, REST, the WebSocket and the express lane, and all ask the same `TokenKeeper`.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar, cast
from uuid import UUID

from quart import Quart, current_app, g, request

from lics_actors.access.ending import Endings
from lics_actors.access.laboratories import EVERYWHERE, NOWHERE, Reach, narrowed, reach_of
from lics_actors.access.people import Account, ApiKey
from lics_actors.access.roles import Role
from lics_actors.access.rules import Claims
from lics_actors.access.tokens import AccessTokens, digest
from lics_actors.access.users import KEY_PREFIX
from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import DatabaseUnavailableError, LicsError
from web.errors import AuthenticationError, PermissionDeniedError, request_id

View = TypeVar("View", bound=Callable[..., Any])

DECLARED: Final = "_lics_permission"
PUBLIC: Final = "public"
ADMIN: Final = "user:admin"
UNDECLARED: Final = "a route without a declared permission was reached"
KNOWS_S: Final = 1.0  # a worker that was just started waits so long for what was ended before
KEY_LOOK_S: Final = 30.0  # a key in use is looked up again after so long
KEY_ALONE_S: Final = 900.0  # … and while the tables are away it is believed for as long as an access token
UNKNOWN_S: Final = 2.0  # a key that does not exist is not looked for again so soon
REMEMBERED: Final = 4096
NOTED_S: Final = 60.0
NOTED: Final = 10  # refusals of one asker within NOTED_S that the audit is told of


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: `user:<email>`, or `user:<email>/<key>` for a program, as it is written to journals and tables.

    `account` and `claims` are nobody's where the bootstrap token asks. `permissions`: what he may somewhere; `reach`: where.
    """

    name: str
    role: Role | None = field(default=None, compare=False)
    permissions: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    account: UUID | None = field(default=None, compare=False)
    claims: Claims | None = field(default=None, compare=False, repr=False)
    key: UUID | None = field(default=None, compare=False)
    generation: int = field(default=0, compare=False, repr=False)
    until: float | None = field(default=None, compare=False, repr=False)
    reach: Reach = field(default=NOWHERE, compare=False, repr=False)


BOOTSTRAP: Final = Principal(ADMIN, Role.SUPER_ADMIN, EVERYWHERE.anywhere, reach=EVERYWHERE)


class Keys(Protocol):
    """What is needed of the repository."""

    async def find_key(self, key_id: UUID) -> tuple[ApiKey, Account] | None:
        """Return a key that may be used, and its owner."""

    async def note_key_use(self, key_id: UUID, remote: str | None) -> None:
        """Note that a key is used."""


@dataclass(slots=True)
class _KnownKey:
    principal: Principal | None
    looked: float
    found: float


class TokenKeeper:
    """Knows whose a token is: the bootstrap token's, an access token's or an API key's."""

    def __init__(
        self, bootstrap: str, tokens: AccessTokens, endings: Endings, keys: Keys, now: Callable[[], float] = time.time
    ) -> None:
        self._bootstrap = bootstrap.encode()
        self._tokens, self._endings, self._table, self._now = tokens, endings, keys, now
        self._principals: OrderedDict[Claims, Principal] = OrderedDict()
        self._keys: OrderedDict[str, _KnownKey] = OrderedDict()

    def remembered(self, token: str) -> Principal | None:
        """Return whose token it is if that is known without asking anybody; None also where it must be asked."""
        if hmac.compare_digest(token.encode("utf-8", "surrogatepass"), self._bootstrap):
            return BOOTSTRAP
        if token.startswith(KEY_PREFIX):
            known = self._keys.get(digest(token))
            fresh = known is not None and self._now() - known.looked < KEY_LOOK_S
            asker = known.principal if known is not None and fresh else None
            return asker if asker is not None and self.stands(asker) else None
        return self._of_claims(token) if self._endings.knows.is_set() else None

    async def principal(self, token: str, remote: str | None = None) -> Principal | None:
        """Return whose token it is, None if nobody's.

        Raises:
            DatabaseUnavailableError: it is an API key that this worker has not seen lately.
        """
        if (known := self.remembered(token)) is not None:
            return known
        if token.startswith(KEY_PREFIX):
            return await self._look_up(token, remote)
        if self._tokens.verified(token) is None:
            return None  # at once: whoever makes tokens up keeps no request waiting
        if not self._endings.knows.is_set():
            # The signature is good for 15 minutes whatever happens; only what was ended since is not known yet.
            try:
                async with asyncio.timeout(KNOWS_S):
                    await self._endings.knows.wait()
            except TimeoutError:
                pass
        return self._of_claims(token)

    def stands(self, principal: Principal) -> bool:
        """Return whether who was let in may stay: his token has not expired, and nothing has ended it."""
        if principal.until is None or principal.account is None:
            return principal.until is None
        session = principal.claims.session if principal.claims is not None else None
        over = self._endings.ended.ends(principal.account, principal.generation, session=session, key=principal.key)
        return not over and self._now() < principal.until

    def _of_claims(self, token: str) -> Principal | None:
        claims = self._tokens.verified(token)
        if claims is None:
            return None
        known = self._principals.get(claims)
        if known is None:
            name = f"user:{claims.email}"
            reach = reach_of(claims.role, dict(claims.memberships))
            known = Principal(
                name, claims.role, reach.anywhere, claims.account, claims, None, claims.generation, claims.expires, reach
            )
            self._principals[claims] = known
            if len(self._principals) > REMEMBERED:
                self._principals.popitem(last=False)
        return known if self.stands(known) else None

    async def _look_up(self, token: str, remote: str | None) -> Principal | None:
        name, now = digest(token), self._now()
        known = self._keys.get(name)
        if known is not None and known.principal is None and now - known.looked < UNKNOWN_S:
            return None
        try:
            found = await self._find(token, remote)
        except DatabaseUnavailableError:
            asker = known.principal if known is not None and now - known.found < KEY_ALONE_S else None
            if known is None or asker is None or not self.stands(asker):
                raise
            known.looked = now
            return asker
        self._keys[name] = found or _KnownKey(None, now, now)
        self._keys.move_to_end(name)
        if len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return found.principal if found is not None else None

    async def _find(self, token: str, remote: str | None) -> _KnownKey | None:
        key_hex, _, secret = token.removeprefix(KEY_PREFIX).partition("_")
        try:
            key_id = UUID(hex=key_hex)
        except ValueError:
            return None
        found = await self._table.find_key(key_id)
        if found is None or not hmac.compare_digest(digest(secret), found[0].secret_hash):
            return None
        key, owner = found
        await self._table.note_key_use(key.id, remote)
        reach = narrowed(reach_of(owner.role, owner.memberships), key.scopes, key.laboratory_id)
        name, until = f"{owner.principal}/{key.name}", key.expires_at.timestamp()
        asker = Principal(name, owner.role, reach.anywhere, owner.id, None, key.id, owner.generation, until, reach)
        return _KnownKey(asker, self._now(), self._now())


def allowed(principal: Principal, permission: str) -> bool:
    """Return whether `principal` has `permission` (`device:read` …) in some laboratory; web/scoping.py asks in which."""
    return permission in principal.permissions


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


def bearer() -> str:
    """Return the token of the request being answered.

    Raises:
        AuthenticationError: it has none.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationError("this needs a bearer token: Authorization: Bearer <token>")
    return token.strip()


class Refusals:
    """Tells the audit who was refused what, a few times a minute each: a flood of refusals must not fill the disk."""

    def __init__(self, audit: AuditLog, now: Callable[[], float] = time.monotonic) -> None:
        self._audit, self._now = audit, now
        self._noted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def note(self, asker: Asker, action: str, target: str, error: LicsError) -> None:
        """Note one."""
        who = f"{asker.principal} {asker.remote}"
        since, count = self._noted.get(who, (self._now(), 0))
        reason = None
        if self._now() - since >= NOTED_S:
            reason = f"{count - NOTED} more like it were refused before" if count > NOTED else None
            since, count = self._now(), 0
        self._noted[who] = since, count + 1
        self._noted.move_to_end(who)
        if len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)
        if count < NOTED:
            await self._audit.refused(asker, action, target, reason, error)


def install(app: Quart, keeper: TokenKeeper, refusals: Refusals) -> None:
    """Ask for a token before every route that is not public."""

    async def guard() -> None:
        if request.url_rule is None:
            return  # no such route or method: answered as that
        permission = permission_of(current_app.view_functions[request.url_rule.endpoint])
        if permission == PUBLIC:
            return
        token = bearer()
        asker = keeper.remembered(token) or await keeper.principal(token, request.remote_addr)
        if asker is None:
            stranger = AuthenticationError("the token is not valid")
            await refusals.note(
                Asker("anonymous", "rest", request.remote_addr, request_id()), "auth.token", request.path[:200], stranger
            )
            raise stranger
        if permission is None or not allowed(asker, permission):
            error = PermissionDeniedError(f"{asker.name} may not {permission}" if permission else UNDECLARED)
            await refusals.note(
                Asker(asker.name, "rest", request.remote_addr, request_id()),
                permission or "undeclared",
                request.path[:200],
                error,
            )
            raise error
        g.principal, g.permission = asker, permission

    app.before_request(guard)
