"""`lics run start|list|show|pause|resume|stop|abort|annotate|reward|watch`: what needs a laboratory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.table import Table

from config.settings import load_settings
from lics_actors.__main__ import called_as
from lics_actors.cli.laboratory import asker, fleet, tables
from lics_actors.cli.output import console, lead, print_json, run
from lics_actors.cli.run_naming import PAGE, RunName, find_run

if TYPE_CHECKING:
    from lics_actors.store.repository import Repository
    from lics_actors.store.runs import Run
    from lics_actors.study.run_desk import RunDesk, Standing

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]
Reason = Annotated[str, typer.Option(help="why, for the record")]
LOOK_S = 0.5


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[RunDesk, Repository]]:
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.study.run_desk import RunDesk  # noqa: PLC0415
    from lics_actors.welfare_gate import WelfareGate  # noqa: PLC0415

    settings = load_settings()
    async with tables() as repository, fleet() as client:
        yield RunDesk(repository, client, AuditLog(settings), WelfareGate(repository, settings)), repository


def start(
    protocol: Annotated[str, typer.Argument(help="id or name of a protocol of the laboratory, or of a classic")],
    rig: Annotated[str, typer.Argument(help="its id or its name")],
    *,
    subject: Annotated[str | None, typer.Option(help="its id, name or tag")] = None,
    number: Annotated[int | None, typer.Option("--number", "-n", min=1, help="which version; default: the newest")] = None,
    role: Annotated[list[str] | None, typer.Option(metavar="ROLE=RIG_ROLE", help="where they are called otherwise")] = None,
    parameter: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="as `volume=12 ul`; again for more")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="of all chance; default: drawn")] = None,
    force: Annotated[str | None, typer.Option(metavar="REASON", help="begin though the version was not rehearsed")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a run begin: a protocol at a rig, with a subject or without."""
    roles, parameters = (dict(each.partition("=")[::2] for each in words or []) for words in (role, parameter))

    async def work() -> None:
        from lics_actors.audit import AuditLog  # noqa: PLC0415
        from lics_actors.study.protocol_desk import ProtocolDesk  # noqa: PLC0415
        from lics_actors.study.run_desk import RunWanted  # noqa: PLC0415

        async with _desk() as (desk, repository):
            who, where = asker(), await repository.find_rig(rig)
            its = frozenset({where.laboratory_id})
            animal = None if subject is None else await repository.find_subject(subject, its)
            protocols = ProtocolDesk(repository, AuditLog(load_settings()))
            kept = await protocols.named(who, where.laboratory_id, protocol, number)
            wanted = RunWanted(uuid4(), where, kept.version, animal, roles, parameters, seed, forced=force)
            _tell(await desk.standing(await desk.start(who, wanted)), as_json)

    run(work)


