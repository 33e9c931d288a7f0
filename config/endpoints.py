"""Where the embedded servers of a running `lics up` can be reached: `<data_dir>/run/endpoints.json`, mode 0600."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "endpoints.json"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of the embedded servers; None where the laboratory has its own. `up_pid`: who runs them."""

    up_pid: int
    database_url: str | None = None
    redis_url: str | None = None
    mqtt_host: str | None = None
    mqtt_port: int | None = None
    broker: str | None = None  # mosquitto or amqtt
    accounts: bool = False  # whether it lets in those only who have one
    database_owner_url: str | None = None  # whose the tables are: for migrations

    @property
    def alive(self) -> bool:
        """Return whether the process that runs them is there; after a SIGKILL the file is older than the truth."""
        try:
            os.kill(self.up_pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def __repr__(self) -> str:
        return f"Endpoints(up_pid={self.up_pid}, broker={self.broker!r})"  # the URLs hold passwords


def read_endpoints(run_dir: Path) -> Endpoints | None:
    """Return what `lics up` wrote, None where it does not run or the file is not usable."""
    try:
        return Endpoints(**json.loads((run_dir / FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write_endpoints(run_dir: Path, endpoints: Endpoints) -> None:
    """Write the addresses; a reader sees the old file or the whole new one."""
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = run_dir / f"{FILE}.new"
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(endpoints), file)
    fresh.replace(run_dir / FILE)


def remove_endpoints(run_dir: Path) -> None:
    """Forget the addresses: the servers are stopped."""
    (run_dir / FILE).unlink(missing_ok=True)
