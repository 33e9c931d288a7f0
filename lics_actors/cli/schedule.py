"""`lics schedule`: sessions that experiments plan: when which begins, what was missed, what speaks against one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from config.settings import load_settings
from lics_actors.cli.laboratory import asker, fleet, tables
from lics_actors.cli.output import Exit, console, fail, print_json, run
from lics_actors.cli.words import span

if TYPE_CHECKING:
    from lics_actors.store.repository import Repository
    from lics_actors.store.slots import SlotRow, Wish
    from lics_actors.study.preflight_desk import Checked, PreflightDesk

app = typer.Typer(no_args_is_help=True, help="Sessions that experiments plan: when which begins, and what was missed.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]
SlotId = Annotated[str, typer.Argument(metavar="SESSION", help="its id, or the beginning of it")]
Reason = Annotated[str, typer.Option(help="why, for the record")]
PAGE = 500


@app.command("list")
def list_sessions(
    *,
    rig: Annotated[str | None, typer.Option(help="only those at this rig: its id or name")] = None,
    subject: Annotated[str | None, typer.Option(help="only those of this subject: its id, name or tag")] = None,
    experiment: Annotated[str | None, typer.Option(help="only those of this experiment: its id or name")] = None,
    status: Annotated[str | None, typer.Option(help="waiting, starting, started, asked, missed or skipped")] = None,
    since: Annotated[str, typer.Option(help="whose windows end after so long ago")] = "12h",
    until: Annotated[str, typer.Option(help="whose windows begin within so long")] = "36h",
    as_json: AsJson = False,
) -> None:
    """List sessions by when their windows open."""
    now = datetime.now(UTC)
    first, last = now - span(since), now + span(until)

    async def work() -> None:
        from lics_actors.store.slots import SlotFilter  # noqa: PLC0415 - slow, and only when a command runs

        async with tables() as repository:
            where = None if rig is None else (await repository.find_rig(rig)).id
            who = None if subject is None else (await repository.find_subject(subject)).id
            what = None if experiment is None else (await repository.find_experiment(experiment)).id
            rows = (await repository.list_slots(SlotFilter(None, where, who, what, status, first, last), PAGE)).items
        if as_json:
            print_json({"items": [asdict(row) for row in rows]})
            return
        table = Table("session", "opens", "closes", "rig", "subject", "experiment", "", "why", box=None, header_style="bold")
        for row in rows:
            when = (f"{row.begin_at:%Y-%m-%d %H:%M}", f"{row.end_at:%H:%M}")
            names = (row.rig or str(row.rig_id), row.subject or str(row.subject_id), row.experiment or str(row.experiment_id))
            table.add_row(str(row.id)[:8], *when, *names, _word(row), "; ".join(row.why))
        console.print(table if rows else "no sessions; an active experiment plans them with `windows` and `rigs`")

    run(work)


@app.command("show")
def show(session: SlotId, as_json: AsJson = False) -> None:
    """Show a session."""

    async def work() -> None:
        async with tables() as repository:
            _tell(await _found(repository, session), as_json)

    run(work)


@app.command("start")
def start(session: SlotId, reason: Reason, as_json: AsJson = False) -> None:
    """Have a session begin now, also outside its window; its checks are made all the same."""
    _wish(session, "start", reason, as_json)


@app.command("skip")
def skip(session: SlotId, reason: Reason, as_json: AsJson = False) -> None:
    """Leave a session out."""
    _wish(session, "skip", reason, as_json)


@app.command("check")
def check(
    experiment: Annotated[str, typer.Argument(help="its id or name")],
    subject: Annotated[str, typer.Argument(help="its id, name or tag")],
    *,
    rig: Annotated[str | None, typer.Option(help="another one than the schedule says: its id or name")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what speaks against a subject's next session just now; exit code 1 if anything does."""
    ready = True

    async def work() -> None:
        nonlocal ready
        async with _preflight() as (desk, repository):
            plan = await repository.find_experiment(experiment)
            who = await repository.find_subject(subject, frozenset({plan.laboratory_id}))
            where = None if rig is None else (await repository.find_rig(rig)).id
            found = await desk.check(plan, who.id, where)
        ready = not any(each.forbids for each in found.problems)
        _tell_checked(found, ready, as_json)

    run(work)
    if not ready:
        raise typer.Exit(Exit.FAILED)


@asynccontextmanager
async def _preflight() -> AsyncIterator[tuple[PreflightDesk, Repository]]:
    from lics_actors.audit import AuditLog  # noqa: PLC0415
    from lics_actors.study.experiment_desk import ExperimentDesk  # noqa: PLC0415
    from lics_actors.study.preflight_desk import PreflightDesk  # noqa: PLC0415
    from lics_actors.study.run_desk import RunDesk  # noqa: PLC0415
    from lics_actors.welfare_gate import WelfareGate  # noqa: PLC0415

    settings = load_settings()
    async with tables() as repository, fleet() as client:
        audit, gate = AuditLog(settings), WelfareGate(repository, settings)
        experiments, runs = ExperimentDesk(repository, audit), RunDesk(repository, client, audit, gate)
        yield PreflightDesk(repository, client, experiments, runs, gate=gate, calendar=settings), repository


def _wish(session: str, wish: Wish, reason: str, as_json: bool) -> None:
    async def work() -> None:
        from lics_actors.audit import AuditLog  # noqa: PLC0415
        from lics_actors.study.schedule_desk import ScheduleDesk  # noqa: PLC0415

        async with tables() as repository:
            audit = AuditLog(load_settings())
            try:
                desk = ScheduleDesk(repository, audit)
                _tell(await desk.wish(asker(), await _found(repository, session), wish, reason), as_json)
            finally:
                audit.close()

    run(work)


async def _found(repository: Repository, called: str) -> SlotRow:
    """Return the session of this id, or the only one of these weeks whose id begins so."""
    from lics_actors.store.slots import SlotFilter  # noqa: PLC0415

    try:
        return await repository.get_slot(UUID(called))
    except ValueError:
        since = datetime.now(UTC) - timedelta(days=14)
        rows = (await repository.list_slots(SlotFilter(start=since), PAGE)).items
    found = [row for row in rows if str(row.id).startswith(called.lower())]
    if len(found) != 1:
        fail(f"{'no session is' if not found else f'{len(found)} sessions are'} called {called!r}", "see `lics schedule list`")
    return found[0]


def _tell(row: SlotRow, as_json: bool) -> None:
    if as_json:
        print_json(asdict(row))
        return
    window = f"{row.begin_at:%Y-%m-%d %H:%M} to {row.end_at:%Y-%m-%d %H:%M} UTC"
    console.print(f"[bold]{row.subject}[/] at {row.rig} in {row.experiment}  {row.id}", highlight=False)
    console.print(f"  {window}: {_word(row)}, by {row.principal}", highlight=False)
    for each in row.why:
        console.print(f"  {each}", highlight=False)


def _word(row: SlotRow) -> str:
    return row.status if row.wish is None else f"{row.status} ({row.wish} wanted)"


def _tell_checked(found: Checked, ready: bool, as_json: bool) -> None:
    if as_json:
        problems: list[dict[str, Any]] = [asdict(each) for each in found.problems]
        stage = None if found.turn is None else found.turn.stage.name
        print_json({"subject_id": found.subject.id, "stage": stage, "ready": ready, "problems": problems})
        return
    for each in found.problems:
        mark = "[red]no[/]" if each.forbids else "[yellow]note[/]"
        console.print(f"{mark}  {each.sentence}", highlight=False)
    if ready:
        console.print(f"{found.subject.name} can begin now", highlight=False)
