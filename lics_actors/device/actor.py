"""DeviceActor: one device in one process; its shell in the actor's thread, its MQTT session in the loop's."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from thespian.actors import ActorAddress

from drivers.protocol import Publication, TopicFilter
from lics_actors.device.live import LiveFeed
from lics_actors.device.messages import ChangeDeviceSpec, DeviceActorSpec
from lics_actors.device.session import DeviceSession, Heard, MessageArrived
from lics_actors.device.shell import DeviceShell, Happening, TimerRang
from lics_actors.errors import StorageFullError
from lics_actors.journal import Journal, journal_path
from lics_actors.runtime.actor import LeafActor

TRIM_S = 600.0  # a journal grows by some kB an hour; trimming costs a commit without fsync
MAX_PENDING = 2000  # messages between loop and actor; beyond, what the record has too is dropped here

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _TrimDue:
    """It is time to drop what was shipped."""


class DeviceActor(LeafActor):
    """Begins with a `DeviceActorSpec`; answers what `device.messages` says a device can be asked."""

    def begin(self, spec: object) -> None:
        """Rebuild what the last incarnation knew, and connect.

        Raises:
            UnknownDriverError: no driver of the device's `driver`.
            StorageFullError: the journal cannot be opened for want of space.
        """
        if not isinstance(spec, DeviceActorSpec):
            raise TypeError(f"a DeviceActor begins with a DeviceActorSpec, not {type(spec).__name__}")
        device = spec.device
        self._journal = Journal(journal_path(Path(spec.journal_dir), f"device-{device.device_id}"))
        prefix, journal = spec.broker.prefix, self._journal
        self._feed = LiveFeed(spec.redis_url, prefix, self.in_loop, journal.command) if spec.redis_url else None
        self._shell = DeviceShell(device, prefix, self.incarnation, journal, self, feed=self._feed)
        self._mqtt = DeviceSession(spec.broker, device.device_id, self._shell.interpreter.filters, self._hear)
        self._dropped: Counter[str] = Counter()
        self._heard = self._taken = 0  # messages; each written by one thread only
        self._timer: asyncio.TimerHandle | None = None  # the loop thread's
        self._ended = False
        self.start_loop()
        self._shell.start()
        self._trim()

    def on_events(self, events: list[object]) -> None:
        """Take what the loop heard since the last time."""
        if self._ended:
            return
        self._taken += sum(isinstance(event, MessageArrived) for event in events)
        if any(isinstance(event, _TrimDue) for event in events):
            self._trim()
        self._shell.happened([event for event in events if not isinstance(event, _TrimDue)])

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take over a changed specification."""
        if isinstance(message, ChangeDeviceSpec):
            self._shell.changed(message.device)
        else:
            self.unrecognised(message, sender)

    def on_request(self, body: object, reply: Callable[[object], None]) -> None:
        """Answer a peer."""
        if not self._shell.requested(body, reply):
            super().on_request(body, reply)

    def stop(self, reason: str) -> None:
        """Answer everybody, say goodbye to the broker (which keeps the session), flush, and end."""
        log.info("device actor stops", extra={"actor": self.name, "reason": reason})
        self._shell.stop()
        self._ended = True
        self.stop_loop(self._close)

    def stats(self) -> Mapping[str, float]:
        """Return the device's counters and gauges."""
        return {**self._shell.stats(), **self._dropped}

    def state_word(self) -> str:
        """Return the device's status."""
        return self._shell.word

    def _close(self) -> None:
        try:
            self._journal.close()
        finally:
            self.stopped()

    def _trim(self) -> None:
        with suppress(StorageFullError):
            self._journal.trim()
        delay_s = TRIM_S * random.uniform(0.8, 1.2)  # noqa: S311 - not all devices at once
        self.in_loop(self._call_later, delay_s, _TrimDue())

    # the loop thread

    async def run(self) -> None:
        """Live: keep the session, and show what happens."""
        session = self._mqtt.run()
        await (session if self._feed is None else self._feed.beside(session))

    def _hear(self, heard: Heard) -> None:
        if isinstance(heard, MessageArrived):
            if self._heard - self._taken >= MAX_PENDING and self._shell.interpreter.of_data(heard.received.topic):
                self._dropped["readings_dropped"] += 1
                return
            self._heard += 1
        self.post(heard)

    def _call_later(self, delay_s: float, event: object) -> None:
        asyncio.get_running_loop().call_later(delay_s, self.post, event)

    def _call_at(self, at: datetime) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, (at - datetime.now(UTC)).total_seconds())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.post, TimerRang())

    # what the shell is lent

    def publish(self, session: int, publications: Sequence[Publication]) -> None:
        """See `Outside`."""
        self.in_loop(self._mqtt.publish, session, publications)

    def subscribe(self, filters: Sequence[TopicFilter]) -> None:
        """See `Outside`."""
        self.in_loop(self._mqtt.change, filters)

    def arm(self, at: datetime) -> None:
        """See `Outside`."""
        self.in_loop(self._call_at, at)

    def later(self, delay_s: float, happening: Happening) -> None:
        """See `Outside`."""
        self.in_loop(self._call_later, delay_s, happening)
