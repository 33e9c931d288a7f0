"""What one subject was given in one day, over all rigs. Pure.

What holds (tests/unit/welfare/test_ledger.py): in whatever order, and however often, entries arrive, the ledger is the same; an
entry counts once; `most` never falls below what may have been given, `least` never rises above what surely was.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import UUID

from msgspec import structs

from lics_actors.welfare.messages import RANK, Entry, Fate, Substance

Ordered = TypeVar("Ordered", float, int, UUID)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Entries by id. `reserved`: what others may give without asking again, by substance (bank.py)."""

    entries: Mapping[UUID, Entry] = field(default_factory=dict)
    reserved: Mapping[Substance, float] = field(default_factory=dict)

    def most(self, substance: Substance) -> float:
        """Return what may have been given, what is reserved included."""
        given = math.fsum(most(each) for each in self.entries.values() if each.substance is substance)
        return given + self.reserved.get(substance, 0.0)

    def least(self, substance: Substance) -> float:
        """Return what surely was given."""
        return math.fsum(least(each) for each in self.entries.values() if each.substance is substance)


def noted(ledger: Ledger, entries: Iterable[Entry]) -> Ledger:
    """Return the ledger with these entries, each as it is after everything said of it."""
    kept = dict(ledger.entries)
    for entry in entries:
        kept[entry.id] = joined(kept[entry.id], entry) if entry.id in kept else entry
    return replace(ledger, entries=kept)


def joined(one: Entry, other: Entry) -> Entry:
    """Return what words about the same entry say together: in each field what is known best, so in any order the same."""
    return structs.replace(
        one,
        fate=max(one.fate, other.fate, key=RANK.__getitem__),
        amount=max(one.amount, other.amount),
        at=min(one.at, other.at),
        measured=_known(one.measured, other.measured),
        commanded=_known(one.commanded, other.commanded),
        confirmed=_known(one.confirmed, other.confirmed),
        calibration=_known(one.calibration, other.calibration),
        device=_known(one.device, other.device),
        rig=_known(one.rig, other.rig),
        run=_known(one.run, other.run),
        by=max(one.by, other.by),
        note=max(one.note, other.note),
    )


def most(entry: Entry) -> float:
    """Return what may have been given. A measured amount is believed, also where it is more than was wanted."""
    if entry.fate is Fate.REFUSED:
        return 0.0
    return entry.amount if entry.measured is None else entry.measured


def least(entry: Entry) -> float:
    """Return what surely was given."""
    if entry.fate is Fate.CONFIRMED:
        return entry.amount if entry.measured is None else entry.measured
    return entry.measured if entry.fate is Fate.FAILED and entry.measured is not None else 0.0


def _known(one: Ordered | None, other: Ordered | None) -> Ordered | None:
    return max((each for each in (one, other) if each is not None), default=None)
