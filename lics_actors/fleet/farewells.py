"""Whose sessions at the broker are to be discarded, and when: devices that were run here and are no more. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

GRACE_S = 5.0  # within which the actor of a device that was taken away has ended: a rack's stop, or its death


@dataclass(frozen=True, slots=True)
class Farewells:
    """`known`: devices whose actors have, or had, a session. `leaving`: those of them that nobody lists any more, since when."""

    known: frozenset[UUID] = frozenset()
    leaving: Mapping[UUID, float] = field(default_factory=dict)

    def listed(self, devices: Iterable[UUID], now: float) -> Farewells:
        """Return the state after the laboratory's list said that these are all the devices there are."""
        there = frozenset(devices)
        gone = self.known - there
        return Farewells(self.known | there, {device: self.leaving.get(device, now) for device in gone})

    def removed(self, devices: Iterable[UUID], now: float) -> Farewells:
        """Return the state after the fleet stops these, which it ran, before any list says so."""
        new = {device: now for device in devices if device not in self.leaving}
        return Farewells(self.known | new.keys(), {**self.leaving, **new}) if new else self

    def due_at(self) -> float | None:
        """Return when the next session is to be discarded; None: none is."""
        return min(self.leaving.values()) + GRACE_S if self.leaving else None

    def due(self, now: float) -> list[UUID]:
        """Return whose session nobody can be using any more."""
        return sorted(device for device, since in self.leaving.items() if since + GRACE_S <= now)

    def done(self, device: UUID) -> Farewells:
        """Return the state after a device's session is discarded, or is somebody else's."""
        leaving = {other: since for other, since in self.leaving.items() if other != device}
        return Farewells(self.known - {device}, leaving)
