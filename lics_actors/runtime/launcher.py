"""Starts the actor system from a single-threaded process that has imported everything, and leaves nothing behind when it ends."""

from __future__ import annotations

import importlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thespian.actors import ActorAddress, ActorSystem
from thespian.system import multiprocCommon

from lics_actors.errors import LicsError
from lics_actors.runtime import logroute, process, transport
from lics_actors.runtime.base import LicsActor
from lics_actors.runtime.messages import ActorBegun, ActorStopped, BeginActor, BeginFailed, StopActor
from lics_actors.runtime.preflight import LaunchError, PortTakenError, refuse_taken_port, refuse_threads, take_lock
from lics_actors.runtime.sharing import share_with_children

__all__ = ["FleetDiedError", "LaunchError", "Launched", "launch"]

LIVENESS_S = 0.25  # how late the death of the root is noticed
GONE_S = 2.0  # a killed process is gone in milliseconds, unless the machine swaps

log = logging.getLogger(__name__)


class FleetDiedError(LicsError):
    """The root actor, or the process it hangs on, has ended."""

    code = "FLEET_DIED"


@dataclass(slots=True)
class Launched:
    """A running actor system, held by the one process that started it. One thread only."""

    address: ActorAddress
    pid: int
    admin_pid: int
    pid_file: Path
    _system: ActorSystem
    _processes: tuple[tuple[int, str], ...]
    _early: deque[object]
    _lock: int = -1
    _closed: bool = False

    def receive(self, timeout_s: float) -> object | None:
        """Return the next message from the root, or None when none came in time.

        Signal handlers must only set flags: an exception raised from one would leave Thespian's transport locked.

        Raises:
            FleetDiedError: the root or the admin process has ended.
        """
        if self._early:
            return self._early.popleft()
        deadline = time.monotonic() + timeout_s
        while True:
            left = deadline - time.monotonic()
            message: object | None = self._system.listen(max(0.001, min(left, LIVENESS_S)))
            if message is not None:
                return message
            self.check_alive()
            if left <= 0:
                return None

    def tell(self, message: object) -> None:
        """Send the root a message."""
        self._system.tell(self.address, message)

    def check_alive(self) -> None:
        """Raise FleetDiedError if the root or the admin process has ended."""
        process.reap(self.pid_file)
        for pid, started in self._processes:
            if not process.process_exists(pid, started):
                raise FleetDiedError(f"process {pid} of the fleet has ended", pid=pid)

    def shutdown(self, timeout_s: float = 10.0) -> bool:
        """Stop the root, then everything; afterwards no process and no port is left. Returns whether the root stopped by itself.

        Takes `timeout_s` at most for the root, and then up to two seconds more; what does not end is killed.
        """
        if self._closed:
            return True
        self._closed = True
        try:
            orderly = _stop_root(self, time.monotonic() + timeout_s)
            if not orderly:
                log.warning("the fleet did not stop by itself", extra={"killed": process.kill_recorded(self.pid_file)})
        finally:
            _end_system(self._system, self.admin_pid, self.pid_file)
            os.close(self._lock)
        return orderly


def launch(
    root: type[LicsActor],
    spec: object,
    *,
    admin_port: int,
    key: bytes,
    pid_file: Path,
    host: str = "127.0.0.1",
    name: str = "fleet",
    preload: Sequence[str] = (),
    begin_timeout_s: float = 30.0,
) -> Launched:
    """Start the actor system with one top-level actor and have it begin with `spec`.

    `preload`: modules that are imported before anything is forked, so that all processes share their memory. Everything that
    an earlier, killed launcher left behind is killed first. Log configuration is taken as it is now.

    Raises:
        AlreadyRunningError: a launcher with this `pid_file` runs.
        PortTakenError: something else listens on `admin_port`.
        NotSingleThreadedError: this process has threads.
        LaunchError: the system or its root did not come up.
    """
    lock = take_lock(pid_file)
    try:
        leftovers = process.kill_recorded(pid_file)
        if leftovers:
            log.warning("killed what an earlier fleet left behind", extra={"processes": leftovers})
            process.wait_until_gone(pid_file, GONE_S)
        refuse_taken_port(host, admin_port)
        pid_file.write_bytes(b"")
        _prepare(key, host, pid_file, preload)
        launched = _start(root, BeginActor(name, 1, spec), admin_port, pid_file, time.monotonic() + begin_timeout_s)
    except BaseException:
        os.close(lock)
        raise
    launched._lock = lock
    return launched


