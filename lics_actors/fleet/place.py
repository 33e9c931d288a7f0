"""Where the running FleetSupervisor is: `run/fleet.json`, written by the launcher, read by web and CLI."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "fleet.json"


@dataclass(frozen=True, slots=True)
class FleetPlace:
    """`started_at`: RFC 3339, UTC. `version`: of the program that the fleet runs, which may be older than the one on disk."""

    host: str
    port: int
    pid: int
    started_at: str
    version: str = ""


def write_place(run_dir: Path, place: FleetPlace) -> None:
    """Write it, at once and whole."""
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = run_dir / f"{FILE}.{os.getpid()}"
    fresh.write_text(json.dumps(asdict(place)) + "\n")
    fresh.replace(run_dir / FILE)


def read_place(run_dir: Path) -> FleetPlace | None:
    """Return where the fleet is, or was when it ended without a word; None where none was started."""
    try:
        said = json.loads((run_dir / FILE).read_text())
        return FleetPlace(
            str(said["host"]), int(said["port"]), int(said["pid"]), str(said["started_at"]), str(said.get("version", ""))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_place(run_dir: Path) -> None:
    """Say that no fleet runs."""
    (run_dir / FILE).unlink(missing_ok=True)
