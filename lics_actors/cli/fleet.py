"""`lics fleet`: run the fleet, look at its supervision tree, restart a part of it."""

from __future__ import annotations

import asyncio
import signal
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lics_actors.cli.laboratory import fleet, nodes_of, principal
from lics_actors.cli.output import console, print_json, run, told_errors
from lics_actors.cli.words import age
from lics_actors.errors import LicsError, NodeNotFoundError
from lics_actors.fleet.messages import NodeState, NodeView

app = typer.Typer(no_args_is_help=True, help="Run the fleet, look at its supervision tree, restart a part of it.")

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
COLOURS = {
    NodeState.RUNNING: "green",
    NodeState.STARTING: "cyan",
    NodeState.RESTARTING: "yellow",
    NodeState.STOPPING: "yellow",
    NodeState.QUARANTINED: "bold red",
    NodeState.DRAINED: "magenta",
    NodeState.STOPPED: "dim",
}
GOOD_WORDS = frozenset({"online", "database", "recording", "ok", ""})


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


@app.command()
def watch(
    interval: Annotated[float, typer.Option(min=0.1, help="seconds between looks")] = 1.0,
    looks: Annotated[int, typer.Option(min=0, help="end after so many looks; 0: never")] = 0,
) -> None:
    """Show the supervision tree, live, until Ctrl-C. It goes on through a restart of the fleet."""
    with told_errors():
        try:
            asyncio.run(_watch(interval, looks))
        except asyncio.CancelledError:
            raise SystemExit(0) from None


async def _watch(interval_s: float, looks: int) -> None:
    watching = asyncio.current_task()
    assert watching is not None
    # our own handler: a process that a shell started in the background inherits that Ctrl-C is ignored
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, watching.cancel)
    looked = 0
    async with fleet() as client:
        root = await client.tree()  # a fleet that does not run at all is told as by the other commands
        with Live(as_table(root), console=console, auto_refresh=False, transient=False) as live:
            while True:
                looked += 1
                live.refresh()
                if not console.is_terminal:
                    console.print(live.renderable)
                if looks and looked >= looks:
                    return
                await asyncio.sleep(interval_s)
                try:
                    live.update(as_table(await client.tree()))
                except LicsError as error:
                    live.update(Text(f"{datetime.now(UTC).astimezone():%H:%M:%S}  {error.message}", style="yellow"))


@app.command()
def restart(
    node: Annotated[str, typer.Argument(help="recorder, registrar, rack:1, device:<id>, or a device's id or name")],
    reason: Annotated[str | None, typer.Option(help="why, for the record")] = None,
    as_json: AsJson = False,
) -> None:
    """Restart a node and wait until it is at work again. Lifts a quarantine."""

    async def work() -> None:
        async with fleet() as client:
            name = node_named(await client.tree(), node)
            began = time.perf_counter()
            await client.restart(name, principal(), reason)
        took = time.perf_counter() - began
        if as_json:
            print_json({"node": name, "seconds": round(took, 3)})
        else:
            console.print(Text.assemble((name, "bold"), f" is at work again ({took:.2f} s)"))

    run(work)


def node_named(root: NodeView, word: str) -> str:
    """Return the name of the node that `word` means.

    Raises:
        NodeNotFoundError: there is none.
    """
    for node in nodes_of(root):
        if word.lower() in {node.name.lower(), node.name.partition(":")[2].lower() or None, node.label.lower() or None}:
            return node.name
    raise NodeNotFoundError(f"there is no {word!r} in the supervision tree; see `lics fleet tree`", node=word)


def as_document(node: NodeView) -> dict[str, Any]:
    """Return a node as JSON."""
    return {
        "name": node.name,
        "kind": node.kind,
        "label": node.label,
        "state": node.state.value,
        "word": node.word,
        "pid": node.pid,
        "incarnation": node.incarnation,
        "restarts": node.restarts,
        "since": node.since.isoformat(),
        "last_error": node.last_error,
        "stats": dict(node.stats),
        "children": [as_document(child) for child in node.children],
    }


def as_table(root: NodeView, now: datetime | None = None) -> Table:
    """Return a tree as a table, a line a node."""
    devices = [node for node in nodes_of(root) if node.kind == "device"]
    up = sum(node.state is NodeState.RUNNING for node in devices)
    table = Table(box=None, pad_edge=False, title_justify="left", title=f"{up} of {len(devices)} device actors run")
    for heading in ("node", "state", "says"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pid", "restarts", "for"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("last error", overflow="fold")
    _add_rows(table, root, "", "", now or datetime.now(UTC))
    return table


def _add_rows(table: Table, node: NodeView, lead: str, below: str, now: datetime) -> None:
    table.add_row(
        Text(lead + (node.label or node.name)),
        Text(node.state.value, COLOURS[node.state]),
        Text(node.word, "" if node.word in GOOD_WORDS else "yellow"),
        str(node.pid or ""),
        str(node.restarts or ""),
        age((now - node.since).total_seconds()),
        Text(node.last_error or "", "dim"),
    )
    for place, child in enumerate(node.children, start=1):
        last = place == len(node.children)
        _add_rows(table, child, below + ("└ " if last else "├ "), below + ("  " if last else "│ "), now)
