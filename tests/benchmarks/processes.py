"""Programs of a bench as processes of their own: references that serve until told to stop, loads that run to their end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
import psutil

from lics_actors.services.server import CHILD
from tests.benchmarks.errors import BenchError

ROOT = Path(__file__).resolve().parents[2]
READY_S, STOP_S = 30.0, 15.0
MOST_OUTPUT_BYTES = 1 << 24  # one line of a load's answer
Answer = TypeVar("Answer")


async def start(module: str, settings: msgspec.Struct) -> asyncio.subprocess.Process:
    """Start `python -m module SETTINGS`, in a session of its own (Ctrl-C is ours to pass on) and bound to our life."""
    bound = (sys.executable, "-I", "-S", str(CHILD), str(int(signal.SIGKILL)), str(os.getpid()), "-", "-")
    return await asyncio.create_subprocess_exec(
        *(*bound, sys.executable, "-m", module, msgspec.json.encode(settings).decode()),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=MOST_OUTPUT_BYTES,
    )


async def end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL where that is not enough."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def serving(module: str, settings: msgspec.Struct) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program that writes a line when it is ready.

    Raises:
        BenchError: it ended, or was not ready in time.
    """
    process = await start(module, settings)
    try:
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_S)
        except TimeoutError:
            line = b""
        if not line:
            raise BenchError(f"{module} does not come up")
        yield process
    finally:
        await end(process)


class Running(Generic[Answer]):
    """A program that runs to its end and says what it found, as one JSON document on stdout."""

    def __init__(self, module: str, process: asyncio.subprocess.Process, kind: type[Answer]) -> None:
        self._module, self._process, self._kind = module, process, kind
        self._output = asyncio.ensure_future(process.communicate())

    def ask_to_stop(self) -> None:
        """Have it end before its time, with what it has found by then."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    async def ended(self, within_s: float) -> bool:
        """Wait at most so long for its end; return whether it has come."""
        await asyncio.wait({self._output}, timeout=within_s)
        return self._output.done()

    async def answer(self, patience_s: float) -> Answer:
        """Wait for its end and return what it found.

        Raises:
            BenchError: it failed, or was not done within `patience_s`.
        """
        if not await self.ended(patience_s):
            raise BenchError(f"{self._module} was not done within {patience_s:.0f} s")
        if self._process.returncode != 0:
            raise BenchError(f"{self._module} ended with code {self._process.returncode}")
        said, _ = await self._output
        try:
            return msgspec.json.decode(said, type=self._kind)
        except msgspec.DecodeError as error:
            raise BenchError(f"{self._module} ended without saying what it found: {error}") from None


@asynccontextmanager
async def running(module: str, settings: msgspec.Struct, kind: type[Answer]) -> AsyncIterator[Running[Answer]]:
    """Run a program to its end, at the latest that of the block."""
    process = await start(module, settings)
    program = Running(module, process, kind)
    try:
        yield program
    finally:
        if process.returncode is None:
            await end(process)
        await program.ended(STOP_S)


async def last_word(process: asyncio.subprocess.Process, kind: type[Answer]) -> Answer:
    """End a program that serves, and return what it says at its end.

    Raises:
        BenchError: it did not end, or said nothing.
    """
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        output, _ = await asyncio.wait_for(process.communicate(), STOP_S)
        return msgspec.json.decode(output, type=kind)
    except (TimeoutError, msgspec.DecodeError) as error:
        raise BenchError(f"a program of the bench did not say what it had seen: {error}") from None


def cpu_s(pids: Iterable[int]) -> float:
    """Return the processor time, user and system, that these processes have used."""
    return sum(times.user + times.system for times in (psutil.Process(pid).cpu_times() for pid in pids))
