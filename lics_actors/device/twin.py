"""The twin: a device's state as peers see it, and as one incarnation of its actor leaves it to the next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from drivers.description import description_json, description_of
from drivers.protocol import Guarantees
from lics_actors.device import commands
from lics_actors.device.guard import guard_of
from lics_actors.device.interlocks import Latch
from lics_actors.device.lease import NOTHING, Leasing
from lics_actors.device.messages import DeviceSpec, DeviceTwin, Health, MetricReading, Safety, TrippedInterlock
from lics_actors.device.model import DeviceState
from lics_actors.device.reserving import Reservation, standing
from lics_actors.store.records import Command, InterlockTripped


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    epoch: int | None = None
    health: Health = Health.OK
    last_seen: datetime | None = None
    description: dict[str, Any] | None = None
    metrics: dict[str, MetricReading] = {}
    lease: Leasing | None = None
    reserved: Reservation | None = None


def twin_of(state: DeviceState) -> DeviceTwin:
    """Return what peers are told."""
    return DeviceTwin(
        device_id=state.spec.device_id,
        link=state.link,
        health=state.health,
        safety=state.safety,
        admin=state.spec.admin,
        epoch=state.epoch,
        incarnation=state.incarnation,
        since=state.since,
        last_seen=state.last_seen,
        reason=state.reason,
        description=None if state.description is None else description_json(state.description),
        metrics=dict(state.metrics),
        queued_commands=len(state.book.waiting) + len(state.book.flying),
        rejected_payloads=state.rejects.total,
        tripped=tuple(_tripped(each.record) for each in state.latches),
        held_until=state.lease.held_until,
        reserved_by=state.reserved.holder if state.reserved else None,
        reserved_until=state.reserved.until if state.reserved else None,
    )


def _tripped(record: InterlockTripped) -> TrippedInterlock:
    return TrippedInterlock(record.rig_id, record.rig, record.interlock, record.time, record.why)


def kept_twin(state: DeviceState) -> bytes:
    """Return what the next incarnation needs that neither device nor broker will say again at once."""
    description = None if state.description is None else description_json(state.description)
    kept = _Kept(state.epoch, state.health, state.last_seen, description, dict(state.metrics), state.lease.kept, state.reserved)
    return msgspec.json.encode(kept)


def restored(
    spec: DeviceSpec,
    guarantees: Guarantees,
    incarnation: int,
    now: datetime,
    *,
    twin: bytes | None,
    unsettled: list[Command],
    tripped: Sequence[InterlockTripped] = (),
) -> DeviceState:
    """Return the state in which an incarnation begins: not connected, with what the journal kept.

    A twin that cannot be read is as good as none: the device says everything again.
    """
    try:
        kept = msgspec.json.decode(twin, type=_Kept) if twin is not None else _Kept()
        description = None if kept.description is None else description_of(kept.description)
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError):
        kept, description = _Kept(), None
    return DeviceState(
        spec=spec,
        guarantees=guarantees,
        incarnation=incarnation,
        book=commands.restored(spec.device_id, guarantees, unsettled, now),
        since=now,
        health=kept.health,
        epoch=kept.epoch,
        last_seen=kept.last_seen,
        description=description,
        metrics=kept.metrics,
        lease=kept.lease or NOTHING,
        reserved=standing(kept.reserved, now),
        guard=guard_of(spec),
        latches=tuple(map(Latch, tripped)),
        safety=Safety.TRIPPED if tripped else Safety.SAFE,
    )
