"""Places boxes in columns, so that most arrows go to the right: a small layered layout. Pure.

After Sugiyama, Tagawa, Toda (1981): arrows that close a circle are set aside, the rest gives columns by longest path, arrows over
several columns get a place in each, and a few sweeps put each box beside those it is joined with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SWEEPS: Final = 8

Edge = tuple[int, int]
Slot = tuple[int, int, int]  # a box: (its index, -1, -1); the place of an arrow that passes: (column, from, to)


@dataclass(frozen=True, slots=True)
class Columns:
    """Boxes and passing arrows, column by column from the left, from top to bottom; `back`: arrows that close a circle."""

    columns: tuple[tuple[Slot, ...], ...]
    column_of: Mapping[int, int]
    back: frozenset[Edge]


def box(index: int) -> Slot:
    """Return the slot of a box."""
    return (index, -1, -1)


def is_box(slot: Slot) -> bool:
    """Return whether a slot is a box's."""
    return slot[1] < 0


def arranged(count: int, start: int, edges: Sequence[Edge]) -> Columns:
    """Return the columns of `count` boxes of which `start` is the first; arrows from a box to itself take no part."""
    joined = list(dict.fromkeys(edge for edge in edges if edge[0] != edge[1]))
    back = _back(count, start, joined)
    forward = [edge for edge in joined if edge not in back]
    column_of = _columns(count, forward)
    columns: list[list[Slot]] = [[] for _ in range(max(column_of.values()) + 1)]
    for index in range(count):
        columns[column_of[index]].append(box(index))
    links: list[tuple[Slot, Slot]] = []
    for source, target in forward:
        before = box(source)
        for column in range(column_of[source] + 1, column_of[target]):
            passing = (column, source, target)
            columns[column].append(passing)
            links.append((before, passing))
            before = passing
        links.append((before, box(target)))
    return Columns(_ordered(columns, links), column_of, frozenset(back))


def _back(count: int, start: int, edges: Sequence[Edge]) -> set[Edge]:
    """Return the arrows that lead back to a box on the way to where they begin, seen from `start`."""
    following = {index: [target for source, target in edges if source == index] for index in range(count)}
    found: set[Edge] = set()
    done: set[int] = set()
    for root in (start, *range(count)):
        if root in done:
            continue
        way, stack = [root], [iter(following[root])]
        while stack:
            target = next(stack[-1], None)
            if target is None:
                done.add(way.pop())
                stack.pop()
            elif target in way:
                found.add((way[-1], target))
            elif target not in done:
                way.append(target)
                stack.append(iter(following[target]))
    return found


def _columns(count: int, forward: Sequence[Edge]) -> dict[int, int]:
    """Return each box's column: one to the right of the rightmost that leads to it."""
    column_of = dict.fromkeys(range(count), 0)
    for _ in range(count):
        for source, target in forward:
            column_of[target] = max(column_of[target], column_of[source] + 1)
    return column_of


def _ordered(columns: list[list[Slot]], links: Sequence[tuple[Slot, Slot]]) -> tuple[tuple[Slot, ...], ...]:
    """Sort each column by where its neighbours stand, from the left and from the right in turn."""
    lefts = {slot: [one for one, other in links if other == slot] for column in columns for slot in column}
    rights = {slot: [other for one, other in links if one == slot] for column in columns for slot in column}
    place = {slot: float(n) / len(column) for column in columns for n, slot in enumerate(column)}
    for sweep in range(SWEEPS):
        joined, order = (lefts, columns) if sweep % 2 == 0 else (rights, columns[::-1])
        for column in order:
            pulls = {slot: _mean([place[other] for other in joined[slot]] or [place[slot]]) for slot in column}
            column.sort(key=pulls.__getitem__)
            place |= {slot: float(n) / len(column) for n, slot in enumerate(column)}
    return tuple(map(tuple, columns))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
