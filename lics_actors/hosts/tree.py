"""Several hosts' supervision trees as one, and whose a node is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from lics_actors.errors import DeviceNotFoundError, FleetUnavailableError, LicsError, NodeNotFoundError
from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.hosts.placement import HostState
from lics_actors.hosts.places import HostPlace

LOST = "lost"
SHARED = frozenset({"device"})  # kinds whose names are the same on every host


def laboratory_tree(places: Sequence[HostPlace], trees: Mapping[str, NodeView], now: datetime) -> NodeView:
    """Return one tree of all hosts: each its fleet's, or `lost` where nobody answers there."""
    hosts = tuple(_host_node(place, trees.get(place.name), now) for place in places)
    since = min((host.since for host in hosts), default=now)
    return NodeView("laboratory", "laboratory", NodeState.RUNNING, None, 1, 0, since, children=hosts)


def _host_node(place: HostPlace, tree: NodeView | None, now: datetime) -> NodeView:
    name = f"host:{place.name}"
    if tree is None:
        word = place.state if place.state == HostState.LEFT else LOST
        return NodeView(name, "host", NodeState.STOPPED, None, 0, 0, now, label=place.name, word=word)
    word = place.state if place.state != HostState.UP else ""
    children = tuple(_named(child, place.name) for child in tree.children)
    return replace(tree, name=name, kind="host", label=place.name, word=word, children=children)


def _named(node: NodeView, host: str) -> NodeView:
    children = tuple(_named(child, host) for child in node.children)
    return replace(node, name=node.name if node.kind in SHARED else f"{host}/{node.name}", children=children)


def owner_of(tree: NodeView, node: str) -> tuple[str, str]:
    """Return the host of a node of `laboratory_tree`, and what the node is called there.

    Raises:
        NodeNotFoundError: there is none of that name.
    """
    for host in tree.children:
        if host.name == node:  # any host answers for all of them
            alive = [each.label for each in tree.children if each.pid is not None]
            return alive[0], node
        if _has(host, node):
            return host.label, node.removeprefix(f"{host.label}/")
    raise NodeNotFoundError(f"there is no {node} in the supervision tree", node=node)


def _has(tree: NodeView, name: str) -> bool:
    return tree.name == name or any(_has(child, name) for child in tree.children)


def host_alarms(own: str, states: Mapping[str, HostState]) -> dict[str, str]:
    """Return the alarms that stand, by kind: one for each other host that is silent."""
    told = {
        HostState.LOST: "{0} is silent; its devices are served elsewhere, and what it had not shipped waits on its disk",
        HostState.UNFENCED: "{0} is silent and never knew of other hosts, so nobody takes its devices over; if it is gone for"
        " good, `lics fleet forget {0}`",
    }
    others = {name: state for name, state in states.items() if name != own}
    return {f"host-lost:{name}": told[state].format(name) for name, state in others.items() if state in told}


def refusal(errors: Sequence[LicsError]) -> LicsError:
    """Return what to say where no host has located a device: the word of the one that runs it, else that nobody does now."""
    for error in errors:
        if "state" in error.facts:
            return error
    if errors and all(isinstance(error, DeviceNotFoundError) for error in errors):
        return errors[0]
    return FleetUnavailableError("no host serves this device just now; another takes over within seconds", elsewhere=True)
