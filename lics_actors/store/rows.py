"""What goes into the repository and comes out of it, where it is not a record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from lics_actors.access.laboratories import DEFAULT_LABORATORY, Laboratories
from lics_actors.device.messages import Admin, CommandState, DeviceSpec, Health, Link, Safety, status_word


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device to register. `device_id` None: one is made. `principal`: who registers it."""

    name: str
    type: str
    driver: str
    principal: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    location: str | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    admin: Admin = Admin.ENABLED
    silent_s: float = 30.0
    device_id: UUID | None = None
    laboratory_id: UUID = DEFAULT_LABORATORY

    def spec(self) -> DeviceSpec:
        """Return what an actor would run; of a device whose id is still to be made it is nobody's."""
        return DeviceSpec(
            self.device_id or UUID(int=0),
            self.name,
            self.type,
            self.driver,
            self.settings,
            self.admin,
            self.silent_s,
            self.location,
            laboratory_id=self.laboratory_id,
        )


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A registered device. `state_at`: when its actor last reported a change of link, health or safety."""

    id: UUID
    laboratory_id: UUID
    name: str
    type: str
    driver: str
    location: str | None
    settings: dict[str, Any]
    capabilities: dict[str, Any]
    silent_s: float
    admin: Admin
    link: Link
    health: Health
    safety: Safety
    epoch: int | None
    reason: str | None
    state_at: datetime | None
    described_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str

    @property
    def status(self) -> str:
        """Return the axes in one word."""
        return status_word(self.link, self.health, self.safety, self.admin)

    def spec(self) -> DeviceSpec:
        """Return what an actor needs to run it."""
        return DeviceSpec(
            device_id=self.id,
            name=self.name,
            type=self.type,
            driver=self.driver,
            settings=self.settings,
            admin=self.admin,
            silent_s=self.silent_s,
            location=self.location,
            laboratory_id=self.laboratory_id,
        )


def register_facts(row: DeviceRow) -> dict[str, Any]:
    """Return what the audit keeps of a device: what people decide about it."""
    names = ("name", "type", "driver", "location", "settings", "silent_s", "version")
    return {**{name: getattr(row, name) for name in names}, "admin": row.admin.value}


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices to list; None does not ask. Retired ones only if asked for, by `status`, `admin` or `retired`.

    `search`: somewhere in the name, in any case. `laboratories`: only of these.
    """

    status: str | None = None
    link: Link | None = None
    health: Health | None = None
    safety: Safety | None = None
    admin: Admin | None = None
    type: str | None = None
    driver: str | None = None
    location: str | None = None
    search: str | None = None
    retired: bool = False
    laboratories: Laboratories = None


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """Which commands to list; None does not ask. `since` (included) and `until` (excluded) bound the acceptance."""

    state: CommandState | None = None
    name: str | None = None
    principal: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Aggregate(StrEnum):
    """What becomes of the values of a bucket."""

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    LAST = "last"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class TelemetryPoint:
    """A value of a metric, or the aggregate of `count` values in the bucket that begins at `time`.

    `tags`, `epoch` and `seq` belong to single values only.
    """

    time: datetime
    metric: str
    value: float
    tags: dict[str, Any] | None = None
    epoch: int | None = None
    seq: int | None = None
    count: int = 1
