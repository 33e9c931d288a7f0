"""`lics fleet watch|status`: the whole fleet on one screen, live or once, and what is wrong with it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from lics_actors.cli.alarm import STYLES, alarm_document
from lics_actors.cli.laboratory import fleet, nodes_of, tables
from lics_actors.cli.output import Exit, console, print_json, run, told_errors
from lics_actors.cli.tree import as_document, as_table
from lics_actors.cli.words import age
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import NodeView
from lics_actors.fleet.summary import Summary, summarise
from lics_actors.store.alarm_states import Alarm, AlarmCounts

if TYPE_CHECKING:
    from lics_actors.client import FleetClient
    from lics_actors.store.repository import Repository

ALARMS_SHOWN = 5
ALARMS_S = 1.0  # a database that takes longer is away, for a screen
COUNTED = {"messages": ("recorder_received",), "rows": ("recorder_rows",), "commands": ("commands_accepted",)}
SIGNS = {"high": ("✗", "bold red"), "low": ("·", "yellow")}


@dataclass(frozen=True, slots=True)
class Look:
    """The fleet at one moment. `alarms` None: the database did not answer."""

    tree: NodeView
    summary: Summary
    alarms: list[Alarm] | None
    rates: Mapping[str, float]  # per second, since the look before


class Rates:
    """How fast nodes count; a new incarnation counts from zero."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int, str], float] = {}
        self._at: float | None = None

    def of(self, tree: NodeView, now: float) -> dict[str, float]:
        """Return what has been counted per second since the last time; nothing the first time."""
        counts = {
            (node.name, node.incarnation, stat): value
            for node in nodes_of(tree)
            for stat, value in node.stats.items()
            if any(stat in stats for stats in COUNTED.values())
        }
        before, at, self._last, self._at = self._last, self._at, counts, now
        if at is None or now <= at:
            return {}
        grown = {key: max(0.0, value - before.get(key, 0.0)) for key, value in counts.items()}
        sums = {name: sum(value for key, value in grown.items() if key[2] in stats) for name, stats in COUNTED.items()}
        return {name: round(value / (now - at), 1) for name, value in sums.items()}


class Watcher:
    """Looks at fleet and alarms."""

    def __init__(self, client: FleetClient, repository: Repository | None) -> None:
        self._client, self._repository = client, repository
        self._rates = Rates()

    async def look(self) -> Look:
        """Return the fleet as it is now.

        Raises:
            LicsError: it does not answer.
        """
        tree, (alarms, counts) = await asyncio.gather(self._client.tree(), self._alarms())
        summary = summarise(tree, None if counts is None else counts.active, 0 if counts is None else counts.unacknowledged)
        return Look(tree, summary, alarms, self._rates.of(tree, time.monotonic()))

    async def _alarms(self) -> tuple[list[Alarm] | None, AlarmCounts | None]:
        if self._repository is None:
            return None, None
        try:
            async with asyncio.timeout(ALARMS_S):
                page = await self._repository.alarms(True, ALARMS_SHOWN, shelved=False)
                return page.items, await self._repository.alarm_counts()
        except (LicsError, TimeoutError):
            return None, None


