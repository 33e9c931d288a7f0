"""The chain of the audit: the digest of a row is of all that it says, of its place, and of the digest before it. Pure.

So whoever changes, moves or takes away a row would have to make every later digest anew; and the last one is also kept where
the database's owner does not reach (lics_actors/anchors.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

FORM: Final = "lics-audit-1"  # whoever changes what is digested, or how, gives it another name
START: Final = bytes(hashlib.sha256().digest_size)  # the digest before the first row
KEPT: Final = 100  # breaks that are told one by one

SAID: Final = (
    "act",
    "time",
    "principal",
    "action",
    "target",
    "outcome",
    "origin",
    "reason",
    "remote",
    "request_id",
    "error",
    "before",
    "after",
    "laboratory",
)
"""The columns of a row that are digested, in this order; `before` and `after` as the text that PostgreSQL makes of jsonb."""


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain: the `n`th row, counted from 1, and its digest."""

    n: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the audit as it stands in the table. `said`: what SAID names."""

    n: int
    digest: bytes
    said: tuple[Any, ...]


def linked(before: bytes, n: int, said: Sequence[Any]) -> bytes:
    """Return the digest of the `n`th row that says `said`, after a row with the digest `before`."""
    text = json.dumps([FORM, n, *map(_plain, said)], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(before + text.encode()).digest()


def chained(last: Link | None, rows: Iterable[Sequence[Any]]) -> list[Link]:
    """Return the places of rows that are to follow `last`."""
    links, at = [], last or Link(0, START)
    for said in rows:
        at = Link(at.n + 1, linked(at.digest, at.n + 1, said))
        links.append(at)
    return links


def _plain(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, UUID):
        return str(value)
    if value is None or isinstance(value, str):
        return value
    raise TypeError(f"the audit's rows hold no {type(value).__name__}")


class Break(StrEnum):
    """What is wrong at a place of the chain."""

    MISSING = "missing"  # rows that were there are not
    CHANGED = "changed"  # another row than was written there: changed, exchanged or moved
    REWRITTEN = "rewritten"  # in itself the chain holds, but it is not the one that the anchor saw
    TRUNCATED = "truncated"  # it ends before what the anchor saw


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold: from the row `n` to the row `until`."""

    what: Break
    n: int
    until: int

    def __str__(self) -> str:
        where = f"row {self.n}" if self.n == self.until else f"rows {self.n} to {self.until}"
        told = {
            Break.MISSING: "missing",
            Break.CHANGED: "not what was written there: changed, exchanged or moved",
            Break.REWRITTEN: "not what the anchor saw there: the chain was made anew, here or before",
            Break.TRUNCATED: "cut off: the anchor saw them",
        }
        return f"{where}: {told[self.what]}"


@dataclass(slots=True)
class Walk:
    """A walk along the chain, row by row in order of `n`. `anchors`: places seen earlier, kept elsewhere."""

    anchors: Sequence[Link] = ()
    rows: int = 0
    faults: int = 0
    broken: list[Broken] = field(default_factory=list)
    at: Link = Link(0, START)

    def take(self, row: Row) -> None:
        """Look at the next row. After a break it goes on from what stands there, so that every break is found once."""
        self.rows += 1
        if row.n != self.at.n + 1:
            self._found(Break.MISSING, self.at.n + 1, row.n - 1)
        elif linked(self.at.digest, row.n, row.said) != row.digest:
            self._found(Break.CHANGED, row.n, row.n)
        if any(anchor.n == row.n and anchor.digest != row.digest for anchor in self.anchors):
            self._found(Break.REWRITTEN, row.n, row.n)
        self.at = Link(row.n, row.digest)

    def end(self) -> None:
        """There are no more rows."""
        furthest = max((anchor.n for anchor in self.anchors), default=0)
        if furthest > self.at.n:
            self._found(Break.TRUNCATED, self.at.n + 1, furthest)

    def _found(self, what: Break, n: int, until: int) -> None:
        self.faults += 1
        if len(self.broken) < KEPT:
            self.broken.append(Broken(what, n, until))
