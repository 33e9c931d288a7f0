"""The supervision tree as the API says it. Pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from lics_actors.fleet.messages import NodeState, NodeView
from web.schemas.base import Answer


class NodeAnswer(Answer):
    """One node of the supervision tree."""

    name: str = Field(examples=["rack:1"])
    kind: str = Field(
        description="fleet, rack, device, recorder, registrar, housekeeper, doorkeeper, scheduler, runs or run", examples=["rack"]
    )
    state: NodeState
    label: str = Field(description="a device's name")
    word: str = Field(description="the node's own word of state: a device's status")
    pid: int | None
    incarnation: int
    restarts: int
    since: datetime
    last_error: str | None
    held_by: str | None = Field(description="who keeps it down: a person, or `system:fleet` where it was restarted too often")
    held_reason: str | None
    stats: dict[str, float] = Field(description="the node's own counters and gauges")
    children: list[NodeAnswer]


def node_answer(node: NodeView) -> NodeAnswer:
    """Return a tree as the API says it."""
    return NodeAnswer.model_construct(
        name=node.name,
        kind=node.kind,
        state=node.state,
        label=node.label,
        word=node.word,
        pid=node.pid,
        incarnation=node.incarnation,
        restarts=node.restarts,
        since=node.since,
        last_error=node.last_error,
        held_by=node.held_by,
        held_reason=node.held_reason,
        stats=dict(node.stats),
        children=[node_answer(child) for child in node.children],
    )


NodeAnswer.model_rebuild()
