"""What a route reads and says, declared once: it checks the request, and the documentation is made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar, cast

from quart import Response, request

from web.errors import UnsupportedMediaTypeError, UriTooLongError
from web.schemas.base import Answer, Body, Query

View = TypeVar("View", bound=Callable[..., Awaitable[Response]])

SPEECH: Final = "_lics_speech"
JSON: Final = "application/json"
MAX_URI_BYTES: Final = 8192  # RFC 9110 section 4.1 asks for at least 8000


@dataclass(frozen=True, slots=True)
class Said:
    """One way a route answers. `other`: further media types → what they hold."""

    model: type[Answer] | None
    meaning: str
    headers: tuple[str, ...] = ()
    other: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Speech:
    """All a route reads and says."""

    tag: str
    answers: Mapping[int, Said]
    body: type[Body] | None = None
    body_required: bool = True
    query: type[Query] | None = None
    headers: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()


def speaks(speech: Speech) -> Callable[[View], View]:
    """Read `body` and `query` as declared and hand them to the view under these names."""

    def wrap(view: View) -> View:
        @wraps(view)
        async def speaking(**values: Any) -> Response:
            if speech.query is not None:
                values["query"] = speech.query.read(request.args.to_dict(flat=False))
            if speech.body is not None:
                values["body"] = await _read_body(speech.body, speech.body_required)
            return await view(**values)

        setattr(speaking, SPEECH, speech)
        return cast("View", speaking)

    return wrap


def speech_of(view: Callable[..., Any]) -> Speech | None:
    """Return what a view declared."""
    return cast("Speech | None", getattr(view, SPEECH, None))


async def _read_body(model: type[Body], required: bool) -> Body:
    data = cast("bytes", await request.get_data(as_text=False))
    if not data and not required:
        return model.read(b"{}")
    if request.mimetype != JSON:
        raise UnsupportedMediaTypeError(f"the body is to be {JSON}, not {request.mimetype or 'untyped'}")
    return model.read(data)


def answer(body: Answer, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(body.model_dump_json(), status, dict(headers or {}), content_type=JSON)


async def refuse_endless_uris() -> None:
    """Refuse addresses that are longer than anyone needs."""
    if len(request.path) + len(request.query_string) > MAX_URI_BYTES:
        raise UriTooLongError(f"the address is longer than {MAX_URI_BYTES} bytes")