def status(as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of a screen")] = False) -> None:
    """Say whether the fleet is well, or what is wrong and what to do next. Exit code 1 when something is wrong."""

    async def work() -> bool:
        async with AsyncExitStack() as stack:
            look = await (await _watcher(stack)).look()
        if as_json:
            print_json(summary_document(look.summary))
        else:
            console.print(summary_screen(look))
        return look.summary.healthy

    if not run(work):
        raise SystemExit(int(Exit.FAILED))


def watch(
    interval: Annotated[float, typer.Option(min=0.1, help="seconds between looks")] = 1.0,
    looks: Annotated[int, typer.Option(min=0, help="end after so many looks; 0: never")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document a look, a line each")] = False,
) -> None:
    """Show the fleet, live, until Ctrl-C: troubles, alarms, rates, and the tree. It goes on through a restart of the fleet."""
    with told_errors():
        try:
            asyncio.run(_watch(interval, looks, as_json))
        except asyncio.CancelledError:
            raise SystemExit(0) from None


async def _watcher(stack: AsyncExitStack) -> Watcher:
    client = await stack.enter_async_context(fleet())
    try:
        repository = await stack.enter_async_context(tables())
    except LicsError:
        repository = None
    return Watcher(client, repository)


async def _watch(interval_s: float, looks: int, as_json: bool) -> None:
    watching = asyncio.current_task()
    assert watching is not None
    # our own handler: a process that a shell started in the background inherits that Ctrl-C is ignored
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, watching.cancel)
    async with AsyncExitStack() as stack:
        watcher = await _watcher(stack)
        look: Look | LicsError = await watcher.look()  # a fleet that does not run at all is told as by the other commands
        show = _lines if as_json else stack.enter_context(_Screen())
        looked = 0
        while True:
            looked += 1
            show(look)
            if looks and looked >= looks:
                return
            await asyncio.sleep(interval_s)
            try:
                look = await watcher.look()
            except LicsError as error:
                look = error


def _lines(look: Look | LicsError) -> None:
    now = datetime.now(UTC).isoformat()
    if isinstance(look, LicsError):
        document: dict[str, Any] = {"time": now, "error": look.message}
    else:
        alarms = None if look.alarms is None else [alarm_document(alarm) for alarm in look.alarms]
        told = summary_document(look.summary)
        document = {"time": now, "status": told, "rates": look.rates, "alarms": alarms, "tree": as_document(look.tree)}
    sys.stdout.write(json.dumps(document, default=str, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class _Screen:
    """A terminal that is drawn anew, or a pipe that gets one screen after another."""

    def __init__(self) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False, vertical_overflow="crop")
        self._tree: RenderableType = Text("")

    def __enter__(self) -> _Screen:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(None, None, None)

    def __call__(self, look: Look | LicsError) -> None:
        """Show a look; while the fleet does not answer, say so above what was last seen."""
        if isinstance(look, LicsError):
            shown = Group(Text(f"{datetime.now(UTC).astimezone():%H:%M:%S}  {look.message}", style="yellow"), self._tree)
        else:
            self._tree = as_table(look.tree, width=console.width)
            shown = Group(summary_screen(look), self._tree)
        self._live.update(shown)
        self._live.refresh()
        if not console.is_terminal:
            console.print(shown)


def summary_screen(look: Look) -> Group:
    """Return the fleet in some lines: well or not, figures, troubles with the next step, the newest alarms."""
    summary = look.summary
    head = Text("● well", "bold green") if summary.healthy else Text("● something is wrong", "bold red")
    figures = [f"{count} {word}" for word, count in summary.devices.items()]
    figures += [f"restarts {summary.restarts}"] if summary.restarts else []
    figures += [f"record {summary.lag_s:.1f} s behind"] if summary.lag_s is not None else []
    figures += [f"{value:g} {name}/s" for name, value in look.rates.items()]
    lines = [Text.assemble(head, ("   " + "  ".join(figures), "dim"))]
    for trouble in summary.troubles:
        sign, style = SIGNS[trouble.severity]
        lines.append(Text.assemble((f"{sign} ", style), trouble.what))
        if trouble.next_step:
            lines.append(Text(f"    next: {trouble.next_step}", "dim"))
    now = datetime.now(UTC)
    for alarm in look.alarms or []:
        since = age((now - alarm.raised_at).total_seconds())
        state = (f"{alarm.state.value:<14}", STYLES[alarm.state])
        lines.append(
            Text.assemble(f"! {alarm.id} ", state, f" {alarm.source} {alarm.kind}  {alarm.message}", (f"  {since}", "dim"))
        )
    return Group(*lines)


def summary_document(summary: Summary) -> dict[str, Any]:
    """Return the fleet in short as JSON, in the words of REST."""
    return asdict(summary)
