"""The demo laboratory: the devices that the seed creates and the simulator plays. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

DEMO_CAGES = 8
DEMO_TYPES = ("pump", "lickometer", "environment")
PELLET_CAGE = 8  # rewards with a feeder in place of a pump: progressive ratio is worked for pellets

_NAMESPACE = UUID("5e0d7a52-6f0c-4c1e-9a55-1d0c7c1f3b6a")  # random, made for LICS; the ids of simulated devices hang on it


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """A device of the demo laboratory: what the seed writes and the simulator needs."""

    id: UUID
    name: str
    type: str
    location: str
    driver: str = "native"


@dataclass(frozen=True, slots=True)
class DemoRig:
    """A cage of the demo laboratory as a rig. `devices`: role → device; roles are named as those of the classics."""

    id: UUID
    name: str
    devices: Mapping[str, UUID]


ROLES = {"pump": "pump", "feeder": "feeder", "lickometer": "panel", "environment": "room"}  # of each type


def simulated_id(name: str) -> UUID:
    """Return the id of the simulated device called `name`: the same on every machine."""
    return uuid5(_NAMESPACE, name)


def demo_devices() -> tuple[DemoDevice, ...]:
    """Return the demo laboratory, cage by cage: a pump (or a feeder), a lickometer with a touchscreen, an environment sensor."""
    return tuple(
        DemoDevice(simulated_id(f"cage-{cage}-{kind}"), f"cage-{cage}-{kind}", kind, f"Cage {cage}")
        for cage in range(1, DEMO_CAGES + 1)
        for kind in ("feeder" if cage == PELLET_CAGE and kind == "pump" else kind for kind in DEMO_TYPES)
    )


def demo_rigs() -> tuple[DemoRig, ...]:
    """Return the cages of the demo laboratory as rigs."""
    return tuple(
        DemoRig(simulated_id(f"rig {place}"), place.lower().replace(" ", "-"), {ROLES[each.type]: each.id for each in those})
        for place, those in cages(demo_devices()).items()
    )


def cages(devices: Iterable[DemoDevice]) -> dict[str, tuple[DemoDevice, ...]]:
    """Return the devices of each place where a subject can live: where there is something to touch."""
    found: dict[str, tuple[DemoDevice, ...]] = {}
    for each in devices:
        found[each.location] = (*found.get(each.location, ()), each)
    return {place: those for place, those in found.items() if any(each.type == "lickometer" for each in those)}


def counted_devices(count: int) -> tuple[DemoDevice, ...]:
    """Return `count` devices for `lics simulate --count`: types in turn, ids that are the same in every run."""
    kinds = [DEMO_TYPES[n % len(DEMO_TYPES)] for n in range(count)]
    return tuple(
        DemoDevice(simulated_id(f"sim-{n}-{kind}"), f"sim-{n}-{kind}", kind, f"Rack {n // 50 + 1}")
        for n, kind in enumerate(kinds)
    )
