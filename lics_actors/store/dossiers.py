"""A run's dossier out of the tables: its journal's records, and what they know around it.

No part of the repository: only who makes a file or replays a run needs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from config import __version__
from lics_actors.datafile.about import in_words
from lics_actors.datafile.assembling import Around, BrokenRecordError, RecordedEvent, assembled
from lics_actors.datafile.dossier import CalibrationFacts, CommandFacts, DeviceFacts, Dossier, StreamFacts, SubjectFacts
from lics_actors.errors import ConflictError, RunNotFoundError
from lics_actors.experiment.messages import OVER, PhaseChanged
from lics_actors.store.completeness_reads import MAX_GAPS
from lics_actors.store.connection import READ_S
from lics_actors.store.json_text import json_value
from lics_actors.store.repository import Repository
from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped
from lics_actors.welfare.calibration import Point, fitted

MAX_COMMANDS: Final = 200_000  # of all devices; a session of 10,000 trials has a quarter
MAX_EVENTS: Final = 20_000  # of a device: enough to compare clocks by
AROUND: Final = timedelta(seconds=60)  # events of a device whose clock is off by that are still compared

_RUN: Final = """SELECT run.*, v.number, v.text, v.digest, l.name AS laboratory, e.name AS experiment, s.name AS s_name,
        s.species, s.sex, s.birth_date, s.notes,
        (SELECT weight_g FROM subject_weight w WHERE w.subject_id = run.subject_id AND w.time <= coalesce(run.opened_at, now())
         ORDER BY w.time DESC, w.id DESC LIMIT 1) AS weight_g
    FROM run LEFT JOIN protocol_version v ON v.id = run.protocol_version_id LEFT JOIN experiment e ON e.id = run.experiment_id
        LEFT JOIN subject s ON s.id = run.subject_id LEFT JOIN laboratory l ON l.id = run.laboratory_id
    WHERE run.id = $1"""
_STEPS: Final = "SELECT record FROM run_event WHERE run_id = $1 ORDER BY n"
_REACTIONS: Final = (
    "SELECT run_id, n, command_id, heard, decided, left_at FROM run_reaction WHERE run_id = $1 ORDER BY n, command_id"
)
_DEVICES: Final = "SELECT id, name, type, driver, location, capabilities FROM device WHERE id = ANY($1)"
_COMMANDS: Final = """SELECT id, device_id, name, args, principal, state, reason FROM command
    WHERE (device_id = ANY($1) AND accepted_at >= $2 AND accepted_at < $3) OR run_id = $4 ORDER BY accepted_at, id LIMIT $5"""
_STATES: Final = (
    "SELECT command_id, state, time, error, result FROM command_state WHERE command_id = ANY($1) ORDER BY command_id, n"
)
# The newest of before the run, and those made while it was on.
_CALIBRATIONS: Final = """SELECT * FROM calibration k WHERE device_id = ANY($1) AND made_at < $3
        AND (made_at > $2 OR version = (SELECT max(version) FROM calibration o
            WHERE o.device_id = k.device_id AND o.made_at <= $2))
    ORDER BY device_id, version LIMIT 1000"""
_EVENTS: Final = """SELECT time, type, data FROM device_event
    WHERE device_id = $1 AND type = ANY($2) AND time >= $3 AND time < $4 ORDER BY time, epoch, seq LIMIT $5"""
_step = msgspec.msgpack.Decoder(RunStepped)
_opened = msgspec.msgpack.Decoder(RunOpened)


class RecordNotWholeError(ConflictError):
    """Not all of the run is in the tables: its journal is still being shipped."""

    code = "RECORD_NOT_WHOLE"


async def read_dossier(repository: Repository, run_id: UUID) -> Dossier:
    """Return a run that is over, whole.

    Raises:
        RunNotFoundError: no such run, or it never came to an actor.
        RecordNotWholeError: it goes on, or its journal has not been shipped to its end.
        DatabaseUnavailableError
    """
    async with repository.snapshot(READ_S) as connection:
        row = await connection.fetchrow(_RUN, run_id)
        if row is None or row["opened"] is None:
            raise RunNotFoundError(f"there is no run {run_id} that has begun", run_id=str(run_id))
        opened = _opened.decode(row["opened"])
        steps = [_step.decode(each["record"]) for each in await connection.fetch(_STEPS, run_id)]
        if not _over(steps):
            raise RecordNotWholeError("the end of the run is not in the tables yet", run_id=str(run_id))
        reacted = [RunReacted(*each.values()) for each in await connection.fetch(_REACTIONS, run_id)]
        around = await _around(connection, row, opened, steps[-1].time)
    missing = await _completeness(repository, opened, steps[-1].time)  # with a connection of its own: not within the other's
    try:
        return assembled(opened, steps, reacted, replace(around, completeness=missing))
    except BrokenRecordError as error:
        raise RecordNotWholeError(str(error), run_id=str(run_id)) from None


def _over(steps: Sequence[RunStepped]) -> bool:
    """Return whether a run has come to its end; words may still be written down after it."""
    return any(isinstance(effect, PhaseChanged) and effect.phase in OVER for step in steps for effect in step.effects)


async def _around(connection: Any, row: Mapping[str, Any], opened: RunOpened, end: datetime) -> Around:
    ids = list(dict.fromkeys(opened.roles.values()))
    devices = {each["id"]: each for each in await connection.fetch(_DEVICES, ids)}
    span = (opened.time, end + timedelta(microseconds=1))
    calibrations = await _calibrations(connection, ids, span)
    return Around(
        software=__version__,
        protocol_version=row["number"] or 0,
        protocol_digest=row["digest"] or "",
        protocol_text=row["text"] or "",
        laboratory=row["laboratory"] or "",
        subject=_subject(row),
        rig=row["rig"],
        experiment=row["experiment"] or "",
        devices=[
            _device(role, device_id, devices.get(device_id), calibrations.get(device_id, ()))
            for role, device_id in opened.roles.items()
        ],
        commands=await _commands(connection, ids, span, opened.run_id),
        events={role: await _events(connection, opened, role, span) for role in opened.roles},
    )


def _subject(row: Mapping[str, Any]) -> SubjectFacts | None:
    if row["subject_id"] is None:
        return None
    facts = (row["species"] or "", row["sex"] or "unknown", row["birth_date"], row["weight_g"], row["notes"] or "")
    return SubjectFacts(row["subject_id"], row["s_name"] or str(row["subject_id"]), *facts)


def _device(role: str, device_id: UUID, row: Mapping[str, Any] | None, calibrations: Sequence[CalibrationFacts]) -> DeviceFacts:
    known = ("" if not calibrations else in_words(calibrations[0]), tuple(calibrations))
    if row is None:  # forgotten since; its id stays
        return DeviceFacts(role, device_id, str(device_id), "unknown", "unknown", "", "", None, *known)
    firmware = str((json_value(row["capabilities"]) or {}).get("firmware", ""))
    return DeviceFacts(role, device_id, row["name"], row["type"], row["driver"], firmware, row["location"] or "", None, *known)


async def _calibrations(
    connection: Any, devices: list[UUID], span: tuple[datetime, datetime]
) -> dict[UUID, list[CalibrationFacts]]:
    found: dict[UUID, list[CalibrationFacts]] = defaultdict(list)
    for row in await connection.fetch(_CALIBRATIONS, devices, *span):
        points = tuple(Point(*each) for each in json_value(row["points"]))
        fit = fitted(points)
        found[row["device_id"]].append(
            CalibrationFacts(
                row["version"], row["made_at"], row["valid_until"], fit.curve.slope, fit.curve.offset, fit.curve.low,
                fit.curve.high, fit.r2, tuple((each.commanded, each.measured) for each in points), row["principal"], row["note"],
            )
        )  # fmt: skip
    return found


async def _commands(connection: Any, devices: list[UUID], span: tuple[datetime, datetime], run_id: UUID) -> list[CommandFacts]:
    rows = await connection.fetch(_COMMANDS, devices, *span, run_id, MAX_COMMANDS)
    times: dict[UUID, dict[str, datetime]] = defaultdict(dict)
    errors: dict[UUID, str] = {}
    results: dict[UUID, Any] = {}
    for each in await connection.fetch(_STATES, [row["id"] for row in rows]):
        times[each["command_id"]].setdefault(each["state"], each["time"])
        errors[each["command_id"]] = each["error"] or ""
        if each["result"] is not None:
            results[each["command_id"]] = json_value(each["result"])
    return [
        CommandFacts(
            row["id"],
            row["device_id"],
            row["name"],
            json_value(row["args"]),
            row["principal"],
            row["state"],
            times[row["id"]],
            row["reason"] or "",
            errors.get(row["id"], ""),
            results.get(row["id"]),
        )
        for row in rows
    ]


async def _completeness(repository: Repository, opened: RunOpened, end: datetime) -> list[StreamFacts]:
    return [
        StreamFacts(
            device_id,
            each.stream.value,
            each.epoch,
            each.first_seq,
            each.last_seq,
            each.received,
            each.missing,
            each.gap_count,
            each.gaps,
        )
        for device_id in dict.fromkeys(opened.roles.values())
        for each in await repository.completeness(device_id, opened.time, end, gaps=MAX_GAPS)
    ]


async def _events(connection: Any, opened: RunOpened, role: str, span: tuple[datetime, datetime]) -> list[RecordedEvent]:
    wanted = (opened.document.get("roles", {}).get(role) or {}).get("events") or []
    rows = await connection.fetch(_EVENTS, opened.roles[role], wanted, span[0] - AROUND, span[1] + AROUND, MAX_EVENTS)
    return [RecordedEvent(row["time"], row["type"], json_value(row["data"]) or {} if row["data"] else {}) for row in rows]
