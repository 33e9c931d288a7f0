"""Where the fleets of all hosts are: `run/hosts.json`, written by the Member of this one, read by web and CLI."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lics_actors.hosts.placement import HostState

FILE = "hosts.json"
LOOK_S = 0.2
GONE = frozenset({HostState.LOST, HostState.LEFT})


@dataclass(frozen=True, slots=True)
class HostPlace:
    """A host's FleetSupervisor, as last seen. `state`: a `HostState`; `own`: the host that wrote it."""

    name: str
    address: str
    port: int
    state: str
    own: bool = False


def write_hosts(run_dir: Path, hosts: Iterable[HostPlace]) -> None:
    """Write it, at once and whole."""
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = run_dir / f"{FILE}.{os.getpid()}"
    fresh.write_text(json.dumps([asdict(host) for host in hosts]) + "\n")
    fresh.replace(run_dir / FILE)


def read_hosts(run_dir: Path) -> list[HostPlace]:
    """Return the hosts as last seen; none where there is but one."""
    try:
        return [
            HostPlace(str(said["name"]), str(said["address"]), int(said["port"]), str(said["state"]), bool(said["own"]))
            for said in json.loads((run_dir / FILE).read_text())
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


class KnownHosts:
    """The hosts as the file has them, looked at no more often than every LOOK_S: a command must not cost a file."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._look_at = 0.0
        self._mark: object = None
        self._places: list[HostPlace] = []

    def all(self) -> list[HostPlace]:
        """Return all hosts; none where there is but one."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_S
            try:
                stat = (self._run_dir / FILE).stat()
                mark = (stat.st_ino, stat.st_mtime_ns)
            except OSError:
                mark = None
            if mark != self._mark:
                self._mark, self._places = mark, read_hosts(self._run_dir)
        return self._places

    def reachable(self) -> list[HostPlace]:
        """Return those worth asking: our own, whatever is said of it, and all that are not gone."""
        return [host for host in self.all() if host.own or host.state not in GONE]

    def gone(self, address: str) -> bool:
        """Return whether nobody is at an address any more: who is frozen takes connections, and never answers."""
        there = [host for host in self.all() if host.address == address]
        return bool(there) and all(host.state in GONE and not host.own for host in there)
