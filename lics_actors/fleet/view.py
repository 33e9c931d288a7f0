"""The supervision tree as operators see it, made from what supervisors know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.supervision.specs import Hold, Phase
from lics_actors.supervision.state import Child

Clock = Callable[[float], datetime]

_NO_STATS: Mapping[str, float] = MappingProxyType({})


def wall_clock(now_s: float, now: datetime | None = None) -> Clock:
    """Return what turns the supervision's seconds into times; `now_s` and `now` are the same instant."""
    instant = now or datetime.now(UTC)
    return lambda seconds: instant - timedelta(seconds=now_s - seconds)


def node_state(child: Child) -> NodeState:
    """Return where a child stands, in the operators' words."""
    match child.phase:
        case Phase.RUNNING:
            return NodeState.RUNNING
        case Phase.QUARANTINED:
            return NodeState.QUARANTINED
        case Phase.DRAINED:
            return NodeState.DRAINED
        case Phase.STOPPING:
            return NodeState.STOPPING
        case Phase.ENDED:
            return NodeState.STOPPED
        case Phase.WAITING | Phase.STARTING if child.incarnation <= (child.phase is Phase.STARTING) and not child.owed:
            return NodeState.STARTING
        case _:
            return NodeState.RESTARTING


def node_view(
    child: Child,
    kind: str,
    clock: Clock,
    *,
    pid: int | None,
    hold: Hold | None = None,
    label: str = "",
    word: str = "",
    stats: Mapping[str, float] = _NO_STATS,
    children: tuple[NodeView, ...] = (),
) -> NodeView:
    """Return a child's node. `clock` turns the supervision's seconds into a time; `pid` and `word` count only while it runs."""
    state = node_state(child)
    alive = state in {NodeState.RUNNING, NodeState.STOPPING}
    return NodeView(
        name=child.name,
        kind=kind,
        state=state,
        pid=pid if alive else None,
        incarnation=child.incarnation,
        restarts=child.restarts,
        since=clock(child.since),
        label=label,
        word=word if alive else "",
        last_error=child.last_error,
        held_by=hold.principal if hold else None,
        held_reason=hold.reason if hold else None,
        stats=dict(stats) if alive else {},
        children=children,
    )
