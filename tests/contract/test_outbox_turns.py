"""Shipping goes round: a journal that has something new whenever it is looked at holds up no other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from lics_actors.journal import Journal, journal_path
from lics_actors.recorder import outboxes as shipping
from lics_actors.recorder.database import Database
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.disk import DiskThread
from lics_actors.recorder.outboxes import Outboxes
from lics_actors.recorder.tally import Tally
from lics_actors.store.records import FleetEvent
from tests.contract.run_records import ZERO


def event(node: str) -> FleetEvent:
    return FleetEvent(ZERO, node, "started", "system:fleet")


async def test_a_journal_that_is_never_at_rest_is_shipped_once_a_turn(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journals = {name: Journal(journal_path(tmp_path, name)) for name in ("rack-1", "rack-2", "run-1")}
    database, thread, tally = Database(database_url), DiskThread(), Tally()
    outboxes = Outboxes(tmp_path, database, DeadLetters(tmp_path, thread), tally)
    batches: Counter[UUID] = Counter()
    ship = shipping.ship_journal

    async def shipped(repository, identity, entries):  # type: ignore[no-untyped-def]
        batches[identity] += 1
        for name, journal in journals.items():
            journal.append([event(name)])  # each has something new by the time it was shipped
        return await ship(repository, identity, entries)

    monkeypatch.setattr(shipping, "ship_journal", shipped)
    try:
        for turn in range(1, 4):
            for name, journal in journals.items():
                journal.append([event(name)])
            outboxes._listed = -1e9  # new journals are looked for once a second
            await outboxes.turn()
            assert sorted(batches.values()) == [turn] * 3
        monkeypatch.setattr(shipping, "ship_journal", ship)
        await outboxes.turn()
        assert tally.journal_entries == 3 * 3 + 9 * 3, "and nothing was left out"
    finally:
        for journal in journals.values():
            journal.close()
        await outboxes.close()
        thread.close()
        await database.close()
