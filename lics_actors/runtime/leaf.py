"""LeafActor: an actor with one asyncio loop beside it, in a daemon thread.

The loop's results go into a deque and one byte on a socket pair wakes the actor (14-17 k events/s, idle 0 % of a core; sending
to oneself from the thread: 1.7 k/s). A leaf forks no children: a fork would copy the thread's locks in whatever state they are.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from thespian.actors import ActorAddress, ThespianWatch

from lics_actors.runtime import pulse
from lics_actors.runtime.base import LicsActor
from lics_actors.runtime.door import Door, Reply

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _LoopEnded:
    """Loop thread → actor thread: nothing of the loop runs any more."""

    error: BaseException | None


@dataclass(frozen=True, slots=True)
class _LoopAnswered:
    """Loop thread → actor thread: the loop is alive, so this ping may be answered."""

    serial: int
    sender: ActorAddress


@dataclass(frozen=True, slots=True)
class _LoopOverdue:
    """Wakeup: the loop was to have ended by now."""


class LeafActor(LicsActor):
    """An actor whose outside world is an asyncio loop. `send` and all other Thespian calls belong to the actor's thread."""

    def __init__(self) -> None:
        super().__init__()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None  # touched by the loop thread only
        self._inbox: deque[object] = deque()
        self._signalled = False
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._loop_stopping = False
        self._after_loop: Callable[[], None] | None = None
        self._door: Door | None = None

    # what a leaf overrides

    async def run(self) -> None:
        """Live in the loop until cancelled. An exception that escapes ends the process, and the supervisor starts another."""

    def on_events(self, events: list[object]) -> None:
        """Take everything posted since the last time, in order (actor thread). A fault loses the rest of the list."""

    def on_visit(self, body: object, reply: Reply) -> None:
        """Answer a peer at the door (loop thread): call `reply` once, now or later, in that thread. Must not raise."""
        raise NotImplementedError

    # what a leaf uses

    def open_door(self) -> None:
        """Take peers' requests in the loop, by `on_visit`, as long as it runs. Before `start_loop`."""
        self._door = Door(self.on_visit, Counter())

    def door_port(self) -> int | None:
        """Return where the door is."""
        return None if self._door is None else self._door.port

    def start_loop(self) -> None:
        """Start the thread that runs `run`. Once."""
        if self._loop is not None:
            raise RuntimeError("the loop was started already")
        self._bell = socket.socketpair()
        for end in self._bell:
            end.setblocking(False)
        self._watch = ThespianWatch([self._bell[0].fileno()])
        self._pulse.thread_rests()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._live, name="loop", daemon=True).start()

    def post(self, event: object) -> None:
        """Hand `event` to `on_events` (loop thread → actor thread)."""
        self._inbox.append(event)
        if not self._signalled and self._bell is not None:
            self._signalled = True
            self._bell[1].send(b"!")

    def in_loop(self, function: Callable[..., object], *arguments: object) -> None:
        """Have the loop call `function` (actor thread → loop thread). Dropped and counted when the loop does not run."""
        if self._loop is not None:
            with suppress(RuntimeError):  # "Event loop is closed"
                self._loop.call_soon_threadsafe(function, *arguments)
                return
        self.counters["actor_loop_calls_dropped"] += 1

    def stop_loop(self, then: Callable[[], None], timeout_s: float = 5.0) -> None:
        """Cancel `run` and call `then` in the actor thread once it has ended, or after `timeout_s` if it does not."""
        if self._loop is None or self._loop.is_closed():
            then()
            return
        self._after_loop = then
        if not self._loop_stopping:
            self._loop_stopping = True
            self.wake_after(timeout_s, _LoopOverdue())
            self.in_loop(self._cancel_run)

    def stop(self, reason: str) -> None:  # noqa: ARG002 - for those who override it
        """Stop the loop, then the actor."""
        self.stop_loop(self.stopped)

    def createActor(self, *_arguments: object, **_keywords: object) -> ActorAddress:  # noqa: N802 - Thespian's name
        """Refuse: a leaf has a thread, so it must not fork."""
        raise RuntimeError("a LeafActor has no children")

    # the loop thread

    def _live(self) -> None:
        error: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=self._own_loop) as runner:
                runner.run(self._session())
        except asyncio.CancelledError:
            pass
        except BaseException as fault:  # noqa: BLE001 - whatever it is, the actor must hear that its loop is gone
            error = fault
        self._pulse.loop_ended()
        self.post(_LoopEnded(error))

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        asyncio.set_event_loop(self._loop)
        return self._loop

    async def _session(self) -> None:
        self._task = asyncio.current_task()
        if self._loop_stopping:
            return
        self._beat_in_loop(asyncio.get_running_loop())
        if self._door is None:
            await self.run()
            return
        await self._door.open()
        try:
            await self.run()
        finally:
            await self._door.close()

    def _beat_in_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._pulse.beat_loop()
        loop.call_later(pulse.BEAT_S, self._beat_in_loop, loop)

    def _cancel_run(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # the actor thread

    def _on_watch(self) -> None:
        assert self._bell is not None
        with suppress(BlockingIOError):
            self._bell[0].recv(4096)
        self._signalled = False  # before draining: an event posted from here on rings again
        events: list[object] = []
        ended: _LoopEnded | None = None
        while self._inbox:
            event = self._inbox.popleft()
            if isinstance(event, _LoopEnded):
                ended = event
            elif isinstance(event, _LoopAnswered):
                self._pong(event.serial, event.sender, self.state_word(), self._all_stats())
            else:
                events.append(event)
        try:
            if events:
                self.on_events(events)
        finally:
            if ended is not None:
                self._on_loop_ended(ended.error)

    def _on_ping(self, serial: int, sender: ActorAddress) -> None:
        """Where the loop serves peers, it answers for the actor: one that hangs there is hung."""
        if self._door is None or self._loop_stopping:
            super()._on_ping(serial, sender)
        else:
            self.in_loop(self.post, _LoopAnswered(serial, sender))

    def _all_stats(self) -> dict[str, float]:
        return super()._all_stats() if self._door is None else {**super()._all_stats(), **self._door.counters}

    def _beat(self) -> None:
        """Beat where no loop does: to wake the thread for it costs more. Asleep it is in no handler to be stuck in."""
        if self._loop is None:
            super()._beat()

    def _on_loop_ended(self, error: BaseException | None) -> None:
        if error is not None:
            log.error("loop failed", extra={"actor": self.name}, exc_info=error)
        if self._loop_stopping:
            self._finish_stop()
        elif error is not None:
            self._exit()
        else:
            super()._beat()

    def _finish_stop(self) -> None:
        then, self._after_loop = self._after_loop, None
        if then is not None:
            then()

    def _on_wakeup(self, payload: object) -> None:
        if not isinstance(payload, _LoopOverdue):
            self.on_wakeup(payload)
        elif self._after_loop is not None:
            log.warning("loop did not stop in time", extra={"actor": self.name})
            self._finish_stop()
