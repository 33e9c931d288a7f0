"""The orders of runs that are not over, on disk: a small file each, so that a fleet knows them again whatever died.

The database is not asked: one that is away neither stops a run nor hides one.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from uuid import UUID

import msgspec

from lics_actors.errors import StorageFullError
from lics_actors.run.orders import RunOrder, decode_order, encode_order

SUFFIX = ".order"

log = logging.getLogger(__name__)


class OrderBook:
    """The files of one host. A run has one actor at a time, and one supervisor."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[RunOrder]:
        """Return every order; one that cannot be read is logged, and its file stays for a person."""
        return [order for path in sorted(self._folder.glob(f"*{SUFFIX}")) if (order := _read(path)) is not None]

    def get(self, run_id: UUID) -> RunOrder | None:
        """Return an order, None where there is none that can be read."""
        path = self._path(run_id)
        return _read(path) if path.exists() else None

    def keep(self, order: RunOrder) -> None:
        """Write an order down, durably.

        Raises:
            StorageFullError: it could not be written.
        """
        path = self._path(order.run_id)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with fresh.open("wb") as file:
                file.write(encode_order(order))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            self._sync()
        except OSError as error:
            raise StorageFullError(f"the order cannot be kept: {error.strerror}", path=str(path)) from error

    def drop(self, run_id: UUID) -> None:
        """Forget an order: the run is over, and its journal says so."""
        try:
            self._path(run_id).unlink(missing_ok=True)
        except OSError as error:
            log.error("order not dropped", extra={"run": str(run_id), "reason": str(error)})

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, run_id: UUID) -> Path:
        return self._folder / f"{run_id}{SUFFIX}"


def _read(path: Path) -> RunOrder | None:
    try:
        return decode_order(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:  # a ValidationError is one
        log.error("order unreadable, its run is not begun", extra={"path": str(path), "reason": str(error)})
        return None
