"""Reservations: a device is a run's, for as long as the run goes on saying so. Pure.

Nobody else commands it meanwhile but to make it safe. A reservation is a lease: a run that died for good says nothing any more,
and the device is free `KEPT_S` later, without anybody's doing. The next incarnation of the device's actor knows of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from lics_actors.device.messages import FreeDevice, KeepDevice
from lics_actors.errors import DeviceReservedError

# Longer than any restart of a run's actor that is not given up (supervision: 5 within a minute) and than most machines'; short
# enough for somebody who waits for the cage.
KEPT_S: Final = 120.0


class Reservation(Struct, frozen=True):
    """`holder`: by what name the run commands (`run:<id>`)."""

    run_id: UUID
    holder: str
    until: datetime


def kept(known: Reservation | None, wish: KeepDevice, now: datetime) -> Reservation:
    """Return the reservation, made or renewed.

    Raises:
        DeviceReservedError: another run has the device.
    """
    if known is not None and known.run_id != wish.run_id and known.until > now:
        raise taken(known)
    return Reservation(wish.run_id, wish.holder, now + timedelta(seconds=KEPT_S))


def freed(known: Reservation | None, wish: FreeDevice) -> Reservation | None:
    """Return what is left when a run lets the device go: another's reservation stays."""
    return None if known is None or known.run_id == wish.run_id else known


def standing(known: Reservation | None, now: datetime) -> Reservation | None:
    """Return a reservation that still holds."""
    return known if known is not None and known.until > now else None


def taken(known: Reservation) -> DeviceReservedError:
    """Return the refusal of everybody else."""
    facts = {"holder": known.holder, "run_id": str(known.run_id), "until": known.until.isoformat()}
    return DeviceReservedError(f"the device is reserved for {known.holder}", **facts)
