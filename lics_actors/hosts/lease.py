"""Until when this host may begin sessions with the broker: a few bytes in a file, written by one process, read by all.

Where several hosts share a laboratory, a device is taken over from one that is silent for DEAD_S. Whoever takes over connects
under the device's own client id, and the broker then ends the old session (MQTT 3.1.1 section 3.1.4). So a session that stands is
proof that nobody has taken over, whatever else is cut off; only *beginning* one needs a lease. LEASE_S is so much shorter than
DEAD_S that a lease is over before anybody takes over, and it is counted from before its heartbeat was sent.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from math import inf
from pathlib import Path

FILE = "lease"
LEASE_S = 3.0
LOOK_S = 0.1
ENDED = -inf
_FORMAT = struct.Struct("<d")
# counts through a suspend, too, where there is such a clock
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def lease_clock() -> float:
    """Return the time that leases are written in, in seconds."""
    return time.clock_gettime(_CLOCK)


def write_lease(path: str, until: float) -> None:
    """Set until when sessions may begin; `inf`: for as long as nobody says otherwise. Eight bytes: a reader sees all or nothing.

    Raises:
        OSError: it could not be written; the old one stands, and ends.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, _FORMAT.pack(until), 0)
    finally:
        os.close(descriptor)


def leased(path: str | None) -> bool:
    """Return whether a session may begin now. Without a path this is the only host, and it always may."""
    if path is None:
        return True
    try:
        (until,) = _FORMAT.unpack(Path(path).read_bytes())
        return lease_clock() < float(until)
    except (OSError, struct.error):
        return False


async def until_leased(path: str | None) -> None:
    """Wait until a session may begin."""
    while not leased(path):  # noqa: ASYNC110 - another process's file
        await asyncio.sleep(LOOK_S)
