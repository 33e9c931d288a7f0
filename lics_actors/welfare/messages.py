"""What is said about what animals are given: entries, limits, overrides, grants, and the answers. Pure.

Amounts are in the substance's own unit: `fluid` in µl, `food` in mg, `pellets` by number. Times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

TOLERANCE: Final = 1e-6  # µl, mg: far below a drop, far above what adding a day's floating-point amounts costs


class Substance(StrEnum):
    """What is given."""

    FLUID = "fluid"  # µl
    FOOD = "food"  # mg
    PELLETS = "pellets"


class Fate(StrEnum):
    """What is known of something commanded. Later ones replace earlier ones, never the other way round."""

    COMMANDED = "commanded"  # on its way: counts as given
    INDETERMINATE = "indeterminate"  # the device did not answer: counts as given
    REFUSED = "refused"  # the device, or LICS, did not do it: nothing was given
    FAILED = "failed"  # it began and broke off: some of it may have been given, so all counts
    CONFIRMED = "confirmed"  # it was given


RANK: Final = {fate: n for n, fate in enumerate(Fate)}

# A device's `rejected` and a `cancelled` command were never begun. `expired` says only that nobody answered in time.
FATES: Final = {
    "succeeded": Fate.CONFIRMED,
    "failed": Fate.FAILED,
    "rejected": Fate.REFUSED,
    "cancelled": Fate.REFUSED,
    "expired": Fate.INDETERMINATE,
    "indeterminate": Fate.INDETERMINATE,
}
"""The fate that a command's outcome means."""


class Entry(Struct, frozen=True):
    """Something given, or to be. `id`: the command's, so that a repeat counts once; of what a hand gave, its own.

    `amount` was wanted; `commanded` is what the device was told, `confirmed` what it says it did, `measured` what came out, by a
    sensor or by `calibration` (its version; measuring.py). `at` decides the day.
    """

    id: UUID
    subject: UUID
    substance: Substance
    amount: float
    at: datetime
    fate: Fate = Fate.COMMANDED
    measured: float | None = None
    commanded: float | None = None
    confirmed: float | None = None
    calibration: int | None = None
    device: UUID | None = None
    rig: UUID | None = None
    run: UUID | None = None
    by: str = ""
    note: str = ""


class Limits(Struct, frozen=True):
    """What a subject may and must have in a day of its laboratory; None: no limit. `between_s`: from one session to the
    next."""

    max_fluid: float | None = None
    min_fluid: float | None = None
    max_food: float | None = None
    min_food: float | None = None
    max_pellets: float | None = None
    min_pellets: float | None = None
    session_s: float | None = None
    between_s: float | None = None

    def most(self, substance: Substance) -> float | None:
        """Return what may be given of it in a day."""
        return {"fluid": self.max_fluid, "food": self.max_food, "pellets": self.max_pellets}[substance.value]

    def least(self, substance: Substance) -> float | None:
        """Return what must be given of it in a day."""
        return {"fluid": self.min_fluid, "food": self.min_food, "pellets": self.min_pellets}[substance.value]


class Limit(StrEnum):
    """A limit that somebody may override, by its name in `Limits`."""

    MAX_FLUID = "max_fluid"
    MAX_FOOD = "max_food"
    MAX_PELLETS = "max_pellets"
    SESSION_S = "session_s"
    BETWEEN_S = "between_s"


class Override(Struct, frozen=True):
    """A person's word, with a reason, that a limit has another value from `begin` until `until`."""

    id: UUID
    subject: UUID
    limit: Limit
    value: float
    begin: datetime
    until: datetime
    by: str
    reason: str


class Grant(Struct, frozen=True):
    """What a run may give of a day by itself, whatever is away meanwhile: from the day's `begin` until `until`."""

    id: UUID
    run: UUID
    subject: UUID
    substance: Substance
    amount: float
    begin: datetime
    until: datetime
    override: UUID | None = None


class Granted(Struct, frozen=True):
    """It may be given. `repeat`: it was granted before, and counts once."""

    repeat: bool = False


class Refused(Struct, frozen=True):
    """It may not be given. `limit`: what forbids it ; `left`: what would be possible."""

    limit: str
    reason: str
    left: float = 0.0
