"""What a device's actor says on the live bus: its twin and its commands as they change, behind the journal.

Two threads: the actor's says what changed, the loop's publishes it. Nothing here delays or fails the actor.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import msgspec

from lics_actors.device.messages import DeviceActorSpec, status_word
from lics_actors.device.model import DeviceState
from lics_actors.live.bus import LivePublisher
from lics_actors.live.messages import FLEET, CommandLive, DeviceLive, command_topic, device_topic
from lics_actors.store.records import Command, CommandAccepted, CommandMoved, Record

LINGER_S: Final = 0.005  # the states that a quick command goes through within this are told as one
UNHEARD_S: Final = 0.5  # between two batches to nobody: each costs 0.3 ms of a core, which 1,600 commands/s would feel
HURRY: Final = 200  # what waits then is told earlier
TWIN_EVERY_S: Final = 0.05  # architecture: a device's twin changes on screens at most 20 times a second
MAX_OPEN: Final = 256  # commands remembered between two steps; others are looked up in the journal
MAX_UNTOLD: Final = 1000
QUEUE_BYTES: Final = 128 << 10  # what a device's process keeps while Redis is away: some hundred messages
LAST_WORDS_S: Final = 0.2

News = Command | CommandMoved | DeviceLive

log = logging.getLogger(__name__)


def live_feed(
    spec: DeviceActorSpec, in_loop: Callable[..., object], journalled: Callable[[UUID], Command | None]
) -> LiveFeed | None:
    """Return the feed of a device's actor; None where there is no live bus."""
    if spec.redis_url is None:
        return None
    publisher = LivePublisher(spec.redis_url, spec.broker.prefix, queue_bytes=QUEUE_BYTES)
    return LiveFeed(publisher, spec.device.device_id, in_loop, journalled)


class LiveFeed:
    """One device's. `in_loop` has the loop thread call something; `journalled` returns a command as the journal has it."""

    def __init__(
        self,
        publisher: LivePublisher,
        device_id: UUID,
        in_loop: Callable[..., object],
        journalled: Callable[[UUID], Command | None],
        loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.get_running_loop,
    ) -> None:
        self._publisher, self._topic = publisher, device_topic(device_id)
        self._in_loop, self._journalled, self._loop = in_loop, journalled, loop
        self._untold: deque[News] = deque(maxlen=MAX_UNTOLD)
        self._called = False
        self._told_of: dict[UUID, None] = {}  # commands that are not over; the actor thread's, as is what follows
        self._seen: object = None
        self._open: dict[UUID, Command] = {}  # those commands, as last published; the loop thread's, as is what follows
        self._twin: DeviceLive | None = None
        self._twin_from = self._told_at = 0.0

    # the actor's thread

    def recorded(self, record: Record) -> None:
        """Take what has just been journaled."""
        if isinstance(record, CommandAccepted):
            self._follow(record.command.command_id, over=False)
            self._tell(record.command)
        elif isinstance(record, CommandMoved):
            if record.command_id in self._told_of:
                self._tell(record)
            else:
                with suppress(Exception):  # the journal may have been damaged since; the record has it anyway
                    if (command := self._journalled(record.command_id)) is not None:
                        self._tell(command)
            self._follow(record.command_id, over=record.step.state.terminal)

    def looked(self, state: DeviceState) -> None:
        """Take the device as it is now."""
        seen = state.axes, state.reason, state.spec.admin, state.description
        if seen != self._seen:
            self._seen = seen
            self._untold.append(device_live(state))
            self._in_loop(self._soon)

    def _follow(self, command_id: UUID, over: bool) -> None:
        if over:
            self._told_of.pop(command_id, None)
            return
        self._told_of[command_id] = None
        if len(self._told_of) > MAX_OPEN:
            del self._told_of[next(iter(self._told_of))]

    def _tell(self, news: Command | CommandMoved) -> None:
        self._untold.append(news)
        if not self._called:
            self._called = True
            self._in_loop(self._linger)
        elif len(self._untold) == HURRY:
            self._in_loop(self._publish)

    # the loop's thread

    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Publish while `work` goes on; at its end say what is still to be said, where Redis takes it at once."""
        self._publisher.lost(self._topic)  # perhaps: an earlier incarnation may have been killed with something to say
        publishing = asyncio.create_task(self._publisher.run())
        publishing.add_done_callback(_ended)
        try:
            await work
        finally:
            self._publish(last=True)
            await self._publisher.drained(LAST_WORDS_S)
            publishing.cancel()

    def _soon(self) -> None:
        self._loop().call_later(LINGER_S, self._publish)

    def _linger(self) -> None:
        loop = self._loop()
        at = loop.time() + LINGER_S
        loop.call_at(at if self._publisher.heard else max(at, self._told_at + UNHEARD_S), self._publish)

    def _publish(self, last: bool = False) -> None:
        self._called = False  # before draining: what is told from here on calls again
        self._told_at = self._loop().time()
        changed: dict[UUID, Command] = {}
        while self._untold:
            news = self._untold.popleft()
            if isinstance(news, DeviceLive):
                self._twin = news
            elif (command := self._stepped(news)) is not None:
                changed[command.command_id] = command
        for command in changed.values():
            said = CommandLive(command)
            self._publisher.publish(self._topic, said, keep=True)
            self._publisher.publish(command_topic(command.command_id), said, keep=True)
        self._publish_twin(last)

    def _stepped(self, news: Command | CommandMoved) -> Command | None:
        """Return a command after what was journaled of it; None where what was before is not known here any more."""
        known = self._open.pop(news.command_id, None)
        command = news if isinstance(news, Command) else moved(known, news)
        if command is not None and not command.state.terminal:
            self._open[command.command_id] = command
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
        return command

    def _publish_twin(self, last: bool = False) -> None:
        loop = self._loop()
        if self._twin is None:
            return
        if loop.time() < self._twin_from and not last:
            loop.call_at(self._twin_from, self._publish_twin)
            return
        twin, self._twin = self._twin, None
        self._twin_from = loop.time() + TWIN_EVERY_S
        self._publisher.publish(self._topic, twin, keep=True)
        self._publisher.publish(FLEET, twin, keep=True)


def moved(known: Command | None, step: CommandMoved) -> Command | None:
    """Return a command one step further; None where the step is not its next. Pure."""
    if known is None or len(known.steps) != step.n:
        return None
    epoch = known.epoch if step.epoch is None else step.epoch
    return msgspec.structs.replace(known, steps=(*known.steps, step.step), epoch=epoch)


def device_live(state: DeviceState) -> DeviceLive:
    """Return what viewers are told of a device. Pure."""
    return DeviceLive(
        device_id=state.spec.device_id,
        link=state.link,
        health=state.health,
        safety=state.safety,
        admin=state.spec.admin,
        status=status_word(state.link, state.health, state.safety, state.spec.admin),
        epoch=state.epoch,
        reason=state.reason,
        since=state.since,
        last_seen=state.last_seen,
    )


def _ended(publishing: asyncio.Task[None]) -> None:
    if not publishing.cancelled() and (error := publishing.exception()) is not None:
        log.error("a device has no live view any more", exc_info=error)
