"""What a run leaves behind goes when all of it is in the database and nobody looks any more, and not before."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from lics_actors.fleet.runs import KEPT_S, RunSupervisor
from lics_actors.journal import Journal, journal_path, write_shipped
from lics_actors.run.messages import RunsSpec
from lics_actors.run.orderbook import OrderBook
from lics_actors.run.orders import run_node
from lics_actors.store.records import AlarmCleared
from lics_actors.supervision.crashes import Crashes
from tests.unit.run.test_run_shell import order


def left(folder: Path, run_id: UUID, *, shipped: bool, aged: bool) -> Path:
    journal = Journal(journal_path(folder / "journals", f"run-{run_id}"))
    position = journal.append([AlarmCleared(datetime.now(UTC), "x", "x")])
    write_shipped(journal.path, position if shipped else position - 1, journal.identity)
    journal.close()
    words = Crashes(folder).last_words(run_node(run_id))
    words.parent.mkdir(exist_ok=True)
    words.write_text("bye")
    if aged:
        os.utime(journal.path, (time.time() - 2 * KEPT_S,) * 2)
    return journal.path


@pytest.mark.parametrize(
    ("shipped", "aged", "known", "gone"),
    [(True, True, False, True), (False, True, False, False), (True, False, False, False), (True, True, True, False)],
)
def test_a_journal_goes_when_nobody_needs_it(tmp_path: Path, shipped: bool, aged: bool, known: bool, gone: bool) -> None:
    supervisor = object.__new__(RunSupervisor)  # without Thespian around it: it only looks at files here
    supervisor.spec = RunsSpec(None, "", str(tmp_path / "journals"), "", "")  # type: ignore[arg-type]
    run_id = uuid4()
    supervisor.orders = {run_id: order()} if known else {}
    path = left(tmp_path, run_id, shipped=shipped, aged=aged)
    (path.parent / "device-1.journal").write_text("somebody else's")
    supervisor._clean()
    assert path.exists() is not gone
    assert Crashes(tmp_path).last_words(run_node(run_id)).exists() is not gone
    assert bool(_names(path)) is not gone


def _names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir() if each.name.startswith("run-"))


def test_orders_are_on_disk_until_they_are_dropped(tmp_path: Path) -> None:
    book = OrderBook(tmp_path / "orders")
    assert (book.all(), book.get(uuid4())) == ([], None)
    first, second = order(run_id=uuid4()), order(run_id=uuid4())
    book.keep(first)
    book.keep(second)
    assert sorted(book.all(), key=lambda each: each.run_id) == sorted([first, second], key=lambda each: each.run_id)
    assert book.get(first.run_id) == first
    book.drop(first.run_id)
    book.drop(first.run_id)
    (tmp_path / "orders" / "rubbish.order").write_text("{")
    assert book.all() == [second]
