"""Devices' credentials at the broker, and codes by which new devices get theirs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from quart import Blueprint, Response

from web.admission import desks
from web.asking import asker
from web.auth import requires
from web.backing import backing
from web.schemas.credentials import (
    ClaimList,
    ClaimView,
    CredentialList,
    IssueBody,
    NewClaimBody,
    NewClaimView,
    NewCredentialView,
    RevokedView,
    RotateBody,
    claim_view,
    credential_view,
    issued_view,
    revoked_view,
)
from web.scoping import judged, place_there, where
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("credentials", __name__)


@blueprint.get("/devices/<uuid:device_id>/credentials")
@requires("device:credential")
@speaks(Speech(tag="devices", answers={200: Said(CredentialList, "Without their secrets.")}, errors=(503,)))
async def list_credentials(device_id: UUID) -> Response:
    """A device's credentials at the broker."""
    repository = backing().repository
    await repository.get_device(device_id)
    rows = await repository.credentials(device_id)
    return answer(CredentialList.model_construct(items=[credential_view(each) for each in rows]))


@blueprint.post("/devices/<uuid:device_id>/credentials")
@requires("device:credential")
@speaks(
    Speech(
        tag="devices",
        body=IssueBody,
        answers={201: Said(NewCredentialView, "There they are; `password` is shown this once.", ("Location",))},
        errors=(409, 503),
    )
)
async def issue_credential(device_id: UUID, body: IssueBody) -> Response:
    """Give a device credentials, beside those it has.

    With them it may publish and subscribe below its own topics, and nowhere else.
    """
    issued = await desks().credentials.issue(asker(), device_id, body.reason)
    return answer(issued_view(issued), 201, {"Location": f"/api/v1/devices/{device_id}/credentials"})


@blueprint.post("/devices/<uuid:device_id>/credentials/rotate")
@requires("device:credential")
@speaks(
    Speech(
        tag="devices",
        body=RotateBody,
        answers={201: Said(NewCredentialView, "There they are; `password` is shown this once.", ("Location",))},
        errors=(409, 503),
    )
)
async def rotate_credential(device_id: UUID, body: RotateBody) -> Response:
    """Give a device new credentials; the old ones end.

    At once, which cuts the device off until it has the new ones, or after `overlap_s`.
    """
    issued = await desks().credentials.rotate(asker(), device_id, timedelta(seconds=body.overlap_s), body.reason)
    return answer(issued_view(issued), 201, {"Location": f"/api/v1/devices/{device_id}/credentials"})


@blueprint.delete("/devices/<uuid:device_id>/credentials/<uuid:credential_id>")
@requires("device:credential")
@judged("with its device")
@speaks(Speech(tag="devices", answers={200: Said(RevokedView, "They are over.")}, errors=(503,)))
async def revoke_credential(device_id: UUID, credential_id: UUID) -> Response:
    """Revoke credentials; whoever came in by them is cut off."""
    return answer(revoked_view(await desks().credentials.revoke(asker(), device_id, credential_id, None)))


@blueprint.get("/device-claims")
@requires("device:credential")
@speaks(Speech(tag="devices", answers={200: Said(ClaimList, "Without the codes.")}, errors=(503,)))
async def list_claims() -> Response:
    """Codes by which new devices become known, newest first."""
    now = datetime.now(UTC)
    rows = await backing().repository.claims(where())
    return answer(ClaimList.model_construct(items=[claim_view(each, now) for each in rows]))


@blueprint.post("/device-claims")
@requires("device:credential")
@speaks(
    Speech(
        tag="devices",
        body=NewClaimBody,
        answers={201: Said(NewClaimView, "There it is; `code` is shown this once.", ("Location",))},
        errors=(404, 409, 503),
    )
)
async def new_claim(body: NewClaimBody) -> Response:
    """Make a code by which one new device gets its credentials, describes itself and is registered."""
    home = await place_there(body.laboratory_id)
    claim, code = await desks().claims.new(
        asker(), home, name=body.name, location=body.location, lifetime=timedelta(minutes=body.minutes)
    )
    view = NewClaimView.model_construct(claim=claim_view(claim, datetime.now(UTC)), code=code)
    return answer(view, 201, {"Location": f"/api/v1/device-claims/{claim.id}"})


@blueprint.get("/device-claims/<uuid:claim_id>")
@requires("device:credential")
@speaks(Speech(tag="devices", answers={200: Said(ClaimView, "As it stands.")}, errors=(503,)))
async def get_claim(claim_id: UUID) -> Response:
    """A code: whether a device has used it, and which."""
    return answer(claim_view(await backing().repository.claim(claim_id), datetime.now(UTC)))


@blueprint.delete("/device-claims/<uuid:claim_id>")
@requires("device:credential")
@speaks(Speech(tag="devices", answers={200: Said(ClaimView, "It is over.")}, errors=(503,)))
async def revoke_claim(claim_id: UUID) -> Response:
    """Take a code back. A device that it has registered stays."""
    repository = backing().repository
    await desks().claims.revoke(asker(), await repository.claim(claim_id))
    return answer(claim_view(await repository.claim(claim_id), datetime.now(UTC)))
