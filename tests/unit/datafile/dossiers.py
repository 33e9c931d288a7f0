"""Dossiers to write and to spoil: rehearsed ones of the classics, and one that was played with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID

from drivers.description import description_json
from drivers.native.spec import DEVICE_TYPES
from lics_actors.datafile.dossier import (
    CalibrationFacts,
    ClockFacts,
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
from lics_actors.datafile.rehearsed import rehearsed
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.library import protocol_of
from lics_actors.experiment.messages import Annotated, DeviceSaid, MetricSaid, PauseAsked, ResumeAsked, RewardAsked
from lics_actors.experiment.rehearsal import Rehearsal, rehearse
from tests.unit.experiment.kitchen import RUN_ID, Play, kitchen

STARTED = datetime(2026, 11, 1, 8, tzinfo=UTC)
PUMP, PANEL, ROOM, ANIMAL, LAB = (UUID(int=n) for n in (11, 12, 13, 21, 31))


@cache
def classic_dossier(name: str, trials: int = 12) -> Dossier:
    task = Rehearsal(prepared(protocol_of(name), DEVICE_TYPES)[0], DEVICE_TYPES, trials, "ideal", 5)
    return rehearsed(task, rehearse(task).first, STARTED, {"lics": "1.2.3"})


POINTS = ((5.0, 4.6), (20.0, 18.1))
CALIBRATIONS = tuple(
    CalibrationFacts(n, STARTED + timedelta(days=n - 9), STARTED + timedelta(days=n), 0.9, 0.1, 5.0, 20.0, 0.999, POINTS)
    for n in (1, 2)
)


def dossier_of(play: Play, commands: Sequence[CommandFacts] = ()) -> Dossier:
    document = play.plan.document.model_dump(mode="json", exclude_unset=True)
    roles = {"pump": PUMP, "panel": PANEL, "room": ROOM}
    kinds = {role: each.type for role, each in play.plan.document.roles.items()}
    facts = RunFacts(
        run_id=RUN_ID,
        started_at=STARTED,
        seed=play.seed,
        protocol=ProtocolFacts(
            play.plan.document.name, play.plan.document.title, 3, digest_of(document), document, "as: written"
        ),
        parameters={"volume": 10.0},
        devices=tuple(
            DeviceFacts(
                *(role, roles[role], f"{role} of cage 1", kind, "native", "fw 1", "east", ClockFacts(9, 0.001, 0.0, 0.01), "c1"),
                calibrations=CALIBRATIONS if role == "pump" else (),
            )
            for role, kind in kinds.items()
        ),
        described={kind: description_json(DEVICE_TYPES[kind]) for kind in kinds.values()},
        subject=SubjectFacts(ANIMAL, "lab/anna", "Mouse", "female", date(2026, 8, 1), 24.5, "tame"),
        laboratory_id=LAB,
        laboratory="East lab",
        rig_id=LAB,
        rig="cage 1",
        principal="user:eve@example.org",
        software={"lics": "1.2.3"},
        completeness=(
            StreamFacts(PUMP, "telemetry", 1, 0, 9, 8, 2, 1, ((3, 4),)),
            StreamFacts(PANEL, "events", 1, 0, 9, 10, 0, 0),
        ),
    )
    return Dossier(facts, tuple(Move(event, tuple(effects)) for event, effects in play.recorded), tuple(commands))


def story() -> Play:
    """A short run with a bit of everything in it."""
    play = Play(kitchen()).begin()
    play.hear(MetricSaid(play.now(0.1), "room", "temperature_c", 21.5))
    play.touch(799)
    play.hear(DeviceSaid(play.now(0.1), "panel", "lick", {"duration_ms": 80, "bout": 1}))
    play.settle()
    play.fire()
    play.hear(DeviceSaid(play.now(0.1), "panel", "odd/one", {"a": {"b": 1}, "list": [1], "x:y": True, "timestamp": None}))
    play.hear(Annotated(play.now(0.1), "eve", "{note: 1}\0"), RewardAsked(play.now(0.2), "eve", 3.0))
    play.hear(RewardAsked(play.now(0.2), "eve", 1e9), PauseAsked(play.now(0.3), "eve"), PauseAsked(play.now(0.4), "eve"))
    play.hear(ResumeAsked(play.now(1.0), "eve"))
    return play


def journalled(play: Play) -> list[CommandFacts]:
    """Return the devices' journals of the first command, and of one that somebody gave by hand."""
    times = {name: STARTED + timedelta(seconds=1 + n / 10) for n, name in enumerate(("accepted", "dispatched", "succeeded"))}
    first = CommandFacts(play.commands[0], PANEL, "show_image", {"image": "star"}, f"run:{RUN_ID}", "succeeded", times)
    by_hand = {"accepted": STARTED + timedelta(seconds=2), "failed": STARTED + timedelta(seconds=3)}
    other = CommandFacts(UUID(int=99), PUMP, "prime", {}, "user:eve@example.org", "failed", by_hand, "air in the line", "jam")
    return [first, other]
