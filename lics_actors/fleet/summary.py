"""The fleet in one screen: is it well, what is wrong, and what to do about it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lics_actors.fleet.messages import NodeState, NodeView

NAMED = 5  # nodes of a kind named in a sentence; more are counted
HELD = frozenset({NodeState.QUARANTINED, NodeState.DRAINED})
AWAY = frozenset({"offline", "stale", "connecting"})
UNWELL_WORDS = frozenset({"fault", "degraded", "tripped"})
RECORDER_WELL = frozenset({"recording", "starting", ""})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong. `severity`: high where somebody must act, low where something is merely not as usual."""

    severity: str
    what: str
    next_step: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The fleet in short. `states`: nodes by state; `devices`: devices by their word."""

    healthy: bool
    nodes: int
    states: Mapping[str, int]
    devices: Mapping[str, int]
    restarts: int
    lag_s: float | None
    troubles: tuple[Trouble, ...]


def summarise(tree: NodeView, alarms: Mapping[str, int] | None = None, unacknowledged: int = 0) -> Summary:
    """Return the fleet in short. `alarms`: those that stand, by priority; None: the table did not answer."""
    nodes = list(_nodes(tree))
    troubles = [*_states(nodes), *_recorders(nodes), *_devices(nodes), *_alarms(alarms, unacknowledged)]
    lags = [node.stats["ingest_lag_s"] for node in nodes if "ingest_lag_s" in node.stats]
    return Summary(
        healthy=not any(trouble.severity == "high" for trouble in troubles),
        nodes=len(nodes),
        states=dict(sorted(Counter(node.state.value for node in nodes).items())),
        devices=dict(sorted(Counter(node.word or node.state.value for node in nodes if node.kind == "device").items())),
        restarts=sum(node.restarts for node in nodes),
        lag_s=max(lags, default=None),
        troubles=tuple(sorted(troubles, key=lambda trouble: trouble.severity != "high")),
    )


def called(node: NodeView) -> str:
    """Return what people call a node."""
    return node.label or node.name


def _states(nodes: list[NodeView]) -> Iterator[Trouble]:
    for node in nodes:
        if node.state is NodeState.QUARANTINED:
            why = node.held_reason or node.last_error or "nobody knows why"
            yield Trouble(
                "high", f"{called(node)} is in quarantine: {why}", f"mend it, then `lics fleet clear {called(node)} --reason …`"
            )
        elif node.state is NodeState.DRAINED:
            by = f"{called(node)} is out of work: drained by {node.held_by or 'somebody'} ({node.held_reason or 'no reason'})"
            yield Trouble("low", by, f"`lics fleet clear {called(node)} --reason …` when it may work again")
    again = [node for node in nodes if node.state is NodeState.RESTARTING]
    if again:
        errors = ", ".join(dict.fromkeys(node.last_error for node in again if node.last_error))
        step = f"`lics fleet logs {called(again[0])}` says more"
        yield Trouble("high", f"{_named(again)} restarting{f': {errors}' if errors else ''}", step)
    down = [node for node in nodes if node.state is NodeState.STOPPED and not node.held_by]
    if down:
        yield Trouble("low", f"{_named(down)} stopped")


def _recorders(nodes: list[NodeView]) -> Iterator[Trouble]:
    for node in nodes:
        if node.kind == "recorder" and node.state is NodeState.RUNNING and node.word not in RECORDER_WELL:
            yield Trouble("high", f"{called(node)} is {node.word}", "`lics doctor` looks at broker, database and disk")


def _devices(nodes: list[NodeView]) -> Iterator[Trouble]:
    devices = [node for node in nodes if node.kind == "device" and node.state is NodeState.RUNNING]
    if unwell := [node for node in devices if node.word in UNWELL_WORDS]:
        yield Trouble(
            "high", f"{_named(unwell)}: {', '.join(sorted({node.word for node in unwell}))}", "look at the device itself"
        )
    if away := [node for node in devices if node.word in AWAY]:
        yield Trouble(
            "low",
            f"{_named(away)} not online ({', '.join(sorted({node.word for node in away}))})",
            "check power and network there",
        )


def _alarms(alarms: Mapping[str, int] | None, unacknowledged: int) -> Iterator[Trouble]:
    if alarms is None:
        yield Trouble("low", "the database does not answer: alarms cannot be listed", "`lics doctor` looks at it")
        return
    urgent = {severity: count for severity, count in alarms.items() if severity in {"critical", "high"} and count}
    if urgent:
        told = ", ".join(f"{count} {severity}" for severity, count in sorted(urgent.items()))
        yield Trouble("high", f"alarms stand: {told}", "`lics alarm list`")
    if unacknowledged:
        yield Trouble(
            "low", f"{unacknowledged} alarm{'s' * (unacknowledged > 1)} not acknowledged", "`lics alarm list`, `lics alarm ack`"
        )


def _named(nodes: list[NodeView]) -> str:
    names = ", ".join(called(node) for node in nodes[:NAMED])
    more = f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else ""
    return f"{names}{more} {'are' if len(nodes) > 1 else 'is'}"


def _nodes(tree: NodeView) -> Iterator[NodeView]:
    yield tree
    for child in tree.children:
        yield from _nodes(child)
