"""The process of a child, as its supervisor holds it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from thespian.actors import ActorAddress

from lics_actors.runtime.messages import Stats
from lics_actors.runtime.process import process_exists, start_mark


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
    word: str = ""
    stats: Stats | None = None

    @property
    def gone(self) -> bool:
        """Return whether its process has ended. For its supervisor only, who then has its exit status too."""
        if self.process is not None:
            return not self.process.is_alive()
        return self.pid is None or self.started is None or not process_exists(self.pid, self.started)

    def kill(self) -> None:
        """SIGKILL it. Its parent has not reaped it while it counts as there, so the pid cannot be another's."""
        if self.pid is not None and not self.gone:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def forked(name: str, number: int, created: ActorAddress, process: BaseProcess | None) -> Incarnation:
    """Return the incarnation that was just created."""
    pid = process.pid if process else None
    return Incarnation(name, number, created, created, process, pid, start_mark(pid) if pid else None)
