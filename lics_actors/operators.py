"""What operators do to the fleet, whichever way they ask: with a reason where others will want to know it, and under audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lics_actors.audit import Asker, AuditLog
from lics_actors.errors import InvalidError
from lics_actors.fleet.messages import NodeView, RollView
from lics_actors.supervision.specs import Verb

__all__ = ["ALL", "FLEET", "Operators", "Steered", "Steers", "Verb", "Wish", "node_in", "permission", "wish_of"]
ALL, FLEET, RACK = "all", "fleet", "rack:"
VERBS: Final = tuple(verb.value for verb in Verb)
MAX_AT_ONCE: Final = 16  # as many as a supervisor stops at once


class Steers(Protocol):
    """What operators need of lics_actors.client.FleetClient."""

    async def tree(self) -> NodeView:
        """Return the supervision tree."""

    async def steer(self, node: str, verb: Verb, principal: str, reason: str | None) -> None:
        """Restart, drain, quarantine or clear a node."""

    async def roll(self, at_once: int, principal: str, reason: str | None) -> RollView:
        """Have all that run restarted, a few at a time."""

    async def relaunch(self, principal: str, reason: str | None) -> None:
        """Have the fleet started anew from the program on disk."""


class ReasonMissingError(InvalidError):
    """What concerns more than one device, or keeps one down, needs a reason."""

    code = "REASON_REQUIRED"


class VerbNotForAllError(InvalidError):
    """Only a restart takes all at once."""

    code = "VERB_NOT_FOR_ALL"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator wants. `node`: a name in the tree, `all` (each, `at_once` at a time) or `fleet` (the program anew)."""

    verb: Verb
    node: str
    reason: str | None = None
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Steered:
    """What became of it: the node as it is then; of `all` how the rolling restart stands; of `fleet` neither: it begins."""

    wish: Wish
    node: NodeView | None = None
    roll: RollView | None = None


def wish_of(verb: str, node: str, reason: str | None, at_once: int = 1) -> Wish:
    """Return a wish.

    Raises:
        InvalidError: there is no such verb.
    """
    if verb not in VERBS:
        raise InvalidError("no such verb", ({"field": "verb", "message": f"one of {', '.join(VERBS)}"},))
    return Wish(Verb(verb), node, reason, at_once)


def permission(wish: Wish) -> str:
    """Return the permission that a wish needs."""
    return f"fleet:{wish.verb.value}"


def check(wish: Wish) -> None:
    """Let pass what may be asked of the fleet.

    Raises:
        ReasonMissingError, VerbNotForAllError
    """
    many = wish.node in {ALL, FLEET} or wish.node.startswith(RACK)
    if not (wish.reason or "").strip() and (many or wish.verb is not Verb.RESTART):
        message = f"say why: to {wish.verb.value} {wish.node} needs a reason, for the record"
        raise ReasonMissingError(message, ({"field": "reason", "message": "needed for this"},))
    if wish.node in {ALL, FLEET} and wish.verb is not Verb.RESTART:
        message = f"{wish.verb.value} takes one node, not {wish.node}"
        raise VerbNotForAllError(message, ({"field": "node", "message": "a node of the tree"},))
    if not 1 <= wish.at_once <= MAX_AT_ONCE:
        raise InvalidError("so many cannot go at once", ({"field": "at_once", "message": f"between 1 and {MAX_AT_ONCE}"},))


class Operators:
    """Does what operators want."""

    def __init__(self, fleet: Steers, audit: AuditLog) -> None:
        self._fleet, self._audit = fleet, audit

    async def do(self, asker: Asker, wish: Wish) -> Steered:
        """Do it, and wait until it is done; a rolling restart and a start anew go on by themselves.

        Raises:
            InvalidError: a reason is missing, or the verb takes one node only.
            LicsError: the fleet's refusal, or nobody answers.
        """
        async with self._audit.act(asker, f"fleet.{wish.verb.value}", wish.node, wish.reason) as found:
            check(wish)
            if wish.node == ALL:
                roll = await self._fleet.roll(wish.at_once, asker.principal, wish.reason)
                found.after = {"total": roll.total, "at_once": wish.at_once}
                return Steered(wish, roll=roll)
            if wish.node == FLEET:
                await self._fleet.relaunch(asker.principal, wish.reason)
                return Steered(wish)
            found.before = facts(node_in(await self._fleet.tree(), wish.node))
            await self._fleet.steer(wish.node, wish.verb, asker.principal, wish.reason)
            node = node_in(await self._fleet.tree(), wish.node)
            found.after = facts(node)
            return Steered(wish, node)


def node_in(tree: NodeView, name: str) -> NodeView | None:
    """Return a node by its name, None where there is none."""
    if tree.name == name:
        return tree
    return next((found for child in tree.children if (found := node_in(child, name)) is not None), None)


def facts(node: NodeView | None) -> Mapping[str, Any] | None:
    """Return what the audit keeps of a node."""
    if node is None:
        return None
    return {"state": node.state.value, "incarnation": node.incarnation, "restarts": node.restarts, "held_by": node.held_by}
