"""The three kinds of models at this edge (bodies read, queries read, answers said) and what no text may hold. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from lics_actors.errors import InvalidError
from web.errors import invalid

MAX_PAGE: Final = 500  # contracts.md section 3
MAX_DEPTH: Final = 32  # of JSON in `args` and `settings`; deeper is an attack or a mistake
MAX_INTEGER: Final = 2**63 - 1  # journals (msgpack) and tables (bigint) hold no larger
NUL: Final = "\0"  # PostgreSQL stores no NUL in text or jsonb

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")


LABORATORY: Final = "00000000-0000-0000-0000-000000000001"
LaboratoryId = Annotated[
    UUID | None, Field(description="where it belongs; the only laboratory you may do this in, if absent", examples=[LABORATORY])
]


class MalformedJsonError(InvalidError):
    """The body is not JSON."""

    code = "MALFORMED_JSON"


class Body(BaseModel):
    """A request body: unknown fields and converted types are refused, so that a typo never passes silently."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Return the body.

        Raises:
            MalformedJsonError: `data` is not JSON.
            InvalidError: it breaks a rule; `fields` says where.
        """
        try:
            document = from_json(data, allow_inf_nan=False)
        except ValueError as error:
            raise MalformedJsonError(f"the body is not JSON: {error}") from None
        unstorable = tuple({"field": path or "body", "message": reason} for path, reason in unstorable_parts(document))
        if unstorable:
            raise InvalidError("what was sent breaks a rule; see fields", unstorable)
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise invalid(error) from None


class Query(BaseModel):
    """Query parameters: read from text, unknown ones refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, populate_by_name=False)
    many: ClassVar[frozenset[str]] = frozenset()  # parameters that may come several times

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        if isinstance(values, dict) and any(NUL in str(value) for value in values.values()):
            raise ValueError("no parameter holds a NUL character")
        return values

    @classmethod
    def read(cls, arguments: dict[str, list[str]]) -> Self:
        """Return the query parameters.

        Raises:
            InvalidError: they break a rule; `fields` says which.
        """
        twice = tuple(
            {"field": name, "message": "given more than once"}
            for name, values in arguments.items()
            if len(values) > 1 and name not in cls.many
        )
        if twice:
            raise InvalidError("what was sent breaks a rule; see fields", twice)
        try:
            return cls.model_validate({name: values if name in cls.many else values[0] for name, values in arguments.items()})
        except ValidationError as error:
            raise invalid(error) from None


class Answer(BaseModel):
    """A response body; made by us, so not validated twice."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")


def unstorable_parts(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (path, reason) of what JSON allows and our journals or tables do not."""
    if depth > MAX_DEPTH:
        yield path, f"nested deeper than {MAX_DEPTH}"
        return
    match value:
        case str() if NUL in value:
            yield path, "holds a NUL character"
        case bool():
            return
        case int() if not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
            yield path, "an integer is larger than 64 bits"
        case float() if not math.isfinite(value):
            yield path, "a number is too large"
        case dict():
            for name, item in value.items():
                if NUL in name:
                    yield path, "a name holds a NUL character"
                yield from unstorable_parts(item, f"{path}.{name}" if path else name, depth + 1)
        case list():
            for n, item in enumerate(value):
                yield from unstorable_parts(item, f"{path}[{n}]", depth + 1)


def _in_utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("a time needs its offset, like 2026-01-31T12:00:00Z")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time lies outside the calendar in UTC") from None


def _written_out(given: Any) -> Any:
    """A bare number is no time to us: nobody can tell seconds from milliseconds."""
    if isinstance(given, int | float) or (isinstance(given, str) and not _DATE.match(given)):
        raise ValueError("a time is written like 2026-01-31T12:00:00Z (RFC 3339)")
    return given


UtcTime = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_in_utc), Field(examples=["2026-01-31T12:00:00Z"])]
"""A time with its offset, as UTC."""


def _day_written_out(given: Any) -> Any:
    if isinstance(given, str) and not _DAY.fullmatch(given):
        raise ValueError("a day is written like 2026-01-31 (RFC 3339)")
    return given


Day = Annotated[date, BeforeValidator(_day_written_out), Field(examples=["2026-01-31"])]
"""A day of the calendar, in a query."""

Reason = Annotated[str, Field(min_length=1, max_length=500, examples=["cage cleaning"], description="why, for the record")]
PageLimit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="how many items at most")]
Cursor = Annotated[str | None, Field(min_length=1, max_length=2048, description="`next` of the page before; opaque")]

DURATION: Final = r"([1-9][0-9]{0,8})(ms|s|m|h|d)?"
_DURATION = re.compile(DURATION, re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


def duration_s(text: str) -> float:
    """Return a duration like `500ms`, `60s`, `5m`, `1h`, `2d` or plain seconds, in seconds.

    Raises:
        ValueError: it is none.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("a duration is a whole number with ms, s, m, h or d, like 5m")
    return float(match[1]) * _SECONDS[match[2]]
