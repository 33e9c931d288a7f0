"""Operators who wait until what they asked for is done, or cannot be. Knows no actor and no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lics_actors.errors import ConflictError, LicsError, NodeNotFoundError
from lics_actors.supervision.messages import OperatorClear, OperatorDrain, OperatorQuarantine, OperatorRestart
from lics_actors.supervision.specs import Phase, Then, Verb
from lics_actors.supervision.state import Child

Answer = Callable[[object], None]
STEERED: dict[Verb, type[OperatorRestart | OperatorDrain | OperatorQuarantine | OperatorClear]] = {
    Verb.RESTART: OperatorRestart,
    Verb.DRAIN: OperatorDrain,
    Verb.QUARANTINE: OperatorQuarantine,
    Verb.CLEAR: OperatorClear,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator waits for. `since`: the incarnation at that time."""

    verb: Verb
    since: int
    answer: Answer


class Wishes:
    """Who waits for what of which child."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Wish]] = {}

    def add(self, name: str, wish: Wish) -> None:
        """Take up a wish about a child."""
        self._waiting.setdefault(name, []).append(wish)

    def settle(self, name: str, child: Child | None) -> None:
        """Answer those whose wish has come to an end, now that the child is like this; None: it is no longer one."""
        waiting = self._waiting.pop(name, [])
        outcomes = [(wish, outcome_of(name, child, wish)) for wish in waiting]
        if still := [wish for wish, outcome in outcomes if outcome is None]:
            self._waiting[name] = still
        for wish, outcome in outcomes:
            if outcome is not None:
                wish.answer(outcome)


def outcome_of(name: str, child: Child | None, wish: Wish) -> bool | LicsError | None:
    """Return what to tell an operator by now, or None: not yet."""
    if child is None:
        return NodeNotFoundError(f"{name} was removed meanwhile", node=name)
    if wish.verb in {Verb.DRAIN, Verb.QUARANTINE}:
        if child.phase in {Phase.DRAINED, Phase.QUARANTINED}:
            return True
        overruled = child.then is not Then.HOLD and child.leaving is None
        return ConflictError(f"{name} was let go again by somebody else", node=name) if overruled else None
    if child.phase is Phase.RUNNING and child.incarnation > wish.since:
        return True
    if child.phase is Phase.DRAINED:
        return ConflictError(f"{name} was drained by somebody else", node=name)
    if child.phase is Phase.QUARANTINED:
        return ConflictError(f"{name} was given up again: {child.last_error}", node=name)
    return None
