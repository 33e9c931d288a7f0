"""Calibrations as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, model_validator

from lics_actors.welfare.calibration import MAX_POINTS, WATER_MG_UL, Calibration, Point, standing, weighed
from web.schemas.base import Answer, Body

POINTS: Final[list[JsonValue]] = [
    {"commanded": 5, "mass_mg": 480.1, "repeats": 100},
    {"commanded": 10, "mass_mg": 985.6, "repeats": 100},
    {"commanded": 20, "mass_mg": 1999.0, "repeats": 100},
]


class PointBody(Body):
    """A measurement: what the device was told a dispensing, and the volume or the weight that came out."""

    commanded: Annotated[float, Field(gt=0, le=1e6, description="µl, as told to the device")]
    measured: Annotated[float, Field(ge=0, le=1e6, description="µl that came out of one dispensing")] | None = None
    mass_mg: Annotated[float, Field(ge=0, le=1e9, description="what `repeats` dispensings weigh together")] | None = None
    repeats: Annotated[int, Field(ge=1, le=100_000)] = 1
    density_mg_ul: Annotated[float, Field(gt=0, le=10, description="of the fluid; water at 20 °C, if absent")] = WATER_MG_UL

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.measured is None) == (self.mass_mg is None):
            raise ValueError("give `measured` or `mass_mg`")
        return self

    def point(self) -> Point:
        """Return it as a point."""
        if self.mass_mg is not None:
            return weighed(self.commanded, self.mass_mg, self.repeats, self.density_mg_ul)
        assert self.measured is not None
        return Point(self.commanded, self.measured)


class CalibrationBody(Body):
    """What was measured, and for how long it is good."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"points": POINTS, "valid_days": 30}]})
    points: Annotated[list[PointBody], Field(min_length=2, max_length=MAX_POINTS)]
    valid_days: Annotated[float, Field(gt=0, le=366)] = 30.0
    note: Annotated[str, Field(max_length=500)] = ""


class PointView(Answer):
    """A point, and how far it is off the line."""

    commanded: float
    measured: float
    residual: float


class CalibrationView(Answer):
    """A version of a device's calibration: `measured = slope · commanded + offset`, found between `low` and `high`."""

    id: UUID
    device_id: UUID
    version: int
    standing: str = Field(description="valid, due or expired; versions before the newest stand as of their own time")
    slope: float
    offset: float
    low: float
    high: float
    r2: float
    points: list[PointView]
    made_at: datetime
    valid_until: datetime
    by: str
    note: str


class CalibrationList(Answer):
    """A device's calibrations, newest first."""

    items: list[CalibrationView]


def calibration_view(row: Calibration, now: datetime) -> CalibrationView:
    """Return a calibration as the API says it."""
    curve = row.fit.curve
    points = [
        PointView.model_construct(commanded=each.commanded, measured=each.measured, residual=off)
        for each, off in zip(row.points, row.fit.residuals, strict=True)
    ]
    facts = {name: getattr(row, name) for name in ("id", "version", "made_at", "valid_until", "by", "note")}
    line = {name: getattr(curve, name) for name in ("slope", "offset", "low", "high")}
    return CalibrationView.model_construct(
        device_id=row.device, standing=standing(row, now).value, r2=row.fit.r2, points=points, **facts, **line
    )
