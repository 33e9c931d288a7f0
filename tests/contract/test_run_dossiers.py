"""A run out of the tables: whole and the same, or told not to be; and made into files by a process that fails alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from config.settings import Settings
from lics_actors.audit import Asker, AuditLog
from lics_actors.datafile.about import sidecar
from lics_actors.datafile.content import plan_of, proved, tables_of
from lics_actors.datafile.exporting import NotWritten, Task, Written
from lics_actors.datafile.formats import FORMATS, FormatName
from lics_actors.datafile.making import prove
from lics_actors.datafile.running import run
from lics_actors.datafile.storage import FileGoneError, storage_of
from lics_actors.errors import RunNotFoundError
from lics_actors.export_desk import ExportDesk, ExportNotReadyError
from lics_actors.store import exports
from lics_actors.store.dossiers import RecordNotWholeError, read_dossier
from lics_actors.store.exports import Export
from lics_actors.store.repository import Repository
from lics_actors.welfare.calibration import Point
from tests.contract.store_runs import LABORATORY, STARTED, KeptRun

ASKER = Asker("user:eve@example.org", "rest")
MEMORY = 2 << 30


async def test_what_was_kept_is_read_and_proves_itself(repository: Repository) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    dossier = await read_dossier(repository, kept.run_id)
    assert proved(dossier).holds
    assert [move.event for move in dossier.moves] == [event for event, _ in kept.session.recorded]
    facts = dossier.facts
    assert {each.role: (each.name, each.type) for each in facts.devices}["pump"] == ("pump of the cage", "pump")
    assert facts.devices[0].firmware == "lics-simulator 1.0"
    assert len(dossier.commands) == sum(len(kept.commands(role)) - 1 for role in kept.devices)
    assert all(each.states["succeeded"] > each.states["accepted"] for each in dossier.commands)
    took = [seconds for move in dossier.moves for seconds in move.reacted.values()]
    assert len(took) == len(kept.reactions()) > 0 and set(took) == {0.004}


async def test_the_calibrations_that_held_stand_in_every_format(repository: Repository) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    pump = kept.devices["pump"]
    days = {1: timedelta(days=-40), 2: timedelta(days=-3), 3: timedelta(seconds=1), 4: timedelta(days=1)}
    for version, since in days.items():
        points, made = [Point(5, 4.0 + version), Point(20, 16.0 + version)], STARTED + since
        facts: dict[str, Any] = {"made_at": made, "valid_until": made + timedelta(days=30), "principal": "user:eve"}
        await repository.add_calibration(uuid4(), pump, points=points, note=f"no {version}", **facts)
    dossier = await read_dossier(repository, kept.run_id)
    assert proved(dossier).holds
    device = next(each for each in dossier.facts.devices if each.role == "pump")
    assert [each.version for each in device.calibrations] == [2, 3], "the newest of before it, and what was made meanwhile"
    assert device.calibration.startswith("version 2: measured = 0.8 · commanded +2, R² 1.0000, 5 to 20, from ")
    found = tables_of(dossier, plan_of(dossier))
    tables = {table.name: table for table in found}
    rows = [dict(zip((c.name for c in tables["calibrations"].columns), row, strict=True)) for row in tables["calibrations"].rows]
    assert [(row["role"], row["version"], row["point_count"], row["is_over"], row["note"]) for row in rows] == [
        ("pump", 2, 2, False, "no 2"), ("pump", 3, 2, False, "no 3")
    ]  # fmt: skip
    assert rows[0]["slope"] == pytest.approx(0.8)
    names = [column.name for column in tables["rewards"].columns]
    given = [dict(zip(names, row, strict=True)) for row in tables["rewards"].rows]
    assert {row["calibration"] for row in given} >= {3}
    assert all(row["measured_ul"] == pytest.approx(0.8 * row["commanded_ul"] + row["calibration"]) for row in given)
    beside = next(each for each in sidecar(dossier, found, "")["devices"] if each["role"] == "pump")
    assert [(each["version"], each["r2"], each["note"]) for each in beside["calibrations"]] == [
        (2, 1.0, "no 2"),
        (3, 1.0, "no 3"),
    ]


async def test_a_run_that_is_not_whole_is_told(repository: Repository) -> None:
    kept = KeptRun()
    with pytest.raises(RunNotFoundError):
        await read_dossier(repository, kept.run_id)
    await kept.keep(repository, steps=10)
    with pytest.raises(RecordNotWholeError, match="the end of the run"):
        await read_dossier(repository, kept.run_id)


async def test_a_step_that_was_lost_is_told(repository: Repository) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    async with repository.raw(5.0) as connection:
        await connection.execute("DELETE FROM run_event WHERE run_id = $1 AND n = 7", kept.run_id)
    with pytest.raises(RecordNotWholeError, match="step 7 of the run is not in the record"):
        await read_dossier(repository, kept.run_id)


def task(kept: KeptRun, url: str, folder: Path, wanted: FormatName = "csv", **more: Any) -> Task:
    given: dict[str, Any] = {"limit_s": 110, "memory_bytes": MEMORY}
    return Task(url, kept.run_id, wanted, str(folder / f"file{FORMATS[wanted].suffix}"), **{**given, **more})


@pytest.mark.parametrize("wanted", list(FORMATS))
async def test_a_process_writes_the_file(repository: Repository, database_url: str, tmp_path: Path, wanted: FormatName) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    outcome = await run(task(kept, database_url, tmp_path, wanted))
    assert isinstance(outcome, Written), outcome
    dossier, proof = prove(tmp_path / f"file{FORMATS[wanted].suffix}")
    assert proof.holds and dossier.facts.run_id == kept.run_id


async def test_what_goes_wrong_there_is_told_here(repository: Repository, database_url: str, tmp_path: Path) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    unknown, small, slow, nowhere = await asyncio.gather(
        run(msgspec.structs.replace(task(kept, database_url, tmp_path), run_id=uuid4())),
        run(task(kept, database_url, tmp_path, "nwb", memory_bytes=100 << 20)),
        run(task(kept, database_url, tmp_path, "nwb", limit_s=1)),
        run(task(kept, "postgres://nobody:x@127.0.0.1:1/none", tmp_path)),
    )
    assert isinstance(unknown, NotWritten) and unknown.code == "RUN_NOT_FOUND"
    assert isinstance(small, NotWritten) and small.code in {"TOO_LARGE", "EXPORT_FAILED", "LIBRARY_MISSING"}
    assert isinstance(slow, NotWritten) and slow.code == "TOO_SLOW"
    assert isinstance(nowhere, NotWritten) and nowhere.code == "DATABASE_UNAVAILABLE"


@pytest.fixture
def desk(repository: Repository, database_url: str, data_dir: Path) -> ExportDesk:
    settings = Settings(_env_file=None, data_dir=data_dir, database_url=database_url, minio_endpoint=None)
    return ExportDesk(repository, AuditLog(settings), settings)


async def test_a_file_is_made_kept_and_given_out(repository: Repository, desk: ExportDesk, data_dir: Path) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    begun = await desk.start(ASKER, LABORATORY, kept.run_id, "csv")
    with pytest.raises(ExportNotReadyError):
        await desk.open(begun)
    ready = await desk.finished(begun, 110)
    assert (ready.state, ready.reason) == ("ready", None)
    assert await desk.exports(kept.run_id) == [ready]
    opened = await desk.open(await desk.export(kept.run_id, ready.id))
    content = b"".join([part async for part in opened.parts])
    assert len(content) == ready.size
    assert list((data_dir / "exporting").iterdir()) == []
    with pytest.raises(exports.ExportNotFoundError):
        await desk.export(uuid4(), ready.id)


async def test_a_file_that_cannot_be_made_says_why(repository: Repository, desk: ExportDesk) -> None:
    kept = KeptRun()
    await kept.keep(repository, steps=10)
    failed = await desk.finished(await desk.start(ASKER, LABORATORY, kept.run_id, "csv"), 110)
    assert failed.state == "failed" and "the end of the run is not in the tables yet" in (failed.reason or "")
    with pytest.raises(ExportNotReadyError, match="the end of the run"):
        await desk.open(failed)


async def test_the_oldest_of_many_files_is_forgotten(
    repository: Repository, desk: ExportDesk, data_dir: Path, tmp_path: Path
) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    old = Export(uuid4(), LABORATORY, kept.run_id, "csv", "ready", STARTED, "user:eve", "an/old/file", "0")
    assert await repository.begin_export(old) == []
    (tmp_path / "file").write_bytes(b"x")
    await storage_of(Settings(_env_file=None, data_dir=data_dir, minio_endpoint=None)).put(old.key, tmp_path / "file")
    for n in range(1, exports.KEPT):
        more = replace(old, id=uuid4(), key="none", state="failed", created_at=STARTED + timedelta(seconds=n))
        assert await repository.begin_export(more) == []
    await desk.finished(await desk.start(ASKER, LABORATORY, kept.run_id, "csv"), 110)
    found = await desk.exports(kept.run_id)
    assert len(found) == exports.KEPT and old.id not in {each.id for each in found}
    with pytest.raises(FileGoneError):
        await desk.open(old)


async def test_what_is_being_made_when_the_web_ends_was_interrupted(repository: Repository, desk: ExportDesk) -> None:
    kept = KeptRun()
    await kept.keep(repository)
    begun = await desk.start(ASKER, LABORATORY, kept.run_id, "nwb")
    await desk.close()
    assert (await desk.export(kept.run_id, begun.id)).state == "making"
    async with repository.raw(5.0) as connection:
        await connection.execute("UPDATE export SET created_at = now() - interval '1 day'")
    old = await desk.export(kept.run_id, begun.id)
    assert (old.state, old.reason) == ("failed", "whoever made it was interrupted")


async def test_a_subject_of_the_tables_is_in_the_dossier(repository: Repository) -> None:
    kept = KeptRun()
    subject_id = uuid4()
    await kept.keep(repository)
    async with repository.raw(5.0) as connection:
        await connection.execute(
            "INSERT INTO subject (id, laboratory_id, name, species, sex, birth_date, status, daily, notes, version, created_at,"
            " updated_at, created_by, updated_by)"
            " VALUES ($1, $2, 'anna', 'mouse', 'female', $3, 'active', '{}', 'tame', 1, now(), now(), 'me', 'me')",
            subject_id,
            LABORATORY,
            date(2026, 8, 1),
        )
        await connection.execute("UPDATE run SET subject_id = $1 WHERE id = $2", subject_id, kept.run_id)
    facts = (await read_dossier(repository, kept.run_id)).facts
    assert facts.subject is not None
    assert (facts.subject.name, facts.subject.species, facts.subject.sex) == ("anna", "mouse", "female")
