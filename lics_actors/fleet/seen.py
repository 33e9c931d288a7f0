"""The supervision tree as somebody may see it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from lics_actors.fleet.messages import NodeView, RollView


def names_in(tree: NodeView) -> Iterator[str]:
    """Yield the name of every node."""
    yield tree.name
    for child in tree.children:
        yield from names_in(child)


def without(tree: NodeView, hidden: Callable[[str], bool]) -> NodeView:
    """Return a tree without the nodes whose names are `hidden`, and without errors of shared nodes, which may name such."""
    children = tuple(without(child, hidden) for child in tree.children if not hidden(child.name))
    if tree.kind == "device":
        return replace(tree, children=children)
    return replace(tree, children=children, last_error=None if tree.last_error is None else "told to administrators only")


def roll_without(roll: RollView, hidden: frozenset[str]) -> RollView:
    """Return a rolling restart without the names of nodes that are `hidden`; the counts are of all."""
    return replace(
        roll,
        skipped=tuple(each for each in roll.skipped if each not in hidden),
        under_way=tuple(each for each in roll.under_way if each not in hidden),
        failed={name: why for name, why in roll.failed.items() if name not in hidden},
    )
