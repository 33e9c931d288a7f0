"""When a child is started, restarted, given up, stopped and killed. Pure: events in, effects out.

No two incarnations of a child ever live at once: a successor starts only when the predecessor's exit is confirmed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from lics_actors.supervision.ceilings import judge_usages
from lics_actors.supervision.hangs import judge_pulses, look, ponged, sweep, watch
from lics_actors.supervision.messages import (
    SYSTEM,
    ChildAdded,
    ChildBeginFailed,
    ChildBegun,
    ChildExited,
    ChildHung,
    ChildRemoved,
    Effect,
    Event,
    ForgetChild,
    OperatorClear,
    OperatorDrain,
    OperatorQuarantine,
    OperatorRestart,
    Ponged,
    PulsesSeen,
    RaiseAlarm,
    RecordEvent,
    SetTimer,
    StopRequested,
    Timer,
    TimerFired,
    TimerKind,
    UsagesSeen,
)
from lics_actors.supervision.operators import operate, quarantine_lifted, taken_up
from lics_actors.supervision.order import start_children, start_dependents_too, stop_children
from lics_actors.supervision.specs import ChildKind, Hold, Phase, Policy, Then
from lics_actors.supervision.state import ALIVE, ENDING, GIVEN_UP, UP, Child, Step, Supervision, ask_to_end, kill


def reduce(state: Supervision, event: Event) -> Step:
    """Return what an event makes of the state, and what is to be done."""
    state, effects = _take(state, event)
    state, more = stop_children(state, event.now) if state.stopping else start_children(state, event.now)
    return state, effects + more


def _take(state: Supervision, event: Event) -> Step:
    match event:
        case ChildAdded():
            return _added(state, event)
        case ChildRemoved():
            return _removed(state, event)
        case ChildBegun():
            return _begun(state, event)
        case ChildBeginFailed(name=name, incarnation=incarnation, reason=reason, now=now):
            child = state.incarnation(name, incarnation)
            return _give_up_on(state, child, frozenset({Phase.STARTING}), f"could not begin: {reason}", now)
        case ChildExited():
            return _exited(state, event)
        case ChildHung(name=name, incarnation=incarnation, reason=reason, now=now):
            return _give_up_on(state, state.incarnation(name, incarnation), UP, reason, now)
        case Ponged():
            return ponged(state, event)
        case PulsesSeen():
            return judge_pulses(state, event)
        case UsagesSeen():
            return judge_usages(state, event)
        case OperatorRestart() | OperatorClear() | OperatorDrain() | OperatorQuarantine():
            return operate(state, event)
        case TimerFired():
            return _timer(state, event)
        case StopRequested():
            return _stop_requested(state, event)
        case _:
            assert_never(event)


# Children come and go -------------------------------------------------------------------------------------------------


def _added(state: Supervision, event: ChildAdded) -> Step:
    spec = event.spec
    known = state.children.get(spec.name)
    if state.stopping:
        return state, []
    if known is None:
        child, effects = Child(spec, event.now, incarnation=spec.incarnations), list[Effect]()
        if event.hold is not None:
            state = state.held(spec.name, event.hold)
            child, effects = taken_up(child, event.hold)
        return state.put(child), effects
    if known.then is Then.FORGET and known.phase in ENDING:
        return state.put(replace(known, spec=spec, then=Then.AGAIN)), []
    return state, []


def _removed(state: Supervision, event: ChildRemoved) -> Step:
    child = state.children.get(event.name)
    if child is None or (child.phase in ENDING and child.then in {Then.FORGET, Then.REST}):
        return state, []
    gone: list[Effect] = [RecordEvent(child.name, "removed", reason=event.reason, incarnation=child.incarnation)]
    gone += quarantine_lifted(state, child.name)
    state = state.unheld(child.name)
    match child.phase:
        case Phase.STARTING | Phase.RUNNING:
            state, effects = ask_to_end(state, child, Then.FORGET, event.reason, event.now)
            return state, gone + effects
        case Phase.STOPPING | Phase.KILLING:
            return state.put(replace(child, then=Then.FORGET, leaving=None)), gone
        case _:
            return _without(state, child), [*gone, ForgetChild(child.name)]


def _without(state: Supervision, child: Child) -> Supervision:
    return replace(state, children={name: other for name, other in state.children.items() if name != child.name})


# A child's life -------------------------------------------------------------------------------------------------------


def _begun(state: Supervision, event: ChildBegun) -> Step:
    child = state.incarnation(event.name, event.incarnation)
    if child is None or child.phase is not Phase.STARTING:
        return state, []
    kind = "started" if event.incarnation == 1 else "restarted"
    effects: list[Effect] = [RecordEvent(child.name, kind, incarnation=event.incarnation)]
    state = state.put(replace(child, phase=Phase.RUNNING, since=event.now, begun_at=event.now))
    state, more = watch(state, event.now)
    return state, effects + more


def _exited(state: Supervision, event: ChildExited) -> Step:
    child = state.incarnation(event.name, event.incarnation)
    if child is None or child.phase not in ALIVE:
        return state, []
    ended = replace(child, phase=Phase.ENDED, since=event.now, pinged_at=None, leaving=None)
    then = child.leaving.then if child.leaving else child.then
    match then:
        case Then.FORGET:
            return _without(state, child), [ForgetChild(child.name)]
        case Then.AGAIN:
            return state.put(replace(ended, phase=Phase.WAITING)), []
        case Then.HOLD:
            held = replace(ended, phase=state.holds[child.name].phase)
            return state.put(held), [RecordEvent(child.name, "stopped", incarnation=child.incarnation)]
        case Then.REST:
            return state.put(ended), [RecordEvent(child.name, "stopped", incarnation=child.incarnation)]
        case Then.JUDGE:
            return _judge(state, child, ended, event)
        case _:
            assert_never(then)


def _judge(state: Supervision, before: Child, child: Child, event: ChildExited) -> Step:
    in_order = event.normal and before.phase in UP
    if child.spec.kind is ChildKind.TEMPORARY or (child.spec.kind is ChildKind.TRANSIENT and in_order):
        return state.put(child), [RecordEvent(child.name, "ended", reason=event.reason, incarnation=child.incarnation)]
    reason = child.last_error if before.phase is Phase.KILLING else event.reason or "its process ended"
    policy = state.policy
    recent = tuple(time for time in child.restarted_at if time >= event.now - policy.period_s)
    healthy = child.begun_at is not None and event.now - child.begun_at >= policy.healthy_s
    setbacks = 0 if healthy else child.setbacks
    child = replace(child, owed=True, restarted_at=recent, setbacks=setbacks + 1, last_error=reason)
    effects: list[Effect] = [RecordEvent(child.name, "exited", reason=reason, incarnation=child.incarnation)]
    if len(recent) >= policy.intensity:
        state, more = _given_up(state, child, event.now)
        return state, effects + more
    state = start_dependents_too(state, child.name, event.now)
    child = replace(child, restarted_at=(*recent, event.now))
    if setbacks == 0:
        return state.put(replace(child, phase=Phase.WAITING)), effects
    effects.append(SetTimer(Timer(TimerKind.RESTART, child.name, child.incarnation), backoff(policy, setbacks, event.luck)))
    return state.put(replace(child, phase=Phase.BACKING_OFF)), effects


def _given_up(state: Supervision, child: Child, now: float) -> Step:
    reason, times = child.last_error, len(child.restarted_at)
    told = f"{child.name} was restarted {times} times within {state.policy.period_s:g} s and is given up: {reason}"
    state = state.held(child.name, Hold(Phase.QUARANTINED, SYSTEM, reason))
    return state.put(replace(child, phase=Phase.QUARANTINED, owed=False, since=now)), [
        RecordEvent(child.name, GIVEN_UP, reason=reason, incarnation=child.incarnation),
        RaiseAlarm(child.name, GIVEN_UP, told),
    ]


def backoff(policy: Policy, setbacks: int, luck: float) -> float:
    """Return the seconds to wait after so many deaths in a row (from 1): doubling, capped, the upper half of it by luck.

    Half fixed, half random is the "equal jitter" of AWS's note "Exponential backoff and jitter" (2015): children that died
    together do not come back together.
    """
    doublings = min(setbacks - 1, 32)  # far beyond any cap, and safe from overflow
    whole: float = min(policy.backoff_max_s, policy.backoff_s * 2.0**doublings)
    return whole * (0.5 + 0.5 * luck)


def _give_up_on(state: Supervision, child: Child | None, phases: frozenset[Phase], reason: str, now: float) -> Step:
    if child is None or child.phase not in phases:
        return state, []
    return kill(state, replace(child, last_error=reason), reason, now)


# The end ---------------------------------------------------------------------------------------------------------------


def _stop_requested(state: Supervision, event: StopRequested) -> Step:
    if state.stopping:
        return state, []
    state = replace(state, stopping=True)
    for child in state.children.values():
        if child.phase in ENDING:
            state = state.put(replace(child, then=Then.REST, leaving=None))
        elif child.phase not in ALIVE:
            state = state.put(replace(child, phase=Phase.ENDED, since=event.now))
    return state, []


# Timers ----------------------------------------------------------------------------------------------------------


def _timer(state: Supervision, event: TimerFired) -> Step:
    timer, now = event.timer, event.now
    if timer.kind is TimerKind.SWEEP:
        return sweep(state, timer.incarnation, now)
    if timer.kind is TimerKind.LOOK:
        return look(state, timer.incarnation, now)
    child = state.incarnation(timer.child, timer.incarnation)
    if child is None:
        return state, []
    match timer.kind, child.phase:
        case TimerKind.BEGIN, Phase.STARTING:
            reason = f"did not begin within {child.spec.begin_timeout_s:g} s"
            return kill(state, replace(child, last_error=reason), reason, now)
        case TimerKind.STOP, Phase.STOPPING:
            return kill(state, child, f"did not stop within {child.spec.stop_timeout_s:g} s", now)
        case TimerKind.KILL, Phase.KILLING:
            return kill(state, child, "its exit is not confirmed yet", now)
        case TimerKind.RESTART, Phase.BACKING_OFF:
            return state.put(replace(child, phase=Phase.WAITING, since=now)), []
        case _:
            return state, []
