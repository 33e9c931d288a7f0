"""The process of a child, as its supervisor holds it."""

from __future__ import annotations

import mmap
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from thespian.actors import ActorAddress

from lics_actors.runtime.lastwords import DUMP_SIGNAL
from lics_actors.runtime.messages import Stats
from lics_actors.runtime.process import process_exists, start_mark
from lics_actors.supervision.messages import Usage


@dataclass(frozen=True, slots=True)
class Incarnation:
    """`address` becomes the one others can use once it has begun. `process`: None where it could not even be forked."""

    name: str
    number: int
    created: ActorAddress
    address: ActorAddress
    process: BaseProcess | None = None
    pid: int | None = None
    started: str | None = None
    born: float = 0.0  # time.monotonic()
    inherited_bytes: int = 0  # memory it was forked with, which is shared until somebody writes to it
    word: str = ""
    stats: Stats | None = None
    usage: Usage | None = None
    peak_bytes: int = 0  # of its own memory, as far as that was looked at

    @property
    def gone(self) -> bool:
        """Return whether its process has ended. For its supervisor only, who then has its exit status too."""
        if self.process is not None:
            return not self.process.is_alive()
        return self.pid is None or self.started is None or not process_exists(self.pid, self.started)

    @property
    def exit_code(self) -> int | None:
        """Return how it ended: its exit status, or the negative number of the signal that killed it; None: not known."""
        return self.process.exitcode if self.process is not None else None

    @property
    def all_stats(self) -> Stats:
        """Return its own counters and gauges, and what it holds."""
        if self.usage is None:
            return self.stats or {}
        return {**(self.stats or {}), "memory_mib": round(self.usage.own_bytes / 2**20, 1), "files": self.usage.files}

    def ask_where_it_is(self) -> None:
        """Have it write down the stacks of its threads. Does nothing to one that is stopped or already gone."""
        if self.pid is not None and not self.gone:
            with suppress(ProcessLookupError):
                os.kill(self.pid, DUMP_SIGNAL)

    def kill(self) -> None:
        """SIGKILL it. Its parent has not reaped it while it counts as there, so the pid cannot be another's."""
        if self.pid is not None and not self.gone:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def forked(name: str, number: int, created: ActorAddress, process: BaseProcess | None) -> Incarnation:
    """Return the incarnation that was just created."""
    pid = process.pid if process else None
    mark = start_mark(pid) if pid else None
    return Incarnation(name, number, created, created, process, pid, mark, time.monotonic(), anonymous_bytes("self") or 0)


def usage_of(known: Incarnation) -> Usage | None:
    """Return what a process holds, or None where the system does not tell (it is gone, or this is no Linux). Costs 0.1 ms."""
    held = anonymous_bytes(known.pid) if known.pid else None
    if held is None:
        return None
    try:
        files = len(os.listdir(f"/proc/{known.pid}/fd"))  # noqa: PTH208 - a Path for each would cost more than the look
    except OSError:
        return None
    return Usage(max(0, held - known.inherited_bytes), files)


def anonymous_bytes(pid: int | str) -> int | None:
    """Return a process's resident memory without what is of files or meant to be shared (proc_pid_statm(5): resident - shared).

    A fork begins with its parent's, page for page, so the growth since is what it allocated; what it only wrote to is not in it.
    """
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return None
    return (int(resident) - int(shared)) * mmap.PAGESIZE


def told_anew(before: Usage | None, now: Usage) -> bool:
    """Return whether operators should hear of a usage before the next pong."""
    return before is None or abs(now.own_bytes - before.own_bytes) >= 2**20 or abs(now.files - before.files) >= 10
