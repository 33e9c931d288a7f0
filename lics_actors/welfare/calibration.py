"""Calibration of what dispenses: what it is told, what comes out, and what to tell it so that the wanted comes out. Pure.

A pump is told several amounts and what came out is measured, or weighed. A straight line through these points (least squares) is
what the pump does; it is the pump's calibration until its time is over or another is made. Amounts are in µl (of pellets:
numbers), whatever the pump takes them for.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from lics_actors.errors import InvalidError

WATER_MG_UL: Final = 0.9982  # of water at 20 °C (CRC Handbook of Chemistry and Physics)
MAX_POINTS: Final = 100
MAX_RESIDUAL: Final = 0.15  # of the amount: what is further off its line than this is no line, but a leak or an air bubble
DUE: Final = timedelta(days=3)  # so long before its end a calibration is told to be due


class Point(Struct, frozen=True):
    """A measurement: told `commanded`, `measured` came out, each of them per dispensing."""

    commanded: float
    measured: float


class Curve(Struct, frozen=True):
    """What a device does: `measured = slope · commanded + offset`, as found between `low` and `high` (commanded)."""

    slope: float
    offset: float
    low: float
    high: float

    def measured(self, commanded: float) -> float:
        """Return what comes out."""
        return self.slope * commanded + self.offset

    def commanded(self, wanted: float) -> float:
        """Return what the device must be told so that `wanted` comes out; never below 0."""
        return max(0.0, (wanted - self.offset) / self.slope)


class Fit(Struct, frozen=True):
    """A curve and how well it fits: `residuals` (measured less curve) by point, `r2`: 1 is a line."""

    curve: Curve
    residuals: tuple[float, ...]
    r2: float


class Standing(StrEnum):
    """How a device's calibration stands."""

    NONE = "none"
    VALID = "valid"
    DUE = "due"  # valid, and over soon
    EXPIRED = "expired"


class Calibration(Struct, frozen=True):
    """A version of a device's calibration, good from `made_at` until `valid_until`."""

    id: UUID
    device: UUID
    version: int
    points: tuple[Point, ...]
    fit: Fit
    made_at: datetime
    valid_until: datetime
    by: str = ""
    note: str = ""


def weighed(commanded: float, mass_mg: float, repeats: int, density_mg_ul: float = WATER_MG_UL) -> Point:
    """Return the point of `repeats` dispensings that together weigh `mass_mg`.

    Raises:
        InvalidError: no repeats, or no density.
    """
    if repeats < 1 or not density_mg_ul > 0:
        raise _wrong("points", "a weight needs at least one dispensing, and a density above 0")
    return Point(commanded, mass_mg / density_mg_ul / repeats)


def fitted(points: Sequence[Point]) -> Fit:
    """Return the line through points.

    Raises:
        InvalidError: there are too few, they lie on no rising line, or one is far off it.
    """
    if not 2 <= len(points) <= MAX_POINTS or len({each.commanded for each in points}) < 2:
        raise _wrong("points", f"give 2 to {MAX_POINTS} points, at two different amounts at least")
    if any(not math.isfinite(each.commanded + each.measured) or each.commanded <= 0 or each.measured < 0 for each in points):
        raise _wrong("points", "amounts are above 0")
    told, came = [each.commanded for each in points], [each.measured for each in points]
    slope, offset = statistics.linear_regression(told, came)
    if not (math.isfinite(slope) and math.isfinite(offset) and slope > 0):
        raise _wrong("points", "what comes out does not grow with what is told")
    curve = Curve(slope, offset, min(told), max(told))
    residuals = tuple(each.measured - curve.measured(each.commanded) for each in points)
    far, n = max((abs(off) / point.commanded, n) for n, (point, off) in enumerate(zip(points, residuals, strict=True)))
    if far > MAX_RESIDUAL:
        raise _wrong(f"points[{n}]", f"is {residuals[n]:+.3g} off the line: measure it again, or look for a leak")
    return Fit(curve, residuals, statistics.correlation(told, came) ** 2)


def standing(calibration: Calibration | None, now: datetime) -> Standing:
    """Return how a device's newest calibration stands."""
    if calibration is None:
        return Standing.NONE
    if now >= calibration.valid_until:
        return Standing.EXPIRED
    return Standing.DUE if now >= calibration.valid_until - DUE else Standing.VALID


def _wrong(field: str, message: str) -> InvalidError:
    return InvalidError("this is no calibration; see fields", ({"field": field, "message": message},))