def list_runs(
    *,
    over: Annotated[bool, typer.Option("--all", help="those that are over, too: the latest 500")] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs, newest first."""

    async def work() -> None:
        from lics_actors.store.runs import RunFilter  # noqa: PLC0415

        async with tables() as repository:
            rows = (await repository.list_runs(RunFilter(unfinished=None if over else True), PAGE)).items
        if as_json:
            print_json({"items": [_document(row) for row in rows]})
            return
        table = Table("run", "rig", "subject", "protocol", "phase", "trials", "reward", "ordered", box=None, header_style="bold")
        for row in rows:
            what, when = f"{row.protocol} {row.protocol_number}", f"{row.ordered_at:%Y-%m-%d %H:%M}"
            given = f"{row.confirmed:g} {row.unit}"
            table.add_row(str(row.id)[:8], row.rig, row.subject or "", what, row.phase, str(row.trials), given, when)
        console.print(table if rows else "no runs; `lics run start` begins one")

    run(work)


def show(run_id: RunName, as_json: AsJson = False) -> None:
    """Show a run, as recorded and as it is now."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            _tell(await desk.standing(await find_run(repository, run_id)), as_json)

    run(work)


def pause(run_id: RunName, reason: Reason = "", as_json: AsJson = False) -> None:
    """Have a run be silent; the open trial is closed as interrupted."""
    _steer(run_id, "pause", reason, as_json)


def resume(run_id: RunName, reason: Reason = "", as_json: AsJson = False) -> None:
    """Have a paused run go on with the next trial."""
    _steer(run_id, "resume", reason, as_json)


def stop(run_id: RunName, reason: Reason = "", as_json: AsJson = False) -> None:
    """End a run after its open trial."""
    _steer(run_id, "stop", reason, as_json)


def abort(run_id: RunName, reason: Annotated[str, typer.Option(help="why, for the record")], as_json: AsJson = False) -> None:
    """End a run now; also one that nobody has begun."""
    _steer(run_id, "abort", reason, as_json)


def annotate(run_id: RunName, text: Annotated[str, typer.Argument(help="what is to be kept with the run")]) -> None:
    """Keep a text with a run."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            _tell(await desk.annotate(asker(), await find_run(repository, run_id), uuid4(), text), False)

    run(work)


def reward(run_id: RunName, amount: Annotated[str, typer.Argument(help="as `10 ul`")]) -> None:
    """Give a reward by hand, within the limits of run and subject."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            _tell(await desk.reward(asker(), await find_run(repository, run_id), uuid4(), amount), False)

    run(work)


def watch(run_id: RunName) -> None:
    """Follow a run: each trial as it ends, until the run is over."""

    async def work() -> None:
        seen: str | None = None
        async with tables() as repository:
            row = await find_run(repository, run_id)
            while True:
                page = await repository.run_trials(row.id, limit=PAGE, cursor=seen)
                row = await repository.get_run(row.id)
                for trial in (each for each in page.items if each.outcome is not None):
                    took = (trial.ended_s or 0.0) - trial.began_s
                    given = f"{trial.rewarded:g} {row.unit}" if trial.rewarded else ""
                    console.print(f"{trial.number:>5}  {trial.outcome:20} {took:7.2f} s  {given}", highlight=False)
                    seen = _after(trial.number)
                if row.ended_at is not None and page.next is None:
                    break
                if page.next is None:
                    await asyncio.sleep(LOOK_S)
        console.print(lead("bold", row.phase, f" {row.why}: {row.trials} trials, {row.confirmed:g} {row.unit} given"))
        console.print(f"its file: {called_as()} run export {str(row.id)[:8]}", style="dim", highlight=False)

    run(work)


COMMANDS: dict[str, Callable[..., None]] = {
    "start": start,
    "list": list_runs,
    "show": show,
    "watch": watch,
    "pause": pause,
    "resume": resume,
    "stop": stop,
    "abort": abort,
    "annotate": annotate,
    "reward": reward,
}


def _after(number: int) -> str:
    from lics_actors.store.cursors import encode_cursor  # noqa: PLC0415

    return encode_cursor("trials", (number,))


def _steer(run_id: str, verb: str, reason: str, as_json: bool) -> None:
    async def work() -> None:
        async with _desk() as (desk, repository):
            _tell(await desk.steer(asker(), await find_run(repository, run_id), verb, uuid4(), reason), as_json)

    run(work)


def _tell(standing: Standing, as_json: bool) -> None:
    row, now = standing.row, standing.now
    if as_json:
        shown = None if now is None else {"phase": now.phase, "trial": now.trial, "rewarded": now.rewarded, "n": now.n}
        print_json({**_document(row), "now": shown})
        return
    who = f" with {row.subject}" if row.subject else ""
    console.print(lead("bold", row.protocol, f" {row.protocol_number} at {row.rig}{who}  {row.id}"))
    if now is None:
        console.print(f"  {row.phase} {row.why}  {row.trials} trials, {row.confirmed:g} {row.unit} given", highlight=False)
        return
    console.print(f"  {now.phase} {now.reason}  trial {now.trial}, {now.rewarded:g} {row.unit} given", highlight=False)
    for each in now.holding:
        console.print(f"  waits: {each}", highlight=False)


def _document(row: Run) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415

    return asdict(row)
