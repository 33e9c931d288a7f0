"""The versions of devices' calibrations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.errors import ConflictError
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.json_text import json_text, json_value, storable_text
from lics_actors.welfare.calibration import Calibration, Point, fitted

MAX_VERSIONS: Final = 100  # of a device, told at once: one a week of two years
_ADD: Final = """INSERT INTO calibration (id, laboratory_id, device_id, version, points, made_at, valid_until, principal, note)
    SELECT $1, coalesce((SELECT to_jsonb(d)->>'laboratory_id' FROM device d WHERE d.id = $2)::uuid, $8::uuid), $2,
        coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7 FROM calibration WHERE device_id = $2
    ON CONFLICT (id) DO NOTHING"""
_ONE: Final = "SELECT * FROM calibration WHERE id = $1"
_ALL: Final = "SELECT * FROM calibration WHERE device_id = $1 ORDER BY version DESC LIMIT $2"
_NEWEST: Final = """SELECT DISTINCT ON (device_id) * FROM calibration WHERE device_id = ANY($1::uuid[])
    ORDER BY device_id, version DESC"""


class Calibrations(Connected):
    """The calibrations' part of the repository."""

    async def add_calibration(
        self,
        calibration_id: UUID,
        device_id: UUID,
        *,
        points: Sequence[Point],
        made_at: datetime,
        valid_until: datetime,
        principal: str,
        note: str = "",
    ) -> Calibration:
        """Keep a device's next version; the same id again is kept once.

        Raises:
            ConflictError: somebody else calibrated the device at the same moment, or the id is that of another calibration.
            DatabaseUnavailableError
        """
        said = json_text([[each.commanded, each.measured] for each in points])
        values = (calibration_id, device_id, said, made_at, valid_until, principal, storable_text(note), DEFAULT_LABORATORY)
        async with self.raw(ANSWER_S) as connection:
            try:
                await connection.execute(_ADD, *values)
            except asyncpg.UniqueViolationError as error:
                raise ConflictError("somebody else calibrated this device just now", device_id=str(device_id)) from error
            kept = _calibration(await connection.fetchrow(_ONE, calibration_id))
        if (kept.device, kept.points) != (device_id, tuple(points)):
            raise ConflictError("this id is that of another calibration", calibration_id=str(calibration_id))
        return kept

    async def calibrations(self, device_id: UUID) -> list[Calibration]:
        """Return a device's calibrations, newest first, MAX_VERSIONS at most.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return [_calibration(row) for row in await connection.fetch(_ALL, device_id, MAX_VERSIONS)]

    async def newest_calibrations(self, device_ids: Iterable[UUID]) -> dict[UUID, Calibration]:
        """Return the newest calibration of each device that has one.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_NEWEST, list(device_ids))
        return {row["device_id"]: _calibration(row) for row in rows}


def _calibration(row: Mapping[str, Any]) -> Calibration:
    said = json_value(row["points"]) if isinstance(row["points"], str | bytes) else row["points"]
    points = tuple(Point(*each) for each in said)
    facts = (row["made_at"], row["valid_until"], row["principal"], row["note"])
    return Calibration(row["id"], row["device_id"], row["version"], points, fitted(points), *facts)
