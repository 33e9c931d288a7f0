"""Where the fleets of all hosts are: `run/hosts.json`, written by the Member of this one, read by web and CLI."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from lics_actors.hosts.placement import HostState

FILE = "hosts.json"


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


def reachable(hosts: Iterable[HostPlace]) -> list[HostPlace]:
    """Return those worth asking: our own, whatever is said of it, and all that are not gone."""
    return [host for host in hosts if host.own or host.state not in {HostState.LOST, HostState.LEFT}]
