"""Rigs: devices in roles, and what of a rig each of them must know. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from lics_actors.device.messages import DeviceSpec, RigPart, RigSpec


def armed(devices: Mapping[UUID, DeviceSpec], rigs: Iterable[RigSpec]) -> dict[UUID, DeviceSpec]:
    """Return the devices, each with the interlocks of `rigs` that trip it and no others."""
    parts: dict[UUID, list[RigPart]] = {}
    for rig in sorted(rigs, key=lambda each: each.rig_id):
        for device_id in {role.device_id for role in rig.roles.values()}:
            concerning = tuple(each for each in rig.interlocks if _trips(rig, each, device_id))
            if concerning:
                parts.setdefault(device_id, []).append(RigPart(rig.rig_id, rig.name, rig.roles, concerning))
    return {device_id: _with(spec, tuple(parts.get(device_id, ()))) for device_id, spec in devices.items()}


def _with(spec: DeviceSpec, parts: tuple[RigPart, ...]) -> DeviceSpec:
    return spec if spec.rigs == parts else replace(spec, rigs=parts)


def _trips(rig: RigSpec, interlock: Mapping[str, Any], device_id: UUID) -> bool:
    named = (rig.roles.get(each.get("role")) for each in interlock.get("trip", ()))
    return any(role is not None and role.device_id == device_id for role in named)
