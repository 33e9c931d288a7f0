"""The audit as files: CSV for spreadsheets, NDJSON for programs. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from lics_actors.store.records import Audited

COLUMNS: Final = tuple(Audited.__struct_fields__)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for a formula (OWASP, CSV injection)


def as_ndjson(acts: Sequence[Audited]) -> bytes:
    """Return acts as JSON, a line each."""
    lines = (json.dumps({name: _plain(getattr(act, name)) for name in COLUMNS}, ensure_ascii=False) for act in acts)
    return "".join(f"{line}\n" for line in lines).encode()


def csv_head() -> bytes:
    """Return CSV's first line."""
    return _lines([COLUMNS])


def as_csv(acts: Sequence[Audited]) -> bytes:
    """Return acts as CSV (RFC 4180), a line each. What a spreadsheet would take for a formula gets a quote before it."""
    return _lines([[_cell(getattr(act, name)) for name in COLUMNS] for act in acts])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if value is None or isinstance(value, str | dict) else str(value)


def _cell(value: Any) -> str:
    plain = _plain(value)
    text = "" if plain is None else plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
