"""The devices as last read from the database, in a file, for a start without it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lics_actors.device.messages import DeviceSpec, RigSpec

log = logging.getLogger(__name__)


class _Cached(msgspec.Struct):
    read_at: datetime
    devices: list[DeviceSpec]
    rigs: list[RigSpec] = []


def write_cache(path: Path, devices: Sequence[DeviceSpec], read_at: float, rigs: Sequence[RigSpec] = ()) -> None:
    """Replace the file at once and whole. `read_at`: seconds since the epoch.

    Raises:
        OSError: it could not be written; the old one stands.
    """
    body = msgspec.json.format(msgspec.json.encode(_Cached(datetime.fromtimestamp(read_at, UTC), list(devices), list(rigs))))
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # settings may hold what is nobody else's business
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def read_cache(path: Path) -> tuple[tuple[DeviceSpec, ...], tuple[RigSpec, ...]] | None:
    """Return the devices and the rigs, or None where there is no file, or none that can be read."""
    try:
        cached = msgspec.json.decode(path.read_bytes(), type=_Cached)
        return tuple(cached.devices), tuple(cached.rigs)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        log.error("device cache unreadable", extra={"path": str(path), "reason": str(error)})
        return None
