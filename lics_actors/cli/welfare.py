"""`lics welfare`: what subjects are given a day, what hands give, and overrides of limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import typer
from msgspec import structs
from rich.table import Table
from rich.text import Text

from config.settings import load_settings
from lics_actors.cli.laboratory import asker, fleet, tables
from lics_actors.cli.output import console, lead, print_json, run
from lics_actors.cli.words import age, span
from lics_actors.welfare.judge import UNITS, concerns, in_force, room
from lics_actors.welfare.messages import Entry, Fate, Limit, Override, Substance

if TYPE_CHECKING:
    from lics_actors.store.repository import Repository
    from lics_actors.store.subject_days import SubjectDay
    from lics_actors.welfare_desk import WelfareDesk

app = typer.Typer(no_args_is_help=True, help="What subjects are given a day, and their limits.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
SubjectName = Annotated[str, typer.Argument(metavar="SUBJECT", help="its id, name or tag")]
LONGEST_RULE = timedelta(days=31)  # as over REST
Reason = Annotated[str, typer.Option(help="why, for the record")]


@asynccontextmanager
async def welfare_desk() -> AsyncIterator[tuple[WelfareDesk, Repository]]:
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.welfare_desk import WelfareDesk  # noqa: PLC0415

    settings = load_settings()
    async with tables() as repository, fleet() as client:
        yield WelfareDesk(repository, AuditLog(settings), settings, client), repository


@app.command()
def show(
    subject: SubjectName,
    day: Annotated[str | None, typer.Option(help="a date of the laboratory, as 2026-11-23; the present one, if absent")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a subject was given in a day, over all rigs and by hand."""
    try:
        named = None if day is None else date.fromisoformat(day)
    except ValueError:
        raise typer.BadParameter(f"{day} is no date; write it as 2026-11-23") from None

    async def work() -> None:
        async with welfare_desk() as (desk, repository):
            _print_day(await desk.state(await repository.find_subject(subject), named), as_json)

    run(work)


@app.command()
def give(
    subject: SubjectName,
    amount: Annotated[float, typer.Argument(min=0, help="fluid in µl, food in mg, pellets by number")],
    substance: Annotated[Substance, typer.Option(help="what was given")] = Substance.FLUID,
    note: Annotated[str, typer.Option(help="kept with it")] = "",
    ask: Annotated[bool, typer.Option("--ask", help="it is not given yet: may it be?")] = False,
) -> None:
    """Note what a hand gave a subject just now; with --ask, say whether it may be given, beside a run that goes on."""

    async def work() -> None:
        async with welfare_desk() as (desk, repository):
            found, who = await repository.find_subject(subject), asker()
            facts = (substance, amount, datetime.now(UTC), Fate.CONFIRMED)
            await desk.give(who, found, Entry(uuid4(), found.id, *facts, by=who.principal, note=note), ask=ask)
            said = "may be given, and is noted" if ask else "noted"
            console.print(f"{said}: {amount:g} {UNITS[substance]} of {substance} for {found.name}")

    run(work)


@app.command()
def override(
    subject: SubjectName,
    limit: Annotated[Limit, typer.Argument(help="which limit")],
    value: Annotated[float, typer.Argument(min=0, help="its value meanwhile")],
    *,
    hours: Annotated[float, typer.Option(min=0.01, max=168, help="for so long")],
    reason: Reason,
) -> None:
    """Let a limit of a subject have another value for a while."""

    async def work() -> None:
        async with welfare_desk() as (desk, repository):
            found, who, now = await repository.find_subject(subject), asker(), datetime.now(UTC)
            said = (limit, value, now, now + timedelta(hours=hours), who.principal, reason)
            made = await desk.override(who, found, Override(uuid4(), found.id, *said))
            console.print(f"{found.name}: {limit} is {value:g} until {made.until:%Y-%m-%d %H:%M} UTC  {made.id}")

    run(work)


