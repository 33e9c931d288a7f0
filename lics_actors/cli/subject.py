"""`lics subject`: the animals: who they are, what they are to get a day, what they weigh, and who changed that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.table import Table

from config.settings import load_settings
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.cli.lab import InLab, named
from lics_actors.cli.laboratory import asker, tables
from lics_actors.cli.output import console, lead, print_json, run
from lics_actors.cli.words import pairs

if TYPE_CHECKING:
    from lics_actors.store.repository import Repository
    from lics_actors.store.subjects import Subject
    from lics_actors.study.subject_desk import SubjectDesk

app = typer.Typer(no_args_is_help=True, help="The animals: who they are, what they are to get, what they weigh.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]
Called = Annotated[str, typer.Argument(metavar="SUBJECT", help="its id, name or tag")]
AmountOption = Annotated[
    list[str] | None,
    typer.Option("--daily", metavar="KIND.BOUND=N", help="as fluid_ul.target=1200, food_mg.max=5000; again for more"),
]
PAGE = 500


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[SubjectDesk, Repository]]:
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.study.subject_desk import SubjectDesk  # noqa: PLC0415

    async with tables() as repository:
        yield SubjectDesk(repository, AuditLog(load_settings())), repository


@app.command("list")
def list_subjects(
    *, retired: Annotated[bool, typer.Option("--retired", help="those, too")] = False, as_json: AsJson = False
) -> None:
    """List the subjects."""

    async def work() -> None:
        from lics_actors.store.subjects import SubjectFilter  # noqa: PLC0415

        rows: list[Subject] = []
        async with tables() as repository:
            page = await repository.list_subjects(SubjectFilter(), PAGE)
            rows += page.items
            while page.next is not None:
                page = await repository.list_subjects(SubjectFilter(), PAGE, page.next)
                rows += page.items
        rows = [row for row in rows if retired or row.status != "retired"]
        if as_json:
            print_json({"items": [_document(row) for row in rows]})
            return
        table = Table("subject", "species", "sex", "born", "tag", "status", "id", box=None, header_style="bold")
        for row in rows:
            table.add_row(row.name, row.species, row.sex, str(row.birth_date or ""), row.rfid or "", row.status, str(row.id))
        console.print(table if rows else "no subjects; `lics subject add` makes one")

    run(work)


@app.command()
def show(subject: Called, as_json: AsJson = False) -> None:
    """Show a subject, its latest weights and who changed what of it."""

    async def work() -> None:
        async with tables() as repository:
            row = await repository.find_subject(subject)
            weights = (await repository.weights(row.id, 10)).items
            history = (await repository.changes(row.id, 20)).items
        if as_json:
            said = [{"time": each.time, "weight_g": each.weight_g, "note": each.note} for each in weights]
            told = [{"version": each.version, "time": each.time, "principal": each.principal, "reason": each.reason,
                     "changed": list(each.changed)} for each in history]  # fmt: skip
            print_json({**_document(row), "weights": said, "history": told})
            return
        console.print(lead("bold", row.name, f"  {row.id}  {row.species}, {row.sex}, {row.status}"))
        for kind, amounts in row.daily.items():
            console.print(
                f"  {kind} a day: " + ", ".join(f"{bound} {value:g}" for bound, value in amounts.items()), highlight=False
            )
        for weight in weights:
            console.print(f"  {weight.time:%Y-%m-%d %H:%M}  {weight.weight_g:g} g  {weight.note}", highlight=False)
        for change in history:
            why = f": {change.reason}" if change.reason else ""
            console.print(
                f"  v{change.version}  {change.time:%Y-%m-%d %H:%M}  {change.principal}  {', '.join(change.changed)}{why}",
                highlight=False,
            )

    run(work)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="a name that no other subject in use has")],
    species: Annotated[str, typer.Option(help="its Latin name, as `Mus musculus`, or its term of NCBI's taxonomy")],
    *,
    sex: Annotated[str, typer.Option(help="female, male or unknown")] = "unknown",
    born: Annotated[str | None, typer.Option(help="as 2025-11-03")] = None,
    rfid: Annotated[str | None, typer.Option(help="the tag it wears")] = None,
    daily: AmountOption = None,
    lab: InLab = str(DEFAULT_LABORATORY),
    as_json: AsJson = False,
) -> None:
    """Keep a subject."""
    birth_date, amounts = _day(born), _amounts(daily or [])

    async def work() -> None:
        from lics_actors.store.subjects import NewSubject  # noqa: PLC0415 - slow, and only when a command runs
        from lics_actors.study.subject_documents import read_daily, read_facts  # noqa: PLC0415

        facts = read_facts(name=name, species=species, sex=sex, rfid=rfid)
        kept = read_daily(amounts).document()
        async with _desk() as (desk, repository):
            who, place = asker(), (await named(repository, lab)).id
            new = NewSubject(place, principal=who.principal, birth_date=birth_date, daily=kept, **facts)
            row = await desk.create(who, new)
        _tell(row, as_json)

    run(work)


@app.command()
def change(
    subject: Called,
    reason: Annotated[str | None, typer.Option(help="why, for the record; daily amounts, status and tag need one")] = None,
    *,
    name: Annotated[str | None, typer.Option()] = None,
    species: Annotated[str | None, typer.Option(help="its Latin name, or its term of NCBI's taxonomy")] = None,
    sex: Annotated[str | None, typer.Option(help="female, male or unknown")] = None,
    rfid: Annotated[str | None, typer.Option(help="the tag it wears; empty: none")] = None,
    status: Annotated[str | None, typer.Option(help="active, resting or retired")] = None,
    notes: Annotated[str | None, typer.Option()] = None,
    daily: AmountOption = None,
    as_json: AsJson = False,
) -> None:
    """Change some of a subject."""
    given = {"name": name, "species": species, "sex": sex, "rfid": rfid, "status": status, "notes": notes}
    said: dict[str, Any] = {key: value or None for key, value in given.items() if value is not None}
    if not said and daily is None:
        raise typer.BadParameter("nothing to change")

    async def work() -> None:
        from lics_actors.study.subject_documents import read_daily, read_facts  # noqa: PLC0415

        changes = read_facts(**said) | ({} if daily is None else {"daily": read_daily(_amounts(daily)).document()})
        async with _desk() as (desk, repository):
            row = await desk.change(asker(), await repository.find_subject(subject), changes, None, reason)
        _tell(row, as_json)

    run(work)


@app.command()
def weigh(
    subject: Called,
    weight_g: Annotated[float, typer.Argument(min=0.001, max=1_000_000, help="in grams")],
    note: Annotated[str, typer.Option()] = "",
) -> None:
    """Note what a subject weighs."""

    async def work() -> None:
        from lics_actors.store.subjects import Weight  # noqa: PLC0415

        async with _desk() as (desk, repository):
            who, row, now = asker(), await repository.find_subject(subject), datetime.now(UTC)
            kept = await desk.weigh(who, row, Weight(uuid4(), row.id, now, weight_g, note, who.principal, now))
        console.print(f"{row.name} weighs {kept.weight_g:g} g", highlight=False)

    run(work)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write it like 2025-11-03") from None


def _amounts(words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, value in pairs(words).items():
        kind, _, bound = path.partition(".")
        found.setdefault(kind, {})[bound] = value
    return found


def _tell(row: Subject, as_json: bool) -> None:
    if as_json:
        print_json(_document(row))
    else:
        console.print(lead("bold", row.name, f"  {row.id}  {row.status}"))


def _document(row: Subject) -> dict[str, Any]:
    from lics_actors.store.subjects import facts  # noqa: PLC0415

    return {"id": row.id, "version": row.version, **facts(row)}
