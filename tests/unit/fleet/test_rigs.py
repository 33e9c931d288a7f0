"""Which device must know what of a rig, and how rigs come and go in what a fleet knows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from lics_actors.device.messages import Admin, DeviceSpec, RigSpec, RoleSpec
from lics_actors.fleet.rigs import armed
from lics_actors.fleet.state import FleetState, take_all, take_one, take_rig

PUMP, SENSOR, LAMP = (DeviceSpec(UUID(int=n), name, "pump", "native", {}) for n, name in enumerate(["pump", "sensor", "lamp"], 1))
DEVICES = {each.device_id: each for each in (PUMP, SENSOR, LAMP)}
HOT: dict[str, Any] = {"name": "hot", "when": {}, "trip": [{"role": "pump", "command": "stop"}]}
BRIGHT: dict[str, Any] = {"name": "bright", "when": {}, "trip": [{"role": "lamp"}, {"role": "pump"}, {"role": "nobody"}]}


def rig(*interlocks: dict[str, Any], rig_id: int = 7, version: int = 1) -> RigSpec:
    roles = {each.name: RoleSpec(each.device_id, "native", {}) for each in DEVICES.values()}
    return RigSpec(UUID(int=rig_id), "cage 3", version, roles, interlocks)


def names(state: FleetState, device: DeviceSpec) -> list[str]:
    return [each["name"] for part in state.devices[device.device_id].rigs for each in part.interlocks]


def test_a_device_knows_what_trips_it_and_no_more() -> None:
    told = armed(DEVICES, [rig(HOT, BRIGHT)])
    assert [each["name"] for each in told[PUMP.device_id].rigs[0].interlocks] == ["hot", "bright"]
    assert [each["name"] for each in told[LAMP.device_id].rigs[0].interlocks] == ["bright"]
    assert told[SENSOR.device_id] is SENSOR
    assert armed(told, [rig(HOT, BRIGHT)]) == told
    assert armed(told, []) == DEVICES


def test_rigs_come_change_and_go_and_only_who_is_concerned_is_told() -> None:
    state, _ = take_all(FleetState(), list(DEVICES.values()), from_cache=False, as_of=1.0)
    state, changes = take_rig(state, UUID(int=7), rig(HOT), now=2.0)
    assert [spec.name for change in changes.values() for spec in change.devices] == ["pump"]
    state, changes = take_one(state, PUMP, now=3.0)
    assert changes == {}, "whoever registers a device leaves its rigs alone"
    state, changes = take_rig(state, UUID(int=7), rig(BRIGHT, version=2), now=4.0)
    assert {spec.name for change in changes.values() for spec in change.devices} == {"pump", "lamp"}
    state, changes = take_rig(state, UUID(int=7), None, now=5.0)
    assert {spec.name for change in changes.values() for spec in change.devices} == {"pump", "lamp"}
    assert names(state, PUMP) == []


def test_a_list_does_not_overrule_a_later_word() -> None:
    devices = list(DEVICES.values())
    state, _ = take_all(FleetState(), devices, from_cache=True, as_of=0.0, rigs=[rig(HOT)])
    assert names(state, PUMP) == ["hot"]
    state, _ = take_rig(state, UUID(int=7), rig(BRIGHT), now=10.0)
    state, _ = take_rig(state, UUID(int=8), None, now=10.0)
    state, _ = take_all(state, devices, from_cache=False, as_of=9.0, rigs=[rig(HOT), rig(HOT, rig_id=8)])
    assert names(state, PUMP) == ["bright"]
    state, _ = take_all(state, devices, from_cache=False, as_of=11.0, rigs=[rig(HOT)])
    assert names(state, PUMP) == ["hot"]
    assert state.rigs_registered == {}
    state, _ = take_one(state, DeviceSpec(PUMP.device_id, "pump", "pump", "native", {}, Admin.RETIRED), now=12.0)
    assert PUMP.device_id not in state.devices
