"""Signing in, accounts and keys as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from lics_actors.access.laboratories import Laboratories, highest
from lics_actors.access.people import Account, ApiKey, SignedIn
from lics_actors.access.roles import Role
from web.schemas.base import Answer, Body, Cursor, LaboratoryId, PageLimit, Query, Reason

Email = Annotated[str, Field(min_length=3, max_length=180, examples=["ada@lab.example"])]
Password = Annotated[str, Field(min_length=1, max_length=1024, repr=False, examples=["a feeder hums at dawn"])]
Code = Annotated[str, Field(min_length=1, max_length=200, repr=False, examples=["kT3v9w2m…"], description="one-time code")]
RoleWord = Annotated[Role, Field(strict=False, examples=["researcher"])]


class SignInBody(Body):
    """Who wants in. With `cookie` the refresh token goes into a cookie that no script reads."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@lab.example", "password": "a feeder hums at dawn"}]})
    email: Email
    password: Password
    cookie: Annotated[bool, Field(description="for browsers: keep the refresh token in a cookie")] = False


class RefreshBody(Body):
    """The refresh token; without one the cookie's is taken, with its `X-CSRF-Token`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "q83vEjRW…"}]})
    refresh_token: Annotated[str | None, Field(min_length=1, max_length=200, repr=False)] = None


class PasswordBody(Body):
    """Another password for oneself."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"current": "a feeder hums at dawn", "password": "and the pumps reply"}]}
    )
    current: Password
    password: Password
    cookie: Annotated[bool, Field(description="for browsers: keep the refresh token in a cookie")] = False


class RedeemBody(Body):
    """A password by a one-time code."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@lab.example", "code": "kT3v9w2m…", "password": "a feeder hums at dawn"}]}
    )
    email: Email
    code: Code
    password: Password


class TokensView(Answer):
    """What lets somebody in: an access token for minutes, a refresh token for the next one."""

    access_token: str
    token_type: str = Field(examples=["Bearer"])
    expires_in: float = Field(description="seconds that the access token is valid")
    refresh_token: str | None = Field(description="to be used once; null: it is in the cookie")
    csrf_token: str | None = Field(description="to be sent as `X-CSRF-Token` with the cookie")
    session: UUID
    session_expires_at: datetime


class MeView(Answer):
    """Who asks."""

    principal: str = Field(examples=["user:ada@lab.example"])
    role: str | None = Field(examples=["researcher"])
    permissions: list[str] = Field(description="what you may in one of your laboratories at least")
    laboratories: dict[UUID, list[str]] | None = Field(description="what you may in each; null: everything, everywhere")
    user: UUID | None = Field(description="null: the bootstrap token has no account")
    session: UUID | None


class SessionView(Answer):
    """A session of one's own."""

    id: UUID
    created_at: datetime
    used_at: datetime = Field(description="when it was last refreshed")
    expires_at: datetime
    remote: str | None = Field(description="the address it was begun from")
    agent: str | None
    current: bool = Field(description="the one that asks")


class SessionList(Answer):
    """Sessions, newest first."""

    items: list[SessionView]


class NewUserBody(Body):
    """Somebody who shall be able to sign in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@lab.example", "role": "researcher"}]})
    email: Email
    role: RoleWord
    laboratory_id: LaboratoryId = None


class UserPatch(Body):
    """What is to change of an account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "technician", "reason": "left the project"}]})
    role: RoleWord | None = None
    laboratory_id: LaboratoryId = None
    disabled: bool | None = None
    reason: Reason | None = None


class UsersQuery(Query):
    """Which accounts, by e-mail address."""

    limit: PageLimit = 100
    cursor: Cursor = None


class UserView(Answer):
    """Somebody who may sign in."""

    id: UUID
    email: str
    role: str = Field(description="super_admin, or the highest of those in the laboratories that you see")
    laboratories: dict[UUID, str] = Field(description="laboratory → role, as far as you see them")
    disabled_at: datetime | None
    created_at: datetime
    created_by: str
    password_at: datetime | None = Field(description="when the password was set; null: there is none yet")
    signed_in_at: datetime | None


class UserPage(Answer):
    """A page of accounts."""

    items: list[UserView]
    next: str | None = Field(description="cursor of the page after")


class CodeView(Answer):
    """An account, and the code that sets its password, once. It is shown here and nowhere else."""

    user: UserView
    code: str
    expires_at: datetime | None


class NewKeyBody(Body):
    """A program's way in, in your name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "feeder-script", "scopes": ["device:read"], "days": 90}]})
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    scopes: Annotated[list[str], Field(min_length=1, max_length=50, description="permissions: yours, or fewer")]
    days: Annotated[int, Field(ge=1, le=366, description="until it expires")]
    laboratory_id: Annotated[UUID | None, Field(description="into this laboratory only; absent: into all of yours")] = None


class KeyView(Answer):
    """A key, without what is secret of it."""

    id: UUID
    name: str
    scopes: list[str]
    laboratory_id: UUID | None = Field(description="null: into all laboratories of its owner")
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="within half a minute")
    last_used_from: str | None


class NewKeyView(Answer):
    """A new key. `secret` is what programs send as the bearer token; it is shown here and nowhere else."""

    key: KeyView
    secret: str


class KeyList(Answer):
    """Keys, newest first."""

    items: list[KeyView]


def user_view(account: Account, places: Laboratories) -> UserView:
    """Return an account as the API says it to somebody who sees the members of these laboratories."""
    seen = {place: role for place, role in account.memberships.items() if places is None or place in places}
    role = account.role if places is None or account.role is Role.SUPER_ADMIN else highest(seen)
    values = {name: getattr(account, name) for name in UserView.model_fields if name not in {"role", "laboratories"}}
    return UserView.model_construct(**values, role=role.value, laboratories={place: each.value for place, each in seen.items()})


def key_view(key: ApiKey) -> KeyView:
    """Return a key as the API says it."""
    values = {name: getattr(key, name) for name in KeyView.model_fields if name != "scopes"}
    return KeyView.model_construct(**values, scopes=sorted(key.scopes))


def session_view(session: SignedIn, current: UUID | None) -> SessionView:
    """Return a session as the API says it."""
    values = {name: getattr(session, name) for name in SessionView.model_fields if name != "current"}
    return SessionView.model_construct(**values, current=session.id == current)
