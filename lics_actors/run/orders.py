"""The order by which a run begins: all that its actor needs, also while the database is away. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from lics_actors.device.messages import RoleSpec
from lics_actors.welfare.calibration import Curve

ARM_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much reward the subject may get from `as_of` (UTC) on, in base units (None: nobody set a limit); what the run gives
    from then on counts against it. `until`: the end of the subject's day, or of what was added to it; nothing is given beyond.
    `override`: whose word lets it be exceeded. `then`: what follows, told before the day ends. `ends`: the session does.
    `serial`: of two words about a run the one with the higher number is the later one; what is said is the same without it."""

    amount: float | None
    as_of: datetime
    until: datetime | None = None
    override: str | None = None
    then: Allowance | None = None
    ends: datetime | None = None
    serial: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RunOrder:
    """`document`: the protocol's version as stored; `roles`: the protocol's role → the device that plays it; `parameters`: in
    base units, those that differ from the defaults. `rehearsed`: the version was rehearsed, or a person with the right to it has
    overridden that. `allowance` None: nobody keeps a ledger of this subject. `curves`: of roles that reward, what their devices
    do with what they are told. `arm_within_s`: devices may take so long to be ready. `besides`: the rig's other devices,
    reserved too; what trips there pauses the run, nothing else of them does."""

    run_id: UUID
    laboratory_id: UUID
    rig_id: UUID
    rig: str
    protocol_version_id: UUID
    document: Mapping[str, Any]
    roles: Mapping[str, RoleSpec]
    seed: int
    principal: str
    ordered_at: datetime
    rehearsed: bool
    parameters: Mapping[str, Any] = field(default_factory=dict)
    subject_id: UUID | None = None
    experiment_id: UUID | None = None
    stage: int | None = None
    allowance: Allowance | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    arm_within_s: float = ARM_WITHIN_S
    besides: Mapping[str, RoleSpec] = field(default_factory=dict)


# What people asked for; the rest is how rig, devices and the subject's day stood when they did, and may be otherwise now.
_WANTED: Final = (
    "run_id", "laboratory_id", "rig_id", "protocol_version_id", "subject_id", "experiment_id", "stage", "seed", "principal",
    "ordered_at", "parameters",
)  # fmt: skip


def same_run(known: RunOrder, again: RunOrder) -> bool:
    """Return whether an order that comes again wants the same run: one that was begun stays as it was begun."""
    return all(getattr(known, name) == getattr(again, name) for name in _WANTED)


_orders: Final = msgspec.json.Decoder(RunOrder)


def encode_order(order: RunOrder) -> bytes:
    """Return an order as JSON."""
    return msgspec.json.encode(order)


def decode_order(data: bytes) -> RunOrder:
    """Return the order that `encode_order` made.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: the bytes are none.
    """
    return _orders.decode(data)


def run_node(run_id: UUID) -> str:
    """Return the name of a run's node in the supervision tree."""
    return f"run:{run_id}"


def run_of_node(node: str) -> UUID | None:
    """Return the run a node is for, or None where it is not for one."""
    kind, _, text = node.partition(":")
    try:
        return UUID(text) if kind == "run" else None
    except ValueError:
        return None


def aside(place: str) -> str:
    """Return what a device of the rig is called that plays no role: no role has such a name."""
    return f"{place} (rig)"


def run_principal(run_id: UUID) -> str:
    """Return by which name a run commands devices."""
    return f"run:{run_id}"
