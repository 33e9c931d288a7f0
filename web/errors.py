"""Every error the API answers with: one table from kind to status, one body, whatever layer it came from."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from pydantic import ValidationError
from quart import Quart, Response, g, has_request_context
from werkzeug.exceptions import HTTPException

from lics_actors.errors import InvalidError, LicsError

log = logging.getLogger(__name__)

STATUS: Final[dict[str, int]] = {  # LicsError.type → status (contracts.md section 3)
    "validation_error": 422,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found": 404,
    "conflict": 409,
    "precondition_failed": 412,
    "rate_limited": 429,
    "device_unavailable": 503,
    "device_timeout": 504,
    "internal_error": 500,
    # what HTTP itself refuses, before anything of LICS is asked
    "bad_request": 400,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "payload_too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
}
TYPES: Final[dict[int, str]] = {status: kind for kind, status in STATUS.items()}
MEANING: Final[dict[int, str]] = {  # for people reading the API's documentation
    400: "The request is not well-formed HTTP.",
    401: "No token, or one that is not valid.",
    403: "The token is valid, its holder may not do this.",
    404: "What is named does not exist.",
    405: "The address exists, the method does not.",
    408: "The request's body did not arrive in time.",
    409: "The state of things forbids it now.",
    412: "Somebody else changed it in between (If-Match).",
    413: "The body is larger than 1 MiB.",
    414: "The address is longer than 8 KiB.",
    415: "The body is not `application/json`.",
    422: "What was sent breaks a rule; `fields` says where.",
    429: "Too many requests.",
    500: "A fault in LICS; the log has it under `request_id`.",
    503: "The device, the fleet or the database does not answer now; try again.",
    504: "The device's actor did not answer in time.",
}


class AuthenticationError(LicsError):
    """No token, or one that is not valid."""

    code = "UNAUTHENTICATED"
    type = "authentication_error"


class PermissionDeniedError(LicsError):
    """The principal may not do this."""

    code = "PERMISSION_DENIED"
    type = "permission_error"


class UnsupportedMediaTypeError(LicsError):
    """The body is of a kind this route does not read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    type = "unsupported_media_type"


class UriTooLongError(LicsError):
    """The address is longer than anyone needs."""

    code = "URI_TOO_LONG"
    type = "uri_too_long"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it leaves: nothing in it that was not meant for the caller."""

    status: int
    code: str
    message: str
    type: str
    fields: Sequence[dict[str, str]] = ()
    headers: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> dict[str, object]:
        """Return the error body of contracts.md section 3."""
        detail: dict[str, object] = {"code": self.code, "message": self.message, "type": self.type}
        if self.fields:
            detail["fields"] = [dict(entry) for entry in self.fields]
        if self.facts:
            detail["facts"] = dict(self.facts)
        return {"detail": {**detail, "request_id": request_id}}


INTERNAL: Final = Problem(500, LicsError.code, "LICS failed at this; the log has it under the request id", LicsError.type)


def problem_of(error: Exception) -> Problem:
    """Return how `error` is told to the caller; anything not designed for callers becomes the same bare 500."""
    match error:
        case LicsError() if error.type in STATUS and STATUS[error.type] < HTTPStatus.INTERNAL_SERVER_ERROR:
            fields = error.fields if isinstance(error, InvalidError) else ()
            headers = {"WWW-Authenticate": 'Bearer realm="lics"'} if error.type == "authentication_error" else {}
            if isinstance(wait_s := error.facts.get("retry_after_s"), int | float):
                headers["Retry-After"] = str(math.ceil(max(1.0, wait_s)))
            facts = {name: str(error.facts[name]) for name in error.told if name in error.facts}
            return Problem(STATUS[error.type], error.code, error.message, error.type, fields, headers, facts)
        case LicsError() if error.type in {"device_unavailable", "device_timeout"}:
            return Problem(STATUS[error.type], error.code, error.message, error.type)
        case HTTPException():
            return _http_problem(error)
        case _:
            return INTERNAL


def _http_problem(error: HTTPException) -> Problem:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return INTERNAL
    kind = TYPES.get(status, "bad_request")
    headers = {name: value for name, value in error.get_headers() if name.lower() in {"allow", "retry-after"}}
    phrase = MEANING.get(status) or HTTPStatus(status).description
    return Problem(status, kind.upper(), phrase, kind, headers=headers)


def invalid(error: ValidationError, prefix: str = "") -> InvalidError:
    """Return a model's refusal as ours: one entry a field, paths like `settings.silent_s` or `items[2].name`."""
    entries = tuple(
        {"field": _field_path(entry["loc"], prefix), "message": entry["msg"]}
        for entry in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return InvalidError("what was sent breaks a rule; see fields", entries)


def _field_path(location: Sequence[int | str], prefix: str) -> str:
    path = prefix
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path or "body"


def request_id() -> str:
    """Return the id of the request being answered; empty outside one."""
    return str(g.get("request_id", "")) if has_request_context() else ""


def respond(problem: Problem) -> Response:
    """Return the response that tells `problem`."""
    return Response(json.dumps(problem.body(request_id())), problem.status, problem.headers, content_type="application/json")


def install(app: Quart) -> None:
    """Answer every error of `app`, from any layer, with the one body."""

    async def answer(error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request failed unexpectedly", exc_info=error, extra={"request_id": request_id()})
        return respond(problem)

    app.register_error_handler(Exception, answer)
