"""What operators want of the fleet, and what became of it, as the API says it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from lics_actors.fleet.messages import NodeState, RollView
from lics_actors.fleet.summary import Summary
from lics_actors.operators import MAX_AT_ONCE, Steered
from lics_actors.store.records import CrashReport
from web.schemas.base import Answer, Body, Query, Reason

Node = Annotated[str, Field(min_length=1, max_length=200, description="its name in the tree", examples=["recorder"])]


class RestartNodeBody(Body):
    """What to restart, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"node": "recorder", "reason": "it lags behind"}]})
    node: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="its name in the tree; `all`: each that runs, in turn; `fleet`: all at once, from the program on disk",
            examples=["recorder"],
        ),
    ]
    reason: Annotated[Reason | None, Field(description="needed for more than one device")] = None
    at_once: Annotated[int, Field(ge=1, le=MAX_AT_ONCE, description="of `all`, how many at a time")] = 1


class SteerBody(Body):
    """Which node, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"node": "recorder", "reason": "its disk is replaced"}]})
    node: Node
    reason: Annotated[Reason | None, Field(description="needed; the audit keeps who tried without")] = None


class LogsQuery(Query):
    """How much of the log."""

    limit: Annotated[int, Field(ge=1, le=1000, description="how many lines at most, the newest")] = 100


class RollAnswer(Answer):
    """A restart of all that run, a few at a time."""

    state: str = Field(description="running, done, or stopped: one did not come back", examples=["running"])
    total: int
    done: int
    skipped: list[str] = Field(description="gone, or kept down by a person, before it was their turn")
    under_way: list[str]
    failed: dict[str, str] = Field(description="who did not come back, and why")
    principal: str
    reason: str | None
    began_at: datetime
    ended_at: datetime | None


class SteeredView(Answer):
    """What became of an operator's wish."""

    verb: str = Field(examples=["restart"])
    node: str = Field(examples=["recorder"])
    state: NodeState | None = Field(description="the node's state now; null of `all` and `fleet`, which go on by themselves")
    incarnation: int | None
    roll: RollAnswer | None = Field(description="of `all`")


class TroubleView(Answer):
    """Something that is wrong."""

    severity: str = Field(description="high: somebody must act", examples=["high"])
    what: str
    next_step: str | None


class StatusView(Answer):
    """The fleet in short."""

    healthy: bool
    nodes: int
    states: dict[str, int] = Field(description="nodes by state")
    devices: dict[str, int] = Field(description="devices by their word of state")
    restarts: int
    lag_s: float | None = Field(description="age of the oldest message that is not in the tables")
    troubles: list[TroubleView]


class CrashView(Answer):
    """How an incarnation of an actor died."""

    node: str
    time: datetime
    incarnation: int
    reason: str
    signal: str | None
    status: int | None
    lived_s: float | None
    memory_mib: float | None
    traceback: str | None
    lines: list[str] = Field(description="the last it said in the log")


class CrashList(Answer):
    """Crashes, newest first."""

    items: list[CrashView]


class LogView(Answer):
    """What a node lately said in the log, oldest first."""

    node: str
    kept: bool = Field(description="false: whoever started the fleet has its log, not LICS")
    lines: list[str]


def roll_answer(roll: RollView) -> RollAnswer:
    """Return a rolling restart as the API says it."""
    told = {name: getattr(roll, name) for name in RollAnswer.model_fields if name not in {"skipped", "under_way", "failed"}}
    lists: dict[str, Any] = {"skipped": list(roll.skipped), "under_way": list(roll.under_way), "failed": dict(roll.failed)}
    return RollAnswer.model_construct(**told, **lists)


def steered_view(done: Steered) -> SteeredView:
    """Return what became of a wish as the API says it."""
    return SteeredView.model_construct(
        verb=done.wish.verb.value,
        node=done.wish.node,
        state=None if done.node is None else done.node.state,
        incarnation=None if done.node is None else done.node.incarnation,
        roll=None if done.roll is None else roll_answer(done.roll),
    )


def status_view(summary: Summary) -> StatusView:
    """Return the fleet in short as the API says it."""
    told = {name: getattr(summary, name) for name in StatusView.model_fields if name != "troubles"}
    troubles = [
        TroubleView.model_construct(severity=one.severity, what=one.what, next_step=one.next_step) for one in summary.troubles
    ]
    return StatusView.model_construct(**told, troubles=troubles)


def crash_view(crash: CrashReport) -> CrashView:
    """Return a crash as the API says it."""
    told = {name: getattr(crash, name) for name in CrashView.model_fields if name != "lines"}
    return CrashView.model_construct(**told, lines=list(crash.lines))
