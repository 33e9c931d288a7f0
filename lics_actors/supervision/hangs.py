"""Who lives and does nothing: told by heartbeats within seconds, by pings that go the whole way. Pure.

If the supervisor itself was away meanwhile, nobody is to blame: silence counts from when it came back.
"""

from __future__ import annotations

from dataclasses import replace

from lics_actors.supervision.messages import (
    Effect,
    LookAtPulses,
    LookAtUsages,
    PingChild,
    Ponged,
    Pulse,
    PulsesSeen,
    RecordEvent,
    SetTimer,
    Timer,
    TimerKind,
)
from lics_actors.supervision.specs import Phase
from lics_actors.supervision.state import Child, Step, Supervision, kill

USAGE_EVERY = 15  # looks at the heartbeats: what a process holds costs 0.1 ms to find out


def watch(state: Supervision, now: float) -> Step:
    """Begin to look after children, with the first that runs."""
    effects: list[Effect] = []
    if state.policy.ping_every_s is not None and state.sweep_due is None:
        state, effects = _next_sweep(state, now, state.policy.ping_every_s)
    if state.policy.look_every_s is not None and state.look_due is None:
        state, more = _next_look(state, now, state.policy.look_every_s)
        effects = effects + more
    return state, effects


# Heartbeats -----------------------------------------------------------------------------------------------------------


def look(state: Supervision, serial: int, now: float) -> Step:
    """Have the heartbeats looked at."""
    every_s, due = state.policy.look_every_s, state.look_due
    if every_s is None or due is None or serial != state.look or state.stopping:
        return state, []
    if now - due > every_s:
        state = replace(state, awake_since=now)
    usages: list[Effect] = [LookAtUsages()] if state.look % USAGE_EVERY == 0 else []
    state, effects = _next_look(state, now, every_s)
    return state, [LookAtPulses(), *usages, *effects]


def _next_look(state: Supervision, now: float, every_s: float) -> Step:
    state = replace(state, look=state.look + 1, look_due=now + every_s)
    return state, [SetTimer(Timer(TimerKind.LOOK, incarnation=state.look), every_s)]


def judge_pulses(state: Supervision, event: PulsesSeen) -> Step:
    """Kill who gave no sign of life for longer than it may. Who never gave one has no heartbeat; that is left to the pings."""
    effects: list[Effect] = []
    for name, pulse in event.pulses.items():
        child = state.children.get(name)
        if child is None or child.phase is not Phase.RUNNING:
            continue
        reason = _silent(pulse, child, max(child.since, state.awake_since), event.now)
        if reason is not None:
            state, more = _hung(state, child, reason, event.now)
            effects += more
    return state, effects


def _silent(pulse: Pulse, child: Child, since: float, now: float) -> str | None:
    def too_long(at: float) -> bool:
        return at > 0.0 and now - max(at, since) > child.spec.hang_s

    if too_long(pulse.busy_since):
        return f"its thread was in one handler for more than {child.spec.hang_s:g} s"
    beating, at = ("loop", pulse.loop_at) if pulse.loop_at else ("thread", pulse.thread_at)
    return f"its {beating} gave no sign of life for more than {child.spec.hang_s:g} s" if too_long(at) else None


# Pings ----------------------------------------------------------------------------------------------------------------


def ponged(state: Supervision, event: Ponged) -> Step:
    """Take an answer; one to an older ping, or of an older incarnation, does not count."""
    child = state.incarnation(event.name, event.incarnation)
    if child is None or child.serial != event.serial:
        return state, []
    return state.put(replace(child, pinged_at=None)), []


def _next_sweep(state: Supervision, now: float, every_s: float) -> Step:
    state = replace(state, sweep=state.sweep + 1, sweep_due=now + every_s)
    return state, [SetTimer(Timer(TimerKind.SWEEP, incarnation=state.sweep), every_s)]


def sweep(state: Supervision, serial: int, now: float) -> Step:
    """Ping who owes nothing, kill who owes for too long."""
    every_s, due = state.policy.ping_every_s, state.sweep_due
    if every_s is None or due is None or serial != state.sweep or state.stopping:
        return state, []
    away = now - due > every_s
    state, effects = _next_sweep(state, now, every_s)
    for child in [child for child in state.children.values() if child.phase is Phase.RUNNING]:
        if child.pinged_at is None:
            pinged = replace(child, serial=child.serial + 1, pinged_at=now)
            state = state.put(pinged)
            effects.append(PingChild(child.name, child.incarnation, pinged.serial))
        elif away:
            state = state.put(replace(child, pinged_at=now))
        elif now - child.pinged_at >= state.policy.ping_deadline_s:
            state, more = _hung(state, child, f"did not answer a ping for {state.policy.ping_deadline_s:g} s", now)
            effects += more
    return state, effects


def _hung(state: Supervision, child: Child, reason: str, now: float) -> Step:
    state, effects = kill(state, replace(child, last_error=reason), reason, now, hung=True)
    return state, [RecordEvent(child.name, "hung", reason=reason, incarnation=child.incarnation), *effects]
