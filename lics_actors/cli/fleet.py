"""`lics fleet`: run the fleet and look at its supervision tree; what is done to it is in steering.py."""

from __future__ import annotations

from typing import Annotated

import typer

from lics_actors.cli import hosts, steering, watching
from lics_actors.cli.laboratory import fleet
from lics_actors.cli.output import console, print_json, run, told_errors
from lics_actors.cli.tree import as_document, as_table

app = typer.Typer(no_args_is_help=True, help="Run the fleet, look at its supervision tree, steer it.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]


@app.command("run")
def run_fleet() -> None:
    """Run the fleet until SIGTERM or Ctrl-C: supervisors, Recorder, and an actor for every device."""
    with told_errors():
        from config.settings import load_settings  # noqa: PLC0415 - the launcher imports as little as it can before it looks
        from lics_actors.logs import configure  # noqa: PLC0415

        settings = load_settings()
        configure(settings, "fleet")
        from lics_actors.system import run_fleet as work  # noqa: PLC0415

        raise SystemExit(work(settings))


@app.command()
def tree(as_json: AsJson = False) -> None:
    """Show the supervision tree: every actor with its state, process and restarts."""

    async def work() -> None:
        async with fleet() as client:
            root = await client.tree()
        if as_json:
            print_json(as_document(root))
        else:
            console.print(as_table(root))

    run(work)


for verb in (
    watching.watch,
    watching.status,
    steering.restart,
    steering.drain,
    steering.quarantine,
    steering.clear,
    steering.logs,
    hosts.hosts,
    hosts.forget,
):
    app.command()(verb)
