"""`lics doctor`: what is as it should be, what is not, and what to do about it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from config.settings import load_settings
from lics_actors.cli.output import Exit, console, lead, print_json, told_errors, typed
from lics_actors.services.checkup import Finding, Verdict, examine

app = typer.Typer()
COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.IDLE: "dim", Verdict.BROKEN: "bold red"}


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")] = False) -> None:
    """Look at Python, packages, data directory, disk, ports, secrets and servers; exit 1 if something is broken."""
    with told_errors():
        findings = asyncio.run(examine(load_settings()))
    broken = any(finding.verdict is Verdict.BROKEN for finding in findings)
    if as_json:
        print_json({"ok": not broken, "findings": [asdict(finding) for finding in findings]})
    else:
        console.print(_table(findings))
    raise SystemExit(int(Exit.FAILED if broken else Exit.DONE))


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("matter", "", "seen"):
        table.add_column(title, overflow="fold")
    for finding in findings:
        seen = lead("dim", f"\nnext: {typed(finding.next_step)}" if finding.next_step else "", before=typed(finding.seen))
        table.add_row(finding.matter, lead(COLOURS[finding.verdict], finding.verdict), seen)
    return table
