"""The supervision tree, and what operators do to it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from quart import Blueprint, Response, g

from lics_actors.errors import NodeNotFoundError
from lics_actors.fleet.messages import NodeView
from lics_actors.fleet.seen import names_in, roll_without, without
from lics_actors.fleet.summary import summarise
from lics_actors.node_logs import recent_lines
from lics_actors.operators import ALL, FLEET, node_in, wish_of
from web.alarms import alarm_counts
from web.asking import asker
from web.auth import principal, requires
from web.backing import backing
from web.schemas.fleet import NodeAnswer, node_answer
from web.schemas.steering import (
    CrashList,
    LogsQuery,
    LogView,
    RestartNodeBody,
    RollAnswer,
    StatusView,
    SteerBody,
    SteeredView,
    crash_view,
    roll_answer,
    status_view,
    steered_view,
)
from web.scoping import hidden, judge_name, judged, may_steer, where
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("fleet", __name__)
STEERING_ERRORS = (404, 409, 503, 504)


@blueprint.get("/fleet")
@requires("fleet:read")
@speaks(Speech(tag="fleet", answers={200: Said(NodeAnswer, "The tree, from its root.")}, errors=(503, 504)))
async def get_fleet() -> Response:
    """The supervision tree.

    Every actor with its state, process, restarts and figures.
    """
    return answer(node_answer(await _tree()))


@blueprint.get("/fleet/status")
@requires("fleet:read")
@speaks(Speech(tag="fleet", answers={200: Said(StatusView, "Well, or what is wrong.")}, errors=(503, 504)))
async def get_fleet_status() -> Response:
    """The fleet in short.

    Whether it is well, what is wrong, and what to do next.
    """
    tree, alarms = await asyncio.gather(_tree(), alarm_counts(where()))
    counts = None if alarms is None else alarms.active
    return answer(status_view(summarise(tree, counts, 0 if alarms is None else alarms.unacknowledged)))


@blueprint.get("/fleet/roll")
@requires("fleet:read")
@speaks(Speech(tag="fleet", answers={200: Said(RollAnswer, "How it stands.")}, errors=(404, 503, 504)))
async def get_fleet_roll() -> Response:
    """The last rolling restart."""
    roll = await backing().fleet.rolling()
    unseen = await hidden(backing(), principal(), (*roll.skipped, *roll.under_way, *roll.failed), g.permission)
    return answer(roll_answer(roll_without(roll, unseen)))


@blueprint.post("/fleet/restart")
@requires("fleet:restart")
@speaks(
    Speech(
        tag="fleet",
        body=RestartNodeBody,
        answers={
            200: Said(SteeredView, "The new incarnation has begun."),
            202: Said(SteeredView, "Of `all` and `fleet`: it begins, and goes on by itself.", ("Location",)),
        },
        errors=STEERING_ERRORS,
    )
)
async def restart_node(body: RestartNodeBody) -> Response:
    """Restart a node of the tree, or all of it.

    Ends a quarantine or a drain as well. Commands of its devices are settled as after any restart: none is lost, none is
    executed twice. `all` stops at the first that does not come back; `fleet` picks up a new version of LICS.
    """
    return await _steer("restart", body.node, body.reason, body.at_once)


@blueprint.post("/fleet/drain")
@requires("fleet:drain")
@speaks(Speech(tag="fleet", body=SteerBody, answers={200: Said(SteeredView, "It is down.")}, errors=STEERING_ERRORS))
async def drain_node(body: SteerBody) -> Response:
    """Put a node out of work until somebody clears it.

    It is stopped in order, and stays down over restarts of everything.
    """
    return await _steer("drain", body.node, body.reason)


@blueprint.post("/fleet/quarantine")
@requires("fleet:quarantine")
@speaks(Speech(tag="fleet", body=SteerBody, answers={200: Said(SteeredView, "It is down.")}, errors=STEERING_ERRORS))
async def quarantine_node(body: SteerBody) -> Response:
    """Give a node up until somebody clears it: as a drain, with an alarm."""
    return await _steer("quarantine", body.node, body.reason)


@blueprint.post("/fleet/clear")
@requires("fleet:clear")
@speaks(Speech(tag="fleet", body=SteerBody, answers={200: Said(SteeredView, "It is at work.")}, errors=STEERING_ERRORS))
async def clear_node(body: SteerBody) -> Response:
    """Lift a quarantine or a drain. Where there is none, nothing is done."""
    return await _steer("clear", body.node, body.reason)


@blueprint.get("/fleet/nodes/<path:node>/crashes")
@requires("fleet:read")
@judged("by the node; what is everybody's is told to those who see all")
@speaks(Speech(tag="fleet", answers={200: Said(CrashList, "Newest first.")}, errors=(404, 503, 504)))
async def get_node_crashes(node: str) -> Response:
    """How a node died lately."""
    await _known(node)
    crashes = await backing().fleet.crashes(node)
    return answer(CrashList.model_construct(items=[crash_view(crash) for crash in crashes]))


@blueprint.get("/fleet/nodes/<path:node>/logs")
@requires("fleet:read")
@judged("by the node; what is everybody's is told to those who see all")
@speaks(Speech(tag="fleet", query=LogsQuery, answers={200: Said(LogView, "Oldest first.")}, errors=(404, 503, 504)))
async def get_node_logs(node: str, query: LogsQuery) -> Response:
    """What a node lately said in the log."""
    await _known(node)
    lines = await asyncio.to_thread(recent_lines, backing().settings, node, query.limit)
    return answer(LogView.model_construct(node=node, kept=lines is not None, lines=lines or []))


async def _steer(verb: str, node: str, reason: str | None, at_once: int = 1) -> Response:
    wish = wish_of(verb, node, reason, at_once)
    await may_steer(backing(), principal(), asker(), wish)
    done = await backing().operators.do(asker(), wish)
    if node not in {ALL, FLEET}:
        return answer(steered_view(done))
    where = "/api/v1/fleet/roll" if done.roll is not None else "/api/v1/fleet"
    return answer(steered_view(done), HTTPStatus.ACCEPTED, {"Location": where})


async def _tree() -> NodeView:
    tree = await backing().fleet.tree()
    unseen = await hidden(backing(), principal(), names_in(tree), g.permission)
    return without(tree, unseen.__contains__) if unseen else tree


async def _known(node: str) -> None:
    missing = NodeNotFoundError(f"there is no {node} in the supervision tree", node=node)
    await judge_name(backing(), principal(), node, g.permission, act=True, missing=missing)
    if node_in(await backing().fleet.tree(), node) is None:
        raise missing
