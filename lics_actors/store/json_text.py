"""JSON and text as PostgreSQL takes them: jsonb and text hold every character but NUL. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

REPLACEMENT = "\ufffd"  # U+FFFD REPLACEMENT CHARACTER, what Unicode has for this


def json_text(value: object) -> str:
    """Return `value` as JSON; NaN and the infinities become null.

    Raises:
        TypeError, ValueError, RecursionError: it is not JSON.
    """
    return msgspec.json.encode(value).decode()


def json_value(text: str | bytes) -> Any:
    """Return what a jsonb column holds."""
    return msgspec.json.decode(text)


def storable_text(text: str) -> str:
    """Return `text` with what PostgreSQL refuses (NUL, lone surrogates) replaced."""
    return text.replace("\0", REPLACEMENT).encode("utf-8", "replace").decode()


def storable_json(value: object) -> str:
    """Return `value` as JSON that jsonb surely takes: characters it refuses are replaced."""
    return json_text(_cleaned(value))


def _cleaned(value: object) -> object:
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable_text(str(key)): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case _:
            return value


def storable_int(value: int | None, bits: int) -> int | None:
    """Return `value`, or None where a signed integer of `bits` bits cannot hold it."""
    return value if value is not None and -(1 << (bits - 1)) <= value < 1 << (bits - 1) else None
