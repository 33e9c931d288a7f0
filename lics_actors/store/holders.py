"""Which run has a device or a rig just now, and what nobody may do to these meanwhile.

A run is told once which devices play its roles and how they speak. So while it is not over its devices are not retired, given to
another laboratory, taken out of the rig or made to speak otherwise; who must have one at once aborts the run, or puts the device
into maintenance, which pauses it. The table is asked, not the device's actor: it knows of runs that were just ordered, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from lics_actors.device.messages import Admin
from lics_actors.errors import ConflictError, DeviceReservedError, RunUnderWayError
from lics_actors.run.orders import run_principal
from lics_actors.store.json_text import json_value

_HAS_DEVICE: Final = "EXISTS (SELECT FROM jsonb_each_text(g.devices) d WHERE d.value = $1)"
# Locked, so that a run that is being ordered at one of them is seen, or waits until this is done.
_LOCK_RIGS: Final = f"SELECT g.id FROM rig g WHERE {_HAS_DEVICE} ORDER BY g.id FOR UPDATE"  # noqa: S608 - our own constant
_OF_DEVICE: Final = f"""SELECT r.id, r.rig, r.phase FROM run r JOIN rig g ON g.id = r.rig_id
    WHERE r.ended_at IS NULL AND {_HAS_DEVICE} LIMIT 1"""  # noqa: S608 - our own constant
_LOCK_RIG: Final = "SELECT id FROM rig WHERE id = $1 FOR UPDATE"
_OF_RIG: Final = "SELECT id, rig, phase FROM run WHERE ended_at IS NULL AND rig_id = $1 LIMIT 1"
_SPEAKS: Final = "SELECT driver, settings FROM device WHERE id = $1"
_SEEN: Final = "SELECT version FROM rig WHERE id = $1 FOR SHARE"


async def device_is_free(connection: Any, device_id: UUID) -> None:
    """Let pass, within the caller's transaction, a device that no run has.

    Raises:
        DeviceReservedError: a run has it; facts `holder`, `run_id`.
    """
    await connection.execute(_LOCK_RIGS, str(device_id))
    row = await connection.fetchrow(_OF_DEVICE, str(device_id))
    if row is not None:
        message = f"run {row['id']} at {row['rig']}, which is {row['phase']}, has the device; stop or abort it first"
        raise DeviceReservedError(message, holder=run_principal(row["id"]), run_id=str(row["id"]))


async def device_may_change(connection: Any, device_id: UUID, changes: Mapping[str, Any]) -> None:
    """Let pass, within the caller's transaction, changes that no run would suffer from.

    Raises:
        DeviceReservedError: a run has it; facts `holder`, `run_id`.
    """
    if changes.get("admin") is Admin.RETIRED:
        await device_is_free(connection, device_id)
    elif changes.keys() & {"driver", "settings"}:
        row = await connection.fetchrow(_SPEAKS, device_id)
        if row is None:
            return  # the caller finds that, too
        before = {"driver": row["driver"], "settings": json_value(row["settings"])}
        if any(changes.get(name, value) != value for name, value in before.items()):
            await device_is_free(connection, device_id)


async def rig_is_free(connection: Any, rig_id: UUID) -> None:
    """Let pass, within the caller's transaction, a rig at which no run is.

    Raises:
        RunUnderWayError: a run is; facts `holder`, `run_id`.
    """
    await connection.execute(_LOCK_RIG, rig_id)
    row = await connection.fetchrow(_OF_RIG, rig_id)
    if row is not None:
        message = f"run {row['id']} at {row['rig']} is {row['phase']}; stop or abort it first"
        raise RunUnderWayError(message, holder=run_principal(row["id"]), run_id=str(row["id"]))


async def rig_as_seen(connection: Any, rig_id: UUID, version: int) -> None:
    """Let pass, within the caller's transaction, a rig that is as it was when a run was fitted to it.

    Raises:
        ConflictError: it was changed, or is gone.
    """
    if await connection.fetchval(_SEEN, rig_id) != version:
        raise ConflictError("the rig was changed while the run was ordered; order it again", rig_id=str(rig_id))


def taken_out(before: Mapping[str, UUID], after: Mapping[str, UUID]) -> bool:
    """Return whether a role has lost its device, or has another."""
    return any(after.get(role) != device_id for role, device_id in before.items())
