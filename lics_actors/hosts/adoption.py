"""Whose commands we see through: those of devices that another host served when they were accepted. Pure.

They are in that host's journals, and in the table as far as it has shipped them. Once nothing has changed there for SETTLED_S
(who ships a journal takes less between two of its batches) the device's present actor takes them over, and its ledger settles
them. Taking over the same twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

SETTLED_S = 5.0
AGAIN_S = 60.0  # after which a command that is still unsettled is told once more


@dataclass(frozen=True, slots=True)
class Adoption:
    """Overdue commands: at which step each was seen first, since when, and when it was handed over."""

    seen: Mapping[UUID, tuple[int, float, float | None]] = field(default_factory=dict)

    def look(self, found: Iterable[tuple[UUID, int]], now: float) -> tuple[Adoption, frozenset[UUID]]:
        """Return what is known after these (command, number of steps) were found overdue, and which are to be handed over."""
        seen: dict[UUID, tuple[int, float, float | None]] = {}
        due: set[UUID] = set()
        for command, steps in found:
            known, since, told = self.seen.get(command, (steps, now, None))
            if known != steps:
                since, told = now, None
            if now - since >= SETTLED_S and (told is None or now - told >= AGAIN_S):
                due.add(command)
                told = now
            seen[command] = (steps, since, told)
        return Adoption(seen), frozenset(due)
