"""`lics fleet hosts|forget`: the hosts that share a laboratory, as the table has them; also while no fleet runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from lics_actors.cli.laboratory import principal, tables
from lics_actors.cli.output import console, print_json, run
from lics_actors.hosts.placement import HostState

if TYPE_CHECKING:
    from lics_actors.store.hosts import HostRow

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")]
COLOURS = {HostState.UP: "green", HostState.LEFT: "dim", HostState.DRAINING: "yellow"}


def hosts(as_json: AsJson = False) -> None:
    """Show the hosts that share this laboratory, and how many duties (devices, and the record) each has."""

    async def work() -> None:
        async with tables() as repository:
            rows = await repository.fleet_hosts()
        if as_json:
            print_json([_document(row) for row in rows])
        elif rows:
            console.print(_table(rows))
        else:
            console.print("this host is the only one: no LICS_NODE was ever set", style="dim")

    run(work)


def forget(
    host: Annotated[str, typer.Argument(help="its name: LICS_NODE")],
    reason: Annotated[str | None, typer.Option(help="why, for the record")] = None,
) -> None:
    """Forget a host that is gone for good: others may take whatever it had. Refused while it lives."""

    async def work() -> None:
        async with tables() as repository:
            await repository.forget_host(host.removeprefix("host:"), principal=principal(), reason=reason)
        console.print(Text.assemble((host, "bold"), " is forgotten"))

    run(work)


def _document(row: HostRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state.value,
        "address": row.address,
        "sites": list(row.sites),
        "duties": row.duties,
        "heartbeat_age_s": round(row.age_s, 1),
        "generation": row.generation,
        "version": row.version,
        "joined_at": row.joined_at.isoformat(),
        "drained_by": row.drained_by,
    }


def _table(rows: list[HostRow]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("host", "state", "address", "sites"):
        table.add_column(heading)
    for heading in ("duties", "last seen"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            Text(row.name, "bold"),
            Text(row.state.value, COLOURS.get(row.state, "bold red")),
            row.address,
            ", ".join(row.sites) or "anywhere",
            str(row.duties),
            f"{row.age_s:.1f} s ago",
        )
    return table
