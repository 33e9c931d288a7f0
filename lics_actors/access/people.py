"""Accounts, sessions and keys as they are kept. Pure; what is secret never shows in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from lics_actors.access.roles import Role


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `generation` grows with all that ends the tokens issued before."""

    id: UUID
    email: str
    role: Role
    generation: int
    created_at: datetime
    created_by: str
    changed_at: datetime
    disabled_at: datetime | None
    password_at: datetime | None
    code_expires_at: datetime | None
    signed_in_at: datetime | None
    password_hash: str | None = field(repr=False)

    @property
    def principal(self) -> str:
        """Return the name that stands under what this account does. E-mail addresses are never given to another account."""
        return f"user:{self.email}"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session: a family of refresh tokens, one valid at a time."""

    id: UUID
    account_id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    remote: str | None
    agent: str | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's way in, in its owner's name."""

    id: UUID
    account_id: UUID
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    secret_hash: str = field(repr=False)
