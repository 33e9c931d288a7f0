"""Which devices there are and which rack runs which. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from lics_actors.device.messages import Admin, DeviceSpec, RigSpec
from lics_actors.fleet.messages import ChangeRack
from lics_actors.fleet.rigs import armed


def device_node(device_id: UUID) -> str:
    """Return the name of a device's node in the supervision tree."""
    return f"device:{device_id}"


def rack_node(rack: int) -> str:
    """Return the name of a rack's node."""
    return f"rack:{rack}"


def device_of_node(node: str) -> UUID | None:
    """Return the device a node is for, or None where it is not for one."""
    kind, _, text = node.partition(":")
    try:
        return UUID(text) if kind == "device" else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class FleetState:
    """What the FleetSupervisor knows of its devices. `registered`: when each was last announced by name (seconds, monotonic).

    `laboratory`: all there are; `held`: those that are this host's, None where there is no other; `devices`: those that run here.
    """

    rack_size: int = 50
    laboratory: Mapping[UUID, DeviceSpec] = field(default_factory=dict)
    held: frozenset[UUID] | None = None
    devices: Mapping[UUID, DeviceSpec] = field(default_factory=dict)
    placement: Mapping[UUID, int] = field(default_factory=dict)
    registered: Mapping[UUID, float] = field(default_factory=dict)
    known: bool = False  # all devices were told at least once
    rigs: Mapping[UUID, RigSpec] = field(default_factory=dict)
    rigs_registered: Mapping[UUID, float] = field(default_factory=dict)  # also of rigs that are gone

    def in_rack(self, rack: int) -> tuple[DeviceSpec, ...]:
        """Return a rack's devices, in the order in which they came."""
        return tuple(spec for device_id, spec in self.devices.items() if self.placement[device_id] == rack)

    @property
    def racks(self) -> list[int]:
        """Return the racks in use, in order."""
        return sorted(set(self.placement.values()))


Changes = dict[int, ChangeRack]  # by rack


def take_all(
    state: FleetState, devices: Sequence[DeviceSpec], *, from_cache: bool, as_of: float, rigs: Sequence[RigSpec] = ()
) -> tuple[FleetState, Changes]:
    """Adopt the full list of devices. A cached list never overrules one that was read, nor any list a later announcement."""
    if from_cache and state.known:
        return state, {}
    told = {spec.device_id: spec for spec in devices if spec.admin is not Admin.RETIRED}
    later = {device_id for device_id, time in state.registered.items() if time >= as_of}
    wanted = {device_id: spec for device_id, spec in told.items() if device_id not in later}
    wanted |= {device_id: spec for device_id, spec in state.laboratory.items() if device_id in later}
    registered = {device_id: time for device_id, time in state.registered.items() if device_id in later}
    return _adopt(replace(_with_rigs(state, rigs, as_of), registered=registered, known=True), wanted)


def take_one(state: FleetState, device: DeviceSpec, now: float) -> tuple[FleetState, Changes]:
    """Adopt one new, changed or retired device."""
    wanted = {**state.laboratory, device.device_id: device}
    if device.admin is Admin.RETIRED:
        del wanted[device.device_id]
    return _adopt(replace(state, registered={**state.registered, device.device_id: now}), wanted)


def take_held(state: FleetState, held: frozenset[UUID]) -> tuple[FleetState, Changes]:
    """Adopt which devices are this host's."""
    return _adopt(replace(state, held=held), state.laboratory)


def take_rig(state: FleetState, rig_id: UUID, rig: RigSpec | None, now: float) -> tuple[FleetState, Changes]:
    """Adopt one new, changed or removed (None) rig."""
    rigs = {known: each for known, each in state.rigs.items() if known != rig_id} | ({} if rig is None else {rig_id: rig})
    registered = {**state.rigs_registered, rig_id: now}
    return _adopt(replace(state, rigs=rigs, rigs_registered=registered), state.laboratory)


def _with_rigs(state: FleetState, rigs: Sequence[RigSpec], as_of: float) -> FleetState:
    registered = {rig_id: time for rig_id, time in state.rigs_registered.items() if time >= as_of}
    told = {rig.rig_id: rig for rig in rigs if rig.rig_id not in registered}
    told |= {rig_id: rig for rig_id, rig in state.rigs.items() if rig_id in registered}
    return replace(state, rigs=told, rigs_registered=registered)


def _adopt(state: FleetState, laboratory: Mapping[UUID, DeviceSpec]) -> tuple[FleetState, Changes]:
    held = state.held
    wanted = laboratory if held is None else {each: spec for each, spec in laboratory.items() if each in held}
    wanted = armed(wanted, state.rigs.values())
    placement = place(state.placement, wanted, state.rack_size)
    in_order = _in_order(state.devices, wanted)
    changed = [spec for device_id, spec in in_order.items() if state.devices.get(device_id) != spec]
    removed = [device_id for device_id in state.devices if device_id not in wanted]
    racks = {placement[spec.device_id] for spec in changed} | {state.placement[device_id] for device_id in removed}
    changes = {
        rack: ChangeRack(
            tuple(spec for spec in changed if placement[spec.device_id] == rack),
            tuple(device_id for device_id in removed if state.placement[device_id] == rack),
        )
        for rack in sorted(racks)
    }
    return replace(state, laboratory=_in_order(state.laboratory, laboratory), devices=in_order, placement=placement), changes


def _in_order(before: Mapping[UUID, DeviceSpec], now: Mapping[UUID, DeviceSpec]) -> Mapping[UUID, DeviceSpec]:
    return {device_id: now[device_id] for device_id in [*before, *now] if device_id in now}


def place(placement: Mapping[UUID, int], wanted: Iterable[UUID], rack_size: int) -> dict[UUID, int]:
    """Return each wanted device's rack: who has one keeps it, who is new comes into the first rack with room."""
    wanted = list(wanted)
    placed = {device_id: placement[device_id] for device_id in wanted if device_id in placement}
    load = Counter(placed.values())
    rack = 1
    for device_id in wanted:
        if device_id in placed:
            continue
        while load[rack] >= rack_size:
            rack += 1
        placed[device_id] = rack
        load[rack] += 1
    return placed
