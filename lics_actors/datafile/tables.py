"""Tables as all formats write them: typed columns that say what they hold. Pure.

No cell is empty: a number that is not there is NaN, a text that is not there is "". So the formats need no null of their own, and
what was written compares with what is read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["float", "int", "bool", "text"]
Group = Literal["trials", "events", "facts"]

MAX_FIELDS: Final = 50  # columns made of an event's data; what is beyond is in the record only
NAN: Final = float("nan")
_UNUSABLE = re.compile(r"[^A-Za-z0-9_]")
_LARGEST: Final = 2**1023  # larger integers are no floats


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `about` is a sentence, `unit` as people write it."""

    name: str
    kind: Kind
    about: str
    unit: str = ""

    @property
    def told(self) -> str:
        """Return what it holds, with its unit."""
        return f"{self.about} ({self.unit})" if self.unit else self.about


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as there are columns."""

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    group: Group = "events"

    def cells(self, column: int) -> list[Any]:
        """Return a column's cells."""
        return [row[column] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Altered:
    """Where a file's table is not what follows from its record. `row` counts from 0; None: of the table as a whole."""

    table: str
    row: int | None
    column: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        where = self.table if self.row is None else f"{self.table}, row {self.row}, {self.column}"
        return f"{where}: {self.found!r} where the record says {self.expected!r}"


def altered(expected: Table, found: Mapping[str, Sequence[Any]] | None) -> Altered | None:
    """Return the first cell that a file has otherwise, None where there is none; `found`: by column, cells may be texts."""
    if found is None:
        return Altered(expected.name, None, "", f"{len(expected.rows)} rows", "no table") if expected.rows else None
    for n, column in enumerate(expected.columns):
        cells = found.get(column.name)
        if cells is None or len(cells) != len(expected.rows):
            told = "no such column" if cells is None else f"{len(cells)} rows"
            return Altered(expected.name, None, column.name, f"{len(expected.rows)} rows of {column.name}", told)
        for row, (wanted, cell) in enumerate(zip(expected.cells(n), cells, strict=True)):
            if not same(wanted, parsed(cell, column.kind)):
                return Altered(expected.name, row, column.name, wanted, cell)
    return None


def same(one: Any, other: Any) -> bool:
    """Return whether two cells are equal; NaN is equal to itself, and true is not 1."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and bool(one == other)


def said(cell: Any) -> str:
    """Return a cell as formats of text have it: numbers in full, `true` and `false`, nothing where a number is not there."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return "" if math.isnan(cell) else repr(cell)
    return str(cell)


def parsed(found: Any, kind: Kind) -> Any:
    """Return a cell that a format of text holds as what it says; what cannot be read, and what is no text, stays as it is."""
    if not isinstance(found, str) or kind == "text":
        return found
    try:
        if kind == "float":
            return float(found) if found else NAN
        return int(found) if kind == "int" else {"true": True, "false": False}[found.lower()]
    except (KeyError, ValueError):
        return found


def named(wanted: str, taken: set[str]) -> str:
    """Return a name that every format takes and that is not `taken` yet; it is then."""
    plain = _UNUSABLE.sub("_", wanted)[:100] or "unnamed"
    name, n = plain, 1
    while name.lower() in taken:
        n += 1
        name = f"{plain}_{n}"
    taken.add(name.lower())
    return name


def kind_of(values: Sequence[Any]) -> Kind:
    """Return the kind of column that holds these values, None being none."""
    given = [each for each in values if each is not None]
    if given and len(given) == len(values) and all(isinstance(each, bool) for each in given):
        return "bool"
    if given and all(_is_number(each) for each in given):
        return "float"
    return "text"


def cell(value: Any, kind: Kind) -> Any:
    """Return a value as a cell of that kind."""
    if kind == "float":
        return NAN if value is None else float(value)
    return text(value) if kind == "text" else value


def text(value: Any) -> str:
    """Return a value as text: lists as JSON, true and false in small letters; without NUL, which HDF5 takes for the end."""
    if value is None:
        return ""
    if not isinstance(value, str):
        value = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")


def flat(data: Mapping[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    """Return an event's data with objects within it opened: `{"a": {"b": 1}}` as `{"a_b": 1}`."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, Mapping) and depth < 5:
            found |= flat(value, f"{before}{name}_", depth + 1)
        else:
            found[before + name] = value
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < _LARGEST
