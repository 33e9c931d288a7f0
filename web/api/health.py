"""`/health`: whether LICS is well, for people, and for whatever restarts it."""

from __future__ import annotations

from http import HTTPStatus

from quart import Blueprint, Response

from web.auth import public
from web.backing import backing
from web.schemas.health import HealthView, LiveView, ReadyView, ServiceState, Wellness
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
@public()
@speaks(
    Speech(
        tag="health",
        answers={
            200: Said(HealthView, "Healthy, or degraded: devices can be steered."),
            503: Said(HealthView, "Unhealthy: devices cannot be steered now."),
        },
    )
)
async def health() -> Response:
    """How LICS is.

    Each service with its state and, where it is away, what that costs the laboratory.
    """
    view = await backing().health.view()
    status = HTTPStatus.SERVICE_UNAVAILABLE if view.status is Wellness.UNHEALTHY else HTTPStatus.OK
    return answer(view, status)


@blueprint.get("/health/live")
@public()
@speaks(Speech(tag="health", answers={200: Said(LiveView, "The process answers.")}))
async def health_live() -> Response:
    """Whether this process answers."""
    return answer(LiveView())


@blueprint.get("/health/ready")
@public()
@speaks(
    Speech(
        tag="health",
        answers={200: Said(ReadyView, "Requests make sense."), 503: Said(ReadyView, "Neither database nor fleet answers.")},
    )
)
async def health_ready() -> Response:
    """Whether requests make sense now.

    Ready as soon as the database or the fleet answers: either alone is worth asking.
    """
    services = (await backing().health.view()).services
    ready = ServiceState.UP in {services.database.state, services.fleet.state}
    return answer(ReadyView(status="ready" if ready else "not_ready"), HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE)
