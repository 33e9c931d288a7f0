"""Whether a new or changed device makes sense: its type, its driver, the driver's settings. Pure."""

from __future__ import annotations

DEVICE_TYPES = (  # contracts.md, section 3
    "sensor",
    "actuator",
    "feeder",
    "pump",
    "lickometer",
    "touchscreen",
    "rfid",
    "camera",
    "environment",
    "controller",
    "other",
)
NAME_MAX = 255  # contracts.md, section 3
