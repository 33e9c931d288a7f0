"""Processes that do not outlive their parent, and a record of all of them, so that nothing is ever left behind.

Thespian's admin, logger and actors survive whoever started them: killing the admin leaves every actor running and its port
held. So each forked process asks the kernel to be killed with its parent, and writes itself into the pid file.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
PARENT_POLL_S = 0.25  # where the kernel does not tell

_prctl: Callable[..., int] | None = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class RecordedProcess:
    """One line of the pid file. `started` tells this process from a later one with the same pid."""

    pid: int
    started: str
    role: str


@dataclass(slots=True)
class _ForkHooks:
    """What the fork hooks of this process work with; hooks cannot be taken back, so there is one for good."""

    pid_file: Path | None = None
    parent: int = 0
    registered: bool = False


_hooks = _ForkHooks()


def start_mark(pid: int) -> str | None:
    """Return a mark that differs for every process that ever has this pid, or None when there is none (or only a zombie)."""
    if sys.platform != "linux":
        return _start_mark_elsewhere(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *rest = stat[stat.rindex(")") + 2 :].split()  # the name before it may hold anything
    if state in "ZX":
        return None
    return f"{rest[18]}@{_boot_id()}"  # proc_pid_stat(5): field 22, clock ticks since boot


def _start_mark_elsewhere(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.Error:
        return None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return "-"


def process_exists(pid: int, started: str) -> bool:
    """Return whether the process that had this pid when `started` was taken still runs; a zombie does not."""
    return start_mark(pid) == started


def die_with_parent(parent: int | None = None) -> None:
    """Have this process killed (SIGKILL) as soon as its parent ends. `parent`: its pid, taken before the fork."""
    expected = os.getppid() if parent is None else parent
    if _prctl is None:
        threading.Thread(target=watch_parent, args=(expected,), name="parent-watch", daemon=True).start()
    elif _prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != expected:  # it died between the fork and this call, and nobody will tell
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends, so that `reap` leaves no zombie, whoever process 1 is (Linux)."""
    if _prctl is not None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(pid_file: Path) -> None:
    """Take the exit status of ended children that are in the pid file; others are left to whoever started them."""
    ours: set[int] | None = None
    if sys.platform != "linux":  # no orphans are adopted there
        return
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            ours = {one.pid for one in recorded(pid_file)} if ours is None else ours
            if ended.si_pid not in ours:
                return
            os.waitpid(ended.si_pid, 0)


def watch_parent(parent: int, poll_s: float = PARENT_POLL_S) -> None:
    """Kill this process once `parent` is not its parent any more; never returns. For platforms without a death signal."""
    while os.getppid() == parent:
        time.sleep(poll_s)
    os.kill(os.getpid(), signal.SIGKILL)


def install_fork_hooks(pid_file: Path) -> None:
    """From now on every process forked from this one, and from those, dies with its parent and is written into `pid_file`."""
    _hooks.pid_file = pid_file
    if not _hooks.registered:
        os.register_at_fork(before=_remember_parent, after_in_child=_bind_to_parent)
        _hooks.registered = True


def _remember_parent() -> None:
    _hooks.parent = os.getpid()


def _bind_to_parent() -> None:
    if _hooks.pid_file is None:
        return
    die_with_parent(_hooks.parent)
    record(f"child-of-{_hooks.parent}")


def record(role: str) -> None:
    """Write this process into the pid file under `role`; a later line about the same process wins."""
    if _hooks.pid_file is None:
        return
    line = f"{os.getpid()} {start_mark(os.getpid())} {role.replace(' ', '_')}\n".encode()
    descriptor = os.open(_hooks.pid_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)  # one short O_APPEND write: lines of many processes do not mix
    finally:
        os.close(descriptor)


def recorded(pid_file: Path) -> list[RecordedProcess]:
    """Return everyone in the pid file, running or not, one entry a process. A torn or foreign line is passed over."""
    try:
        lines = pid_file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found: dict[tuple[int, str], RecordedProcess] = {}
    for line in lines:
        match line.split():
            case [pid, started, role] if pid.isdecimal():
                found[int(pid), started] = RecordedProcess(int(pid), started, role)
    return list(found.values())


def running(pid_file: Path) -> list[RecordedProcess]:
    """Return those in the pid file that still run."""
    return [one for one in recorded(pid_file) if process_exists(one.pid, one.started)]


def kill_recorded(pid_file: Path) -> int:
    """SIGKILL everyone in the pid file who still is the process that was written down. Returns how many were killed."""
    return sum(_kill(one) for one in recorded(pid_file) if one.pid != os.getpid())


def _kill(target: RecordedProcess) -> bool:
    if not hasattr(os, "pidfd_open"):
        return _kill_by_pid(target)
    try:
        handle = os.pidfd_open(target.pid)
    except OSError:
        return False
    try:
        if not process_exists(target.pid, target.started):  # looked at while the handle holds the pid: no other can slip in
            return False
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return True
        return False
    finally:
        os.close(handle)


def _kill_by_pid(target: RecordedProcess) -> bool:
    if not process_exists(target.pid, target.started):
        return False
    with suppress(ProcessLookupError):
        os.kill(target.pid, signal.SIGKILL)
        return True
    return False


def wait_until_gone(pid_file: Path, timeout_s: float) -> list[RecordedProcess]:
    """Wait until nobody in the pid file runs, at most `timeout_s`; returns who is left."""
    deadline = time.monotonic() + timeout_s
    while (left := running(pid_file)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left
