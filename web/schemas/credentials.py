"""Devices' credentials and claim codes as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from lics_actors.admission.desk import Issued, Revoked
from lics_actors.admission.rows import Claim, Credential
from web.schemas.base import Answer, Body, LaboratoryId, Reason


class IssueBody(Body):
    """Why a device gets credentials."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "a new board"}]})
    reason: Reason | None = None


class RotateBody(Body):
    """New credentials in the place of those there are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_s": 3600, "reason": "yearly"}]})
    overlap_s: Annotated[
        float, Field(strict=False, ge=0, le=604_800, description="so long the old ones are good for, too; 0: they end at once")
    ] = 0
    reason: Reason | None = None


class CredentialView(Answer):
    """A device's way in at the broker."""

    id: UUID
    device_id: UUID
    username: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    reason: str | None


class CredentialList(Answer):
    """A device's credentials, newest first; those that are over as well."""

    items: list[CredentialView]


class NewCredentialView(Answer):
    """New credentials. `password` is shown this once; `client_id` is what the device must call itself."""

    credential: CredentialView
    client_id: str
    username: str
    password: Annotated[str, Field(repr=False)]
    publish: list[str]
    subscribe: list[str]


class RevokedView(Answer):
    """Credentials that are over. `pending`: the broker is away, and is told as soon as it is back."""

    credential: CredentialView
    pending: bool


class NewClaimBody(Body):
    """A code for one device that is to become known. It names itself unless it is named here."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "cage-9-pump", "location": "Cage 9", "minutes": 15}]})
    name: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    location: Annotated[str | None, Field(max_length=255)] = None
    minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    laboratory_id: LaboratoryId = None


class ClaimView(Answer):
    """A claim code, without the code. `state`: open, used (it has credentials), registered, revoked or expired."""

    id: UUID
    laboratory_id: UUID
    state: str
    name: str | None
    location: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    device_id: UUID | None
    registered_at: datetime | None


class ClaimList(Answer):
    """Claim codes, newest first."""

    items: list[ClaimView]


class NewClaimView(Answer):
    """A claim code; `code` is shown this once."""

    claim: ClaimView
    code: Annotated[str, Field(repr=False, examples=["7Q2M-K0XW-3H9D-TVB4-N8YE-5GCR"])]


def credential_view(row: Credential) -> CredentialView:
    """Return a credential as the API says it."""
    return CredentialView.model_construct(**{name: getattr(row, name) for name in CredentialView.model_fields})


def issued_view(issued: Issued) -> NewCredentialView:
    """Return new credentials as the API says them, once."""
    return NewCredentialView.model_construct(
        credential=credential_view(issued.credential),
        client_id=issued.client_id,
        username=issued.credential.username,
        password=issued.password,
        publish=list(issued.grants.publish),
        subscribe=list(issued.grants.subscribe),
    )


def revoked_view(revoked: Revoked) -> RevokedView:
    """Return what became of one credential."""
    return RevokedView.model_construct(credential=credential_view(revoked.credentials[0]), pending=revoked.pending)


def claim_view(claim: Claim, now: datetime) -> ClaimView:
    """Return a claim code as the API says it."""
    facts = {name: getattr(claim, name) for name in ClaimView.model_fields if name != "state"}
    return ClaimView.model_construct(**facts, state=claim.state(now))
