"""A launcher process with a few actors, as the tests of the runtime see it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thespian.actors import ActorAddress

from lics_actors.runtime import process, transport
from lics_actors.services.ports import free_port
from tests.system.runtime_actors import KEY
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]


@dataclass
class Fleet:
    """The launcher process and what it said so far."""

    launcher: subprocess.Popen[str]
    pid_file: Path
    port: int
    root: ActorAddress | None = None
    root_pid: int = 0
    admin_pid: int = 0
    leaves: list[ActorAddress] = field(default_factory=list)
    leaf_pids: list[int] = field(default_factory=list)
    began_in_s: float = 0.0
    lines: queue.Queue[dict[str, Any] | None] = field(default_factory=queue.Queue)

    def next_line(self, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Return what the launcher says next; fails the test when it says nothing or has ended."""
        line = self.lines.get(timeout=timeout_s)
        assert line is not None, "the launcher ended without a word"
        return line

    def say(self, word: str) -> None:
        """Tell the launcher something."""
        assert self.launcher.stdin is not None
        self.launcher.stdin.write(word + "\n")
        self.launcher.stdin.flush()

    def stop(self) -> dict[str, Any]:
        """End it as a person would and return its last words."""
        self.say("stop")
        last = self.next_line()
        self.launcher.wait(PATIENCE_S)
        return last

    def running(self) -> list[process.RecordedProcess]:
        """Return the processes that run."""
        return process.running(self.pid_file)

    def read_lines(self) -> None:
        """Take what the launcher says (a thread of the test)."""
        assert self.launcher.stdout is not None
        for line in self.launcher.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)


@contextmanager
def launcher(folder: Path, spec: str, *options: str, port: int | None = None) -> Iterator[Fleet]:
    """Run a launcher; whatever is left of it afterwards is killed."""
    transport.install(KEY)
    port = port or free_port()
    errors = (folder / "stderr").open("a")
    words = [sys.executable, "-m", "tests.system.runtime_actors", str(folder), str(port), spec, *options]
    child = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
    fleet = Fleet(child, folder / "pids", port)
    reader = threading.Thread(target=fleet.read_lines, daemon=True)
    reader.start()
    try:
        yield fleet
    finally:
        seen = process.recorded(fleet.pid_file)
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()
        for one in seen:
            if process.process_exists(one.pid, one.started):
                os.kill(one.pid, signal.SIGKILL)
        reader.join(5)
        errors.close()


@contextmanager
def running_fleet(folder: Path, leaves: int = 2, *options: str, port: int | None = None) -> Iterator[Fleet]:
    """Run a launcher with a supervisor and its leaves, all begun."""
    with launcher(folder, str(leaves), *options, port=port) as fleet:
        first = fleet.next_line()
        assert "launched" in first, first
        fleet.root = transport.actor_address(*first["launched"])
        fleet.root_pid, fleet.admin_pid = first["pid"], first["admin_pid"]
        if leaves:
            began = fleet.next_line(2 * PATIENCE_S)
            fleet.began_in_s = began["seconds"]
            fleet.leaves = [transport.actor_address(host, port) for host, port, _pid in began["began"]]
            fleet.leaf_pids = [pid for _host, _port, pid in began["began"]]
        yield fleet


def seconds_until_gone(processes: list[process.RecordedProcess], timeout_s: float = PATIENCE_S) -> float:
    """Return how long it takes until none of them runs; more than `timeout_s` when some stay."""
    began = time.perf_counter()
    while any(process.process_exists(one.pid, one.started) for one in processes):
        if time.perf_counter() - began > timeout_s:
            break
        time.sleep(0.005)
    return time.perf_counter() - began
