"""`lics fleet restart|drain|quarantine|clear|logs`: what operators do to a node, to each in turn, or to all at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from config.settings import load_settings
from lics_actors.cli.laboratory import asker, fleet, nodes_of
from lics_actors.cli.output import Exit, console, fail, print_json, run, told_errors
from lics_actors.errors import FleetUnavailableError, LicsError, NodeNotFoundError
from lics_actors.fleet.messages import NodeState, NodeView, RollView

if TYPE_CHECKING:
    from lics_actors.client import FleetClient
    from lics_actors.operators import Steered

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document instead of a sentence")]
Node = Annotated[str, typer.Argument(help="recorder, registrar, rack:1, device:<id>, or a device's id or name")]
Reason = Annotated[str | None, typer.Option(help="why, for the record; needed for what keeps a device down, or concerns several")]

ROLL, FLEET = "all", "fleet"
LOOK_S = 0.3
ANEW_S = 90.0  # ending in order, importing, and a thousand devices
DONE = {"restart": "at work again", "clear": "at work", "drain": "out of work until it is cleared", "quarantine": "in quarantine"}


def restart(
    node: Annotated[
        str | None,
        typer.Argument(help="recorder, rack:1, a device's id or name …; `fleet`: all at once, from the program on disk"),
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="all that run, one after another")] = False,
    rolling: Annotated[int, typer.Option("--rolling", min=1, max=16, help="of --all, how many at a time")] = 1,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="of --all and fleet: wait until it is done")] = True,
    reason: Reason = None,
    as_json: AsJson = False,
) -> None:
    """Restart a node, or all of them, and wait until it is at work again. Lifts a quarantine and a drain.

    `--all` stops at the first that does not come back. `fleet` ends everything in order and starts the program that is on disk
    now: after an upgrade of LICS.
    """
    if (node is None) != every:
        fail("say which node, or --all", "`lics fleet tree` names them", Exit.USAGE)
    if every:
        run(lambda: _roll(rolling, reason, wait, as_json))
    elif node == FLEET:
        run(lambda: _relaunch(reason, wait, as_json))
    else:
        _steer("restart", node or "", reason, as_json)


def drain(node: Node, reason: Reason = None, as_json: AsJson = False) -> None:
    """Put a node out of work: it is stopped in order and stays down until `clear`."""
    _steer("drain", node, reason, as_json)


def quarantine(node: Node, reason: Reason = None, as_json: AsJson = False) -> None:
    """Give a node up, with an alarm, until `clear`: something is wrong with it."""
    _steer("quarantine", node, reason, as_json)


def clear(node: Node, reason: Reason = None, as_json: AsJson = False) -> None:
    """Lift a quarantine or a drain."""
    _steer("clear", node, reason, as_json)


def logs(
    node: Node,
    limit: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="at most so many lines, the newest")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on with what is said from now on, until Ctrl-C")] = False,
) -> None:
    """Show what a node lately said, and how it died."""
    with told_errors():
        name, crashes = asyncio.run(_crashes(node))
        for crash in reversed(crashes):
            died = f"{crash.time.astimezone():%H:%M:%S} {name} #{crash.incarnation} died: {crash.reason}"
            console.print(Text(died, "bold red"))
            for line in (crash.traceback or "").splitlines():
                console.print(Text(f"  {line}", "dim"))
        from lics_actors.node_logs import new_lines, recent_lines  # noqa: PLC0415 - slow, and only when a command runs

        settings = load_settings()
        lines = recent_lines(settings, name, limit)
        if lines is None and not crashes:
            fail(f"no log of the fleet in {settings.log_dir}", "whoever started the fleet has it: `journalctl`, `docker logs` …")
        for line in lines or []:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if follow:
            for line in new_lines(settings, name):
                console.print(line, markup=False, highlight=False, soft_wrap=True)


async def _crashes(node: str) -> tuple[str, tuple[Any, ...]]:
    """Return a node's name and its crashes; of a fleet that does not run, the word itself: its log is still there."""
    try:
        async with fleet() as client:
            name = node_named(await client.tree(), node)
            return name, await client.crashes(name)
    except FleetUnavailableError:
        return node, ()


def node_named(root: NodeView, word: str) -> str:
    """Return the name of the node that `word` means.

    Raises:
        NodeNotFoundError: there is none.
    """
    for node in nodes_of(root):
        if word.lower() in {node.name.lower(), node.name.partition(":")[2].lower() or None, node.label.lower() or None}:
            return node.name
    raise NodeNotFoundError(f"there is no {word!r} in the supervision tree; see `lics fleet tree`", node=word)


