"""The drivers there are: one table. A new driver is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from drivers.errors import UnknownDriverError
from drivers.mqtt_io.codec import MQTT_IO
from drivers.native.codec import NATIVE
from drivers.protocol import DeviceRef, Driver

_DRIVERS: Mapping[str, Driver] = {each.name: each for each in (NATIVE, MQTT_IO)}


def driver(name: str) -> Driver:
    """Return the driver of that name.

    Raises:
        UnknownDriverError: there is none.
    """
    try:
        return _DRIVERS[name]
    except KeyError:
        raise UnknownDriverError(name, driver_names()) from None


def driver_names() -> tuple[str, ...]:
    """Return the names under which devices ask for a driver."""
    return tuple(_DRIVERS)


def device_ref(device_id: UUID, settings: Mapping[str, Any], prefix: str = "") -> DeviceRef:
    """Return what a driver may know of a device; `prefix` is the installation's MQTT_TOPIC_PREFIX."""
    return DeviceRef(device_id, settings, prefix)
