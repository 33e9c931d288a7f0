"""Whether a new or changed device makes sense: its name, type, driver, and the driver's settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from drivers.errors import UnknownDriverError
from drivers.registry import driver as driver_named
from drivers.values import value_fault
from lics_actors.errors import InvalidError
from lics_actors.store.rows import NewDevice

DEVICE_TYPES = (  # contracts.md, section 3
    *("sensor", "actuator", "feeder", "pump", "lickometer", "touchscreen"),
    *("rfid", "camera", "environment", "controller", "other"),
)
TEXT_MAX = 255  # contracts.md, section 3: a name has 1-255 characters; a location as many at most
SILENT_MAX_S = 86_400.0  # a device that may be silent for longer than a day cannot be watched

Fault = dict[str, str]


def validate_new_device(
    *,
    name: str,
    type: str,  # noqa: A002 - the field's name
    driver: str,
    principal: str,
    settings: Mapping[str, Any] | None = None,
    location: str | None = None,
    silent_s: float = 30.0,
    device_id: UUID | None = None,
) -> NewDevice:
    """Return the device to create.

    Raises:
        InvalidError: `fields` says all that is wrong at once: `name`, `type`, `driver`, `settings.…`, `location`, `silent_s`.
    """
    faults = [
        *_text_faults("name", name, least=1),
        *([] if type in DEVICE_TYPES else [_fault("type", f"one of {', '.join(DEVICE_TYPES)}")]),
        *settings_faults(driver, settings or {}),
        *([] if location is None else _text_faults("location", location, least=0)),
        *([] if 0 < silent_s <= SILENT_MAX_S else [_fault("silent_s", f"more than 0 and at most {SILENT_MAX_S:g} seconds")]),
    ]
    if faults:
        raise InvalidError("this is no device that LICS can run", tuple(faults))
    return NewDevice(
        name=name,
        type=type,
        driver=driver,
        principal=principal,
        settings=dict(settings or {}),
        location=location,
        silent_s=silent_s,
        device_id=device_id,
    )


def settings_faults(driver: str, settings: Mapping[str, Any]) -> list[Fault]:
    """Return what a driver finds wrong with a device's settings, or that there is no such driver."""
    try:
        model = driver_named(driver).settings_model
    except UnknownDriverError as error:
        return [_fault("driver", f"one of {', '.join(error.known)}")]
    fault = value_fault(settings)
    if fault is not None:
        return [_fault("settings", fault)]
    try:
        model.model_validate(dict(settings))
    except ValidationError as error:
        return [
            _fault(".".join(["settings", *(str(step) for step in each["loc"])]), each["msg"])
            for each in error.errors(include_url=False, include_input=False)
        ]
    return []


def _text_faults(field: str, text: str, *, least: int) -> list[Fault]:
    if not least <= len(text) <= TEXT_MAX or (least and not text.strip()):
        return [_fault(field, f"{least} to {TEXT_MAX} characters")]
    fault = value_fault(text)
    return [] if fault is None else [_fault(field, fault)]


def _fault(field: str, message: str) -> Fault:
    return {"field": field, "message": message}
