"""What a JSON value must be to travel through LICS: journals, `jsonb` columns and devices' own parsers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

MAX_DEPTH = 32  # deeper is no instrument's data; PostgreSQL's own limit is its stack
MAX_TEXT = 65_536  # characters of one string
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1  # MessagePack (journals) and most devices' parsers hold 64-bit integers


def value_fault(value: object) -> str | None:
    """Return why `value` cannot travel, or None.

    Allowed are what JSON has: null, booleans, 64-bit integers, finite numbers, text without U+0000 and lone surrogates,
    arrays and objects with such keys, at most `MAX_DEPTH` deep.
    """
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            fault = _fault_of(item, below)
            if fault is not None:
                return fault
        if not below:
            return None
        level = below
    return f"nested deeper than {MAX_DEPTH}"


def text_fault(text: str) -> str | None:
    """Return why `text` cannot be stored, or None: `text` and `jsonb` of PostgreSQL hold no U+0000 and no lone surrogate."""
    if len(text) > MAX_TEXT:
        return f"a text is longer than {MAX_TEXT} characters"
    if "\0" in text:
        return "a text holds U+0000"
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        return "a text holds a lone surrogate"
    return None


def _fault_of(item: object, below: list[object]) -> str | None:
    match item:
        case None | bool():
            return None
        case str():
            return text_fault(item)
        case int():
            return None if _INT_MIN <= item <= _INT_MAX else "an integer has more than 64 bits"
        case float():
            return None if isfinite(item) else "a number is not finite"
        case Mapping():
            below.extend(item.keys())
            below.extend(item.values())
            return None if all(isinstance(key, str) for key in item) else "a key is no text"
        case Sequence() if not isinstance(item, bytes | bytearray | memoryview):
            below.extend(item)
            return None
        case _:
            return f"{type(item).__name__} is no JSON value"
