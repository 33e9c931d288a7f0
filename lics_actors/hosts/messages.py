"""What FleetSupervisor and Member say to each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """`BeginActor.spec` of the Member, and how a FleetSupervisor knows that it is one of several."""

    name: str
    sites: tuple[str, ...]
    database_url: str
    run_dir: str
    state_file: str
    lease: str
    journal_dir: str


@dataclass(frozen=True, slots=True)
class DutiesHeld:
    """Member → FleetSupervisor: what this host is to be at, all of it. What is not in it is to be ended; of `ending` another host
    waits for the word that nothing of ours is at it any more."""

    duties: frozenset[str]
    ending: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DutiesLeft:
    """FleetSupervisor → Member: nothing of ours is at these any more."""

    duties: frozenset[str]


@dataclass(frozen=True, slots=True)
class CommandsLeft:
    """Member → FleetSupervisor: another host left these `store.records.Command`s unsettled; their device is ours now."""

    device_id: UUID
    commands: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class SteerHost:
    """FleetSupervisor → Member: have a host give its devices away, or end that. Answered by `HostSteered` with this `ref`."""

    ref: int
    host: str
    drained: bool
    principal: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class HostSteered:
    """Member → FleetSupervisor: True once it stands in the table, or the LicsError why not."""

    ref: int
    outcome: object


@dataclass(frozen=True, slots=True)
class LaboratoryChanged:
    """FleetSupervisor → Member: devices came, went or moved to another place."""


@dataclass(frozen=True, slots=True)
class FleetStops:
    """FleetSupervisor → Member: when you are asked to stop, leave the other hosts in order."""


@dataclass(frozen=True, slots=True)
class Listen:
    """FleetSupervisor → Recorder: listen to the devices, or leave that to another host and only ship what is here."""

    listen: bool


@dataclass(frozen=True, slots=True)
class ListeningEnded:
    """Recorder → FleetSupervisor: the broker delivers nothing to us any more."""

    name: str
