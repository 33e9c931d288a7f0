"""Restarting everybody, a few at a time: who is next, who is back, and when to stop. Pure.

Each is restarted only while all before it came back, so that one bad change costs as many actors as go at once, not all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from lics_actors.fleet.messages import NodeState, NodeView

BACK_S = 30.0  # from being at work again to doing what it did: a broker that is slow to answer takes some seconds
DOING = frozenset({"online", "recording"})  # the words that a restarted actor must come back to, if it had them
# In this order; racks would take all their devices with them.
ROLLED = ("device", "recorder", "registrar", "housekeeper", "doorkeeper", "scheduler")


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One that is being restarted. `word`: what it is to come back to; `until`: when at last, once it has begun."""

    word: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Roll:
    """Where a rolling restart stands. `total`: of those that ran when it began."""

    at_once: int
    total: int
    waiting: tuple[str, ...]
    under_way: Mapping[str, UnderWay] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # gone, or kept down by a person, before it was their turn
    failed: Mapping[str, str] = field(default_factory=dict)  # node → why; after the first nobody else is begun with

    @property
    def over(self) -> bool:
        """Return whether nothing more will happen."""
        return not self.under_way and (bool(self.failed) or not self.waiting)


def roll_of(tree: NodeView, at_once: int) -> Roll:
    """Return the restart of all that run, in order."""
    running = [node for node in _nodes(tree) if node.kind in ROLLED and node.state is NodeState.RUNNING]
    names = tuple(node.name for node in sorted(running, key=lambda node: ROLLED.index(node.kind)))
    return Roll(at_once, len(names), names)


def begin_next(roll: Roll, tree: NodeView) -> tuple[Roll, list[str]]:
    """Return whom to restart now."""
    views = views_of(tree)
    chosen: list[str] = []
    while roll.waiting and not roll.failed and len(roll.under_way) < roll.at_once:
        name, *rest = roll.waiting
        roll, view = replace(roll, waiting=tuple(rest)), views.get(name)
        if view is None or view.state is not NodeState.RUNNING:
            roll = replace(roll, skipped=(*roll.skipped, name))
            continue
        word = view.word if view.word in DOING else ""
        roll = replace(roll, under_way={**roll.under_way, name: UnderWay(word)})
        chosen.append(name)
    return roll, chosen


def begun(roll: Roll, name: str, now: float) -> Roll:
    """Return the state after a new incarnation is at work."""
    one = roll.under_way.get(name)
    return roll if one is None else replace(roll, under_way={**roll.under_way, name: replace(one, until=now + BACK_S)})


def failed(roll: Roll, name: str, why: str) -> Roll:
    """Return the state after one could not be restarted."""
    return replace(_without(roll, name), failed={**roll.failed, name: why}) if name in roll.under_way else roll


def gone(roll: Roll, name: str) -> Roll:
    """Return the state after one turned out to be no node any more."""
    return replace(_without(roll, name), skipped=(*roll.skipped, name)) if name in roll.under_way else roll


def look(roll: Roll, tree: NodeView, now: float) -> Roll:
    """Return the state after a look at those that are at work again: who does what it did is back."""
    views = views_of(tree)
    for name, one in roll.under_way.items():
        if one.until is None:
            continue
        view = views.get(name)
        if view is None:
            roll = gone(roll, name)
        elif view.state is NodeState.RUNNING and one.word in {"", view.word}:
            roll = replace(_without(roll, name), done=(*roll.done, name))
        elif now >= one.until:
            roll = failed(roll, name, f"it was {one.word or 'running'} and is {view.word or view.state.value}")
    return roll


def views_of(tree: NodeView) -> dict[str, NodeView]:
    """Return all nodes by name."""
    return {node.name: node for node in _nodes(tree)}


def _without(roll: Roll, name: str) -> Roll:
    return replace(roll, under_way={other: one for other, one in roll.under_way.items() if other != name})


def _nodes(tree: NodeView) -> Iterator[NodeView]:
    yield tree
    for child in tree.children:
        yield from _nodes(child)
