"""`lics experiment`: plans of stages, who takes part, and where each subject stands after its runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from config.settings import load_settings
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.cli.lab import InLab, named
from lics_actors.cli.laboratory import asker, tables
from lics_actors.cli.output import console, fail, lead, print_json, run

if TYPE_CHECKING:
    from lics_actors.store.experiments import Experiment
    from lics_actors.store.repository import Repository
    from lics_actors.study.experiment_desk import ExperimentDesk

app = typer.Typer(no_args_is_help=True, help="Experiments: stages, who takes part, and where each subject stands.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]
Called = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="its id or name")]
Reason = Annotated[str | None, typer.Option(help="why, for the record")]
File = Annotated[
    Path, typer.Option("--file", "-f", exists=True, dir_okay=False, help="YAML or JSON; see docs/contracts.md, section 3")
]
PAGE = 500
PLANNED = ("stages", "subjects", "schedule")


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[ExperimentDesk, Repository]]:
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.study.experiment_desk import ExperimentDesk  # noqa: PLC0415

    async with tables() as repository:
        yield ExperimentDesk(repository, AuditLog(load_settings())), repository


@app.command("list")
def list_experiments(
    *, done: Annotated[bool, typer.Option("--done", help="those that are over, too")] = False, as_json: AsJson = False
) -> None:
    """List the experiments."""

    async def work() -> None:
        rows: list[Experiment] = []
        async with tables() as repository:
            page = await repository.list_experiments(limit=PAGE)
            rows += page.items
            while page.next is not None:
                page = await repository.list_experiments(limit=PAGE, cursor=page.next)
                rows += page.items
        rows = [row for row in rows if done or row.status != "done"]
        if as_json:
            print_json({"items": [_document(row) for row in rows]})
            return
        table = Table("experiment", "status", "stages", "subjects", "id", box=None, header_style="bold")
        for row in rows:
            stages = " → ".join(str(each["name"]) for each in row.stages)
            table.add_row(row.name, row.status, stages, str(len(row.subjects)), str(row.id))
        console.print(table if rows else "no experiments; `lics experiment create --file FILE` keeps one")

    run(work)


@app.command()
def show(experiment: Called, as_json: AsJson = False) -> None:
    """Show an experiment, and its latest versions."""

    async def work() -> None:
        async with _desk() as (_, repository):
            row = await repository.find_experiment(experiment)
            history = (await repository.changes(row.id, 20)).items
            names = {each: (await repository.get_subject(each)).name for each in row.subjects}
        if as_json:
            told = [
                {"version": each.version, "time": each.time, "by": each.principal, "reason": each.reason, "changed": each.changed}
                for each in history
            ]
            print_json({**_document(row), "history": told})
            return
        _tell(row)
        if row.about:
            console.print(row.about, highlight=False, markup=False)
        for n, stage in enumerate(row.stages):
            said = "".join(f", {way} {_criterion(stage[way])}" for way in ("advance", "back") if way in stage)
            told_of = f"  {n}  {stage['name']}: version {stage['protocol_version_id']}{said}"
            console.print(told_of, highlight=False, markup=False, soft_wrap=True)
        console.print(f"subjects: {', '.join(names.values()) or 'none'}", highlight=False, markup=False)
        for change in history:
            why = f": {change.reason}" if change.reason else ""
            words = (
                f"version {change.version}  {change.time:%Y-%m-%d %H:%M}  {change.principal}  {', '.join(change.changed)}{why}"
            )
            console.print(words, highlight=False, markup=False)

    run(work)


@app.command()
def create(file: File, *, lab: InLab = str(DEFAULT_LABORATORY), reason: Reason = None, as_json: AsJson = False) -> None:
    """Keep an experiment from a file, in which protocols, subjects and rigs stand by name or id."""
    text = _text(file)

    async def work() -> None:
        from lics_actors.store.experiments import NewExperiment  # noqa: PLC0415 - slow, and only when a command runs

        async with _desk() as (desk, repository):
            place = (await named(repository, lab)).id
            said = await _said(repository, text, place)
            row = await desk.create(asker(), NewExperiment(place, principal=asker().principal, **said), reason)
        _tell(row, as_json=as_json)

    run(work)


@app.command()
def update(
    experiment: Called,
    file: Annotated[Path | None, typer.Option("--file", "-f", exists=True, dir_okay=False, help="what to change of it")] = None,
    *,
    name: Annotated[str | None, typer.Option(help="another name")] = None,
    status: Annotated[str | None, typer.Option(help="draft, active, paused or done")] = None,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Change some of an experiment; what is left out stays, and every version is kept."""
    given = {key: value for key, value in (("name", name), ("status", status)) if value is not None}
    if not given and file is None:
        raise typer.BadParameter("nothing to change; give --file, --name or --status")
    text = None if file is None else _text(file)

    async def work() -> None:
        from lics_actors.study.experiment_files import read_file  # noqa: PLC0415

        async with _desk() as (desk, repository):
            row = await repository.find_experiment(experiment, None)
            said = {} if text is None else await _said(repository, text, row.laboratory_id, row)
            changes = said | (read_file(given, whole=False) if given else {})
            after = await desk.change(asker(), row, changes, None, reason)
        _tell(after, as_json=as_json)

    run(work)


