"""Whose turn it is: start order, what depends on whom, reverse stop order. Pure."""

from __future__ import annotations

from dataclasses import replace

from lics_actors.supervision.messages import (
    Effect,
    Phase,
    ReportStopped,
    Strategy,
    Then,
)
from lics_actors.supervision.state import ALIVE, ENDING, UP, Child, Step, Supervision, ask_to_end, start


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
    place = next(at for at, other in enumerate(others) if other.name == child.name)
    before_ready = all(other.phase in {Phase.RUNNING, Phase.ENDED} or other.then is Then.FORGET for other in others[:place])
    return before_ready and all(other.phase not in ALIVE for other in others[place + 1 :])


def _end_dependents(state: Supervision, now: float) -> Step:
    """Under rest_for_one: whoever started after a child that is down must go too, the last one first."""
    others = list(state.children.values())
    down = (at for at, other in enumerate(others) if other.phase not in {*UP, Phase.ENDED} and other.then is not Then.FORGET)
    dependents = [other for other in others[next(down, len(others)) + 1 :] if other.phase in ALIVE]
    if not dependents or dependents[-1].phase not in UP:
        return state, []
    return ask_to_end(state, dependents[-1], Then.AGAIN, "what it depends on went down", now)


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
