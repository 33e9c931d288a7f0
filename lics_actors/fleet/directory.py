"""Where every device's actor is and how it is, as its rack last reported. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from lics_actors.device.messages import DeviceSpec
from lics_actors.fleet.messages import NodeState, NodeView, RackReported
from lics_actors.fleet.state import device_node


class Directory:
    """Bounded by the number of devices: one view and one address each."""

    def __init__(self) -> None:
        self.nodes: dict[str, NodeView] = {}
        self.addresses: dict[str, object] = {}
        self._begun: set[str] = set()

    def take(self, report: RackReported) -> None:
        """Adopt what a rack reported."""
        for view in report.nodes:
            self.nodes[view.name] = view
            self.addresses.pop(view.name, None)
        self.addresses.update(report.addresses)
        self._begun.update(report.addresses)
        self._begun.update(view.name for view in report.nodes if view.state in {NodeState.QUARANTINED, NodeState.DRAINED})
        self.forget(report.forgotten)

    def lose(self, names: Iterable[str], state: NodeState = NodeState.RESTARTING) -> None:
        """Their rack is down, and they with it, in this state. Who was kept down stays so."""
        for name in names:
            self.addresses.pop(name, None)
            view = self.nodes.get(name)
            if view is not None and view.held_by is None:
                self.nodes[name] = replace(view, state=state, pid=None, word="", stats={})

    def forget(self, names: Iterable[str]) -> None:
        """They are devices no more."""
        for name in names:
            self.nodes.pop(name, None)
            self.addresses.pop(name, None)
            self._begun.discard(name)

    def begun_once(self, name: str) -> bool:
        """Return whether this device's actor was ever at work, or is kept down."""
        return name in self._begun

    def incarnations(self, devices: Iterable[UUID]) -> dict[UUID, int]:
        """Return how many each of these had, where any was ever reported."""
        known = {device_id: self.nodes.get(device_node(device_id)) for device_id in devices}
        return {device_id: view.incarnation for device_id, view in known.items() if view is not None}

    def views(self, devices: Iterable[DeviceSpec], since: datetime) -> tuple[NodeView, ...]:
        """Return these devices' nodes; one that was not reported yet is starting."""
        return tuple(self._view(device, since) for device in devices)

    def _view(self, device: DeviceSpec, since: datetime) -> NodeView:
        name = device_node(device.device_id)
        known = self.nodes.get(name)
        return known or NodeView(name, "device", NodeState.STARTING, None, 0, 0, since, label=device.name)
