"""Devices as the API reads and says them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from drivers.registry import driver_names
from lics_actors.device.messages import Admin, DeviceTwin, Health, Link, Safety, status_word
from lics_actors.store.rows import DeviceRow
from web.schemas.base import LABORATORY, Answer, Body, Cursor, LaboratoryId, PageLimit, Query, Reason


class DeviceType(StrEnum):
    """What kinds of instruments there are (contracts.md section 3)."""

    SENSOR = "sensor"
    ACTUATOR = "actuator"
    FEEDER = "feeder"
    PUMP = "pump"
    LICKOMETER = "lickometer"
    TOUCHSCREEN = "touchscreen"
    RFID = "rfid"
    CAMERA = "camera"
    ENVIRONMENT = "environment"
    CONTROLLER = "controller"
    OTHER = "other"


class Status(StrEnum):
    """The axes in one word: what a person must know first."""

    ONLINE = "online"
    OFFLINE = "offline"
    CONNECTING = "connecting"
    STALE = "stale"
    DEGRADED = "degraded"
    FAULT = "fault"
    TRIPPED = "tripped"
    MAINTENANCE = "maintenance"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


PUMP: Final = "3f1e7d5c-0a4b-4c52-9a0e-0d5a1c1f8b11"
Name = Annotated[
    str, Field(min_length=1, max_length=255, pattern=r"\S", examples=["cage-3-pump"], description="unique among devices in use")
]
Place = Annotated[str, Field(min_length=1, max_length=255, examples=["room 2, cage 3"])]
DriverName = Annotated[
    str,
    Field(min_length=1, max_length=100, examples=["native"], description="the convention it speaks"),
    WithJsonSchema({"type": "string", "enum": list(driver_names()), "examples": ["native"]}),
]
Settings = Annotated[dict[str, Any], Field(description="what the driver wants to know", examples=[{}])]
SilentS = Annotated[
    float,
    Field(gt=0, le=86400, examples=[30.0], description="without any message for so many seconds an online device is stale"),
]
AdminChoice = Literal[Admin.ENABLED, Admin.MAINTENANCE, Admin.QUARANTINED]
Choice = Annotated[AdminChoice, Field(description="what people decided; retiring is DELETE", examples=["enabled"])]


class DeviceBody(Body):
    """A device as people define it; what is left out takes its default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "cage-4-pump", "type": "pump", "location": "room 3"}]})
    name: Name
    type: Annotated[DeviceType, Field(examples=["pump"])]
    driver: DriverName = "native"
    settings: Settings = Field(default_factory=dict)
    location: Place | None = None
    silent_s: SilentS = 30.0
    admin: Choice = Admin.ENABLED


class NewDeviceBody(DeviceBody):
    """A device to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "cage-3-pump", "type": "pump", "location": "room 2"}]})
    id: UUID | None = Field(None, description="the id the device itself uses; made up if absent", examples=[PUMP])
    laboratory_id: LaboratoryId = None


def left_out() -> Any:
    """Return the value of what a patch does not mention; unlike a default it stays out of the schema."""
    return None


class DevicePatch(Body):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"location": "room 3"}], "minProperties": 1})
    name: Name = Field(default_factory=left_out)
    type: Annotated[DeviceType, Field(default_factory=left_out, examples=["pump"])]
    driver: DriverName = Field(default_factory=left_out)
    settings: Settings = Field(default_factory=left_out)
    location: Place | None = Field(default_factory=left_out, description="null: nowhere in particular")
    silent_s: SilentS = Field(default_factory=left_out)
    admin: Choice = Field(default_factory=left_out)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing to change")
        return self


class DevicesQuery(Query):
    """Which devices."""

    type: DeviceType | None = None
    driver: Annotated[str | None, Field(max_length=100)] = None
    status: Status | None = None
    link: Link | None = None
    location: Annotated[str | None, Field(max_length=255, description="exactly this place")] = None
    q: Annotated[str | None, Field(min_length=1, max_length=255, description="part of the name")] = None
    retired: Annotated[bool, Field(description="list retired devices as well")] = False
    limit: PageLimit = 100
    cursor: Cursor = None


class RestartBody(Body):
    """Why an actor is restarted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "firmware update"}]})
    reason: Reason | None = None


class ReadingView(Answer):
    """A metric's latest value."""

    value: float | None
    time: datetime


class DeviceView(Answer):
    """A device: what people defined, and how it is."""

    id: UUID = Field(examples=[PUMP])
    laboratory_id: UUID = Field(examples=[LABORATORY])
    name: Name
    type: DeviceType
    driver: DriverName
    location: str | None = None
    settings: Settings
    capabilities: dict[str, Any] = Field(description="the device's own `describe`: metrics, commands, events")
    silent_s: float
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="counts people's changes; first part of the `ETag`")
    status: Status
    link: Link
    health: Health
    safety: Safety
    admin: Admin
    live: bool = Field(description="true: the device's actor says so now; false: the last that was recorded")
    reason: str | None = Field(None, description="why it is as it is")
    epoch: int | None = Field(None, description="the device's boots")
    since: datetime | None = Field(None, description="of the present link")
    last_seen: datetime | None = None
    incarnation: int | None = Field(None, description="of its actor; only while live")
    metrics: dict[str, ReadingView] | None = Field(None, description="latest values; only while live")
    queued_commands: int | None = Field(None, description="only while live")
    rejected_payloads: int | None = Field(None, description="since the actor began; only while live")


class DevicePage(Answer):
    """A page of devices, by name."""

    items: list[DeviceView]
    next: str | None = Field(description="cursor of the page after")


class RestartView(Answer):
    """A restarted node."""

    node: str = Field(examples=[f"device:{PUMP}"])
    restarted: Literal[True] = True


def device_view(row: DeviceRow, twin: DeviceTwin | None) -> DeviceView:
    """Return a device as the API says it: how it is by its twin, or else as it was last recorded.

    What people decided (`admin`) is always the row's: an actor may not have heard of it yet.
    """
    link, health, safety = (twin.link, twin.health, twin.safety) if twin else (row.link, row.health, row.safety)
    return DeviceView.model_construct(
        id=row.id,
        laboratory_id=row.laboratory_id,
        name=row.name,
        type=DeviceType(row.type),
        driver=row.driver,
        location=row.location,
        settings=row.settings,
        capabilities=dict(twin.description) if twin and twin.description else row.capabilities,
        silent_s=row.silent_s,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        status=Status(status_word(link, health, safety, row.admin)),
        link=link,
        health=health,
        safety=safety,
        admin=row.admin,
        **(_live(twin) if twin else {"live": False, "reason": row.reason, "epoch": row.epoch, "since": row.state_at}),
    )


def _live(twin: DeviceTwin) -> Mapping[str, Any]:
    return {
        "live": True,
        "reason": twin.reason,
        "epoch": twin.epoch,
        "since": twin.since,
        "last_seen": twin.last_seen,
        "incarnation": twin.incarnation,
        "metrics": {name: ReadingView(value=reading.value, time=reading.time) for name, reading in twin.metrics.items()},
        "queued_commands": twin.queued_commands,
        "rejected_payloads": twin.rejected_payloads,
    }
