"""What is said to and by the supervisors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf
from uuid import UUID

from lics_actors.device.messages import BrokerSpec, DeviceSpec, RigSpec
from lics_actors.hosts.messages import MemberSpec
from lics_actors.supervision.specs import Verb
from lics_actors.welfare.days import NamedCalendar


class NodeState(StrEnum):
    """Where a node of the supervision tree stands."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"  # waits for its backoff
    QUARANTINED = "quarantined"  # restarted too often, or given up by a person; waits for one
    DRAINED = "drained"  # put out of work by a person; waits for one
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """`BeginActor.spec` of the FleetSupervisor. `specs_cache`: the devices as last known, for a start without database."""

    broker: BrokerSpec
    data_dir: str
    database_url: str
    redis_url: str | None
    spool_quota_bytes: int  # all recorders' together
    rack_size: int = 50
    recorders: int = 1
    lag_alarm_s: float = 30.0
    broker_queue: int | None = None
    restarts: int = 0  # how often the launcher has started it anew
    actor_memory_bytes: int | None = None  # a device's actor above that is recycled; the others may have more, see `children`
    actor_files: int | None = None
    member: MemberSpec | None = None  # where this is one of several hosts
    control: BrokerSpec | None = None  # the way in to change the broker's accounts, where LICS has one
    calendar: NamedCalendar = field(default_factory=NamedCalendar)  # by which subjects' days go


@dataclass(frozen=True, slots=True)
class RackSpec:
    """`BeginActor.spec` of a RackSupervisor. `incarnations`: how many each device's actor had under the rack's predecessor."""

    devices: tuple[DeviceSpec, ...]
    broker: BrokerSpec
    journal_dir: str
    incarnations: Mapping[UUID, int] = field(default_factory=dict)
    redis_url: str | None = field(default=None, repr=False)
    actor_memory_bytes: int | None = None
    actor_files: int | None = None


@dataclass(frozen=True, slots=True)
class RecorderSpec:
    """`BeginActor.spec` of a Recorder. `part`: its number, from 1, among the `parts` that are configured; one beyond them is
    there only to bring home what it still holds."""

    broker: BrokerSpec
    spool_dir: str
    journal_dir: str
    database_url: str
    spool_quota_bytes: int
    name: str = "recorder"
    part: int = 1
    parts: int = 1
    lag_alarm_s: float = 30.0
    broker_queue: int | None = None  # messages the broker queues for a client, where that is known
    redis_url: str | None = field(default=None, repr=False)  # of the live bus; None: nobody looks on
    listen: bool = True  # False: another host records, and this one ships what it has


@dataclass(frozen=True, slots=True)
class RegistrarSpec:
    """`BeginActor.spec` of the Registrar, the leaf that reads the laboratory's devices from the database."""

    database_url: str
    cache_file: str
    broker: BrokerSpec
    sessions_file: str


@dataclass(frozen=True, slots=True)
class HousekeeperSpec:
    """`BeginActor.spec` of the Housekeeper, the leaf that keeps rollups, deletes what is over its time, and goes the rounds of
    welfare. `run_dir`: where it finds its fleet, and so the runs; None: no rounds. `host`: the address its sockets bind."""

    database_url: str
    journal_dir: str
    run_dir: str | None = None
    host: str = "127.0.0.1"
    calendar: NamedCalendar = field(default_factory=NamedCalendar)
    redis_url: str | None = field(default=None, repr=False)
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class DoorkeeperSpec:
    """`BeginActor.spec` of the Doorkeeper, the leaf that keeps the broker's accounts. `control`: its way in to change them."""

    database_url: str = field(repr=False)
    broker: BrokerSpec
    control: BrokerSpec
    data_dir: str
    journal_dir: str


@dataclass(frozen=True, slots=True)
class SchedulerSpec:
    """`BeginActor.spec` of the Scheduler, the leaf that begins sessions in their windows. `run_dir` and `host` are the way to the
    fleet."""

    database_url: str = field(repr=False)
    broker: BrokerSpec
    data_dir: str
    run_dir: str
    host: str
    calendar: NamedCalendar = field(default_factory=NamedCalendar)
    redis_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DeviceProvisioned:
    """Doorkeeper → FleetSupervisor, after the row is committed: this device is new."""

    device: DeviceSpec


@dataclass(frozen=True, slots=True)
class DevicesKnown:
    """Registrar → FleetSupervisor → Recorders: all devices that are not retired.

    `as_of`: when reading began, by this host's monotonic clock; what was registered later is not in it. For recorders: `serial`
    counts the lists sent to them, and `settled` says that each has taken up its part, so that it may give up what is not its own.
    """

    devices: tuple[DeviceSpec, ...]
    from_cache: bool = False
    as_of: float = inf
    serial: int = 0
    settled: bool = True
    rigs: tuple[RigSpec, ...] = ()  # for the FleetSupervisor, who tells each device what concerns it


@dataclass(frozen=True, slots=True)
class DevicesRemoved:
    """FleetSupervisor → Registrar: the actors of these devices are being stopped, and none is started for them."""

    devices: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ReadDevices:
    """FleetSupervisor → Registrar: read the devices now, or once within some seconds, however often that is asked for."""

    within_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PartTaken:
    """Recorder → FleetSupervisor: the broker has granted all subscriptions that the list `serial` asks of this recorder."""

    name: str
    serial: int


