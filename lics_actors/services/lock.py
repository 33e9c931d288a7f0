"""One `lics up` a data directory: a lock that the kernel lifts when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock."""

    pid: int
    address: str


class HeldError(Exception):
    """Another process holds the data directory; `holder` None where it has not said who it is yet."""

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(f"held by {holder}")
        self.holder = holder


class DataDirLock:
    """Held until `release` or the end of this process; children do not inherit it."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "up.lock"
        self._descriptor: int | None = None

    def take(self, holder: Holder) -> None:
        """Take the lock and say who we are.

        Raises:
            HeldError: somebody else has it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise HeldError(read_holder(self._path.parent)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(asdict(holder)).encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def read_holder(run_dir: Path) -> Holder | None:
    """Return who wrote the lock file last; its process may be gone."""
    try:
        return Holder(**json.loads((run_dir / "up.lock").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def running_holder(run_dir: Path) -> Holder | None:
    """Return who holds the lock now, None where nobody does."""
    try:
        descriptor = os.open(run_dir / "up.lock", os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(run_dir)
    else:
        return None
    finally:
        os.close(descriptor)
