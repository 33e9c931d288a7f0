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

from lics_actors.device.messages import status_word
from lics_actors.device.model import DeviceState
from lics_actors.live.bus import LivePublisher
from lics_actors.live.messages import FLEET, CommandLive, DeviceLive, command_topic, device_topic
from lics_actors.store.records import Command, CommandAccepted, CommandMoved, Record

LINGER_S: Final = 0.005  # the states that a quick command goes through within this are told as one
TWIN_EVERY_S: Final = 0.05  # architecture: a device's twin changes on screens at most 20 times a second
MAX_OPEN: Final = 256  # commands remembered between two steps; others are looked up in the journal
MAX_UNTOLD: Final = 1000
QUEUE_BYTES: Final = 128 << 10  # what a device's process keeps while Redis is away: some hundred messages
LAST_WORDS_S: Final = 0.2

log = logging.getLogger(__name__)


class LiveFeed:
    """One device's. `in_loop` has the loop thread call something; `journalled` returns a command as the journal has it."""

    def __init__(
        self, redis_url: str, prefix: str, in_loop: Callable[..., object], journalled: Callable[[UUID], Command | None]
    ) -> None:
        self._publisher = LivePublisher(redis_url, prefix, queue_bytes=QUEUE_BYTES)
        self._in_loop, self._journalled = in_loop, journalled
        self._untold: deque[Command | DeviceLive] = deque(maxlen=MAX_UNTOLD)
        self._called = False
        self._open: dict[UUID, Command] = {}  # the actor thread's, as is what follows
        self._seen: object = None
        self._twin: DeviceLive | None = None  # the loop thread's, as is what follows
        self._twin_from = 0.0

    # the actor's thread

    def recorded(self, record: Record) -> None:
        """Take what has just been journaled."""
        match record:
            case CommandAccepted(command):
                self._tell_command(command)
            case CommandMoved():
                with suppress(Exception):  # the journal may have been damaged since; the record has it anyway
                    self._tell_command(self._moved(record))
            case _:
                pass

    def looked(self, state: DeviceState) -> None:
        """Take the device as it is now."""
        seen = state.axes, state.reason, state.spec.admin, state.description
        if seen != self._seen:
            self._seen = seen
            self._tell(device_live(state))

    def _moved(self, record: CommandMoved) -> Command | None:
        command = self._open.pop(record.command_id, None) or self._journalled(record.command_id)
        if command is None or len(command.steps) > record.n:
            return command
        epoch = command.epoch if record.epoch is None else record.epoch
        return msgspec.structs.replace(command, steps=(*command.steps, record.step), epoch=epoch)

    def _tell_command(self, command: Command | None) -> None:
        if command is None:
            return
        if not command.state.terminal:
            self._open[command.command_id] = command
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
        self._tell(command)

    def _tell(self, news: Command | DeviceLive) -> None:
        self._untold.append(news)
        if not self._called:
            self._called = True
            self._in_loop(self._linger)

    # the loop's thread

    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Publish while `work` goes on; at its end say what is still to be said, where Redis takes it at once."""
        publishing = asyncio.create_task(self._publisher.run())
        publishing.add_done_callback(_ended)
        try:
            await work
        finally:
            self._publish(last=True)
            await self._publisher.drained(LAST_WORDS_S)
            publishing.cancel()

    def _linger(self) -> None:
        asyncio.get_running_loop().call_later(LINGER_S, self._publish)

    def _publish(self, last: bool = False) -> None:
        self._called = False  # before draining: what is told from here on calls again
        commands: dict[UUID, Command] = {}
        while self._untold:
            news = self._untold.popleft()
            if isinstance(news, DeviceLive):
                self._twin = news
            else:
                commands[news.command_id] = news
        for command in commands.values():
            said = CommandLive(command)
            self._publisher.publish(device_topic(command.device_id), said, keep=True)
            self._publisher.publish(command_topic(command.command_id), said, keep=True)
        self._publish_twin(last)

    def _publish_twin(self, last: bool = False) -> None:
        loop = asyncio.get_running_loop()
        if self._twin is None:
            return
        if loop.time() < self._twin_from and not last:
            loop.call_at(self._twin_from, self._publish_twin)
            return
        twin, self._twin = self._twin, None
        self._twin_from = loop.time() + TWIN_EVERY_S
        self._publisher.publish(device_topic(twin.device_id), twin, keep=True)
        self._publisher.publish(FLEET, twin, keep=True)


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