@app.command()
def overrides(subject: SubjectName, as_json: AsJson = False) -> None:
    """List the overrides of a subject's limits that are not over."""

    async def work() -> None:
        async with tables() as repository:
            found = await repository.overrides((await repository.find_subject(subject)).id, datetime.now(UTC))
        if as_json:
            print_json({"items": [structs.asdict(each) for each in found]})
            return
        table = Table("limit", "value", "until", "by", "reason", "id", box=None, header_style="bold")
        for each in found:
            table.add_row(
                each.limit, f"{each.value:g}", f"{each.until:%Y-%m-%d %H:%M} UTC", Text(each.by), Text(each.reason), str(each.id)
            )
        console.print(table if found else "no overrides: all limits are as they were set")

    run(work)


@app.command("end-override")
def end_override(
    subject: SubjectName, override_id: Annotated[UUID, typer.Argument(metavar="ID", help="see `lics welfare overrides`")]
) -> None:
    """End an override now; the limit is again as it was set."""

    async def work() -> None:
        async with welfare_desk() as (desk, repository):
            found = await repository.find_subject(subject)
            ended = await desk.end_override(asker(), found, override_id)
            console.print(lead("", f"{found.name}: {ended.limit} is no longer {ended.value:g}"))

    run(work)


@app.command()
def limits(
    subject: SubjectName,
    *,
    session: Annotated[str | None, typer.Option(help="how long a session may last, as 90m; or none")] = None,
    between: Annotated[str | None, typer.Option(help="what must lie between two sessions, as 2h; or none")] = None,
    reason: Annotated[str, typer.Option(help="why, for the record; a change needs one")] = "",
    as_json: AsJson = False,
) -> None:
    """Show a subject's limits as they were set, or set those of its sessions. Daily amounts: `lics subject change --daily`."""
    said = {name: _seconds(text) for name, text in (("session_s", session), ("between_s", between)) if text is not None}

    async def work() -> None:
        async with welfare_desk() as (desk, repository):
            found = await repository.find_subject(subject)
            held = structs.asdict(await repository.subject_limits(found.id))
            if said:
                rules = {name: said.get(name, held[name]) for name in ("session_s", "between_s")}
                held = structs.asdict(await desk.rule_sessions(asker(), found, **rules, reason=reason))
        if as_json:
            print_json(held)
            return
        for name, value in held.items():
            if value is not None:
                told = age(value) if name.endswith("_s") else f"{value:g} {UNITS[Substance(name.partition('_')[2])]}"
                console.print(f"{name.removesuffix('_s'):12} {told}", highlight=False)
        if not any(value is not None for value in held.values()):
            console.print("no limits")

    run(work)


def _seconds(text: str) -> float | None:
    if text == "none":
        return None
    if (said := span(text)) > LONGEST_RULE:
        raise typer.BadParameter(f"{text} is longer than {LONGEST_RULE.days} days; `none` is no limit")
    return said.total_seconds()


def _print_day(known: SubjectDay, as_json: bool) -> None:
    now = datetime.now(UTC)
    held = in_force(known.limits, known.overrides, min(max(now, known.day.begin), known.day.end))
    rows = [
        {
            "substance": each.value,
            "surely": known.ledger.least(each),
            "measured": sum(e.measured or 0.0 for e in known.ledger.entries.values() if e.substance is each),
            "at_most": known.ledger.most(each) - known.ledger.reserved.get(each, 0.0),
            "reserved": known.ledger.reserved.get(each, 0.0),
            "minimum": held.least(each),
            "maximum": held.most(each),
            "left": None if held.most(each) is None else room(held.most(each), known.ledger.most(each)),
        }
        for each in Substance
    ]
    found = concerns(known.ledger, held, known.day, now)
    if as_json:
        entries = [
            {"id": each.id, "substance": each.substance, "amount": each.amount, "time": each.at, "fate": each.fate, "by": each.by}
            for each in sorted(known.ledger.entries.values(), key=lambda each: (each.at, each.id))
        ]
        told = [{"kind": each.kind, "severity": each.severity, "message": each.message} for each in found]
        print_json({"date": known.day.date, "substances": rows, "entries": entries, "concerns": told})
        return
    names = ("substance", "surely", "measured", "at_most", "reserved", "minimum", "maximum", "left")
    table = Table(*(name.replace("_", " ") for name in names), box=None, header_style="bold")
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in names))
    console.print(lead("bold", known.day.date))
    console.print(table)
    for concern in found:
        console.print(lead("bold red", concern.kind, f": {concern.message}"))
