"""The supervision tree."""

from __future__ import annotations

from quart import Blueprint, Response

from web.auth import principal, requires
from web.backing import backing
from web.schemas.devices import RestartView
from web.schemas.fleet import NodeAnswer, RestartNodeBody, node_answer
from web.speech import Said, Speech, answer, speaks

blueprint = Blueprint("fleet", __name__)


@blueprint.get("/fleet")
@requires("fleet:read")
@speaks(Speech(tag="fleet", answers={200: Said(NodeAnswer, "The tree, from its root.")}, errors=(503, 504)))
async def get_fleet() -> Response:
    """The supervision tree.

    Every actor with its state, process, restarts and figures.
    """
    return answer(node_answer(await backing().fleet.tree()))


@blueprint.post("/fleet/restart")
@requires("fleet:restart")
@speaks(
    Speech(
        tag="fleet",
        body=RestartNodeBody,
        answers={200: Said(RestartView, "The new incarnation has begun.")},
        errors=(404, 409, 503, 504),
    )
)
async def restart_node(body: RestartNodeBody) -> Response:
    """Restart a node of the tree.

    Ends a quarantine as well. Running commands of its devices are settled as after any restart.
    """
    await backing().fleet.restart(body.node, principal().name, body.reason)
    return answer(RestartView(node=body.node))