@app.command()
def archive(experiment: Called, *, reason: Reason = None, as_json: AsJson = False) -> None:
    """Say that an experiment is done: no more runs begin in it. What it was and what was run in it stays."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            row = await desk.change(asker(), await repository.find_experiment(experiment), {"status": "done"}, None, reason)
        _tell(row, as_json=as_json)

    run(work)


@app.command()
def progress(experiment: Called, as_json: AsJson = False) -> None:
    """Show where each subject stands, by its runs so far and what leads from one stage to the next."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            row = await repository.find_experiment(experiment)
            found = [(await repository.get_subject(each), await desk.place(row, each)) for each in row.subjects]
        if as_json:
            items = [
                {
                    "subject_id": who.id,
                    "subject": who.name,
                    "stage": at.stage,
                    "name": row.stages[at.stage]["name"],
                    "runs": at.runs,
                    "why": at.why,
                }
                for who, at in found
            ]
            print_json({"items": items})
            return
        table = Table("subject", "stage", "runs in it", "why", "next when", box=None, header_style="bold")
        for who, at in found:
            stage = row.stages[at.stage]
            onward = _criterion(stage["advance"]) if "advance" in stage else ""
            table.add_row(who.name, f"{at.stage} {stage['name']}", str(at.runs), at.why, onward)
        console.print(table if found else f"nobody takes part in {row.name}")

    run(work)


def _text(file: Path) -> str:
    from lics_actors.experiment.reading import MAX_BYTES  # noqa: PLC0415 - slow, and only when a command runs

    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


async def _said(repository: Repository, text: str, place: UUID, before: Experiment | None = None) -> dict[str, Any]:
    """Return what a file says, with ids, as the desk takes it. `place`: its laboratory; `before`: what is changed."""
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.experiment.reading import read_yaml  # noqa: PLC0415
    from lics_actors.study.experiment_files import read_file, resolved  # noqa: PLC0415
    from lics_actors.study.plans import read_plan  # noqa: PLC0415
    from lics_actors.study.protocol_desk import ProtocolDesk  # noqa: PLC0415

    protocols = ProtocolDesk(repository, AuditLog(load_settings()))

    async def version(name: str, number: int | None) -> UUID:
        return (await protocols.named(asker(), place, name, number)).version.id

    async def subject(called: str) -> UUID:
        return (await repository.find_subject(called, frozenset({place}))).id

    async def rig(called: str) -> UUID:
        return (await repository.find_rig(called)).id

    async def device(called: str) -> UUID:
        return (await repository.find_device(called)).id

    said = read_file(read_yaml(text), whole=before is None)
    found = await resolved(said, version=version, subject=subject, rig=rig, device=device)
    kept = {} if before is None else {name: getattr(before, name) for name in PLANNED}
    plan = read_plan({name: found.get(name, kept.get(name)) for name in PLANNED if name in found or name in kept}).document()
    read = {"stages": tuple(plan["stages"]), "subjects": tuple(map(UUID, plan["subjects"])), "schedule": plan["schedule"]}
    return {name: each for name, each in found.items() if name not in PLANNED} | {
        name: each for name, each in read.items() if before is None or name in found
    }


def _criterion(said: dict[str, Any]) -> str:
    share = f"at least {said['share']:.0%}" if said.get("share") is not None else f"at most {said['most']:.0%}"
    outcome = said.get("outcome") or "good outcomes"
    return f"{said.get('runs', 1)} runs of {said.get('trials', 1)} trials with {share} {outcome}"


def _tell(row: Experiment, *, as_json: bool = False) -> None:
    if as_json:
        print_json(_document(row))
    else:
        console.print(lead("bold", row.name, f"  {row.id}  {row.status}, version {row.version}"))


def _document(row: Experiment) -> dict[str, Any]:
    from lics_actors.store.experiments import facts  # noqa: PLC0415

    return {"id": row.id, "version": row.version, **facts(row)}
