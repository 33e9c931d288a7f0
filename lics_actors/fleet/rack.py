"""RackSupervisor: keeps the actors of up to some tens of devices alive, and tells its FleetSupervisor how they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from thespian.actors import Actor, ActorAddress

from lics_actors.device.actor import DeviceActor
from lics_actors.device.messages import BrokerSpec, ChangeDeviceSpec, DeviceActorSpec, DeviceSpec
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import ChangeRack, DeviceSteered, NodeView, RackReported, RackSpec, ReportTaken, SteerDevice
from lics_actors.fleet.state import device_node, device_of_node
from lics_actors.fleet.view import node_view, wall_clock
from lics_actors.journal import journal_path
from lics_actors.supervision.messages import ChildAdded, ChildRemoved
from lics_actors.supervision.specs import ChildSpec, Phase, Policy
from lics_actors.supervision.supervisor import Supervisor

DEVICE_STOP_S = 2.5  # of the five seconds an orderly stop may take
REPORT_PHASE_S = 0.05  # changes of phase within this are one report
REPORT_WORD_S = 0.5  # states and counters come with the pongs of one sweep, which take about this long to come in
REPORT_AGAIN_S = 5.0  # without a word from the fleet the next report goes out anyway


@dataclass(frozen=True, slots=True)
class _ReportDue:
    """Wakeup: tell the fleet what has changed."""

    serial: int


class RackSupervisor(Supervisor):
    """Begins with a `RackSpec`, follows `ChangeRack`, reports `RackReported`."""

    policy: ClassVar[Policy] = Policy()

    def __init__(self) -> None:
        super().__init__()
        self.devices: dict[UUID, DeviceSpec] = {}
        self.broker: BrokerSpec | None = None
        self.journal_dir = ""
        self.redis_url: str | None = None
        self._incarnations: Mapping[UUID, int] = {}
        self._ceilings: tuple[int | None, int | None] = (None, None)
        self._begun_as: dict[str, DeviceSpec] = {}
        self._running: set[str] = set()  # as last seen here
        self._changed: dict[str, None] = {}
        self._report_due: float | None = None
        self._report_serial = 0
        self._reporting = False

    def begin(self, spec: object) -> None:
        """Take the rack's devices and start them."""
        assert isinstance(spec, RackSpec)
        self.broker, self.journal_dir, self.redis_url = spec.broker, spec.journal_dir, spec.redis_url
        self.supervise(self.policy, journal_path(Path(spec.journal_dir), self.name.replace(":", "-")))
        self._incarnations = spec.incarnations
        self._ceilings = (spec.actor_memory_bytes, spec.actor_files)
        self._change(ChangeRack(spec.devices))

    def child_class(self, name: str) -> type[Actor]:  # noqa: ARG002 - all are alike
        """Return the class of a device's actor."""
        return DeviceActor

    def child_spec(self, name: str) -> object:
        """Return the present specification of a device's actor."""
        device_id = device_of_node(name)
        assert device_id is not None and self.broker is not None
        self._begun_as[name] = self.devices[device_id]
        return DeviceActorSpec(self.devices[device_id], self.broker, self.journal_dir, self.redis_url)

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take what the fleet says; the rest is the children's."""
        match message:
            case ChangeRack():
                self._change(message)
            case ReportTaken():
                self._reporting = False
                if self._changed:
                    self._report_within(REPORT_PHASE_S)
            case SteerDevice():
                self._steer(message)
            case _:
                super().on_message(message, sender)

    def on_child_begun(self, name: str, address: ActorAddress) -> None:
        """Catch up with a specification that changed while the child was starting."""
        device_id = device_of_node(name)
        wanted = self.devices.get(device_id) if device_id else None
        if wanted is not None and wanted != self._begun_as.get(name):
            self.send(address, ChangeDeviceSpec(wanted))

    def on_child_changed(self, name: str) -> None:
        """Remember to tell the fleet: at once where an actor came or went, in a moment where it only has news."""
        child = self.supervision.children.get(name)
        running = child is not None and child.phase is Phase.RUNNING
        only_news = running and name in self._running
        (self._running.add if running else self._running.discard)(name)
        self._changed[name] = None
        self._report_within(REPORT_WORD_S if only_news else REPORT_PHASE_S)

    def on_wakeup(self, payload: object) -> None:
        """Report, or take a timer of the supervision."""
        match payload:
            case _ReportDue(serial=serial):
                if serial == self._report_serial:
                    self._report()
            case _:
                super().on_wakeup(payload)

    def _change(self, change: ChangeRack) -> None:
        for spec in change.devices:
            node = device_node(spec.device_id)
            self.devices[spec.device_id] = spec
            self._changed[node] = None
            if not self.tell_child(node, ChangeDeviceSpec(spec)):
                self.tell(ChildAdded(self._child(node, spec.device_id), self.now()))
        for device_id in change.removed:
            self.devices.pop(device_id, None)
            self.tell(ChildRemoved(device_node(device_id), self.now()))
            self._changed[device_node(device_id)] = None  # the fleet may wait for the word that it is not there
        self._report_within(REPORT_PHASE_S)

    def _child(self, node: str, device_id: UUID) -> ChildSpec:
        memory_bytes, files = self._ceilings
        earlier = self._incarnations.get(device_id, 0)
        return ChildSpec(node, stop_timeout_s=DEVICE_STOP_S, incarnations=earlier, memory_bytes=memory_bytes, files=files)

    def _steer(self, wish: SteerDevice) -> None:
        def answer(outcome: object) -> None:
            if self._changed:  # whoever hears that it is done must see it
                self._report()
            self.send(self.supervisor, DeviceSteered(wish.ref, outcome))

        try:
            self.steer_child(wish.node, wish.verb, wish.principal, wish.reason, answer)
        except LicsError as error:
            answer(error)

    def _report_within(self, seconds: float) -> None:
        due = self.now() + seconds
        if self._reporting or (self._report_due is not None and self._report_due <= due):
            return
        self._report_due = due
        self._report_serial += 1
        self.wake_after(seconds, _ReportDue(self._report_serial))

    def _report(self) -> None:
        names, self._changed = list(self._changed), {}
        children, incarnations = self.supervision.children, self.incarnations
        self._report_due, self._reporting = None, True
        self._report_serial += 1
        self.send(
            self.supervisor,
            RackReported(
                nodes=tuple(self._view(name) for name in names if name in children),
                addresses={name: incarnations[name].address for name in names if name in children and name in self._running},
                forgotten=tuple(name for name in names if name not in children),
            ),
        )
        self.wake_after(REPORT_AGAIN_S, _ReportDue(self._report_serial))

    def _view(self, name: str) -> NodeView:
        device_id = device_of_node(name)
        spec = self.devices.get(device_id) if device_id else None
        known = self.incarnations.get(name)
        return node_view(
            self.supervision.children[name],
            "device",
            wall_clock(self.now()),
            hold=self.supervision.holds.get(name),
            pid=known.pid if known else None,
            label=spec.name if spec else "",
            word=known.word if known else "",
            stats=known.all_stats if known else {},
        )
