"""Accounts, sessions and keys as they are kept. Pure; what is secret never shows in a repr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from lics_actors.access.roles import Role


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `role`: super_admin, or the highest of its `memberships`, by laboratory.

    `generation` grows with all that ends the tokens issued before.
    """

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
    memberships: Mapping[UUID, Role] = field(default_factory=dict, hash=False)

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
    """A program's way in, in its owner's name; with `laboratory_id` into that laboratory only."""

    id: UUID
    account_id: UUID
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    laboratory_id: UUID | None
    secret_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Laboratory:
    """What people, devices, rigs and data belong to."""

    id: UUID
    name: str
    version: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a laboratory."""

    account_id: UUID
    email: str
    role: Role
    since: datetime
    given_by: str
    disabled_at: datetime | None
