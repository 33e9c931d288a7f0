"""Whose turn it is: start order, what depends on whom, reverse stop order. Pure."""

from __future__ import annotations

from dataclasses import replace

from lics_actors.supervision.messages import Effect, ReportStopped
from lics_actors.supervision.specs import ChildKind, Phase, Strategy, Then
from lics_actors.supervision.state import ALIVE, ENDING, UP, Child, Leaving, Step, Supervision, ask_to_end, start


def start_children(state: Supervision, now: float) -> Step:
    """Start whoever waits and whose turn it is; under rest_for_one first end those whose foundation is gone."""
    effects: list[Effect] = []
    if state.policy.strategy is Strategy.REST_FOR_ONE:
        state, effects = _end_dependents(state, now)
    for child in list(state.children.values()):
        if child.phase is Phase.WAITING and _may_start(state, child):
            state, more = start(state, child, now)
            effects += more
    return state, effects


def _may_start(state: Supervision, child: Child) -> bool:
    others = list(state.children.values())
    if state.policy.strategy is Strategy.ONE_FOR_ONE:
        return sum(other.phase is Phase.STARTING for other in others) < state.policy.parallel_starts
    place = _place(others, child)
    return all(_stands(other) for other in others[:place]) and all(other.phase not in ALIVE for other in others[place + 1 :])


def _place(others: list[Child], child: Child) -> int:
    return next(at for at, other in enumerate(others) if other.name == child.name)


def _stands(other: Child) -> bool:
    """Return whether those after a child may start: it is at work and stays so, or it is not needed any more."""
    return other.then is Then.FORGET or (other.phase in {Phase.RUNNING, Phase.ENDED} and other.leaving is None)


def _is_down(other: Child) -> bool:
    """Return whether those after a child must go."""
    return other.leaving is not None or (other.phase not in {*UP, Phase.ENDED} and other.then is not Then.FORGET)


def _end_dependents(state: Supervision, now: float) -> Step:
    """Under rest_for_one: whoever started after a child that is down, or is to go down, must go too, the last one first."""
    others = list(state.children.values())
    place = next((at for at, other in enumerate(others) if _is_down(other)), None)
    if place is None:
        return state, []
    dependents = [other for other in others[place + 1 :] if other.phase in ALIVE]
    if not dependents:
        down = others[place]
        if down.leaving is None or down.phase not in UP:
            return state, []
        return ask_to_end(state, down, down.leaving.then, down.leaving.reason, now)
    last = dependents[-1]
    if last.phase not in UP:
        return state, []
    follows = Then.REST if last.spec.kind is ChildKind.TEMPORARY else Then.AGAIN
    then = last.leaving.then if last.leaving else follows
    return ask_to_end(state, last, then, "what it depends on went down", now)


def leave(state: Supervision, child: Child, then: Then, reason: str, now: float) -> Step:
    """Have a child that is up end: under rest_for_one after those that depend on it, else at once."""
    others = list(state.children.values())
    depended_on = state.policy.strategy is Strategy.REST_FOR_ONE and any(
        other.phase in ALIVE for other in others[_place(others, child) + 1 :]
    )
    if depended_on:
        return state.put(replace(child, leaving=Leaving(then, reason))), []
    return ask_to_end(state, child, then, reason, now)


def start_dependents_too(state: Supervision, name: str, now: float) -> Supervision:
    """Under rest_for_one a restart starts everybody after it, also the transient ones that had ended in order: as OTP does."""
    if state.policy.strategy is not Strategy.REST_FOR_ONE:
        return state
    others = list(state.children.values())
    for other in others[_place(others, state.children[name]) + 1 :]:
        if other.phase is Phase.ENDED and other.spec.kind is ChildKind.TRANSIENT:
            state = state.put(replace(other, phase=Phase.WAITING, since=now))
    return state


def stop_children(state: Supervision, now: float) -> Step:
    """Ask the last stage's children to end, the last one first and a bounded number at a time; report when none is left."""
    left = [(_stage(state, child), child) for child in state.children.values() if child.phase in ALIVE]
    if not left:
        return (state, []) if state.stopped else (replace(state, stopped=True), [ReportStopped()])
    last = max(stage for stage, _ in left)
    slots = state.policy.parallel_stops - sum(child.phase in ENDING for _, child in left)
    going = [child for stage, child in reversed(left) if stage == last and child.phase in UP]
    effects: list[Effect] = []
    for child in going[: max(slots, 0)]:
        state, more = ask_to_end(state, child, Then.REST, "its supervisor stops", now)
        effects += more
    return state, effects


def _stage(state: Supervision, child: Child) -> int:
    if state.policy.strategy is Strategy.REST_FOR_ONE:
        return list(state.children).index(child.name)
    return child.spec.stage