@dataclass(frozen=True, slots=True)
class RegisterDevice:
    """Peer → FleetSupervisor, after the row is committed: start this device, or take over its changed specification.
    Retired or unknown → its actor is stopped. Answered by True."""

    device: DeviceSpec


@dataclass(frozen=True, slots=True)
class RegisterRig:
    """Peer → FleetSupervisor, after the row is committed: this rig is new, changed, or (None) gone. Answered by True."""

    rig_id: UUID
    rig: RigSpec | None


@dataclass(frozen=True, slots=True)
class LocateDevice:
    """Peer → FleetSupervisor: where is this device's actor? Answered by `DeviceLocated`, DeviceNotFoundError, or
    FleetUnavailableError while it restarts or is quarantined."""

    device_id: UUID


@dataclass(frozen=True, slots=True)
class DeviceLocated:
    """`address` is the ActorAddress, good until the actor dies."""

    device_id: UUID
    address: object
    incarnation: int


@dataclass(frozen=True, slots=True)
class AskAlive:
    """Peer → FleetSupervisor: are you there? Answered by True."""


@dataclass(frozen=True, slots=True)
class AskFleet:
    """Peer → FleetSupervisor: the supervision tree. Answered by `NodeView`."""


@dataclass(frozen=True, slots=True)
class RestartNode:
    """Peer → FleetSupervisor: restart a node by name (`device:<uuid>`, `rack:1`, `recorder` …). Answered by True once the new
    incarnation has begun, or by NodeNotFoundError. Clears a quarantine."""

    node: str
    principal: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SteerNode:
    """Peer → FleetSupervisor: restart, drain, quarantine or clear a node by name. Answered by True once it is done (the new
    incarnation has begun, or the old one is gone), or by NodeNotFoundError, ConflictError or FleetUnavailableError."""

    node: str
    verb: Verb
    principal: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RollNodes:
    """Peer → FleetSupervisor: restart all that run, `at_once` at a time. Answered by `RollView` at once, or by ConflictError
    while one is under way; it goes on whether anybody asks after it or not."""

    at_once: int
    principal: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class AskRoll:
    """Peer → FleetSupervisor: how is the last rolling restart? Answered by `RollView`, or by RollNotFoundError."""


@dataclass(frozen=True, slots=True)
class RollView:
    """A rolling restart. `state`: running, done, or stopped, because one did not come back (`failed`: node → why)."""

    state: str
    total: int
    done: int
    skipped: tuple[str, ...]
    under_way: tuple[str, ...]
    failed: Mapping[str, str]
    principal: str
    reason: str | None
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RelaunchFleet:
    """Peer → FleetSupervisor: end the fleet in order and start it anew from the program as it is on disk now. Answered by True
    when that begins, or by ConflictError where the program on disk would not start."""

    principal: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Relaunch:
    """FleetSupervisor → launcher: start anew. Answered by `RelaunchJudged`."""

    principal: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RelaunchJudged:
    """Launcher → FleetSupervisor: it begins, or (`obstacle`) the program on disk would not start, and all goes on as it is."""

    obstacle: str | None


@dataclass(frozen=True, slots=True)
class AskCrashes:
    """Peer → FleetSupervisor: how a node died lately. Answered by a tuple of `store.records.CrashReport`, newest first; by an
    empty one for a node that never did, or is not known."""

    node: str


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node of the supervision tree as operators see it. `stats` are the node's own counters and gauges."""

    name: str
    kind: str  # fleet, rack, device, recorder, registrar, housekeeper, doorkeeper, scheduler, runs, run
    state: NodeState
    pid: int | None
    incarnation: int
    restarts: int
    since: datetime
    label: str = ""  # a device's name
    word: str = ""  # the node's own word of state: a device's status
    last_error: str | None = None
    stats: Mapping[str, float] = field(default_factory=dict)
    children: tuple[NodeView, ...] = ()
    held_by: str | None = None  # who keeps it down: a person, or `system:fleet` where it was restarted too often
    held_reason: str | None = None


@dataclass(frozen=True, slots=True)
class FleetReady:
    """FleetSupervisor → launcher: every device's actor has begun once."""

    devices: int


@dataclass(frozen=True, slots=True)
class ChangeRack:
    """FleetSupervisor → RackSupervisor: start these devices or take over their changed specifications; stop those."""

    devices: tuple[DeviceSpec, ...] = ()
    removed: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class RackReported:
    """RackSupervisor → FleetSupervisor: the nodes that changed since the last report, and where the running ones are.

    Coalesced, and at most one entry a device: a rack's view of itself is in its FleetSupervisor before anybody asks.
    """

    nodes: tuple[NodeView, ...]
    addresses: Mapping[str, object]  # node name → ActorAddress
    forgotten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportTaken:
    """FleetSupervisor → RackSupervisor: the next report may come. One is under way at a time."""


@dataclass(frozen=True, slots=True)
class SteerDevice:
    """FleetSupervisor → RackSupervisor: an operator's wish, passed on. Answered by `DeviceSteered` with this `ref`."""

    ref: int
    node: str
    verb: Verb
    principal: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class DeviceSteered:
    """RackSupervisor → FleetSupervisor: True once it is done, or the LicsError why not."""

    ref: int
    outcome: object
