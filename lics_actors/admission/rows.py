"""Devices' credentials and claim codes as the tables have them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Credential:
    """A device's way in at the broker; `claim_id`: of the code it came by."""

    id: UUID
    device_id: UUID
    username: str
    created_at: datetime
    created_by: str
    claim_id: UUID | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    reason: str | None = None

    def live(self, now: datetime) -> bool:
        """Return whether it lets somebody in."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential to keep. `secret_hash` is the broker's."""

    id: UUID
    device_id: UUID
    username: str
    created_by: str
    secret_hash: str = field(repr=False)
    claim_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A code that makes a device known. `name`, `location`: what the device is to be called, and where it is."""

    id: UUID
    laboratory_id: UUID
    code_id: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    name: str | None = None
    location: str | None = None
    device_id: UUID | None = None
    registered_at: datetime | None = None
    revoked_at: datetime | None = None

    def open(self, now: datetime) -> bool:
        """Return whether credentials may be asked for with it."""
        return self.revoked_at is None and self.registered_at is None and self.expires_at > now

    def state(self, now: datetime) -> str:
        """Return it in a word: open, used (credentials were given), registered, revoked or expired."""
        if self.registered_at is not None:
            return "registered"
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at <= now:
            return "expired"
        return "open" if self.device_id is None else "used"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the broker holds of ours: usernames, and each role's rules."""

    clients: frozenset[str]
    roles: Mapping[str, Sequence[Mapping[str, Any]]]
