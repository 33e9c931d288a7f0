"""The supervision tree as people and programs read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from lics_actors.cli.laboratory import nodes_of
from lics_actors.cli.words import age
from lics_actors.fleet.messages import NodeState, NodeView

WIDE = 90  # columns; on less, pid and age are left out

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
        "held_by": node.held_by,
        "held_reason": node.held_reason,
        "stats": dict(node.stats),
        "children": [as_document(child) for child in node.children],
    }


def as_table(root: NodeView, now: datetime | None = None, width: int | None = None) -> Table:
    """Return a tree as a table, a line a node; `width`: of the terminal, where it may be too narrow for all of it."""
    wide = width is None or width >= WIDE
    devices = [node for node in nodes_of(root) if node.kind == "device"]
    up = sum(node.state is NodeState.RUNNING for node in devices)
    table = Table(box=None, pad_edge=False, title_justify="left", title=f"{up} of {len(devices)} device actors run")
    for heading in ("node", "state", "says"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pid", "restarts", "for") if wide else ("restarts",):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("last error", overflow="fold")
    _add_rows(table, root, "", "", now or datetime.now(UTC), wide)
    return table


def _add_rows(table: Table, node: NodeView, lead: str, below: str, now: datetime, wide: bool) -> None:  # noqa: PLR0917
    figures = [str(node.pid or ""), str(node.restarts or ""), age((now - node.since).total_seconds())]
    why = node.last_error if node.held_by is None else f"{node.held_by}: {node.held_reason or node.last_error or ''}"
    table.add_row(
        Text(lead + (node.label or node.name)),
        Text(node.state.value, COLOURS[node.state]),
        Text(node.word, "" if node.word in GOOD_WORDS else "yellow"),
        *(figures if wide else figures[1:2]),
        Text(why or "", "dim"),
    )
    for place, child in enumerate(node.children, start=1):
        last = place == len(node.children)
        _add_rows(table, child, below + ("└ " if last else "├ "), below + ("  " if last else "│ "), now, wide)
