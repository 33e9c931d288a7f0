"""What must hold before a fleet is launched: nobody else runs it, its port is free, nothing in this process forbids a fork."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from pathlib import Path

import psutil

from lics_actors.errors import LicsError


class LaunchError(LicsError):
    """The actor system could not be started."""

    code = "LAUNCH_FAILED"


class AlreadyRunningError(LaunchError):
    """A fleet already runs on this data directory."""

    code = "ALREADY_RUNNING"


class PortTakenError(LaunchError):
    """Something else listens on the admin port."""

    code = "PORT_TAKEN"


class NotSingleThreadedError(LaunchError):
    """The launcher has threads, so nothing may be forked from it."""

    code = "NOT_SINGLE_THREADED"


def take_lock(pid_file: Path) -> int:
    """Lock the pid file's neighbour for the life of this process; closing the returned descriptor gives it back.

    A record lock: unlike one of flock, a child that outlives us does not hold it.

    Raises:
        AlreadyRunningError: another process holds it.
    """
    pid_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = pid_file.with_name(pid_file.name + ".lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = path.read_text().strip() or "unknown"
        os.close(descriptor)
        raise AlreadyRunningError(
            f"a LICS fleet is already running (process {holder}); stop it first, or use another LICS_DATA_DIR", pid=holder
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def refuse_taken_port(host: str, port: int) -> None:
    """Raise PortTakenError, naming the listener if it can be seen, unless `port` can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Thespian does: TIME_WAIT is no obstacle
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise PortTakenError(
                f"port {port} may not be used by this user; set LICS_FLEET_PORT above 1023", port=port
            ) from error
        except OSError as error:
            by = _listener_on(port)
            raise PortTakenError(
                f"port {port} of {host} cannot be used ({by or error.strerror}); end that, or set LICS_FLEET_PORT",
                port=port,
                by=by,
            ) from error


def _listener_on(port: int) -> str | None:
    """Return who listens on `port`, as far as this user may see."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.pid and tuple(connection.laddr)[1:] == (port,):
                return f"taken by process {connection.pid}, {psutil.Process(connection.pid).name()}"
    except psutil.Error:
        return None
    return None


def refuse_threads() -> None:
    """Raise NotSingleThreadedError if this process has a second thread, Python's or a library's own (pyarrow starts one)."""
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    tasks = Path("/proc/self/task")
    if tasks.exists():
        names += ["native"] * (len(list(tasks.iterdir())) - 1 - len(names))
    if names:
        raise NotSingleThreadedError(
            f"the launcher has threads ({', '.join(names)}); forking would copy their locks in whatever state they are",
            threads=names,
        )
