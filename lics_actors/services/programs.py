"""The programs of the Procfile, each a child in a process group of its own that dies with us."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lics_actors.services.server import Launch, ServerError, exit_code, log_tail, spawn

Probe = Callable[[], Awaitable[object]]
HOME = Path(__file__).resolve().parents[2]
RELEASE = "release"  # by convention run once, before the others start
# What the Procfile of the checkout says; an installed package has none beside it.
PROCFILE = """\
release: lics db upgrade
fleet: lics fleet run
web: lics web
"""


def read_procfile(home: Path = HOME) -> dict[str, str]:
    """Return name → command line, in the order of the file."""
    path = home / "Procfile"
    text = path.read_text() if path.exists() else PROCFILE
    lines = (line.partition(":") for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return {name.strip(): command.strip() for name, _, command in lines}


def command_words(line: str) -> list[str]:
    """Return the words to execute for a command line; `lics` is this very installation, whatever is on PATH."""
    words = shlex.split(line)
    if words[:1] == ["lics"]:
        return [sys.executable, "-P", "-m", "lics_actors", *words[1:]]
    return ["/bin/sh", "-c", f"exec {line}"]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return what a program of ours needs in its environment beside what we have in ours: it may run from a checkout."""
    paths = [str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)), **more}


class Program:
    """One program: started, asked to stop with SIGTERM, killed with all it started. `probe`: how to see that it does not hang."""

    def __init__(self, name: str, words: Sequence[str], log: Path, env: Mapping[str, str], probe: Probe | None = None) -> None:
        self.name, self.log, self._probe = name, log, probe
        self._words, self._env = list(words), dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the pid while the program runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self) -> None:
        """Start it, with a fresh log; the previous one is kept as `.1`."""
        if self.log.exists() and self.log.stat().st_size:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._process = spawn(Launch(self._words, Path.cwd(), signal.SIGKILL, environment(self._env)), self.log)

    async def probe(self) -> None:
        """See that it answers, where there is a way to."""
        if self._probe is not None:
            await self._probe()

    def ask_to_stop(self) -> None:
        """Ask it to stop."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL its process group."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Wait until it has ended and nothing of its group is left; return its code."""
        if self._process is None:
            return 0
        code = await exit_code(self._process)
        self.kill()
        return code

    async def run(self) -> None:
        """Start it and wait for its end.

        Raises:
            ServerError: it ended with another code than 0; the message holds the end of its log.
        """
        await self.start()
        code = await self.ended()
        if code != 0:
            tail = log_tail(self.log)
            raise ServerError(f"{self.name} ended with code {code}:\n{tail}", server=self.name, log=str(self.log))
