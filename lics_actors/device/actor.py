"""DeviceActor: one device in one process; peers, MQTT session, rules and journal in its loop's thread."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from thespian.actors import ActorAddress

from drivers.protocol import Publication, TopicFilter
from lics_actors.device.live import live_feed
from lics_actors.device.messages import AdoptCommands, ChangeDeviceSpec, DeviceActorSpec
from lics_actors.device.session import DeviceSession
from lics_actors.device.shell import DeviceShell, Happening, TimerRang
from lics_actors.errors import FleetUnavailableError, LicsError, StorageFullError
from lics_actors.journal import Journal, journal_path
from lics_actors.journal.doubt import believe, doubted
from lics_actors.runtime.actor import LeafActor
from lics_actors.runtime.door import Reply

TRIM_S = 600.0  # a journal grows by some kB an hour; trimming costs a commit without fsync

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A peer wants something."""

    body: object
    reply: Reply


@dataclass(frozen=True, slots=True)
class _Answered:
    """Loop → actor: this peer did not come by the door, so only the actor's thread can answer it."""

    reply: Reply
    body: object


@dataclass(frozen=True, slots=True)
class _WordChanged:
    """Loop → actor: the supervisor may be told a new state."""


class DeviceActor(LeafActor):
    """Begins with a `DeviceActorSpec`; answers what `device.messages` says a device can be asked.

    Thespian's thread hears the supervisor; everything else is the loop's: peers at the door, the session, the shell with its
    journal. So a command crosses no thread, and an fsync holds up this device only.
    """

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
        self._journal.forgot |= doubted(self._journal.path)
        prefix, journal = spec.broker.prefix, self._journal
        self._feed = live_feed(spec, self.in_loop, journal.command)
        self._shell = DeviceShell(device, prefix, self.incarnation, journal, self, feed=self._feed)
        filters = self._shell.filters
        self._mqtt = DeviceSession(
            spec.broker, device.device_id, filters, self._take, lambda: self._shell.silent_s, memory=self._journal
        )
        self._events: list[Happening | _Visit] = []  # the loop thread's, as is what follows
        self._timer: asyncio.TimerHandle | None = None
        self._word = ""
        self._ended = False
        self.open_door()
        self.start_loop()

    # the actor's thread

    def on_events(self, events: list[object]) -> None:
        """Send the answers to those who did not come by the door."""
        for event in events:
            if isinstance(event, _Answered):
                event.reply(event.body)

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take over a changed specification."""
        if isinstance(message, ChangeDeviceSpec):
            self.in_loop(self._safely, self._shell.changed, message.device)
        elif isinstance(message, AdoptCommands):
            self.in_loop(self._safely, self._shell.adopt, message.commands)
        else:
            self.unrecognised(message, sender)

    def on_request(self, body: object, reply: Reply) -> None:
        """Answer a peer who did not come by the door."""
        self.in_loop(self.on_visit, body, lambda answer: self.post(_Answered(reply, answer)))

    def stop(self, reason: str) -> None:
        """Answer everybody, say goodbye to the broker (which keeps the session), flush, and end."""
        log.info("device actor stops", extra={"actor": self.name, "reason": reason})
        self.in_loop(self._end)
        self.stop_loop(self._close)

    def stats(self) -> Mapping[str, float]:
        """Return the device's counters and gauges."""
        return {**self._shell.stats(), "data_sampled": float(self._mqtt.sampled)}

    def state_word(self) -> str:
        """Return the device's status."""
        return self._shell.word

    def _close(self) -> None:
        try:
            self._journal.close()
        finally:
            self.stopped()

    # the loop's thread

    async def run(self) -> None:
        """Live: keep the session, and show what happens."""
        self._safely(self._shell.start)
        if self._shell.remembers:
            believe(self._journal.path)
        self._trim()
        session = self._mqtt.run()
        await (session if self._feed is None else self._feed.beside(session))

    def on_visit(self, body: object, reply: Reply) -> None:
        """Answer a peer: at once, unless something is to be handled before."""
        if self._mqtt.barred:
            message = "this host is cut off; another may serve the device by now"
            reply(FleetUnavailableError(message, elsewhere=True, delivered=False))
            return
        visit = _Visit(body, reply)
        if self._events:
            self._take(visit)
        elif not self._ended:
            self._safely(self._answer, visit)

    def _take(self, event: Happening | _Visit) -> None:
        """Have it handled at the end of this turn of the loop, with all that comes until then: one fsync for all of it."""
        if not self._events:
            asyncio.get_running_loop().call_soon(self._handle)
        self._events.append(event)

    def _handle(self) -> None:
        inbox, self._events = self._events, []
        if self._ended:
            return
        for visits, events in itertools.groupby(inbox, lambda event: isinstance(event, _Visit)):
            if not visits:
                self._safely(self._shell.happened, list(events))
                continue
            for visit in events:
                assert isinstance(visit, _Visit)
                self._safely(self._answer, visit)

    def _answer(self, visit: _Visit) -> None:
        try:
            if not self._shell.requested(visit.body, visit.reply):
                visit.reply(LicsError(f"{self.name} answers no {type(visit.body).__name__}", request=type(visit.body).__name__))
        except LicsError as error:
            visit.reply(error)
        except Exception:
            visit.reply(LicsError(f"{self.name} failed to answer; its log says why", actor=self.name))
            raise

    def _safely(self, function: Callable[..., object], *arguments: object) -> None:
        """Call the shell; a fault there is logged and counted, and the actor lives on."""
        try:
            function(*arguments)
        except Exception:
            self.counters["actor_faults"] += 1
            log.exception("handler failed", extra={"actor": self.name})
        if self._shell.word != self._word:
            self._word = self._shell.word
            self.post(_WordChanged())

    def _end(self) -> None:
        self._safely(self._shell.stop)
        self._ended = True

    def _trim(self) -> None:
        with suppress(StorageFullError):
            self._journal.trim()
        delay_s = TRIM_S * random.uniform(0.8, 1.2)  # noqa: S311 - not all devices at once
        asyncio.get_running_loop().call_later(delay_s, self._trim)

    # what the shell is lent

    def publish(self, session: int, publications: Sequence[Publication]) -> None:
        """See `Outside`."""
        self._mqtt.publish(session, publications)

    def subscribe(self, filters: Sequence[TopicFilter]) -> None:
        """See `Outside`."""
        self._mqtt.change(filters)

    def arm(self, at: datetime) -> None:
        """See `Outside`."""
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, (at - datetime.now(UTC)).total_seconds())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._take, TimerRang())

    def later(self, delay_s: float, happening: Happening) -> None:
        """See `Outside`."""
        asyncio.get_running_loop().call_later(delay_s, self._take, happening)
