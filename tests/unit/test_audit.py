"""The audit: on disk before anything is done, its end after, whatever comes in between."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.settings import Settings
from lics_actors.audit import Asker, AuditLog, Outcome
from lics_actors.errors import ConflictError, FleetUnavailableError, LicsError
from lics_actors.journal import JournalReader, journal_path
from lics_actors.store.records import Audited
from tests.waiting import eventually

ANN = Asker("user:ann", "rest", "10.0.0.7", "r-1")


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(Settings(_env_file=None, data_dir=tmp_path))


def written(tmp_path: Path) -> list[Audited]:
    reader = JournalReader(journal_path(tmp_path / "journals", "operators"))
    try:
        return [record for _, record in reader.read(0, 1000) if isinstance(record, Audited)]
    finally:
        reader.close()


async def test_an_act_is_on_disk_before_it_is_done_and_its_end_after(log: AuditLog, tmp_path: Path) -> None:
    async with log.act(ANN, "fleet.drain", "rack:1", "cleaning") as found:
        (asked,) = written(tmp_path)
        assert (asked.outcome, asked.principal, asked.target, asked.reason) == (Outcome.ASKED, "user:ann", "rack:1", "cleaning")
        assert (asked.origin, asked.remote, asked.request_id) == ("rest", "10.0.0.7", "r-1")
        found.before, found.after = {"state": "running"}, {"state": "drained"}
    asked, end = written(tmp_path)
    assert (end.act, end.outcome, end.error) == (asked.act, Outcome.OK, None)
    assert (end.before, end.after) == ({"state": "running"}, {"state": "drained"})
    assert end.time >= asked.time


@pytest.mark.parametrize(
    ("error", "outcome", "said"),
    [
        (ConflictError("not now"), Outcome.REFUSED, "CONFLICT: not now"),
        (FleetUnavailableError("nobody is there"), Outcome.FAILED, "FLEET_UNAVAILABLE: nobody is there"),
        (LicsError("a fault"), Outcome.FAILED, "INTERNAL_ERROR: a fault"),
        (ZeroDivisionError("with a secret in it"), Outcome.FAILED, "ZeroDivisionError"),
        (asyncio.CancelledError(), Outcome.FAILED, "it was given up"),
    ],
)
async def test_what_is_raised_is_how_it_ended(
    log: AuditLog, tmp_path: Path, error: BaseException, outcome: Outcome, said: str
) -> None:
    with pytest.raises(type(error)):
        async with log.act(ANN, "fleet.clear", "recorder", "why"):
            raise error
    assert [(one.outcome, one.error) for one in written(tmp_path)] == [(Outcome.ASKED, None), (outcome, said)]


async def test_what_is_refused_before_it_is_asked_is_told_all_the_same(log: AuditLog, tmp_path: Path) -> None:
    await log.refused(ANN, "fleet.clear", "recorder", None, ConflictError("no"))
    assert [one.outcome for one in written(tmp_path)] == [Outcome.ASKED, Outcome.REFUSED]


async def test_a_write_that_nobody_waits_for_any_more_is_over_before_the_journal_is_closed(log: AuditLog, tmp_path: Path) -> None:
    """A request is given up while its act is being written, and then the process ends."""
    log.note(ANN, "fleet.drain", "rack:1")
    await log.flush()
    with closing(sqlite3.connect(journal_path(tmp_path / "journals", "operators"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # so that the next write waits
        log.note(ANN, "fleet.drain", "rack:2")
        given_up = log._writing
        assert given_up is not None
        await eventually(log._held.locked)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        ending = asyncio.create_task(asyncio.to_thread(log.close))
        done, _ = await asyncio.wait([ending], timeout=0.2)
        assert not done, "it waits for the write"
        other.execute("COMMIT")
    await ending
    assert [one.target for one in written(tmp_path)] == ["rack:1", "rack:2"]


async def test_several_write_at_once(tmp_path: Path) -> None:
    """Web workers and command lines share the journal."""
    logs = [AuditLog(Settings(_env_file=None, data_dir=tmp_path)) for _ in range(6)]

    async def work(log: AuditLog, n: int) -> None:
        for m in range(5):
            async with log.act(ANN, "fleet.restart", f"{n}/{m}", None):
                pass

    await asyncio.gather(*(work(log, n) for n, log in enumerate(logs)))
    ends = [one.target for one in written(tmp_path) if one.outcome == Outcome.OK]
    assert sorted(ends) == sorted(f"{n}/{m}" for n in range(6) for m in range(5))


async def test_a_disk_that_takes_nothing_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "journals").write_text("a file where the folder should be")
    done = False
    with caplog.at_level(logging.ERROR):
        async with AuditLog(Settings(_env_file=None, data_dir=tmp_path)).act(ANN, "fleet.restart", "recorder", None):
            done = True
    assert done
    assert [(record.message, record.__dict__["principal"]) for record in caplog.records] == [
        ("an act is not in the audit", "user:ann")
    ] * 2
