"""What a run hears of its devices: the events and metrics that its protocol asks for, in time and once each."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from drivers import registry
from drivers.errors import DecodeError
from drivers.protocol import Decoded, EventReported, Received, TelemetryReported, TopicFilter
from drivers.topics import matches
from lics_actors.device.interpreter import Interpreter
from lics_actors.device.messages import RoleSpec
from lics_actors.experiment.messages import DeviceSaid, MetricSaid
from lics_actors.experiment.plan import Plan

LATE_S: Final = 3.0  # a device that was cut off says afterwards what happened meanwhile: that is no response to what it shows now
MANY: Final = 256  # events of a device remembered, by epoch and seq: what it says again after a reconnect

Said = DeviceSaid | MetricSaid
log = logging.getLogger(__name__)


def listened(plan: Plan) -> frozenset[str]:
    """Return what any state of a plan waits for: `event:role.name`, `metric:role.name`."""
    return frozenset(key for state in plan.states for key in state.heard if not key.startswith("command:"))


class Ears:
    """The devices of a run. `counts`: what was passed over, and why.

    Raises:
        UnknownDriverError, ValueError: a device cannot be listened to.
    """

    def __init__(self, roles: Mapping[str, RoleSpec], prefix: str, wanted: frozenset[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._ears = [_Ear(role, spec, prefix, wanted) for role, spec in roles.items()]

    @property
    def filters(self) -> list[TopicFilter]:
        """Return what to subscribe to: all of it, all the time."""
        found = {each.filter: each for ear in self._ears for each in ear.filters}
        return [replace(each, data=False, control=True) for each in found.values()]

    def heard(self, received: Received, at: float) -> list[Said]:
        """Return what a message says to the run; `at`: now, on the run's axis."""
        if received.retained:
            return []
        return [said for ear in self._ears if ear.hears(received.topic) for said in ear.heard(received, at, self.counts)]


class _Ear:
    """One device in one role."""

    def __init__(self, role: str, spec: RoleSpec, prefix: str, wanted: frozenset[str]) -> None:
        self._role, self._wanted = role, wanted
        device = registry.device_ref(spec.device_id, spec.settings, prefix)
        self._interpreter = Interpreter(registry.driver(spec.driver), device)
        metered = any(key.startswith(f"metric:{role}.") for key in wanted)
        concerned = metered or any(key.startswith(f"event:{role}.") for key in wanted)
        data = [each for each in self._interpreter.filters if each.data]
        self.filters = [each for each in data if metered or not each.telemetry] if concerned else []
        self._seen: deque[tuple[int, int]] = deque(maxlen=MANY)
        self._offset: timedelta | None = None

    def hears(self, topic: str) -> bool:
        return any(each.filter == topic or matches(each.filter, topic) for each in self.filters)

    def heard(self, received: Received, at: float, counts: Counter[str]) -> Iterator[Said]:
        for each in self._decoded(received):
            match each:
                case EventReported() if f"event:{self._role}.{each.type}" in self._wanted:
                    if self._again(each):
                        counts["events_repeated"] += 1
                    elif self._late(each.time, received.time):
                        counts["events_late"] += 1
                    else:
                        yield DeviceSaid(at, self._role, each.type, dict(each.data or {}))
                case TelemetryReported(samples=samples):
                    for sample in samples:
                        for name, value in sample.metrics.items():
                            if f"metric:{self._role}.{name}" in self._wanted:
                                yield MetricSaid(at, self._role, name, value)
                case _:
                    pass

    def _decoded(self, received: Received) -> list[Decoded]:
        try:
            return list(self._interpreter.driver.decode(self._interpreter.device, received))
        except DecodeError:
            return []  # the Recorder tells of it
        except Exception:  # noqa: BLE001 - a driver's bug costs a message, not the run
            self._interpreter.faults += 1
            return []

    def _again(self, event: EventReported) -> bool:
        if not self._interpreter.driver.guarantees.sequenced:
            return False
        mark = (event.epoch, event.seq)
        if mark in self._seen:
            return True
        self._seen.append(mark)
        return False

    def _late(self, said: datetime, heard: datetime) -> bool:
        """Return whether an event took much longer than the quickest one: devices' clocks are their own."""
        way = heard - said
        self._offset = way if self._offset is None else min(self._offset, way)
        return way - self._offset > timedelta(seconds=LATE_S)
