"""RackSupervisor: keeps the actors of up to some tens of devices alive, and tells its FleetSupervisor how they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from thespian.actors import Actor, ActorAddress

from lics_actors.device.actor import DeviceActor
from lics_actors.device.messages import BrokerSpec, ChangeDeviceSpec, DeviceActorSpec, DeviceSpec
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import ChangeRack, DeviceSteered, RackSpec, SteerDevice
from lics_actors.fleet.reporting import REPORT_PHASE_S, Reporting
from lics_actors.fleet.state import device_node, device_of_node
from lics_actors.journal import journal_path
from lics_actors.supervision.messages import ChildAdded, ChildRemoved
from lics_actors.supervision.specs import ChildSpec, Policy

DEVICE_STOP_S = 2.5  # of the five seconds an orderly stop may take


class RackSupervisor(Reporting):
    """Begins with a `RackSpec`, follows `ChangeRack`, reports `RackReported`."""

    policy: ClassVar[Policy] = Policy()
    kind = "device"

    def __init__(self) -> None:
        super().__init__()
        self.devices: dict[UUID, DeviceSpec] = {}
        self.broker: BrokerSpec | None = None
        self.journal_dir = ""
        self.redis_url: str | None = None
        self._incarnations: Mapping[UUID, int] = {}
        self._ceilings: tuple[int | None, int | None] = (None, None)
        self._begun_as: dict[str, DeviceSpec] = {}

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

    def label(self, name: str) -> str:
        """Return a device's name."""
        device_id = device_of_node(name)
        spec = self.devices.get(device_id) if device_id else None
        return spec.name if spec else ""

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take what the fleet says; the rest is the children's."""
        match message:
            case ChangeRack():
                self._change(message)
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

    def _change(self, change: ChangeRack) -> None:
        for spec in change.devices:
            node = device_node(spec.device_id)
            self.devices[spec.device_id] = spec
            self.note_changed(node)
            if not self.tell_child(node, ChangeDeviceSpec(spec)):
                self.tell(ChildAdded(self._child(node, spec.device_id), self.now()))
        for device_id in change.removed:
            self.devices.pop(device_id, None)
            self.tell(ChildRemoved(device_node(device_id), self.now()))
            self.note_changed(device_node(device_id))  # the fleet may wait for the word that it is not there
        self.report_within(REPORT_PHASE_S)

    def _child(self, node: str, device_id: UUID) -> ChildSpec:
        memory_bytes, files = self._ceilings
        earlier = self._incarnations.get(device_id, 0)
        return ChildSpec(node, stop_timeout_s=DEVICE_STOP_S, incarnations=earlier, memory_bytes=memory_bytes, files=files)

    def _steer(self, wish: SteerDevice) -> None:
        def answer(outcome: object) -> None:
            self.report_news()
            self.send(self.supervisor, DeviceSteered(wish.ref, outcome))

        try:
            self.steer_child(wish.node, wish.verb, wish.principal, wish.reason, answer)
        except LicsError as error:
            answer(error)
