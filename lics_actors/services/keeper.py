"""Keeps the parts of a running laboratory alive: the shell around the supervision policy for servers and programs."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from typing import Protocol

from lics_actors.supervision import policy as supervision
from lics_actors.supervision.messages import (
    ChildAdded,
    ChildBeginFailed,
    ChildBegun,
    ChildExited,
    ChildHung,
    Effect,
    Event,
    KillChild,
    ReportStopped,
    SetTimer,
    StartChild,
    StopChild,
    StopRequested,
    TimerFired,
)
from lics_actors.supervision.specs import ChildSpec, Policy
from lics_actors.supervision.state import Supervision

logger = logging.getLogger(__name__)
# A laboratory's own servers are worth more patience than a device: given up only after 10 restarts in two minutes.
POLICY = Policy(
    intensity=10, period_s=120.0, backoff_s=0.5, backoff_max_s=15.0, healthy_s=10.0, ping_every_s=None, look_every_s=None
)

LOOK_S = 5.0  # how often a part is asked whether it answers,
ANSWER_S = 5.0  # how long it may take,
MISSES = 4  # and how often in a row it may fail to: half a minute, longer than a busy disk holds anybody up


class Part(Protocol):
    """What the keeper keeps: an embedded server or a program."""

    @property
    def pid(self) -> int | None:
        """Return the pid while it runs."""

    async def start(self) -> None:
        """Start it and return when it is at work."""

    async def probe(self) -> None:
        """Return if it answers. TimeoutError, or no end, means that it hangs; any other exception is an answer, too."""

    async def ended(self) -> int:
        """Wait until it has ended; return its code."""

    def ask_to_stop(self) -> None:
        """Ask it to stop."""

    def kill(self) -> None:
        """Kill it."""


class Keeper:
    """Performs what the policy asks for. All methods belong to the loop's thread, which must be the main thread."""

    def __init__(self, tell: Callable[[Effect], None], policy: Policy = POLICY) -> None:
        self._state = Supervision(policy)
        self._tell = tell
        self._parts: dict[str, Part] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._first: dict[str, asyncio.Future[None]] = {}

    def keep(self, spec: ChildSpec, part: Part) -> None:
        """Start the part and keep it alive from now on."""
        self._parts[spec.name] = part
        self._first[spec.name] = asyncio.get_running_loop().create_future()
        self._take(ChildAdded(spec, time.monotonic()))

    async def first_start(self, name: str) -> None:
        """Wait until the part is at work for the first time.

        Raises:
            Exception: what its first start ended with; it is tried again nevertheless.
        """
        await asyncio.shield(self._first[name])

    def pids(self) -> dict[str, int | None]:
        """Return each part's pid."""
        return {name: part.pid for name, part in self._parts.items()}

    async def stop(self) -> None:
        """Stop all parts, later stages first, and return when none is left."""
        self._take(StopRequested(time.monotonic()))
        await self._stopped.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def kill(self) -> None:
        """Kill all parts at once, in the middle of whatever they do."""
        for part in self._parts.values():
            part.kill()

    def _take(self, event: Event) -> None:
        self._state, effects = supervision.reduce(self._state, event)
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case StartChild(name=name, incarnation=incarnation):
                self._do(self._run(self._parts[name], name, incarnation))
            case StopChild(name=name):
                self._do(self._ask_to_stop(self._parts[name]))
            case KillChild(name=name, incarnation=incarnation):
                self._parts[name].kill()
                self._do(self._watch(self._parts[name], name, incarnation))
            case SetTimer(timer=timer, after_s=after_s):
                asyncio.get_running_loop().call_later(after_s, lambda: self._take(TimerFired(timer, time.monotonic())))
            case ReportStopped():
                self._stopped.set()
            case _:
                self._tell(effect)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, part: Part, name: str, incarnation: int) -> None:
        try:
            await part.start()
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the policy decides what follows
            if not self._first[name].done():
                self._first[name].set_exception(error)
                self._first[name].exception()  # whether anybody waits for it or not
            self._take(ChildBeginFailed(name, incarnation, str(error), time.monotonic()))
            await self._watch(part, name, incarnation)
            return
        if not self._first[name].done():
            self._first[name].set_result(None)
        self._take(ChildBegun(name, incarnation, time.monotonic()))
        looking = asyncio.create_task(self._look_after(part, name, incarnation))
        try:
            await self._watch(part, name, incarnation)
        finally:
            looking.cancel()

    async def _look_after(self, part: Part, name: str, incarnation: int) -> None:
        """Have a part killed that lives and does not answer."""
        silent = 0
        while silent < MISSES:
            await asyncio.sleep(LOOK_S)
            try:
                async with asyncio.timeout(ANSWER_S):
                    await part.probe()
            except TimeoutError:
                silent += 1
                logger.warning("a part does not answer", extra={"part": name, "times": silent})
            except Exception as error:  # noqa: BLE001 - it says something, or is about to end
                silent = 0
                logger.debug("a part answers with an error", extra={"part": name, "error": repr(error)})
            else:
                silent = 0
        self._take(ChildHung(name, incarnation, time.monotonic(), "it did not answer"))

    async def _ask_to_stop(self, part: Part) -> None:
        while part.pid is None:  # noqa: ASYNC110 - its start is under way; a part only tells that it has a pid
            await asyncio.sleep(0.02)
        part.ask_to_stop()

    async def _watch(self, part: Part, name: str, incarnation: int) -> None:
        code = await part.ended()
        luck = random.random()  # noqa: S311 - jitter
        reason = f"it ended with code {code}" if code >= 0 else f"it was ended by signal {-code}"
        self._take(ChildExited(name, incarnation, time.monotonic(), luck, normal=code == 0, reason=reason))
