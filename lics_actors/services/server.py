"""One embedded server: clean what an earlier run left, start, wait until it answers, stop; it never outlives us.

A leftover is found by what it is, not by a recorded pid: our program, working in this server's own folder. Whoever holds the
data directory's lock owns such a leftover; it is ended and started anew (0.1-0.3 s) rather than adopted, because a process
whose parent has died can no longer be bound to our life.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil

from lics_actors.errors import LicsError

logger = logging.getLogger(__name__)
CHILD = Path(__file__).with_name("child.py")
POLL_S = 0.02
LOG_KEPT_BYTES = 4 * 1024 * 1024  # a server's log file is started anew beyond this


class ServerError(LicsError):
    """An embedded server does not start or does not answer. Facts: `server`, `log`."""

    code = "SERVER_FAILED"


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user a server runs as where we are root; None everywhere else."""

    uid: int
    gids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a process. `death_signal` reaches it when we die."""

    argv: Sequence[str]
    cwd: Path
    death_signal: int = signal.SIGKILL
    env: Mapping[str, str] = field(default_factory=dict)
    run_as: RunAs | None = None


def spawn(launch: Launch, log: Path) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own that dies with us; its output goes to `log`."""
    run_as = launch.run_as
    identity = ["-", "-"] if run_as is None else [str(run_as.uid), ",".join(map(str, run_as.gids))]
    prefix = [sys.executable, "-I", "-S", str(CHILD), str(int(launch.death_signal)), str(os.getpid()), *identity]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [*prefix, *launch.argv],
            cwd=launch.cwd,
            env={**os.environ, **launch.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def log_tail(log: Path, lines: int = 8) -> str:
    """Return the end of a log file, empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])


async def gone(process: subprocess.Popen[bytes], deadline_s: float) -> bool:
    """Return whether the process has ended within `deadline_s`."""
    until = time.monotonic() + deadline_s
    while process.poll() is None:
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(POLL_S)
    return True


async def exit_code(process: subprocess.Popen[bytes]) -> int:
    """Wait for the process to end; return its code."""
    while not await gone(process, 3600.0):
        continue
    return int(process.returncode)


class Server(ABC):
    """An embedded server. `start` and `stop` may be called in turn; the port stays the same.

    Start it from the main thread: Linux sends the death signal when the *thread* that forked has ended.
    """

    name: ClassVar[str]
    start_s: ClassVar[float] = 20.0
    stop_signal: ClassVar[int] = signal.SIGTERM

    def __init__(self, folder: Path, log: Path, port: int) -> None:
        self.folder, self.log, self.port = folder.absolute(), log.absolute(), port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the pid while the server runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @abstractmethod
    def prepare(self) -> Launch:
        """Write what the server reads and return how to start it. Called in a thread."""

    @abstractmethod
    async def probe(self) -> None:
        """Return if the server answers; ServerError means it never will, any other exception not yet."""

    @abstractmethod
    def is_ours(self, process: psutil.Process) -> bool:
        """Return whether a process working in our folder is an instance of this server."""

    async def ready(self) -> None:  # noqa: B027 - most need nothing
        """Do once after the first answer of each start what the server needs before use."""

    @property
    def working_dir(self) -> Path:
        """Return where the running server works; by it a leftover is known."""
        return self.folder

    async def start(self) -> None:
        """Start the server and return when it answers.

        Raises:
            ServerError: it did not start; the message holds the end of its log.
        """
        await self.end_leftovers()
        launch = await asyncio.to_thread(self.prepare)
        if self.log.exists() and self.log.stat().st_size > LOG_KEPT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._process = spawn(launch, self.log)
        await self._answers(self._process)
        await self.ready()
        logger.info("server started", extra={"server": self.name, "pid": self._process.pid, "port": self.port})

    async def _answers(self, process: subprocess.Popen[bytes]) -> None:
        until, reason = time.monotonic() + self.start_s, "no answer"
        while time.monotonic() < until:
            if process.poll() is not None:
                raise self.failed(f"ended at once with code {process.returncode}")
            try:
                await asyncio.wait_for(self.probe(), 2.0)
                return
            except ServerError:
                await self.stop(5.0)
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the server does not answer yet
                reason = f"{type(error).__name__}: {error}"
            await asyncio.sleep(POLL_S)
        await self.stop(2.0)
        raise self.failed(f"did not answer within {self.start_s:.0f} s ({reason})")

    def failed(self, reason: str) -> ServerError:
        """Return the error that says what happened and what the server's log ends with."""
        tail = log_tail(self.log)
        text = f"{self.name} {reason}" + (f"; its log ends with:\n{tail}" if tail else "")
        return ServerError(text, server=self.name, log=str(self.log))

    async def stop(self, deadline_s: float = 8.0) -> None:
        """Ask the server to stop; kill it after `deadline_s`."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self.ask_to_stop()
        if not await gone(process, deadline_s):
            logger.warning("server killed", extra={"server": self.name, "pid": process.pid, "deadline_s": deadline_s})
            self.kill()
            await gone(process, 5.0)
        await self.end_leftovers()

    def ask_to_stop(self) -> None:
        """Ask the server to stop, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self.stop_signal)

    def kill(self) -> None:
        """SIGKILL the server, as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    async def ended(self) -> int:
        """Wait until the server's process has ended; return its code."""
        return 0 if self._process is None else await exit_code(self._process)

    async def end_leftovers(self, deadline_s: float = 5.0) -> None:
        """End the processes of this server that work in our folder and are not the one we run."""
        found = await asyncio.to_thread(self._leftovers)
        if not found:
            return
        logger.warning("leftover ended", extra={"server": self.name, "pids": [process.pid for process in found]})
        for process in found:
            _signal(process, self.stop_signal)
        _, alive = await asyncio.to_thread(psutil.wait_procs, found, deadline_s)
        for process in alive:
            _signal(process, signal.SIGKILL)
        await asyncio.to_thread(psutil.wait_procs, alive, deadline_s)

    def _leftovers(self) -> list[psutil.Process]:
        here = str(self.working_dir.resolve())
        return [process for process in psutil.process_iter() if process.pid != self.pid and self._is_leftover(process, here)]

    def _is_leftover(self, process: psutil.Process, here: str) -> bool:
        try:
            return process.cwd() == here and process.status() != psutil.STATUS_ZOMBIE and self.is_ours(process)
        except (psutil.Error, OSError):
            return False


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
