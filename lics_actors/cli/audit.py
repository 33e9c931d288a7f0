"""`lics audit`: who did what; whether the record of it is whole; and the record as a file."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from config.settings import load_settings
from lics_actors.cli.laboratory import tables
from lics_actors.cli.output import Exit, console, fail, lead, print_json, run
from lics_actors.cli.words import span

if TYPE_CHECKING:
    from lics_actors.audit_check import Verified
    from lics_actors.store.audit_chain import Link
    from lics_actors.store.repository import AuditFilter

app = typer.Typer(no_args_is_help=True, help="Who did what; whether the record of it is whole; and the record as a file.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of sentences")]
Who = Annotated[str | None, typer.Option("--principal", help="only by this one, like user:ada@lab.example")]
What = Annotated[str | None, typer.Option("--action", help="only this, like fleet.restart")]
Target = Annotated[str | None, typer.Option("--target", help="only to this, like rack:1")]
Outcome = Annotated[str | None, typer.Option("--outcome", help="asked, ok, refused or failed")]
Words = Annotated[str | None, typer.Option("--text", help="only where this stands somewhere")]
Last = Annotated[str | None, typer.Option("--last", help="only of the last 1h, 7d …")]
PAGE = 500


class Form(StrEnum):
    """How acts are written to a file."""

    CSV = "csv"
    NDJSON = "ndjson"


def _chosen(last: str | None, **chosen: str | None) -> AuditFilter:
    from lics_actors.store.repository import AuditFilter  # noqa: PLC0415 - slow, and only when a command runs

    start = None if last is None else datetime.now(UTC) - span(last)
    return AuditFilter(
        principal=chosen["principal"],
        action=chosen["action"],
        target=chosen["target"],
        outcome=chosen["outcome"],
        text=chosen["text"],
        start=start,
    )


@app.command("list")
def list_acts(
    *,
    who: Who = None,
    what: What = None,
    target: Target = None,
    outcome: Outcome = None,
    text: Words = None,
    last: Last = None,
    limit: Annotated[int, typer.Option(min=1, max=PAGE, help="at most so many, the newest")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what people and programs did and tried, newest first."""

    async def work() -> None:
        async with tables() as repository:
            found = (
                await repository.acts(_chosen(last, principal=who, action=what, target=target, outcome=outcome, text=text), limit)
            ).items
        if as_json:
            from lics_actors.store.audit_texts import as_ndjson  # noqa: PLC0415

            sys.stdout.buffer.write(as_ndjson(found))
            return
        table = Table(box=None, pad_edge=False)
        for title in ("TIME (UTC)", "WHO", "WHAT", "TO WHAT", "OUTCOME", "WHY"):
            table.add_column(title, overflow="fold")
        for act in found:
            why = act.reason or act.error or ""
            cells = (f"{act.time:%Y-%m-%d %H:%M:%S}", act.principal, act.action, act.target, act.outcome, why)
            table.add_row(*map(Text, cells))
        console.print(table if found else "nothing of that kind")

    run(work)


@app.command()
def export(
    *,
    form: Annotated[Form, typer.Option("--format", help="csv or ndjson")] = Form.CSV,
    to: Annotated[Path | None, typer.Option("--to", help="the file; default: standard output")] = None,
    who: Who = None,
    what: What = None,
    target: Target = None,
    outcome: Outcome = None,
    text: Words = None,
    last: Last = None,
) -> None:
    """Write acts to a file, newest first, page after page."""
    from lics_actors.store.audit_texts import as_csv, as_ndjson, csv_head  # noqa: PLC0415

    async def work() -> int:
        chosen, count, cursor = _chosen(last, principal=who, action=what, target=target, outcome=outcome, text=text), 0, None
        with nullcontext(sys.stdout.buffer) if to is None else to.open("xb") as file:
            file.write(csv_head() if form is Form.CSV else b"")
            async with tables() as repository:
                while True:
                    page = await repository.acts(chosen, PAGE, cursor)
                    file.write(as_csv(page.items) if form is Form.CSV else as_ndjson(page.items))
                    count, cursor = count + len(page.items), page.next
                    if cursor is None:
                        return count

    try:
        count = run(work)
    except FileExistsError:
        fail(f"{to} is there already", "name a file that is not", Exit.USAGE)
    if to is not None:
        console.print(f"{count} acts are in {to}", highlight=False)


@app.command()
def verify(
    *,
    anchor: Annotated[list[str] | None, typer.Option("--anchor", help="a place kept elsewhere, n:digest; may repeat")] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the chain from the first act to the last; exit 1 where something is missing, changed, moved or cut off."""
    from lics_actors.audit_check import verify as walk  # noqa: PLC0415 - slow, and only when a command runs

    anchors = _anchors(anchor or [])

    async def work() -> Verified:
        async with tables() as repository:
            return await walk(repository, anchors)

    found = run(work)
    if as_json:
        print_json(found.document())
    else:
        for sentence in _sentences(found):
            console.print(sentence, highlight=False, soft_wrap=True)
    raise SystemExit(int(Exit.DONE if found.whole else Exit.FAILED))


@app.command()
def anchor() -> None:
    """Print the last place of the chain, to be kept where nobody who may change the database reaches: on paper, elsewhere."""
    from lics_actors.anchors import anchor_text  # noqa: PLC0415 - slow, and only when a command runs

    async def work() -> Link | None:
        async with tables() as repository:
            return await repository.audit_head()

    head = run(work)
    if head is None:
        fail("the audit is empty, so there is nothing to keep")
    sys.stdout.write(anchor_text(head) + "\n")


def _anchors(given: list[str]) -> list[Link]:
    from lics_actors.anchors import anchor_path, parse_anchor, read_anchor  # noqa: PLC0415

    try:
        own = read_anchor(anchor_path(load_settings().data_dir))
    except ValueError as error:
        fail(str(error), "it was spoiled by somebody or the disk; say --anchor with one kept elsewhere, or delete it")
    try:
        return [*([own] if own else []), *map(parse_anchor, given)]
    except ValueError as error:
        fail(f"--anchor: {error}", "`lics audit anchor` prints one", Exit.USAGE)


def _sentences(found: Verified) -> list[str | Text]:
    rows = f"{found.rows} rows in {found.seconds:.1f} s"
    if found.whole:
        sentences: list[str | Text] = [lead("green", "whole", f": {rows}, each as it was written, none missing")]
    else:
        told = [f"  {each}" for each in found.broken[:20]]
        first = lead("bold red", "broken", f" first at row {found.broken[0].n}: {rows}, {found.faults} breaks")
        sentences = [first, *told]
    if found.anchored is None:
        sentences.append(lead("yellow", "no anchor", " on this host: rows cut off at the end would not be missed"))
    else:
        sentences.append(f"the anchor is row {found.anchored.n}; what came after it is only chained")
    fence = found.fence
    if fence.holds:
        sentences.append(f"the database lets the role {fence.role} add and read, and nothing else")
    else:
        powers = "; ".join([*fence.powers, *([] if fence.trigger else ["the trigger that refuses changes is off"])])
        sentences.append(
            lead(
                "yellow",
                "not append-only by permissions",
                f": LICS works as {fence.role}, and {powers}. "
                "A change would be seen here, but not surely refused: set DATABASE_OWNER_URL (docs/security.md)",
            )
        )
    return sentences
