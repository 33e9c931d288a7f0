"""Between a driver's words and the reducer's: whatever a driver's code does, events and publications come out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from drivers.errors import DecodeError, EncodeError
from drivers.protocol import CommandAcked, Decoded, DeviceRef, Driver, LeasingDriver, OutgoingCommand, Publication, TopicFilter
from drivers.topics import matches
from drivers.values import value_fault
from lics_actors.device.events import CommandUnsayable, DeviceEvent, MessageDecoded, MessageRefused
from lics_actors.device.session import MessageArrived
from lics_actors.store.records import REJECTED_KEPT_BYTES

log = logging.getLogger(__name__)


class Interpreter:
    """One device's driver. `faults` counts what its code raised against its contract; that never reaches the caller."""

    def __init__(self, driver: Driver, device: DeviceRef) -> None:
        self.driver, self.device = driver, device
        self.filters: Sequence[TopicFilter] = driver.subscriptions(device)
        self.faults = 0

    def heard(self, message: MessageArrived, flying: OutgoingCommand | None) -> list[DeviceEvent]:
        """Return what a message says. `flying`: the command an acknowledgement without id may mean."""
        received = message.received
        try:
            decoded = [self._identified(each, flying) for each in self.driver.decode(self.device, received)]
            reason = next((fault for each in decoded if (fault := _result_fault(each))), None)
        except DecodeError as error:
            reason = error.reason
        except Exception:  # noqa: BLE001 - a driver's bug costs a message, not the device's actor
            self._count_fault("driver failed to decode", received.topic)
            reason = "the driver failed"
        if reason is None:
            return [MessageDecoded(received.time, each, message.retained) for each in decoded]
        if self.filters and not any(matches(each.filter, received.topic) for each in self.filters):
            return []  # a subscription of former days, which the broker keeps
        elsewhere = self.of_data(received.topic)
        kept = received.payload[:REJECTED_KEPT_BYTES]
        return [MessageRefused(received.time, received.topic, reason, kept, len(received.payload), elsewhere)]

    def of_data(self, topic: str) -> bool:
        """Return whether the Recorder keeps, and judges, what is said on a topic."""
        return any(each.data and matches(each.filter, topic) for each in self.filters)

    def said(self, command: OutgoingCommand, now: datetime) -> Sequence[Publication] | CommandUnsayable:
        """Return the messages that say a command, or that it cannot be said."""
        try:
            return self.driver.encode(self.device, command)
        except EncodeError as error:
            return CommandUnsayable(now, command, error.reason)
        except Exception:  # noqa: BLE001 - as above
            self._count_fault("driver failed to encode", command.name)
            return CommandUnsayable(now, command, "the driver failed")

    def renewed(self, holder: str, expires: datetime) -> Sequence[Publication]:
        """Return the messages that renew a lease; none where the driver fails, so that the device lets go."""
        try:
            return self.driver.encode_lease(self.device, holder, expires) if isinstance(self.driver, LeasingDriver) else ()
        except Exception:  # noqa: BLE001 - as above
            self._count_fault("driver failed to encode a lease", holder)
            return ()

    def _identified(self, decoded: Decoded, flying: OutgoingCommand | None) -> Decoded:
        """Give an acknowledgement by echo the id of the command in flight it confirms."""
        if not isinstance(decoded, CommandAcked) or decoded.command_id is not None or flying is None:
            return decoded
        if decoded.echo is None or decoded.echo != self.driver.echo_of(self.device, flying):
            return decoded
        return replace(decoded, command_id=flying.command_id)

    def _count_fault(self, what: str, about: str) -> None:
        self.faults += 1
        if self.faults & (self.faults - 1) == 0:  # the 1st, 2nd, 4th, 8th …: a device can repeat what trips the driver
            log.exception(what, extra={"driver": self.driver.name, "about": about, "faults": self.faults})


def _result_fault(decoded: Decoded) -> str | None:
    """Return why a result cannot be journaled, or None; drivers check that too, but the journal depends on it."""
    if not isinstance(decoded, CommandAcked):
        return None
    return value_fault(decoded.result) or value_fault(decoded.error)
