"""What a run's journal holds, made by the engine itself: a session of a classic with a simulated subject."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from drivers.native.spec import DEVICE_TYPES
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.library import protocol_of
from lics_actors.experiment.messages import Annotated, Noted, RewardAsked, SendCommand
from lics_actors.experiment.rehearsal import Rehearsal, rehearse
from lics_actors.store.run_records import RunOpened, RunReacted, RunRecord, RunStepped
from lics_actors.study.protocol_documents import canonical

ZERO = datetime(2026, 1, 31, 12, tzinfo=UTC)


def opened(run_id: UUID, rig_id: UUID, version_id: UUID, name: str = "fixed_ratio") -> RunOpened:
    """Return how a run was opened."""
    document = msgspec.json.decode(canonical(protocol_of(name)))
    return RunOpened(run_id, ZERO, DEFAULT_LABORATORY, rig_id, version_id, document, 2**61, "user:1", {"ratio": 3.0})


def steps(run_id: UUID, name: str = "fixed_ratio", trials: int = 30) -> list[RunStepped]:
    """Return the steps of a session; command ids are the rehearsal's own, so one session a database."""
    plan, _ = prepared(protocol_of(name), DEVICE_TYPES)
    done = rehearse(Rehearsal(plan, DEVICE_TYPES, trials, "ideal", 3))
    return [
        RunStepped(run_id, n, ZERO + timedelta(seconds=event.at), event, tuple(effects))
        for n, (event, effects) in enumerate(done.first.recorded)
    ]


def by_hand(run_id: UUID, n: int, barred: bool = False) -> list[RunRecord]:
    """Return an annotation, a reward by hand that may be barred, and how long it took."""
    command, at = uuid4(), ZERO + timedelta(hours=3)
    note = RunStepped(run_id, n, at, Annotated(10_800.0, "user:2", "door\0"), (Noted("user:2", "door\0"),))
    send = SendCommand(command, "pump", "dispense", {"volume_ul": 5.0}, 7, 5.0)
    why = {command: "the day's limit"} if barred else {}
    given = RunStepped(run_id, n + 1, at, RewardAsked(10_800.0, "user:2", 5.0), (send,), uuid4(), why)
    return [note, given, RunReacted(run_id, n + 1, command, at, at + timedelta(milliseconds=1), at + timedelta(milliseconds=3))]
