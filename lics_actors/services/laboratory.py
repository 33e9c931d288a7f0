"""A whole laboratory on one machine: embedded servers, then the Procfile, kept alive, ended in reverse order."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from config.endpoints import remove_endpoints, write_endpoints
from config.settings import Settings
from lics_actors.services.embedded import Embedded, embedded_servers
from lics_actors.services.keeper import Keeper
from lics_actors.services.programs import RELEASE, Program, command_words, read_procfile
from lics_actors.services.readiness import fetch
from lics_actors.services.server import ServerError, log_tail
from lics_actors.supervision.messages import Effect, RaiseAlarm, RecordEvent
from lics_actors.supervision.specs import ChildSpec

logger = logging.getLogger(__name__)
SERVERS_STAGE, PROGRAMS_STAGE = 0, 1  # programs are gone before servers are asked to end; a later program before an earlier one
LOG_CAP_BYTES = 16 * 1024 * 1024
LOG_LOOK_S = 10.0
WEB = "web"  # the Procfile's name of it
PATIENCE = 3  # deaths of one program before it was ready: it will not come up


class Note(Protocol):
    """A line of progress whose note may change."""

    note: str


Steps = Callable[[str], AbstractContextManager[Note]]


class Laboratory:
    """Everything `lics up` runs. `tell` hears of restarts and alarms once it is up."""

    def __init__(self, settings: Settings, env: Mapping[str, str], tell: Callable[[str], None], *, demo: bool) -> None:
        self._settings, self._demo, self._tell = settings, demo, tell
        self._env = {"LICS_DATA_DIR": str(settings.data_dir), **env}
        self._keeper = Keeper(self._hear)
        self._deaths: dict[str, int] = {}
        self._up = False
        self.came_up = asyncio.Event()
        self.embedded: Embedded = embedded_servers(settings)

    async def start(self, step: Steps) -> None:
        """Start servers, migrate, start programs.

        Raises:
            ServerError: something does not start; says what, with the end of its log.
        """
        await asyncio.gather(*(self._start_server(server.name, step) for server in self.embedded.servers))
        write_endpoints(self._settings.run_dir, self.embedded.endpoints())
        procfile = read_procfile()
        release = procfile.pop(RELEASE, None)
        if release is not None:
            with step("database schema"):
                await self._program(RELEASE, release).run()
        if self._demo:
            with step("demo laboratory"):
                await self._program("seed", "lics db seed").run()
            procfile = {"simulate": "lics simulate --demo --subject-model ideal", **procfile}
        for place, (name, line) in enumerate(procfile.items()):
            self._keeper.keep(ChildSpec(name, stage=PROGRAMS_STAGE + place, stop_timeout_s=8.0), self._program(name, line))

    async def _start_server(self, name: str, step: Steps) -> None:
        server = next(server for server in self.embedded.servers if server.name == name)
        title = self.embedded.broker.product if self.embedded.broker is server else name
        with step(title) as line:
            line.note = f"port {server.port}"
            spec = ChildSpec(name, stage=SERVERS_STAGE, begin_timeout_s=server.start_s + 10, stop_timeout_s=8.0)
            self._keeper.keep(spec, server)
            await self._keeper.first_start(name)

    def _program(self, name: str, line: str) -> Program:
        probe = self._web_answers if name == WEB else None
        return Program(name, command_words(line), self._settings.log_dir / f"{name}.log", self._env, probe)

    async def _web_answers(self) -> None:
        await asyncio.to_thread(fetch, self._settings, "/health/live", sign_in=False)

    def check(self) -> None:
        """Raise ServerError if a program keeps dying before the laboratory is up."""
        for name, deaths in self._deaths.items():
            if deaths >= PATIENCE:
                log = self._settings.log_dir / f"{name}.log"
                tail = log_tail(log) or log_tail(log.with_suffix(".log.1"))
                raise ServerError(f"{name} ended {deaths} times; its log ends with:\n{tail}", server=name, log=str(log))

    def is_up(self) -> None:
        """Everything has been seen at work: from now on deaths are told and survived."""
        self._up = True
        self.came_up.set()

    def pids(self) -> dict[str, int | None]:
        """Return each part's pid."""
        return self._keeper.pids()

    async def stop(self) -> None:
        """Stop everything in reverse order."""
        remove_endpoints(self._settings.run_dir)
        self._up = False
        await self._keeper.stop()

    def kill(self) -> None:
        """Kill everything now."""
        remove_endpoints(self._settings.run_dir)
        self._keeper.kill()

    async def cap_logs(self) -> None:
        """Keep each log file bounded, for as long as it runs: one beyond the cap is moved to `.1` and started anew."""
        while True:
            await asyncio.sleep(LOG_LOOK_S)
            await asyncio.to_thread(_cap_logs, self._settings.log_dir)

    def _hear(self, effect: Effect) -> None:
        match effect:
            case RecordEvent(name=name, kind="exited", reason=reason):
                self._deaths[name] = self._deaths.get(name, 0) + 1
                logger.warning("part ended", extra={"part": name, "reason": reason})
                self._say(f"{name} went down ({reason}); starting it again")
            case RecordEvent(name=name, kind="restarted"):
                logger.info("part restarted", extra={"part": name})
                self._say(f"{name} runs again")
            case RaiseAlarm(name=name, message=message):
                logger.error("part given up", extra={"part": name, "reason": message})
                self._say(f"{message}. See {self._settings.log_dir / name}.log; start everything again when it is mended")
            case _:
                logger.debug("supervision", extra={"effect": repr(effect)})

    def _say(self, sentence: str) -> None:
        if self._up:
            self._tell(sentence)


def _cap_logs(log_dir: Path) -> None:
    for log in log_dir.glob("*.log"):
        if log.stat().st_size > LOG_CAP_BYTES:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)  # its writer appends (O_APPEND), so it goes on at the new end
