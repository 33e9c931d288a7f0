"""Hundreds of viewers of a live server, spread over processes of their own, and the pace at which updates are fed to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import msgspec

from tests.benchmarks.errors import BenchError
from tests.benchmarks.live_clients import Settings, Word
from tests.benchmarks.processes import end, start

READY_S, STALLED_S = 60.0, 5.0
IN_FLIGHT: Final = 8  # updates on their way at once: enough that no server waits for the measuring, fewer than any queue holds


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round delivered. `cores`: processor time of the viewers' processes a second."""

    updates: int
    messages: int
    seconds: float
    cores: float
    lost: int
    doubled: int

    @property
    def per_s(self) -> float:
        """Return messages a second, over all clients."""
        return self.messages / self.seconds


@dataclass(slots=True)
class Viewers:
    """`async with Viewers(settings, 500) as viewers:` connects them all; `feed` measures. `settings.count` is set here."""

    settings: Settings
    clients: int
    processes: int = 2
    _running: list[asyncio.subprocess.Process] = field(default_factory=list)
    _listeners: list[asyncio.Task[None]] = field(default_factory=list)
    _words: list[Word] = field(default_factory=list)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        try:
            for n in range(self.processes):
                await self._start(n, self.clients // self.processes + (n < self.clients % self.processes))
            async with asyncio.timeout(READY_S):
                while not all(word.ready for word in self._words):
                    await self._next_word()
        except TimeoutError:
            await self._end()
            raise BenchError(f"{self.clients} WebSocket clients were not all let in within {READY_S:g} s") from None
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._end()

    async def feed(self, publish: Callable[[int], None], seconds: float, in_flight: int) -> Delivered:
        """Publish updates 0, 1, 2 … as fast as the clients receive them; then wait until the last has arrived, and count.

        The clients leave afterwards.

        Raises:
            BenchError: nothing arrives at all.
        """
        before = self._cpu_s()
        began, published, moves = time.perf_counter(), 0, True
        while moves and time.perf_counter() - began < seconds:
            publish(published)
            published += 1
            moves = await self._arrived(published - in_flight + 1)
        await self._arrived(published)
        elapsed = time.perf_counter() - began
        await self._leave()
        if not self._rounds():
            raise BenchError(f"none of {published} updates has reached all of {self.clients} WebSocket clients")
        seen = [count for word in self._words for count in word.seen]
        disordered = sum(word.disordered for word in self._words)
        return Delivered(
            updates=published,
            messages=sum(seen),
            seconds=elapsed,
            cores=(self._cpu_s() - before) / elapsed,
            lost=sum(max(0, published - count) for count in seen),
            doubled=sum(max(0, count - published) for count in seen) + disordered,
        )

    async def _start(self, n: int, count: int) -> None:
        process = await start("tests.benchmarks.live_clients", msgspec.structs.replace(self.settings, count=count))
        self._running.append(process)
        self._words.append(Word())
        self._listeners.append(asyncio.create_task(self._listen(n, process)))

    async def _listen(self, n: int, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self._words[n] = msgspec.json.decode(line, type=Word)
            self._moved.set()
        self._moved.set()

    async def _next_word(self) -> None:
        self._moved.clear()
        await self._moved.wait()
        if any(task.done() for task in self._listeners):
            raise BenchError("a process of WebSocket clients ended too early; its reason stands above")

    async def _arrived(self, updates: int) -> bool:
        """Wait until so many updates are everywhere; False when nothing has moved for `STALLED_S`."""
        while self._rounds() < updates:
            try:
                async with asyncio.timeout(STALLED_S):
                    await self._next_word()
            except TimeoutError:
                return False
        return True

    def _rounds(self) -> int:
        return min(word.rounds for word in self._words)

    def _cpu_s(self) -> float:
        return sum(word.cpu_s for word in self._words)

    async def _leave(self) -> None:
        """Have the clients say what they counted, and go."""
        for process in self._running:
            assert process.stdin is not None
            process.stdin.close()
        await asyncio.gather(*self._listeners)

    async def _end(self) -> None:
        await asyncio.gather(*(end(process) for process in self._running if process.returncode is None))
        await asyncio.gather(*self._listeners)
