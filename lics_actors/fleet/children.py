"""How the FleetSupervisor treats its own children: in which order they stop, how long they may take, what they may hold. Pure."""

from __future__ import annotations

from lics_actors.fleet.messages import FleetSpec
from lics_actors.supervision.specs import ChildKind, ChildSpec

# Stages: runs are gone before the devices that they command, racks before the Recorders, so that they ship what those wrote last.
FIRST, SECOND, THIRD = 0, 1, 2
RUNS_STOP_S, RACK_STOP_S, LEAF_STOP_S = (
    2.0,
    4.0,
    4.0,
)  # an orderly stop takes tenths of a second; this is for when something hangs
LEAF_HANG_S = 20.0  # leaves hold no device up, and a slow disk or a large batch may hold their loop up
FACTOR = 8  # a Recorder holds batches and caches, a rack a connection to each child: so many times what a device's actor may


def leaf_child(name: str, fleet: FleetSpec, kind: ChildKind = ChildKind.PERMANENT) -> ChildSpec:
    """Return a Recorder, or another leaf of the fleet's own."""
    memory_bytes, files = _ceilings(fleet)
    return ChildSpec(name, kind, FIRST, stop_timeout_s=LEAF_STOP_S, hang_s=LEAF_HANG_S, memory_bytes=memory_bytes, files=files)


def rack_child(name: str, fleet: FleetSpec) -> ChildSpec:
    """Return a rack. Its recycle takes its devices with it, so it comes late."""
    memory_bytes, files = _ceilings(fleet)
    return ChildSpec(name, stage=SECOND, stop_timeout_s=RACK_STOP_S, memory_bytes=memory_bytes, files=files)


def runs_child(name: str, fleet: FleetSpec) -> ChildSpec:
    """Return the supervisor of runs. Its recycle takes its runs with it, so it comes late, as a rack's."""
    memory_bytes, files = _ceilings(fleet)
    return ChildSpec(name, stage=THIRD, stop_timeout_s=RUNS_STOP_S, memory_bytes=memory_bytes, files=files)


def _ceilings(fleet: FleetSpec) -> tuple[int | None, int | None]:
    memory_bytes, files = fleet.actor_memory_bytes, fleet.actor_files
    return memory_bytes and memory_bytes * FACTOR, files and files * FACTOR
