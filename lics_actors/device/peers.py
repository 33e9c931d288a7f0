"""The other devices on whose word a device's interlocks depend: what its actor listens to beside its own device.

Each actor hears them in its own MQTT session, so no process stands between a condition and what it trips.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from drivers import registry
from drivers.errors import DecodeError
from drivers.protocol import Received, TopicFilter
from drivers.topics import matches
from lics_actors.device.declarations import interlocks_of
from lics_actors.device.events import PeerDecoded
from lics_actors.device.interpreter import Interpreter
from lics_actors.device.messages import DeviceSpec

log = logging.getLogger(__name__)


class Peers:
    """`filters`: what to subscribe to for them. `own`: an interlock depends on the device itself, so it is heard all the time.

    A source that cannot be listened to is logged; its word stays unknown, and the interlock acts on that.
    """

    def __init__(self, spec: DeviceSpec, prefix: str) -> None:
        sources = {device_id for each in interlocks_of(spec) for device_id in each.sources}
        roles = {role.device_id: role for part in spec.rigs for role in part.roles.values()}
        self.own = spec.device_id in sources
        self._interpreters: dict[UUID, Interpreter] = {}
        for device_id in sources & roles.keys() - {spec.device_id}:
            role = roles[device_id]
            try:
                device = registry.device_ref(device_id, role.settings, prefix)
                self._interpreters[device_id] = Interpreter(registry.driver(role.driver), device)
            except Exception as error:  # noqa: BLE001 - no driver, no settings for it, a bug in it: none is this device's end
                facts = {"device": str(spec.device_id), "source": str(device_id), "reason": str(error)}
                log.error("the source of an interlock cannot be listened to", extra=facts)

    def __bool__(self) -> bool:
        return bool(self._interpreters)

    @property
    def filters(self) -> list[TopicFilter]:
        """Return what to listen to for other devices: everything, all the time."""
        return [_all_of(each) for interpreter in self._interpreters.values() for each in interpreter.filters if each.control]

    def heard(self, received: Received) -> list[PeerDecoded] | None:
        """Return what another device said; None where the message is none of theirs, nothing where it cannot be read."""
        for device_id, interpreter in self._interpreters.items():
            if any(matches(each.filter, received.topic) for each in interpreter.filters):
                try:
                    said = interpreter.driver.decode(interpreter.device, received)
                except DecodeError:
                    return []  # its own actor, or the Recorder, tells of it
                except Exception:  # noqa: BLE001 - a driver's bug costs a message, not the device's actor
                    interpreter.faults += 1
                    return []
                return [PeerDecoded(received.time, device_id, each, received.retained) for each in said]
        return None


def listened(own: Sequence[TopicFilter], peers: Peers) -> list[TopicFilter]:
    """Return all that a device's actor subscribes to."""
    return [*(_all_of(each) if peers.own else each for each in own), *peers.filters]


def _all_of(each: TopicFilter) -> TopicFilter:
    """Return a filter as one of the control plane: at its own quality of service, and without rests."""
    return replace(each, data=False) if each.control else each
