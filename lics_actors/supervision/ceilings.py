"""Who holds more memory or more files than it may, and is put anew in order. Pure.

A recycle is no crash: the child is stopped as for an operator's restart, and it does not count as a death. One that is over its
ceiling again soon after each of several recycles is given up: to start it once more mends nothing.
"""

from __future__ import annotations

from dataclasses import replace

from lics_actors.supervision.messages import SYSTEM, Effect, RaiseAlarm, RecordEvent, Usage, UsagesSeen
from lics_actors.supervision.order import leave
from lics_actors.supervision.specs import ChildSpec, Hold, Phase, Then
from lics_actors.supervision.state import GIVEN_UP, Child, Step, Supervision

MIB = 2**20


def judge_usages(state: Supervision, event: UsagesSeen) -> Step:
    """Recycle who is over a ceiling."""
    effects: list[Effect] = []
    for name, usage in event.usages.items():
        child = state.children.get(name)
        if child is None or child.phase is not Phase.RUNNING or child.leaving is not None:
            continue
        reason = over(child.spec, usage)
        if reason is not None:
            state, more = _recycle(state, child, reason, event.now)
            effects += more
    return state, effects


def over(spec: ChildSpec, usage: Usage) -> str | None:
    """Return which ceiling a usage is over, or None."""
    if spec.memory_bytes is not None and usage.own_bytes > spec.memory_bytes:
        return f"it holds {usage.own_bytes / MIB:.0f} MiB of its own, and may hold {spec.memory_bytes / MIB:.0f}"
    if spec.files is not None and usage.files > spec.files:
        return f"it holds {usage.files} files open, and may hold {spec.files}"
    return None


def _recycle(state: Supervision, child: Child, reason: str, now: float) -> Step:
    soon = now - child.since < state.policy.settle_s
    recycled = replace(child, recycles=child.recycles + 1 if soon else 1, last_error=reason)
    effects: list[Effect] = [RecordEvent(child.name, "recycled", reason=reason, incarnation=child.incarnation)]
    then = Then.AGAIN
    if recycled.recycles > state.policy.recycles:
        then, state = Then.HOLD, state.held(child.name, Hold(Phase.QUARANTINED, SYSTEM, reason))
        told = f"{child.name} was recycled {state.policy.recycles} times, soon after each start, and is given up: {reason}"
        effects += [
            RecordEvent(child.name, GIVEN_UP, reason=reason, incarnation=child.incarnation),
            RaiseAlarm(child.name, GIVEN_UP, told),
        ]
    state, more = leave(state, recycled, then, reason, now)
    return state, effects + more
