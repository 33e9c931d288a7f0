"""Keyset pagination: a page ends with the sort key of its last row, opaque to the caller. Pure."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from lics_actors.errors import ConflictError, InvalidError

Item = TypeVar("Item")
Row = TypeVar("Row")
Key = TypeVar("Key", bound=tuple[Any, ...])
MAX_CURSOR = 2048  # longer than any key: names and metrics are bounded


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and the cursor of what comes after them (None: nothing)."""

    items: list[Item]
    next: str | None


def encode_cursor(kind: str, key: tuple[Any, ...]) -> str:
    """Return the cursor of a list called `kind` after the row with sort key `key`."""
    return urlsafe_b64encode(msgspec.json.encode([kind, *key])).decode().rstrip("=")


def decode_cursor(kind: str, cursor: str | None, key: type[Key]) -> Key | None:
    """Return the sort key in a cursor, or None for the first page. `key` is its type, `tuple[datetime, UUID]`.

    Raises:
        InvalidError: the cursor is not one of this list's.
    """
    if cursor is None:
        return None
    try:
        data = urlsafe_b64decode(cursor[:MAX_CURSOR].encode("ascii") + b"=" * (-len(cursor) % 4))
        found, *rest = msgspec.json.decode(data, type=list[Any])
        position: Key | None = msgspec.convert(rest, key, strict=False) if found == kind else None
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise _no_cursor(str(error)) from error
    if position is None:
        raise _no_cursor("of another list, or of other parameters")
    return position


def _no_cursor(message: str) -> InvalidError:
    return InvalidError("the cursor is not one of this list's", ({"field": "cursor", "message": message},))


def page(
    kind: str, rows: Sequence[Row], limit: int, key: Callable[[Row], tuple[Any, ...]], item: Callable[[Row], Item]
) -> Page[Item]:
    """Return the page of `rows`, of which one more than `limit` was asked for to see whether there is more."""
    kept = rows[:limit]
    more = len(rows) > limit
    return Page([item(row) for row in kept], encode_cursor(kind, key(kept[-1])) if more and kept else None)


def checked_limit(limit: int, most: int) -> int:
    """Return `limit`.

    Raises:
        InvalidError: it is not within 1 and `most`.
    """
    if not 1 <= limit <= most:
        raise InvalidError("the limit is out of range", ({"field": "limit", "message": f"between 1 and {most}"},))
    return limit


def only_one(rows: Sequence[Row], name: str) -> Row | None:
    """Return the one that has a name, None if none has.

    Raises:
        ConflictError: in several laboratories something is called so.
    """
    if len(rows) > 1:
        raise ConflictError(f"{name!r} is something in several laboratories; say its id", name=name)
    return rows[0] if rows else None
