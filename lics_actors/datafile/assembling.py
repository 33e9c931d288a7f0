"""From what a run's journal and the tables hold to its dossier. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from lics_actors.datafile.dossier import (
    CommandFacts,
    DeviceFacts,
    Dossier,
    Move,
    ProtocolFacts,
    RunFacts,
    StreamFacts,
    SubjectFacts,
)
from lics_actors.datafile.lines import digest_of
from lics_actors.datafile.timing import clock
from lics_actors.experiment.messages import DeviceSaid
from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped

NEAR_S: Final = 60.0  # an event whose times differ by more is another one, or its device's clock says nothing
MAX_SAMPLES: Final = 10_000  # of a clock
LOOK_AHEAD: Final = 100  # events of a device that a run did not hear, while it was interrupted


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event as the Recorder has it; `time` is the device's."""

    time: datetime
    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Around:
    """What the tables know around a run. `software`: the version of LICS that asks them; `events`: role → what the device of that
    role said, in order."""

    software: str
    protocol_version: int = 0
    protocol_digest: str = ""
    protocol_text: str = ""
    subject: SubjectFacts | None = None
    laboratory: str = ""
    rig: str = ""
    experiment: str = ""
    devices: Sequence[DeviceFacts] = ()
    commands: Sequence[CommandFacts] = ()
    completeness: Sequence[StreamFacts] = ()
    events: Mapping[str, Sequence[RecordedEvent]] = field(default_factory=dict)


class BrokenRecordError(ValueError):
    """Steps of the run are not there."""


def assembled(opened: RunOpened, steps: Sequence[RunStepped], reacted: Iterable[RunReacted], around: Around) -> Dossier:
    """Return the dossier of a run; `steps` in order.

    Raises:
        BrokenRecordError: a step is missing: they are still on their way, or were lost.
    """
    for n, step in enumerate(steps):
        if step.n != n:
            raise BrokenRecordError(f"step {n} of the run is not in the record, step {step.n} is")
    took: dict[int, dict[UUID, float]] = {}
    for each in reacted:
        took.setdefault(each.n, {})[each.command_id] = (each.left - each.heard).total_seconds()
    moves = tuple(Move(step.event, step.effects, step.barred, took.get(step.n, {})) for step in steps)
    devices = tuple(_with_clock(each, opened.time, moves, around.events.get(each.role, ())) for each in around.devices)
    facts = RunFacts(
        run_id=opened.run_id,
        started_at=opened.time,
        seed=opened.seed,
        protocol=_protocol(opened, around),
        parameters=dict(opened.parameters),
        devices=devices,
        subject=around.subject,
        laboratory_id=opened.laboratory_id,
        laboratory=around.laboratory,
        rig_id=opened.rig_id,
        rig=around.rig,
        experiment=around.experiment,
        principal=opened.principal,
        software={"lics": opened.software or around.software, "lics-export": around.software},
        completeness=tuple(around.completeness),
        described=dict(opened.described),
        clock=clock([(step.time - opened.time).total_seconds() - step.event.at for step in steps]),
    )
    return Dossier(facts, moves, tuple(around.commands))


def _protocol(opened: RunOpened, around: Around) -> ProtocolFacts:
    document = opened.document
    name, title = str(document.get("name", "")), str(document.get("title", ""))
    return ProtocolFacts(
        name, title, around.protocol_version, around.protocol_digest or digest_of(document), document, around.protocol_text
    )


def _with_clock(device: DeviceFacts, started: datetime, moves: Sequence[Move], events: Sequence[RecordedEvent]) -> DeviceFacts:
    return replace(device, clock=clock(_lags(device.role, started, moves, events)))


def _lags(role: str, started: datetime, moves: Sequence[Move], events: Sequence[RecordedEvent]) -> list[float]:
    """Return how much later than its device an event was heard, of each that is the same: in order, with the same data."""
    found: list[float] = []
    at = 0
    said = (move.event for move in moves if isinstance(move.event, DeviceSaid) and move.event.role == role)
    for each in islice(said, MAX_SAMPLES):
        heard = started + timedelta(seconds=each.at)
        for n in range(at, min(at + LOOK_AHEAD, len(events))):
            lag = (heard - events[n].time).total_seconds()
            if events[n].type == each.event and events[n].data == each.data and abs(lag) <= NEAR_S:
                found.append(lag)
                at = n + 1
                break
    return found
