"""`lics rig`: which devices belong together, which interlocks guard them, and letting them go on after one has tripped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from config.settings import load_settings
from lics_actors.cli.laboratory import asker, fleet, tables
from lics_actors.cli.output import console, lead, print_json, run
from lics_actors.cli.words import pairs

if TYPE_CHECKING:
    from lics_actors.rig_desk import RigDesk, RigState
    from lics_actors.store.repository import Repository
    from lics_actors.store.rigs import RigRow

app = typer.Typer(no_args_is_help=True, help="Which devices belong together, and which interlocks guard them.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
Rig = Annotated[str, typer.Argument(metavar="RIG", help="its id or its name")]
PAGE = 500


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[RigDesk, Repository]]:
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.rig_desk import RigDesk  # noqa: PLC0415

    async with tables() as repository, fleet() as client:
        yield RigDesk(repository, client, AuditLog(load_settings())), repository


@app.command("list")
def list_rigs(as_json: AsJson = False) -> None:
    """List the rigs."""

    async def work() -> None:
        rows: list[RigRow] = []
        async with tables() as repository:
            page = await repository.list_rigs(PAGE)
            rows += page.items
            while page.next is not None:
                page = await repository.list_rigs(PAGE, page.next)
                rows += page.items
        if as_json:
            print_json({"items": [_document(row) for row in rows]})
            return
        table = Table("rig", "devices", "interlocks", "id", box=None, header_style="bold")
        for row in rows:
            table.add_row(
                row.name, ", ".join(row.devices), ", ".join(str(each.get("name")) for each in row.interlocks), str(row.id)
            )
        console.print(table if rows else "no rigs; `lics rig add` makes one")

    run(work)


@app.command()
def show(rig: Rig, as_json: AsJson = False) -> None:
    """Show a rig: its devices, its interlocks, and which of them have tripped."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            _print(await desk.state(await repository.find_rig(rig)), as_json)

    run(work)


@app.command()
def history(rig: Rig, as_json: AsJson = False) -> None:
    """Show the latest versions of a rig: who changed what of it."""

    async def work() -> None:
        async with _desk() as (_, repository):
            found = (await repository.changes((await repository.find_rig(rig)).id, 100)).items
        if as_json:
            told = [
                {"version": each.version, "time": each.time, "by": each.principal, "changed": each.changed, "facts": each.facts}
                for each in found
            ]
            print_json({"items": told})
            return
        for each in found:
            words = f"version {each.version}  {each.time:%Y-%m-%d %H:%M}  {each.principal}  {', '.join(each.changed)}"
            console.print(words, highlight=False, markup=False)

    run(work)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="a name that no other rig has")],
    device: Annotated[list[str], typer.Argument(metavar="ROLE=DEVICE", help="a device by its id or name, and its role")],
    *,
    interlocks: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="a file with a JSON list of interlocks; see docs/safety.md")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a rig. Its interlocks are judged at once."""
    roles = pairs(device)
    try:
        said = json.loads(interlocks.read_text()) if interlocks is not None else []
    except ValueError as error:
        raise typer.BadParameter(f"{interlocks} is no JSON: {error}") from None

    async def work() -> None:
        from lics_actors.store.rig_documents import read_interlocks  # noqa: PLC0415

        bodies = read_interlocks(said)
        async with _desk() as (desk, repository):
            devices: dict[str, UUID] = {role: (await repository.find_device(str(each))).id for role, each in roles.items()}
            _print(await desk.state(await desk.create(asker(), name, devices, bodies)), as_json)

    run(work)


@app.command()
def reset(
    rig: Rig,
    interlock: Annotated[str | None, typer.Argument(help="only this one")] = None,
    *,
    reason: Annotated[str, typer.Option(help="why it is safe now, for the record")],
    as_json: AsJson = False,
) -> None:
    """Let a rig go on after an interlock has tripped. Refused where its condition still is so."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            _print(await desk.reset(asker(), await repository.find_rig(rig), interlock, reason), as_json)

    run(work)


def _document(row: RigRow) -> dict[str, Any]:
    from lics_actors.rig_desk import facts  # noqa: PLC0415

    return {"id": row.id, **facts(row)}


def _print(state: RigState, as_json: bool) -> None:
    tripped = [
        {"device_id": device_id, "interlock": each.interlock, "since": each.since, "why": each.why}
        for device_id, those in state.tripped.items()
        for each in those
    ]
    if as_json:
        print_json({**_document(state.row), "tripped": tripped, "unknown": list(state.unknown)})
        return
    console.print(lead("bold", state.row.name, f"  {state.row.id}"))
    for role, device_id in state.row.devices.items():
        said = "not known" if device_id in state.unknown else "tripped" if device_id in state.tripped else ""
        console.print(lead("bold red", said, before=f"  {role}  {device_id}  "))
    for interlock in state.row.interlocks:
        why = next((each["why"] for each in tripped if each["interlock"] == interlock.get("name")), None)
        style, word, rest = ("green", "armed", "") if why is None else ("bold red", "tripped", f": {why}")
        console.print(lead(style, word, rest, before=f"  {interlock.get('name')}: "))