async def _do(client: FleetClient, verb: str, node: str, reason: str | None, at_once: int = 1) -> Steered:
    from lics_actors.audit import AuditLog  # noqa: PLC0415 - slow, and only when a command runs
    from lics_actors.operators import Operators, wish_of  # noqa: PLC0415

    return await Operators(client, AuditLog(load_settings())).do(asker(), wish_of(verb, node, reason, at_once))


def _steer(verb: str, node: str, reason: str | None, as_json: bool) -> None:
    async def work() -> None:
        async with fleet() as client:
            name = await _name_or_word(client, node)
            began = time.perf_counter()
            try:
                done = await _do(client, verb, name, reason)
            except NodeNotFoundError as error:
                fail(error.message, "`lics fleet tree` names them")
        took = time.perf_counter() - began
        if as_json:
            state = done.node.state.value if done.node else None
            print_json({"node": name, "verb": verb, "state": state, "seconds": round(took, 3)})
        else:
            console.print(Text.assemble((name, "bold"), f" is {DONE[verb]} ({took:.2f} s)"))

    run(work)


async def _name_or_word(client: FleetClient, word: str) -> str:
    """Return the node's name; a word that is none goes to the fleet as it is, so that the refusal is in the audit."""
    try:
        return node_named(await client.tree(), word)
    except NodeNotFoundError:
        return word


# each in turn


async def _roll(at_once: int, reason: str | None, wait: bool, as_json: bool) -> None:
    async with fleet() as client:
        done = await _do(client, "restart", ROLL, reason, at_once)
        assert done.roll is not None
        roll = done.roll
        with console.status("") as status:
            while wait and roll.state == "running":
                status.update(f"{roll.done} of {roll.total} are at work again; now {', '.join(roll.under_way)}")
                await asyncio.sleep(LOOK_S)
                roll = await client.rolling()
    if as_json:
        print_json(roll_document(roll))
    elif roll.state != "stopped":
        console.print(
            f"{roll.done} of {roll.total} are at work again" + (f"; skipped {len(roll.skipped)}" if roll.skipped else "")
        )
    if roll.state == "stopped":
        why = "; ".join(f"{name}: {reason}" for name, reason in roll.failed.items())
        fail(f"stopped after {roll.done} of {roll.total}: {why}", f"`lics fleet logs {next(iter(roll.failed))}` says more")


def roll_document(roll: RollView) -> dict[str, Any]:
    """Return a rolling restart as JSON, in the words of REST."""
    return {
        "state": roll.state,
        "total": roll.total,
        "done": roll.done,
        "skipped": list(roll.skipped),
        "under_way": list(roll.under_way),
        "failed": dict(roll.failed),
        "principal": roll.principal,
        "reason": roll.reason,
        "began_at": roll.began_at.isoformat(),
        "ended_at": roll.ended_at.isoformat() if roll.ended_at else None,
    }


# all at once, from the program on disk


async def _relaunch(reason: str | None, wait: bool, as_json: bool) -> None:
    async with fleet() as client:
        before = await client.tree()
        began = time.perf_counter()
        await _do(client, "restart", FLEET, reason)
        if wait:
            with console.status("the fleet ends and starts anew"):
                await _until(client, lambda tree: tree.pid != before.pid and _at_work(tree) >= _at_work(before))
    took = time.perf_counter() - began
    if as_json:
        print_json({"node": FLEET, "verb": "restart", "seconds": round(took, 3), "devices": _at_work(before)})
    else:
        console.print(f"the fleet runs the program on disk; {_at_work(before)} devices' actors are at work again ({took:.1f} s)")


def _at_work(tree: NodeView) -> int:
    return sum(node.kind == "device" and node.state is NodeState.RUNNING for node in nodes_of(tree))


async def _until(client: FleetClient, is_so: Callable[[NodeView], bool]) -> None:
    until = time.monotonic() + ANEW_S
    while time.monotonic() < until:
        await asyncio.sleep(LOOK_S)
        try:
            if is_so(await client.tree()):
                return
        except LicsError:
            pass  # it is just down
    fail(f"the fleet was not whole again within {ANEW_S:.0f} s", "see `lics fleet status` and its log")
