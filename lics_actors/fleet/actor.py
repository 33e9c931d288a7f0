"""FleetSupervisor: the root. Keeps Recorders, Registrar and racks alive, knows where devices' actors are, answers operators."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from thespian.actors import Actor, ActorAddress

from lics_actors.admission.doorkeeper import Doorkeeper
from lics_actors.device.messages import DeviceSpec
from lics_actors.errors import DeviceNotFoundError, FleetUnavailableError, LicsError
from lics_actors.fleet.children import leaf_child, rack_child, runs_child
from lics_actors.fleet.directory import Directory
from lics_actors.fleet.duties import MEMBER, HostDuties, Member
from lics_actors.fleet.messages import (
    AskAlive,
    AskCrashes,
    AskFleet,
    AskRoll,
    ChangeRack,
    DeviceLocated,
    DeviceProvisioned,
    DevicesKnown,
    DevicesRemoved,
    DeviceSteered,
    DoorkeeperSpec,
    FleetReady,
    FleetSpec,
    HousekeeperSpec,
    LocateDevice,
    NodeState,
    NodeView,
    PartTaken,
    RackReported,
    RackSpec,
    ReadDevices,
    RegisterDevice,
    RegisterRig,
    RegistrarSpec,
    RelaunchFleet,
    RelaunchJudged,
    ReportTaken,
    RestartNode,
    RollNodes,
    SchedulerSpec,
    SteerDevice,
    SteerNode,
)
from lics_actors.fleet.rack import RackSupervisor
from lics_actors.fleet.recorders import RECORDER, Handover, recorder_number, recorder_spec
from lics_actors.fleet.registrar import Registrar
from lics_actors.fleet.renewal import Renewing
from lics_actors.fleet.runduties import RUNS, RunDuties
from lics_actors.fleet.runs import RunSupervisor
from lics_actors.fleet.state import (
    Changes,
    FleetState,
    device_node,
    device_of_node,
    rack_node,
    take_all,
    take_held,
    take_one,
    take_rig,
)
from lics_actors.fleet.view import node_view, wall_clock
from lics_actors.hosts.messages import CommandsLeft, DutiesHeld, HostSteered, Listen, ListeningEnded
from lics_actors.housekeeping.actor import Housekeeper
from lics_actors.journal import journal_path
from lics_actors.recorder.actor import Recorder
from lics_actors.run.messages import AskRuns, LocateRun, RunBegun, StartRun
from lics_actors.runtime import transport
from lics_actors.scheduler.actor import Scheduler
from lics_actors.supervision.crashes import Crashes
from lics_actors.supervision.messages import ChildAdded, ChildRemoved
from lics_actors.supervision.specs import ChildKind, ChildSpec, Phase, Policy, Verb

REGISTRAR, HOUSEKEEPER, DOORKEEPER, SCHEDULER, RACK = "registrar", "housekeeper", "doorkeeper", "scheduler", "rack"
LEAVES: dict[str, type[Actor]] = {
    REGISTRAR: Registrar,
    HOUSEKEEPER: Housekeeper,
    DOORKEEPER: Doorkeeper,
    SCHEDULER: Scheduler,
}
KEPT_WITHIN_S = 1.0  # until a registered device is in the file; many that come together are read once
MAX_WISHES = 100  # of operators about devices, under way

Reply = Callable[[object], None]
log = logging.getLogger(__name__)


class FleetSupervisor(Renewing, HostDuties, RunDuties):
    """Begins with a `FleetSpec`."""

    policy: ClassVar[Policy] = Policy()

    def __init__(self) -> None:
        super().__init__()
        self.spec: FleetSpec | None = None
        self.fleet = FleetState()
        self.directory = Directory()
        self.handover = Handover.among(1, ())
        self.began_at = datetime.now(UTC)
        self._told: dict[str, dict[UUID, DeviceSpec]] = {}  # by rack, what it was begun with
        self._wishes: dict[int, tuple[str, Reply]] = {}
        self._ref = 0
        self._list_serial = 0
        self._ready_told = False

    def begin(self, spec: object) -> None:
        """Start the Recorders and the other leaves; racks follow once the devices are known."""
        assert isinstance(spec, FleetSpec)
        self.spec = spec
        self.fleet = FleetState(spec.rack_size)
        self.supervise(self.policy, journal_path(self._journal_dir, "fleet"))
        leaves = [leaf_child(name, spec) for name in LEAVES if name != DOORKEEPER or spec.control is not None]
        member = self.join_hosts(spec)
        if member:
            self.fleet = replace(self.fleet, held=frozenset())
        for child in (*member, *self._recorders(spec), *leaves, runs_child(RUNS, spec)):
            self.tell(ChildAdded(child, self.now()))

    def _recorders(self, spec: FleetSpec) -> list[ChildSpec]:
        """Return those that are configured, and those that were: they end by themselves once they hold nothing any more."""
        folders = [path.name for path in Path(spec.data_dir).iterdir() if path.is_dir()]
        self.handover = Handover.among(spec.recorders, folders)
        kinds = dict.fromkeys(self.handover.configured, ChildKind.PERMANENT)
        kinds |= dict.fromkeys(self.handover.retiring, ChildKind.TRANSIENT)
        return [leaf_child(name, spec, kind) for name, kind in kinds.items()]

    def child_class(self, name: str) -> type[Actor]:
        """Return the class of a child."""
        if recorder_number(name) is not None:
            return Recorder
        if name == MEMBER:
            return Member
        return RunSupervisor if name == RUNS else LEAVES.get(name, RackSupervisor)

    def child_spec(self, name: str) -> object:
        """Return the present specification of a child."""
        spec = self._spec
        if (number := recorder_number(name)) is not None:
            return replace(recorder_spec(spec, number, str(self._journal_dir)), listen=self.records)
        if name == MEMBER:
            return spec.member
        if name == REGISTRAR:
            folder = Path(spec.data_dir)
            return RegistrarSpec(spec.database_url, str(folder / "devices.json"), spec.broker, str(folder / "sessions.json"))
        if name == HOUSEKEEPER:
            return HousekeeperSpec(
                database_url=spec.database_url,
                journal_dir=str(self._journal_dir),
                run_dir=str(Path(spec.data_dir) / "run"),
                host=transport.bound_host(),
                calendar=spec.calendar,
                redis_url=spec.redis_url,
                prefix=spec.broker.prefix,
            )
        if name == DOORKEEPER and spec.control is not None:
            return DoorkeeperSpec(spec.database_url, spec.broker, spec.control, spec.data_dir, str(self._journal_dir))
        if name == SCHEDULER:
            folder, host = Path(spec.data_dir), transport.bound_host()
            ways = (spec.database_url, spec.broker, spec.data_dir, str(folder / "run"), host)
            return SchedulerSpec(*ways, spec.calendar, spec.redis_url)
        if name == RUNS:
            return self.runs_spec(spec, self._journal_dir)
        devices = self.fleet.in_rack(int(name.partition(":")[2]))
        self._told[name] = {device.device_id: device for device in devices}
        incarnations = self.directory.incarnations(self._told[name])
        ceilings = (spec.actor_memory_bytes, spec.actor_files)
        return RackSpec(devices, spec.broker, str(self._journal_dir), incarnations, spec.redis_url, *ceilings)

    # what children say

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take what Registrar and racks say."""
        match message:
            case DevicesKnown(devices=devices, from_cache=from_cache, as_of=as_of, rigs=rigs):
                self._adopt(take_all(self.fleet, devices, from_cache=from_cache, as_of=as_of, rigs=rigs))
                if not from_cache:
                    self._hand_over(self.handover.told(self._list_serial))
            case DeviceProvisioned(device=device):
                self._register(device)
            case DutiesHeld():
                self.duties_held(message)
            case CommandsLeft() | HostSteered():
                self.duties_heard(message)
            case ListeningEnded(name=name):
                self.recorder_ended(name)
            case RelaunchJudged():
                self.judged(message)
            case PartTaken(name=name, serial=serial):
                self._hand_over(self.handover.took(name, serial))
            case RunBegun():
                self.run_begun(message)
            case RackReported() if self.runs_reported(message, sender):
                pass
            case RackReported() if any(known.address == sender for known in self.incarnations.values()):
                self.directory.take(message)
                self.devices_forgotten(message.forgotten)
                self.send(sender, ReportTaken())
                self._tell_ready()
            case RackReported():
                self.counters["fleet_reports_stale"] += 1  # of a rack that is dead by now, and its devices with it
            case DeviceSteered(ref=ref, outcome=outcome):
                _, reply = self._wishes.pop(ref, ("", None))
                if reply is not None:
                    reply(outcome)
            case _:
                super().on_message(message, sender)

    def on_child_begun(self, name: str, address: ActorAddress) -> None:
        """Catch a new child up with what changed while it was starting."""
        if recorder_number(name) is not None and self.membership is not None:
            self.send(address, Listen(self.records))
        if recorder_number(name) is not None and self.fleet.known:
            self.send(address, self._all_devices())
        elif name in self._told:
            change = _difference(self._told[name], self.fleet.in_rack(int(name.partition(":")[2])))
            if change is not None:
                self.send(address, change)

    def on_child_changed(self, name: str) -> None:
        """Forget where the devices of a dead rack were."""
        child = self.supervision.children.get(name)
        if name.startswith(RACK):
            self.rack_changed(name)
        elif name == RUNS:
            self.runs_changed()
            self._fail_wishes(name)
        elif recorder_number(name) is not None:
            self.recorder_changed(name)
        if name.startswith(RACK) and (child is None or child.phase is not Phase.RUNNING):
            rack = int(name.partition(":")[2])
            down = child is not None and child.phase in {Phase.DRAINED, Phase.QUARANTINED}
            names = {device_node(device.device_id) for device in self.fleet.in_rack(rack)}
            self.directory.lose(names, NodeState.STOPPED if down else NodeState.RESTARTING)
            self._fail_wishes(name)
        elif name in self.handover.retiring and child and child.phase is Phase.ENDED and not self.supervision.stopping:
            self.tell(ChildRemoved(name, self.now(), "it holds nothing any more"))

    def _fail_wishes(self, name: str) -> None:
        for ref in [ref for ref, (node, _) in self._wishes.items() if node == name]:
            self._wishes.pop(ref)[1](FleetUnavailableError(f"{name} is restarting; ask again", node=name))

    def _adopt(self, adopted: tuple[FleetState, Changes]) -> None:
        before = self.fleet
        self.fleet, changes = adopted
        for rack, change in changes.items():
            self.directory.forget(device_node(device_id) for device_id in change.removed)
            for device_id in change.removed:
                self.device_given_up(device_id, rack_node(rack))
            self._change_rack(rack_node(rack), change, bool(self.fleet.in_rack(rack)))
        if removed := tuple(device_id for change in changes.values() for device_id in change.removed):
            self.tell_child(REGISTRAR, DevicesRemoved(removed))
        if changes or not before.known or before.laboratory != self.fleet.laboratory:
            self._tell_recorders()
        self._tell_ready()

    def _register(self, device: DeviceSpec) -> None:
        self._adopt(take_one(self.fleet, device, self.now()))
        self.laboratory_changed()
        self.tell_child(REGISTRAR, ReadDevices(within_s=KEPT_WITHIN_S))  # the file must know it, should the database go

    def recorder_names(self) -> tuple[str, ...]:
        """See `HostDuties`."""
        return (*self.handover.configured, *self.handover.retiring)

    def begun_with(self, rack: str) -> Collection[UUID]:
        """See `HostDuties`."""
        return self._told.get(rack, {})

    def hold(self, devices: frozenset[UUID]) -> None:
        """See `HostDuties`."""
        if devices != self.fleet.held:
            self._adopt(take_held(self.fleet, devices))
            if devices - self.fleet.laboratory.keys():
                self.tell_child(REGISTRAR, ReadDevices())

    def address_of(self, device_id: UUID) -> object | None:
        """See `HostDuties`."""
        return self.directory.addresses.get(device_node(device_id))

    def runs(self, device_id: UUID) -> bool:
        """See `HostDuties`."""
        return device_id in self.fleet.devices

    def _hand_over(self, now: Handover) -> None:
        before, self.handover = self.handover, now
        if now.done and not before.done:
            log.info("every recorder has taken up its part", extra={"recorders": len(now.configured)})
            self._tell_recorders()

    def _tell_recorders(self) -> None:
        self._list_serial += 1
        for name in (*self.handover.configured, *self.handover.retiring):
            self.tell_child(name, self._all_devices())

    def _change_rack(self, name: str, change: ChangeRack, used: bool) -> None:
        if not used and self.membership is None:  # of several hosts each may get devices at any time
            self.tell(ChildRemoved(name, self.now(), "no devices left"))
        elif not self.tell_child(name, change):
            self.tell(ChildAdded(rack_child(name, self._spec), self.now()))

    def _all_devices(self) -> DevicesKnown:
        return DevicesKnown(tuple(self.fleet.laboratory.values()), serial=self._list_serial, settled=self.handover.done)

    def _tell_ready(self) -> None:
        wanted = (each for each in self.fleet.devices if rack_node(self.fleet.placement[each]) not in self.supervision.holds)
        begun = (self.directory.begun_once(device_node(device_id)) for device_id in wanted)
        if not self._ready_told and self.fleet.known and all(begun):
            self._ready_told = True
            self.send(self.supervisor, FleetReady(len(self.fleet.devices)))

    # what peers ask

    def on_request(self, body: object, reply: Reply) -> None:
        """Answer operators, web and CLI."""
        match body:
            case LocateDevice(device_id=device_id):
                reply(self._locate(device_id))
            case AskAlive():
                reply(True)
            case AskFleet():
                reply(self.tree())
            case RegisterDevice(device=device):
                self._register(device)
                reply(True)
            case RegisterRig(rig_id=rig_id, rig=rig):
                self._adopt(take_rig(self.fleet, rig_id, rig, self.now()))
                reply(True)
            case RestartNode(node=node, principal=principal, reason=reason):
                self.steer(SteerNode(node, Verb.RESTART, principal, reason), reply)
            case SteerNode():
                self.steer(body, reply)
            case StartRun() | LocateRun() | AskRuns():
                self.run_asked(body, reply)
            case RollNodes() | AskRoll() | RelaunchFleet():
                self.renew(body, reply)
            case AskCrashes(node=node):
                reply(Crashes(Path(self._spec.data_dir)).read(node))
            case _:
                super().on_request(body, reply)

    def _locate(self, device_id: UUID) -> DeviceLocated | LicsError:
        node = device_node(device_id)
        if device_id not in self.fleet.devices:
            if device_id in self.fleet.laboratory:
                raise FleetUnavailableError("another host serves this device", device_id=str(device_id), elsewhere=True)
            if self.fleet.known:
                return DeviceNotFoundError("the fleet runs no such device", device_id=str(device_id))
            return FleetUnavailableError("the fleet is just starting and does not know its devices yet", device_id=str(device_id))
        place, view = self.directory.addresses.get(node), self.directory.nodes.get(node)
        if place is None or view is None:
            state = view.state.value if view else NodeState.STARTING.value
            return FleetUnavailableError(f"the actor of this device is {state}", device_id=str(device_id), state=state)
        if self.cut_off(view.word):
            return FleetUnavailableError("this host is cut off; another may serve the device by now", elsewhere=True)
        return DeviceLocated(device_id, place, view.incarnation)

    def steer(self, wish: SteerNode, reply: Reply) -> None:
        """Do to a node what an operator wants.

        Raises:
            NodeNotFoundError, FleetUnavailableError
        """
        if self.steer_host(wish, reply):
            return
        device_id = device_of_node(wish.node)
        is_run = wish.node in self.run_nodes.nodes
        if not is_run and (device_id is None or device_id not in self.fleet.devices):
            self.steer_child(wish.node, wish.verb, wish.principal, wish.reason, reply)
            return
        if len(self._wishes) >= MAX_WISHES:
            raise FleetUnavailableError("too many restarts are under way; ask again", node=wish.node)
        self._ref += 1
        if is_run:
            self.steer_run(self._ref, wish)
            self._wishes[self._ref] = (RUNS, reply)
            return
        assert device_id is not None
        rack = rack_node(self.fleet.placement[device_id])
        if not self.tell_child(rack, SteerDevice(self._ref, wish.node, wish.verb, wish.principal, wish.reason)):
            raise FleetUnavailableError(f"{rack} does not run; see how it is, or ask again", node=wish.node)
        self._wishes[self._ref] = (rack, reply)

    # the tree

    def tree(self) -> NodeView:
        """Return the supervision tree, from memory."""
        return NodeView(
            name=self.name,
            kind="fleet",
            state=NodeState.STOPPING if self.supervision.stopping else NodeState.RUNNING,
            pid=os.getpid(),
            incarnation=self._spec.restarts + 1,
            restarts=self._spec.restarts,
            since=self.began_at,
            stats=self._all_stats(),
            children=tuple(self._view(name) for name in self.supervision.children),
        )

    def _view(self, name: str) -> NodeView:
        kind, _, number = name.partition(":")
        if recorder_number(name) is not None:
            kind = RECORDER
        known = self.incarnations.get(name)
        devices: tuple[NodeView, ...] = self.run_views() if kind == RUNS else ()
        if kind == RACK:
            devices = self.directory.views(self.fleet.in_rack(int(number)), self.began_at)
        return node_view(
            self.supervision.children[name],
            kind,
            wall_clock(self.now()),
            hold=self.supervision.holds.get(name),
            pid=known.pid if known else None,
            word=known.word if known else "",
            stats=known.all_stats if known else {},
            children=devices,
        )

    @property
    def _spec(self) -> FleetSpec:
        assert self.spec is not None
        return self.spec

    @property
    def _journal_dir(self) -> Path:
        return Path(self._spec.data_dir) / "journals"


def _difference(told: dict[UUID, DeviceSpec], now: tuple[DeviceSpec, ...]) -> ChangeRack | None:
    """Return how to get from what a rack was told to what is wanted now, or None."""
    wanted = {device.device_id: device for device in now}
    changed = tuple(device for device_id, device in wanted.items() if told.get(device_id) != device)
    removed = tuple(device_id for device_id in told if device_id not in wanted)
    return ChangeRack(changed, removed) if changed or removed else None
