"""`lics run`: protocols of experiments, checked, drawn and rehearsed; no laboratory is needed."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

import config
from drivers.native.spec import DEVICE_TYPES
from drivers.native.subject import SubjectModel
from lics_actors.cli.output import Exit, console, fail, lead, print_json, stderr, told_errors
from lics_actors.cli.run_files import export, format_by_name, replay, write_file
from lics_actors.cli.run_steering import COMMANDS
from lics_actors.datafile.rehearsed import rehearsed
from lics_actors.experiment.captions import trigger_text
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.diagram import drawing
from lics_actors.experiment.document import json_schema
from lics_actors.experiment.library import classics, protocol_of
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.rehearsal import Rehearsal, rehearse
from lics_actors.study.parameters import base_units
from lics_actors.study.protocol_documents import finding
from lics_actors.study.rehearsing import told

app = typer.Typer(no_args_is_help=True, help="Runs: begin, steer and watch them; protocols of files: check, draw, rehearse.")

Named = Annotated[str, typer.Argument(metavar="PROTOCOL", help="a file, or the name of a classic (`lics run classics`)")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]


@app.command("check")
def check(protocol: Named, *, as_json: AsJson = False) -> None:
    """Say what is wrong with a protocol, and where; exit code 2 if it cannot be run."""
    with told_errors():
        plan, warnings = prepared(protocol_of(protocol), DEVICE_TYPES)
    if as_json:
        print_json({"name": plan.document.name, "states": len(plan.states), "warnings": [finding(each) for each in warnings]})
        return
    console.print(f"{plan.document.title}: {len(plan.states)} states, can be run", highlight=False)
    for each in warnings:
        console.print(lead("yellow", "warning:", f" {each.path}: {each}"))


@app.command("rehearse")
def rehearse_protocol(
    protocol: Named,
    *,
    trials: Annotated[int, typer.Option(min=1, max=10_000_000, help="as many, over as many sessions as that takes")] = 1000,
    subject_model: Annotated[SubjectModel, typer.Option(help="what the simulated subject knows")] = "random",
    seed: Annotated[int, typer.Option(help="the same seed gives the same rehearsal")] = 1,
    parameter: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="as `volume=12 ul`; again for more")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the first session as a run's file: .nwb, .parquet.zip or .csv.zip")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a protocol with simulated devices and a simulated subject, in virtual time."""
    wanted = None if output is None else format_by_name(output)
    with told_errors():
        plan, warnings = prepared(protocol_of(protocol), DEVICE_TYPES)
        task = Rehearsal(plan, DEVICE_TYPES, trials, subject_model, seed, _parameters(plan, parameter or []))
        began = time.perf_counter()
        done = rehearse(task)
        took_s = time.perf_counter() - began
    document = told(task, done, took_s, warnings)
    if output is not None and wanted is not None:
        write_file(rehearsed(task, done.first, datetime.now(UTC), {"lics": config.__version__}), wanted, output)
    if as_json:
        print_json(document)
    else:
        _show(plan, document)
    if done.difference is not None:
        fail("the replay of the first session came out otherwise", "this is a fault of LICS: please report it with the protocol")


app.command("export")(export)
app.command("replay")(replay)
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


@app.command("diagram")
def diagram(
    protocol: Named, output: Annotated[Path | None, typer.Option("--output", "-o", help="a file; default: stdout")] = None
) -> None:
    """Draw the states of a protocol as SVG."""
    with told_errors():
        plan, _ = prepared(protocol_of(protocol), DEVICE_TYPES)
        svg = drawing(plan)
    if output is None:
        sys.stdout.write(svg)
        return
    try:
        output.write_text(svg, encoding="utf-8")
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}", "name another file", Exit.FAILED)
    stderr.print(f"wrote {output}; a browser shows it", highlight=False, soft_wrap=True)


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of protocols, for editors."""
    print_json(json_schema())


@app.command("classics")
def list_classics(*, as_json: AsJson = False) -> None:
    """List the protocols that are shipped."""
    found = [(name, protocol_of(name).title) for name in classics()]
    if as_json:
        print_json([{"name": name, "title": title} for name, title in found])
        return
    for name, title in found:
        console.print(f"{name:20} {title}", highlight=False)


def _parameters(plan: Plan, given: list[str]) -> dict[str, Any]:
    """Return parameters in base units.

    Raises:
        InvalidError: one is unknown, of another kind, or outside its bounds.
    """
    return base_units(plan, dict(each.partition("=")[::2] for each in given))


def _place(plan: Plan, path: str) -> str:
    """Return a state, or a transition with what opens it and where it leads, of a path as `choice.transitions.1`."""
    state, _, index = path.partition(".transitions.")
    if not index:
        return path
    way = plan.document.states[state].transitions[int(index)]
    to = " or ".join(way.to) if isinstance(way.to, dict) else way.to or way.end
    opens = f"{trigger_text(way)} if {way.when}".strip() if way.when is not None else trigger_text(way)
    return f"{path}: {opens}{f' → {to}' if to else ''}"


def _show(plan: Plan, document: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("OUTCOME", "TRIALS", "SHARE"):
        table.add_column(title, justify="left" if title == "OUTCOME" else "right")
    for name, each in document["outcomes"].items():
        table.add_row(name, str(each["trials"]), f"{each['share']:.1%}")
    console.print(f"{plan.document.title}, subject: {document['subject_model']}, seed {document['seed']}", highlight=False)
    console.print(table)
    session, reward, cover = document["session_s"], document["reward"], document["coverage"]
    trials = document["session_trials"]["mean"]
    lines = [
        f"sessions     {document['sessions']} of {trials:.0f} trials and {session['mean'] / 60:.1f} min"
        f" ({session['min'] / 60:.1f} to {session['max'] / 60:.1f})",
        f"reward       {reward['mean']:.4g} {reward['unit']} a session ({reward['min']:.4g} to {reward['max']:.4g}),"
        f" {reward['refused']} refused",
        f"seen         {cover['states']['seen']} of {cover['states']['of']} states,"
        f" {cover['transitions']['seen']} of {cover['transitions']['of']} transitions",
        *(f"never        {_place(plan, each)}" for each in cover["never"]),
        *(f"ended        {times} × {why}" for why, times in document["endings"].items()),
        f"replay       {document['replay']}",
        f"took         {document['took_s']} s, {document['trials_per_minute']:,} trials/min",
    ]
    for line in lines:
        console.print(line, highlight=False)
    for each in document["warnings"]:
        console.print(lead("yellow", "warning:", f" {each['path']}: {each['reason']}; {each['todo']}"))
