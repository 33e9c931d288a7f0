"""Which nodes are kept down until a person lets them go, on disk: a small file each, so that it outlives every supervisor.

A file a node and not a supervisor's journal: another rack may be the device's after the next start.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import msgspec

from lics_actors.supervision.specs import Hold, Phase

log = logging.getLogger(__name__)


class Holds:
    """The files of one host. A node has one supervisor at a time, so no file has two writers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, node: str) -> Hold | None:
        """Return why a node is kept down, None where it is not. An unreadable file keeps nobody down, and is logged."""
        try:
            hold = msgspec.json.decode(self._path(node).read_bytes(), type=Hold)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:  # a ValidationError is one
            log.error("hold unreadable, forgotten", extra={"node": node, "reason": str(error)})
            return None
        return hold if hold.phase in {Phase.QUARANTINED, Phase.DRAINED} else None

    def keep(self, node: str, hold: Hold) -> None:
        """Write it down, durably. On a full disk it is logged, and holds as long as the supervisor lives."""
        path = self._path(node)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(hold))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            log.error("hold not written", extra={"node": node, "reason": str(error)})

    def lift(self, node: str) -> None:
        """Forget it."""
        try:
            self._path(node).unlink(missing_ok=True)
        except OSError as error:
            log.error("hold not lifted on disk", extra={"node": node, "reason": str(error)})

    def _path(self, node: str) -> Path:
        return self._folder / f"{quote(node, safe='')}.json"
