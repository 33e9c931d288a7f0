"""Several processes of one program side by side, kept alive: the workers of a server whose port they share."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from lics_actors.services.keeper import POLICY, Keeper
from lics_actors.services.programs import environment
from lics_actors.services.server import CHILD, ServerError, exit_code
from lics_actors.supervision.messages import Effect, RaiseAlarm, RecordEvent
from lics_actors.supervision.specs import ChildSpec, Policy

log = logging.getLogger(__name__)
READY: Final = b"\n"  # what a worker writes to the descriptor it is given, once it is at work
Tell = Callable[[], None]
TellPid = Callable[[int], None]
BEGIN_S, STOP_S = 30.0, 4.0
SILENT_S: Final = 5.0  # a worker at work writes every second


class Worker:
    """One process: at work when it says so, killed when we die, heard where we are heard."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], ready: Tell, ended: TellPid) -> None:
        self._words, self._env, self._tell_ready, self._tell_end = list(words), dict(env), ready, ended
        self._process: subprocess.Popen[bytes] | None = None
        self._heard_at = 0.0
        self._told = 0  # the pid whose end was told last

    @property
    def pid(self) -> int | None:
        """Return the pid while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self) -> None:
        """Start it and return when it is at work.

        Raises:
            ServerError: it ended before.
        """
        reading, writing = os.pipe()
        try:
            self._process = self._spawn(writing)
        finally:
            os.close(writing)
        said = b""
        try:
            said = await _first_byte(reading)
        finally:
            if said != READY:
                os.close(reading)
        if said != READY:
            raise ServerError("a worker ended before it was at work", server="web")
        self._listen(reading)
        self._tell_ready()

    async def probe(self) -> None:
        """See that it has said something lately.

        Raises:
            TimeoutError: it has not.
        """
        if asyncio.get_running_loop().time() - self._heard_at > SILENT_S:
            raise TimeoutError("the worker says nothing")

    def _listen(self, pipe: int) -> None:
        """Hear the worker's heartbeats until it ends."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()

        def heard() -> None:
            if os.read(pipe, 4096):
                self._heard_at = loop.time()
            else:
                loop.remove_reader(pipe)
                os.close(pipe)

        loop.add_reader(pipe, heard)

    def _spawn(self, writing: int) -> subprocess.Popen[bytes]:
        tie = [sys.executable, "-I", "-S", str(CHILD), str(int(signal.SIGKILL)), str(os.getpid()), "-", "-"]
        words = [word.replace("{ready}", str(writing)) for word in self._words]
        return subprocess.Popen(
            [*tie, *words],
            env={**os.environ, **environment(self._env)},
            stdin=subprocess.DEVNULL,
            pass_fds=(writing,),
            start_new_session=True,  # Ctrl-C is ours to pass on
        )

    async def ended(self) -> int:
        """Wait until it has ended; return its code."""
        if self._process is None:
            return 0
        process = self._process
        code = await exit_code(process)
        if process.pid != self._told:  # whoever kills it waits for its end, too: it is told once
            self._told = process.pid
            self._tell_end(process.pid)
        return code

    def ask_to_stop(self) -> None:
        """Ask it to stop."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()


async def _first_byte(descriptor: int) -> bytes:
    """Return what is written first, nothing if the other side ends before."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, 1)


class Workers:
    """`count` workers of one program, each restarted when it dies (services.keeper.POLICY), all stopped together.

    In `words`, `{ready}` stands for the descriptor on which a worker says that it is at work. `ended` hears each pid of old.
    Belongs to the main thread's loop: Linux kills a child when the thread that started it has ended.
    """

    def __init__(
        self, count: int, words: Sequence[str], env: Mapping[str, str], ended: TellPid, *, policy: Policy = POLICY
    ) -> None:
        self._count, self._given_up = count, 0
        self._at_work, self.failed = asyncio.Event(), asyncio.Event()
        self._parts = [Worker(words, env, self._at_work.set, ended) for _ in range(count)]
        self._keeper = Keeper(self._hear, policy)

    async def start(self) -> None:
        """Start all; return when the first is at work, or all are given up."""
        for n, part in enumerate(self._parts, 1):
            self._keeper.keep(ChildSpec(f"worker {n}", begin_timeout_s=BEGIN_S, stop_timeout_s=STOP_S), part)
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._at_work, self.failed)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def stop(self) -> None:
        """Ask all to stop, and kill those that do not within STOP_S."""
        await self._keeper.stop()

    def _hear(self, effect: Effect) -> None:
        match effect:
            case RecordEvent(name=name, kind=kind, reason=reason) if kind in {"exited", "restarted"}:
                log.warning("web worker", extra={"worker": name, "what": kind, "reason": reason})
            case RaiseAlarm(name=name, message=message):
                log.error("web worker given up", extra={"worker": name, "reason": message})
                self._given_up += 1
                if self._given_up == self._count:
                    self.failed.set()
            case _:
                log.debug("supervision", extra={"effect": repr(effect)})
