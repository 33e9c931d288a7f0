"""All that is kept of a run, as its files hold it: who, with what, what was heard and decided. Pure.

Times of `moves` are seconds on the run's own axis, whose 0 is `started_at`; all other times are UTC. Amounts, parameters and
draws are in base units (experiment/quantities.py).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from lics_actors.experiment.messages import Effect, Event

FORMAT = 1


class ProtocolFacts(Struct, frozen=True):
    """The protocol as it was run. `digest`: SHA-256 of the document (`lines.digest_of`)."""

    name: str
    title: str
    version: int
    digest: str
    document: dict[str, Any]
    text: str = ""  # as somebody wrote it, with comments


class SubjectFacts(Struct, frozen=True):
    """An animal. `sex`: male, female, other or unknown, or the first letter of it."""

    id: UUID
    name: str
    species: str
    sex: str = "unknown"
    birth_date: date | None = None
    weight_g: float | None = None  # the latest before the run
    notes: str = ""


class ClockFacts(Struct, frozen=True):
    """How far a device's clock was behind that of LICS (seconds), over `samples` messages; transport is part of it."""

    samples: int
    p50_s: float
    min_s: float
    max_s: float


class CalibrationFacts(Struct, frozen=True):
    """A version of a device's calibration: `measured = slope · commanded + offset`, found between `low` and `high` (commanded)
    from `points` (commanded, measured), good from `made_at` until `valid_until`."""

    version: int
    made_at: datetime
    valid_until: datetime
    slope: float
    offset: float
    low: float
    high: float
    r2: float
    points: tuple[tuple[float, float], ...] = ()
    by: str = ""
    note: str = ""


class DeviceFacts(Struct, frozen=True):
    """A device that took part, by its role. `calibration`: the one that held as the run began, in words; `calibrations`: all that
    held at any time of it, oldest first."""

    role: str
    id: UUID
    name: str
    type: str
    driver: str
    firmware: str = ""
    location: str = ""
    clock: ClockFacts | None = None
    calibration: str = ""
    calibrations: tuple[CalibrationFacts, ...] = ()


class CommandFacts(Struct, frozen=True):
    """A command to one of the devices while the run was on, as the devices' journals have it; `states`: name → its first time;
    `result`: what the device answered."""

    id: UUID
    device_id: UUID
    name: str
    args: dict[str, Any]
    principal: str
    state: str
    states: dict[str, datetime]
    reason: str = ""
    error: str = ""
    result: Any = None


class StreamFacts(Struct, frozen=True):
    """What is in the record of the messages a device numbered in one boot. `gaps`: first and last number of what is missing."""

    device_id: UUID
    stream: Literal["telemetry", "events"]
    epoch: int
    first_seq: int
    last_seq: int
    received: int
    missing: int
    gap_count: int
    gaps: tuple[tuple[int, int], ...] = ()


class RunFacts(Struct, frozen=True, kw_only=True):
    """Everything about a run but what happened in it. `parameters`: what was set, the rest has its default; `described`: device
    type → the `describe` the protocol was compiled against; `clock`: how far LICS's own clock left the run's axis."""

    format: int = FORMAT
    run_id: UUID
    started_at: datetime
    seed: int
    protocol: ProtocolFacts
    parameters: dict[str, float | str | bool]
    devices: tuple[DeviceFacts, ...]
    subject: SubjectFacts | None = None
    laboratory_id: UUID | None = None
    laboratory: str = ""
    rig_id: UUID | None = None
    rig: str = ""
    experiment: str = ""
    principal: str = ""
    rehearsed: bool = False  # devices and subject were simulated, time was virtual
    software: dict[str, str] = {}
    completeness: tuple[StreamFacts, ...] = ()
    described: dict[str, dict[str, Any]] = {}
    clock: ClockFacts | None = None


class Move(Struct, frozen=True, array_like=True):
    """What was heard, and what was decided thereupon.

    `barred`: commands among the effects that were not sent, and why (the subject's limits). `reacted`: seconds from hearing to a
    command being published, by its id.
    """

    event: Event
    effects: tuple[Effect, ...]
    barred: dict[UUID, str] = {}
    reacted: dict[UUID, float] = {}


class Dossier(Struct, frozen=True):
    """All there is to know of a run that is over."""

    facts: RunFacts
    moves: tuple[Move, ...]
    commands: tuple[CommandFacts, ...] = ()
