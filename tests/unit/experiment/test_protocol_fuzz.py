"""Protocols with something changed somewhere: refused with a path, or run to their end; never anything else."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest
import yaml

from drivers.native.spec import DEVICE_TYPES
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.diagram import drawing
from lics_actors.experiment.library import classics, text_of
from lics_actors.experiment.problems import ProtocolError
from lics_actors.experiment.reading import validated
from lics_actors.experiment.rehearsal import Rehearsal, rehearse
from tests.unit.experiment.kitchen import KITCHEN

STRANGE: list[Any] = [
    *(None, True, 0, -1, 1e9, "", "x", "1 s", "0 s", "-5 ul", "1e15 s", [], {}, ["x"], {"x": 1}, "'a'"),
    *("event.x", "side", "volume", "1 / 0", "trial.number / 0", "session.time - trial.time", "1 - 2 * trial.number"),
    *("panel.touch", "panel.nothing", "reward", "choice"),
]


def places(node: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [way] if way else []
    if isinstance(node, dict):
        found += [place for key, below in node.items() for place in places(below, (*way, key))]
    if isinstance(node, list):
        found += [place for n, below in enumerate(node) for place in places(below, (*way, n))]
    return found


def spoiled(document: Any, dice: Random) -> Any:
    """Return it with something replaced, removed, or put where something else stood."""
    document = copy.deepcopy(document)
    everywhere = places(document)
    *way, last = dice.choice(everywhere)
    node = document
    for step in way:
        node = node[step]
    match dice.randrange(4):
        case 0:
            del node[last]
        case 1:
            other = document
            for step in dice.choice(everywhere):
                if not isinstance(other, dict | list) or (isinstance(other, dict) and step not in other):
                    break
                other = other[step] if isinstance(other, dict) else other[step % len(other)] if other else other
            node[last] = copy.deepcopy(other)
        case _:
            node[last] = dice.choice(STRANGE)
    return document


@pytest.mark.parametrize("seed", range(40))
def test_a_spoiled_protocol_is_refused_or_runs(seed: int) -> None:
    dice = Random(seed)
    sources = [yaml.safe_load(text_of(name)) for name in classics()] + [yaml.safe_load(KITCHEN)]
    for _ in range(12):
        document = dice.choice(sources)
        for _ in range(dice.randrange(1, 3)):
            document = spoiled(document, dice)
        try:
            plan, _ = prepared(validated(document), DEVICE_TYPES)
        except ProtocolError as error:
            assert error.problems
            assert all(each.reason and each.todo for each in error.problems)
            continue
        assert drawing(plan).startswith("<svg")
        done = rehearse(Rehearsal(plan, DEVICE_TYPES, 3, dice.choice(["random", "ideal"]), seed, max_events=2_000))
        assert done.difference is None
        assert plan.max_reward is None or done.tally.document()["reward"]["max"] <= plan.max_reward + 1e-3
