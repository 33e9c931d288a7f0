"""`lics protocol`: the laboratory's protocols, uploaded in versions, rehearsed, drawn. Files alone: `lics run check`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from config.settings import load_settings
from drivers.native.subject import SubjectModel
from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.cli.lab import InLab, named
from lics_actors.cli.laboratory import asker, tables
from lics_actors.cli.output import console, fail, lead, print_json, run, stderr

if TYPE_CHECKING:
    from lics_actors.store.repository import Repository
    from lics_actors.study.protocol_desk import Kept, ProtocolDesk

app = typer.Typer(no_args_is_help=True, help="The laboratory's protocols: uploaded in versions, rehearsed, drawn.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]
Named = Annotated[str, typer.Argument(metavar="PROTOCOL", help="its id or name; a classic's, too (`lics run classics`)")]
Number = Annotated[int | None, typer.Option("--number", "-n", min=1, help="which version; default: the newest")]
PAGE = 500


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[ProtocolDesk, Repository]]:
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.study.protocol_desk import ProtocolDesk  # noqa: PLC0415

    async with tables() as repository:
        yield ProtocolDesk(repository, AuditLog(load_settings())), repository


@app.command("list")
def list_protocols(as_json: AsJson = False) -> None:
    """List the protocols."""

    async def work() -> None:
        async with tables() as repository:
            page = await repository.list_protocols(limit=PAGE)
            rows = page.items
            while page.next is not None:
                page = await repository.list_protocols(limit=PAGE, cursor=page.next)
                rows += page.items
        if as_json:
            print_json({"items": [{"id": row.id, "name": row.name, "title": row.title, "newest": row.newest} for row in rows]})
            return
        table = Table("protocol", "versions", "title", "id", box=None, header_style="bold")
        for row in rows:
            table.add_row(row.name, str(row.newest), row.title, str(row.id))
        console.print(table if rows else "no protocols; `lics protocol add FILE` keeps one")

    run(work)


@app.command()
def show(protocol: Named, number: Number = None, lab: InLab = str(DEFAULT_LABORATORY), as_json: AsJson = False) -> None:
    """Show a version of a protocol, as it was written, and its rehearsals."""

    async def work() -> None:
        async with _desk() as (desk, repository):
            kept = await desk.named(asker(), (await named(repository, lab)).id, protocol, number)
            done = (await repository.rehearsals(kept.version.id, 20)).items
        if as_json:
            told = [{"time": each.time, "trials": each.trials, "sound": each.sound, "why_not": each.why_not} for each in done]
            print_json({**_document(kept), "text": kept.version.text, "rehearsals": told})
            return
        _tell(kept)
        for each in done:
            style, word = ("green", "sound") if each.sound else ("yellow", each.why_not)
            when = f"  rehearsed {each.time:%Y-%m-%d %H:%M}, {each.trials} trials: "
            console.print(lead(style, word, before=when), highlight=False)
        sys.stdout.write(kept.version.text)

    run(work)


@app.command()
def add(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="YAML or JSON; see docs/protocols.md")
    ],
    note: Annotated[str, typer.Option(help="what is new about it")] = "",
    lab: InLab = str(DEFAULT_LABORATORY),
    as_json: AsJson = False,
) -> None:
    """Keep a protocol, or another version of one; its `name` says of which. Refused with every reason where it cannot be run."""
    from lics_actors.experiment.reading import MAX_BYTES  # noqa: PLC0415 - slow, and only when a command runs

    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            text = opened.read(MAX_BYTES + 1)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")

    async def work() -> None:
        async with _desk() as (desk, repository):
            kept = await desk.upload(asker(), (await named(repository, lab)).id, text, note)
        if as_json:
            print_json({**_document(kept), "new": kept.new})
        else:
            _tell(kept)
            console.print("kept" if kept.new else "nothing new: this version says the same", highlight=False)

    run(work)


@app.command("rehearse")
def rehearse_version(
    protocol: Named,
    number: Number = None,
    *,
    trials: Annotated[int, typer.Option(min=1, max=20_000)] = 1000,
    subject_model: Annotated[SubjectModel, typer.Option(help="what the simulated subject knows")] = "random",
    seed: Annotated[int, typer.Option(help="the same seed gives the same rehearsal")] = 1,
    parameter: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="as `volume=12 ul`; again for more")] = None,
    lab: InLab = str(DEFAULT_LABORATORY),
    as_json: AsJson = False,
) -> None:
    """Rehearse a version and keep what came of it: before that it is not armed on a rig."""
    parameters = dict(each.partition("=")[::2] for each in parameter or [])

    async def work() -> None:
        from lics_actors.study.protocol_desk import RehearsalWish  # noqa: PLC0415

        async with _desk() as (desk, repository):
            who = asker()
            kept = await desk.named(who, (await named(repository, lab)).id, protocol, number)
            done = await desk.rehearse(who, kept.version, RehearsalWish(trials, subject_model, seed, parameters))
        if as_json:
            print_json({"id": done.id, "sound": done.sound, "why_not": done.why_not, "result": done.result})
            return
        word = "sound: it may be armed" if done.sound else f"not enough to arm it: {done.why_not}"
        console.print(f"{kept.protocol.name} {kept.version.number}, {done.trials} trials, {word}", highlight=False)
        for name, each in done.result["outcomes"].items():
            console.print(f"  {name:20} {each['trials']:>7}  {each['share']:.1%}", highlight=False)

    run(work)


@app.command()
def diagram(
    protocol: Named,
    number: Number = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a file; default: stdout")] = None,
    lab: InLab = str(DEFAULT_LABORATORY),
) -> None:
    """Draw a version's states as SVG."""

    async def work() -> str:
        from lics_actors.experiment.diagram import drawing  # noqa: PLC0415

        async with _desk() as (desk, repository):
            kept = await desk.named(asker(), (await named(repository, lab)).id, protocol, number)
            return drawing(await desk.plan(kept.version))

    svg = run(work)
    try:
        sys.stdout.write(svg) if output is None else output.write_text(svg, encoding="utf-8")
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}", "name another file")
    if output is not None:
        stderr.print(f"wrote {output}; a browser shows it", highlight=False, soft_wrap=True)


def _tell(kept: Kept) -> None:
    console.print(lead("bold", kept.protocol.name, f" version {kept.version.number}  {kept.protocol.title}"))
    for each in kept.version.findings:
        console.print(lead("yellow", "warning:", f" {each['path']}: {each['reason']}; {each['todo']}"))


def _document(kept: Kept) -> dict[str, Any]:
    facts = {"id": kept.protocol.id, "name": kept.protocol.name, "title": kept.protocol.title, "newest": kept.protocol.newest}
    version = kept.version
    return {
        **facts,
        "number": version.number,
        "version_id": version.id,
        "digest": version.digest,
        "findings": list(version.findings),
    }
