"""The supervision tree as members of one laboratory see it."""

from __future__ import annotations

from datetime import UTC, datetime

from lics_actors.fleet.messages import NodeState, NodeView, RollView
from lics_actors.fleet.seen import names_in, roll_without, without

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def node(name: str, kind: str, *children: NodeView, error: str | None = None) -> NodeView:
    return NodeView(name, kind, NodeState.RUNNING, 1, 1, 0, NOW, last_error=error, children=children)


def test_hidden_nodes_and_what_may_name_them_are_left_out() -> None:
    ours, theirs = node("device:a", "device", error="it died"), node("device:b", "device", error="so did it")
    tree = node(
        "fleet", "fleet", node("rack:1", "rack", ours, theirs, error="device:b is restarted too often"), node("r", "recorder")
    )
    assert list(names_in(tree)) == ["fleet", "rack:1", "device:a", "device:b", "r"]
    seen = without(tree, {"device:b"}.__contains__)
    assert list(names_in(seen)) == ["fleet", "rack:1", "device:a", "r"]
    assert "device:b" not in str(seen)
    assert seen.children[0].children == (ours,), "what a device says of itself is its members' to know"


def test_a_roll_names_nobody_who_is_hidden() -> None:
    roll = RollView(
        "stopped", 4, 1, ("device:a", "device:b"), ("device:b",), {"device:b": "why", "device:a": "so"}, "u", None, NOW, None
    )
    seen = roll_without(roll, frozenset({"device:b"}))
    assert "device:b" not in str(seen)
    assert (seen.total, seen.skipped, seen.failed) == (4, ("device:a",), {"device:a": "so"})
