"""How what dispenses is calibrated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from quart import Blueprint, Response, request

from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.idempotency import id_for
from web.schemas.calibrations import CalibrationBody, CalibrationList, CalibrationView, calibration_view
from web.speech import Said, Speech, answer, speaks
from web.welfare import welfare_desk

blueprint = Blueprint("calibrations", __name__)


@blueprint.get("/devices/<uuid:device_id>/calibrations")
@requires("device:read")
@speaks(Speech(tag="welfare", answers={200: Said(CalibrationList, "Newest first.")}, errors=(503,)))
async def list_calibrations(device_id: UUID) -> Response:
    """A device's calibrations."""
    await backing().repository.get_device(device_id)
    found, now = await backing().repository.calibrations(device_id), datetime.now(UTC)
    return answer(CalibrationList.model_construct(items=[calibration_view(each, now) for each in found]))


@blueprint.post("/devices/<uuid:device_id>/calibrations")
@requires("calibration:write")
@speaks(
    Speech(
        tag="welfare",
        body=CalibrationBody,
        headers=("Idempotency-Key",),
        answers={201: Said(CalibrationView, "In force from now on; the same request with the same key is kept once.")},
        errors=(409, 503),
    )
)
async def calibrate_device(device_id: UUID, body: CalibrationBody) -> Response:
    """Keep a device's next calibration.

    Refused where the points lie on no rising line: a leak, an air bubble, a slip of the pen.
    """
    points = [each.point() for each in body.points]
    key = id_for(principal().name, request.path, request.headers.get("Idempotency-Key"))
    valid = timedelta(days=body.valid_days)
    made = await welfare_desk().calibrate(asker(), device_id, points, valid, note=body.note, calibration_id=key)
    return answer(calibration_view(made, datetime.now(UTC)), HTTPStatus.CREATED)
