"""What people do to a child: restart, drain, quarantine, clear. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from lics_actors.supervision.messages import (
    ClearAlarm,
    Effect,
    OperatorClear,
    OperatorDrain,
    OperatorQuarantine,
    OperatorRestart,
    RaiseAlarm,
    RecordEvent,
)
from lics_actors.supervision.order import leave
from lics_actors.supervision.specs import Hold, Phase, Then
from lics_actors.supervision.state import ENDING, GIVEN_UP, UP, Child, Step, Supervision

OperatorEvent = OperatorRestart | OperatorClear | OperatorDrain | OperatorQuarantine


def operate(state: Supervision, event: OperatorEvent) -> Step:
    """Return what a person's wish makes of the state; one about a child that is unknown or about to be forgotten does nothing."""
    child = state.children.get(event.name)
    if child is None or state.stopping or (child.phase in ENDING and child.then is Then.FORGET):
        return state, []
    match event:
        case OperatorRestart():
            return _let_go(state, child, event, "restart_requested")
        case OperatorClear():
            return _let_go(state, child, event, "cleared") if child.name in state.holds else (state, [])
        case OperatorDrain():
            return _put_down(state, child, event, Phase.DRAINED)
        case OperatorQuarantine():
            return _put_down(state, child, event, Phase.QUARANTINED)
        case _:
            assert_never(event)


def quarantine_lifted(state: Supervision, name: str) -> list[Effect]:
    """Return the end of a quarantine's alarm, where there is one."""
    hold = state.holds.get(name)
    return [ClearAlarm(name, GIVEN_UP)] if hold and hold.phase is Phase.QUARANTINED else []


def taken_up(child: Child, hold: Hold) -> tuple[Child, list[Effect]]:
    """Return a child as an earlier supervisor left it; its alarm is said again, for whoever took it for cleared."""
    held = replace(child, phase=hold.phase, last_error=hold.reason)
    alarm = RaiseAlarm(child.name, GIVEN_UP, f"{child.name} is in quarantine since before its supervisor began: {hold.reason}")
    return held, [alarm] if hold.phase is Phase.QUARANTINED else []


def _let_go(state: Supervision, child: Child, event: OperatorEvent, kind: str) -> Step:
    effects: list[Effect] = [RecordEvent(child.name, kind, event.principal, event.reason, child.incarnation)]
    effects += quarantine_lifted(state, child.name)
    state, forgiven = state.unheld(child.name), _forgiven(child)
    if child.phase in UP:
        state, more = leave(state, forgiven, Then.AGAIN, f"restart by {event.principal}", event.now)
        return state, effects + more
    if child.phase in ENDING:
        return state.put(replace(forgiven, then=Then.AGAIN, leaving=None)), effects
    return state.put(replace(forgiven, phase=Phase.WAITING, since=event.now)), effects


def _put_down(state: Supervision, child: Child, event: OperatorEvent, phase: Phase) -> Step:
    effects: list[Effect] = [RecordEvent(child.name, phase.value, event.principal, event.reason, child.incarnation)]
    if phase is Phase.QUARANTINED:
        why = f": {event.reason}" if event.reason else ""
        effects.append(RaiseAlarm(child.name, GIVEN_UP, f"{child.name} was put into quarantine by {event.principal}{why}"))
    else:
        effects += quarantine_lifted(state, child.name)
    state, forgiven = state.held(child.name, Hold(phase, event.principal, event.reason)), _forgiven(child)
    if child.phase in UP:
        state, more = leave(state, forgiven, Then.HOLD, f"{phase.value} by {event.principal}", event.now)
        return state, effects + more
    if child.phase in ENDING:
        return state.put(replace(forgiven, then=Then.HOLD, leaving=None)), effects
    return state.put(replace(forgiven, phase=phase, since=event.now)), effects


def _forgiven(child: Child) -> Child:
    return replace(child, restarted_at=(), setbacks=0, recycles=0, owed=False)
