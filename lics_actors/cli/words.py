"""What people type on the command line, and what it means: `5m`, `volume_ul=20`; and how times are told back."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import typer

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[smhdw])")


def span(text: str) -> timedelta:
    """Return the time that `90s`, `5m`, `1h30m` or `2d` means.

    Raises:
        typer.BadParameter: it means none, or nothing.
    """
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise typer.BadParameter(f"{text!r} is no length of time; write it like 90s, 5m, 1h30m or 2d")
    try:
        total = sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is too long") from None
    if not total:
        raise typer.BadParameter(f"{text!r} is no time at all")
    return total


def age(seconds: float) -> str:
    """Return a length of time in one or two units."""
    whole = max(0, int(seconds))
    for unit, length, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= length:
            return f"{whole // length}{unit}{whole % length // part:02}{smaller}"
    return f"{whole}s"


def pairs(words: Sequence[str]) -> dict[str, Any]:
    """Return what `key=value` words say; a value is JSON where it can be read as such, else text.

    Raises:
        typer.BadParameter: a word is no pair, or says a key again.
    """
    said: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise typer.BadParameter(f"{word!r} is not key=value")
        if key in said:
            raise typer.BadParameter(f"{key!r} is said twice")
        said[key] = _value(value)
    return said


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
