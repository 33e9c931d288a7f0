"""The one error body. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from web.errors import MEANING, TYPES
from web.schemas.base import Answer


class FieldProblem(Answer):
    """Where a rule is broken."""

    field: str = Field(description="path into the body, or the parameter's name", examples=["settings.silent_s"])
    message: str = Field(examples=["Input should be greater than 0"])


class ErrorDetail(Answer):
    """What went wrong."""

    code: str = Field(description="stable, for programs", examples=["DEVICE_NOT_FOUND"])
    message: str = Field(description="for people", examples=["no such device"])
    type: str = Field(description="the kind of error; decides the status", examples=["not_found"])
    fields: list[FieldProblem] | None = Field(None, description="where a rule is broken; absent if it is no single place")
    facts: dict[str, str] | None = Field(None, description="who holds what was asked for: `holder`, `run_id`; absent otherwise")
    request_id: str = Field(description="also in the header X-Request-ID and in the log", examples=["5f0c2a9be4d14d6c"])


class ErrorAnswer(Answer):
    """The body of every error."""

    model_config = ConfigDict(title="Error")
    detail: ErrorDetail


CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "DEVICE_NOT_FOUND",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    422: "VALIDATION_ERROR",
    500: "INTERNAL_ERROR",
    503: "FLEET_UNAVAILABLE",
    504: "DEVICE_TIMEOUT",
}


def example_of(status: int) -> dict[str, Any]:
    """Return an example of the error body for `status`."""
    kind = TYPES[status]
    detail: dict[str, Any] = {
        "code": CODES.get(status, kind.upper()),
        "message": MEANING[status],
        "type": kind,
        "request_id": "5f0c2a9be4d14d6c",
    }
    if status == 422:
        detail["fields"] = [{"field": "name", "message": "Field required"}]
    return {"detail": detail}