def _prepare(key: bytes, host: str, pid_file: Path, preload: Sequence[str]) -> None:
    for module in preload:
        importlib.import_module(module)
    transport.install(key, host)
    logroute.keep()
    process.install_fork_hooks(pid_file)
    process.adopt_orphans()
    multiprocCommon.startAdmin = _admin_as_child
    refuse_threads()
    share_with_children()


_start_admin: Callable[..., None] = multiprocCommon.startAdmin


def _admin_as_child(*arguments: object) -> None:
    """Run Thespian's admin as our own child: it would fork once more and end the parent, and so would escape our death."""
    real_fork = os.fork

    def stay() -> int:
        os.fork = real_fork
        return 0

    os.fork = stay
    process.record("admin")
    with suppress(OSError):
        os.dup2(2, 1)  # whatever an actor prints is a log line, never part of what a program reads from the launcher
    _start_admin(*arguments)


def _start(root: type[LicsActor], begin: BeginActor, admin_port: int, pid_file: Path, deadline: float) -> Launched:
    try:
        system = ActorSystem("multiprocTCPBase", {"Admin Port": admin_port}, logroute.definitions())
    except Exception as error:
        process.kill_recorded(pid_file)
        raise LaunchError(f"the actor system did not start on port {admin_port}: {error}", port=admin_port) from error
    admin = next((one for one in process.running(pid_file) if one.role == "admin"), None)
    if admin is None:  # Thespian attaches to whatever answers on the port; ours is not there, so leave that one alone
        raise PortTakenError(f"another actor system took port {admin_port} just now; set LICS_FLEET_PORT", port=admin_port)
    try:
        address = system.createActor(root)
        early: deque[object] = deque()
        pid = _begin(system, address, begin, early, pid_file, deadline)
        processes = ((admin.pid, admin.started), (pid, process.start_mark(pid) or "gone"))
        return Launched(address, pid, admin.pid, pid_file, system, processes, early)
    except BaseException as error:
        process.kill_recorded(pid_file)
        _end_system(system, admin.pid, pid_file)
        if isinstance(error, Exception) and not isinstance(error, LicsError):
            raise LaunchError(f"{begin.name} did not start: {error}") from error
        raise


def _begin(  # noqa: PLR0917 - all of it is what one handshake needs
    system: ActorSystem, address: ActorAddress, begin: BeginActor, early: deque[object], pid_file: Path, deadline: float
) -> int:
    message: Any = system.ask(address, begin, LIVENESS_S)
    while True:
        match message:
            case ActorBegun(pid=pid):
                return pid
            case BeginFailed(reason=reason):
                raise LaunchError(f"{begin.name} could not begin: {reason}", reason=reason)
            case None:
                _refuse_dead_root(begin.name, pid_file)
            case _:
                early.append(message)
        if time.monotonic() > deadline:
            raise LaunchError(f"{begin.name} did not begin in time")
        message = system.listen(LIVENESS_S)


def _refuse_dead_root(name: str, pid_file: Path) -> None:
    """Raise LaunchError when nothing but admin and logger is left, or what called itself the root has ended."""
    known = process.recorded(pid_file)
    alive = process.running(pid_file)
    if len(alive) < 3 or (any(one.role == name for one in known) and not any(one.role == name for one in alive)):
        raise LaunchError(f"{name} died before it had begun; the log says why")


def _stop_root(launched: Launched, deadline: float) -> bool:
    system = launched._system
    message: Any = None
    with suppress(FleetDiedError):
        launched.check_alive()
        message = system.ask(launched.address, StopActor("shutdown"), LIVENESS_S)
        while not isinstance(message, ActorStopped) and time.monotonic() < deadline:
            launched.check_alive()
            message = system.listen(LIVENESS_S)
    return isinstance(message, ActorStopped)


def _end_system(system: ActorSystem, admin_pid: int, pid_file: Path) -> None:
    """End the admin, then whatever is recorded and still runs."""
    with suppress(Exception):
        if process.start_mark(admin_pid) is not None:
            system.shutdown()
    _forget_system()
    process.kill_recorded(pid_file)
    left = process.wait_until_gone(pid_file, GONE_S)
    process.reap(pid_file)
    if left:
        log.error("processes are left behind", extra={"pids": [one.pid for one in left]})
    else:
        pid_file.unlink(missing_ok=True)


def _forget_system() -> None:
    """Have the next `launch` of this process start a system: Thespian goes on with one whose admin was killed."""
    left = getattr(ActorSystem, "systemBase", None)
    if left is not None:
        del ActorSystem.systemBase
        with suppress(Exception):
            left.transport.close()
