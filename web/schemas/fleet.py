"""The supervision tree and its alarms as the API says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.store.rows import AlarmRow
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query, Reason


class RestartNodeBody(Body):
    """Which node to restart, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"node": "recorder", "reason": "it lags behind"}]})
    node: Annotated[str, Field(min_length=1, max_length=200, description="its name in the tree", examples=["recorder"])]
    reason: Reason | None = None


class NodeAnswer(Answer):
    """One node of the supervision tree."""

    name: str = Field(examples=["rack:1"])
    kind: str = Field(description="fleet, rack, device, recorder, registrar or housekeeper", examples=["rack"])
    state: NodeState
    label: str = Field(description="a device's name")
    word: str = Field(description="the node's own word of state: a device's status")
    pid: int | None
    incarnation: int
    restarts: int
    since: datetime
    last_error: str | None
    stats: dict[str, float] = Field(description="the node's own counters and gauges")
    children: list[NodeAnswer]


class AlarmsQuery(Query):
    """Which alarms."""

    all: Annotated[bool, Field(description="list cleared alarms as well")] = False
    limit: PageLimit = 100
    cursor: Cursor = None


class AlarmView(Answer):
    """Something that needs, or needed, a person."""

    source: str = Field(examples=["recorder"])
    kind: str = Field(examples=["spool_filling"])
    severity: str = Field(examples=["high"])
    message: str
    raised_at: datetime
    cleared_at: datetime | None
    count: int = Field(description="how often it was raised while open")


class AlarmPage(Answer):
    """A page of alarms, newest first."""

    items: list[AlarmView]
    next: str | None = Field(description="cursor of the page after")


def alarm_view(alarm: AlarmRow) -> AlarmView:
    """Return an alarm as the API says it."""
    return AlarmView.model_construct(
        source=alarm.source,
        kind=alarm.kind,
        severity=alarm.severity,
        message=alarm.message,
        raised_at=alarm.raised_at,
        cleared_at=alarm.cleared_at,
        count=alarm.count,
    )


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
        stats=dict(node.stats),
        children=[node_answer(child) for child in node.children],
    )


NodeAnswer.model_rebuild()
