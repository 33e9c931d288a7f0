"""What can be known of a protocol without running it: dead ends, timers that cannot fire, rewards beyond limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drivers.protocol import Description
from lics_actors.experiment.compiling import compile_protocol
from lics_actors.experiment.document import Protocol
from lics_actors.experiment.expressions import Expression
from lics_actors.experiment.fitting import extremes, misfits
from lics_actors.experiment.plan import Act, Argument, Give, Plan, PlanState, Way
from lics_actors.experiment.problems import Problem, ProtocolError
from lics_actors.experiment.quantities import told


def prepared(document: Protocol, devices: Mapping[str, Description]) -> tuple[Plan, tuple[Problem, ...]]:
    """Return the plan of a protocol that can be run with these devices (device type → `describe`), and warnings.

    Raises:
        ProtocolError: it cannot; with everything that is wrong.
    """
    compiled = compile_protocol(document, devices)
    found = [*compiled.problems, *misfits(document, compiled.plan, devices)]
    if not found or all(each.level == "warning" for each in found):
        found += checked(compiled.plan)
    errors = [each for each in found if each.level == "error"]
    if errors:
        raise ProtocolError(errors)
    return compiled.plan, tuple(found)


def checked(plan: Plan) -> list[Problem]:
    """Return what is wrong with a plan, and what should be looked at."""
    return [*_states(plan), *_circles(plan), *_outcomes(plan), *_timers(plan), *_rewards(plan), *_unread(plan)]


def reachable(plan: Plan) -> set[int]:
    """Return the indices of the states that a trial can come to."""
    found, look = {plan.start}, [plan.start]
    while look:
        fresh = {target for way in plan.states[look.pop()].ways for target, _ in way.targets} - found
        found |= fresh
        look += fresh
    return found


def ending(plan: Plan) -> set[int]:
    """Return the indices of the states from which the trial can end."""
    found: set[int] = set()
    while True:
        fresh = {
            state.index
            for state in plan.states
            if any(way.end is not None or any(target in found for target, _ in way.targets) for way in state.ways)
        }
        if fresh <= found:
            return found
        found |= fresh


def _states(plan: Plan) -> Iterator[Problem]:
    seen, ends = reachable(plan), ending(plan)
    for state in plan.states:
        path = f"states.{state.name}"
        if state.index not in seen:
            yield Problem(path, "no transition leads here", "lead one `to` it, or remove it")
        elif not any(way.leaves for way in state.ways):
            yield Problem(path, "nothing leads out: a dead end", "add a transition with `to` or `end`")
        elif state.index not in ends:
            yield Problem(path, "no way from here comes to the end of the trial", "add a transition with `end` on the way")
        elif all(way.trigger in {"event", "metric"} for way in state.ways if way.leaves):
            reason = "a subject that does nothing stays here until the session is over"
            yield Problem(path, reason, "add a transition with `after`", "warning")


def _circles(plan: Plan) -> Iterator[Problem]:
    """Find states that follow each other at once for ever."""
    following = {state.index: _at_once(state) for state in plan.states}
    for state in plan.states:
        at, path = following[state.index], [state.name]
        while at is not None and at != state.index and plan.states[at].name not in path:
            path.append(plan.states[at].name)
            at = following[at]
        if at == state.index:
            reason = f"it comes back to itself at once, for ever: {' → '.join([*path, state.name])}"
            yield Problem(f"states.{state.name}", reason, "give one of them a trigger or a condition")


def _at_once(state: PlanState) -> int | None:
    """Return the state that certainly follows at once."""
    for way in state.always:
        if _certain(way):
            return way.targets[0][0] if len(way.targets) == 1 else None
    return None


def _certain(way: Way) -> bool:
    return way.when is None or way.when.constant is True


def _outcomes(plan: Plan) -> Iterator[Problem]:
    ends = {way.end for index in reachable(plan) for way in plan.states[index].ways}
    for name in plan.document.outcomes:
        if name not in ends:
            yield Problem(f"outcomes.{name}", "no trial can end so", "lead an `end` to it, or remove it", "warning")


def _timers(plan: Plan) -> Iterator[Problem]:
    for state in plan.states:
        left_at_once = any(_certain(way) for way in state.always)
        shortest: float | None = None
        taken: set[tuple[str, str]] = set()
        for way in state.ways:
            path = f"states.{state.name}.transitions.{way.index}"
            if way.trigger != "always" and left_at_once:
                yield Problem(
                    path, "the state is left before this can happen", "give the transition without a trigger a condition"
                )
            elif (way.trigger, way.subject) in taken:
                yield Problem(path, "an earlier transition without a condition always comes first", "change their order")
            elif way.when is not None and way.when.constant is False:
                yield Problem(path, "its condition never holds", "remove it, or mend the condition")
            elif way.trigger == "after":
                yield from _timer(path, way, shortest, plan)
                shortest = _shorter(shortest, way)
            if way.trigger != "after" and way.leaves and _certain(way) and not way.outcomes:
                taken.add((way.trigger, way.subject))


def _timer(path: str, way: Way, shortest: float | None, plan: Plan) -> Iterator[Problem]:
    after = _constant(way.after)
    if after is None:
        return
    if after >= plan.time_s:
        yield Problem(path, f"the session is over before: {told(after, 'time')}", "shorten it, or lengthen `limits.time`")
    elif after < 0:
        yield Problem(path, "its time is negative", "write a time from 0 s on")
    elif shortest is not None and after >= shortest:
        yield Problem(path, "an earlier timer of this state always fires first", "shorten it, or remove it")


def _shorter(shortest: float | None, way: Way) -> float | None:
    after = _constant(way.after)
    if after is None or not way.leaves or not _certain(way):
        return shortest
    return after if shortest is None else min(after, shortest)


def _constant(expression: Expression | None) -> float | None:
    return expression.constant if expression is not None and expression.node is None else None


def _rewards(plan: Plan) -> Iterator[Problem]:
    for path, acts in _acts(plan):
        for n, act in enumerate(acts):
            if not isinstance(act, Give):
                continue
            if path == "safe" or path.endswith(".exit"):
                yield Problem(
                    f"{path}.{n}", "a reward is given on the way into or out of nowhere", "give it on entry, or on a transition"
                )
            else:
                yield from _amount(f"{path}.{n}.reward", act, plan)
    if plan.reward is not None and not any(isinstance(act, Give) for _, acts in _acts(plan) for act in acts):
        yield Problem("reward", "no state gives it", "add the action `reward: true`", "warning")
    if plan.reward is not None and plan.max_reward is None:
        yield Problem("limits.reward", "rewards have no limit", "add the most that a run may give")


def _amount(path: str, act: Give, plan: Plan) -> Iterator[Problem]:
    assert plan.reward is not None
    for amount in extremes(Argument(plan.reward.argument, act.amount), plan):
        shown = told(amount, plan.reward.kind)
        if amount <= 0:
            yield Problem(path, f"the amount can be {shown}", "let it be above 0")
        elif plan.max_reward is not None and amount > plan.max_reward:
            limit = told(plan.max_reward, plan.reward.kind)
            yield Problem(path, f"one reward can be {shown}, and a run may give {limit}", "lower it, or raise `limits.reward`")


def _acts(plan: Plan) -> Iterator[tuple[str, tuple[Act, ...]]]:
    yield "safe", plan.safe
    for state in plan.states:
        yield f"states.{state.name}.enter", state.enter
        yield f"states.{state.name}.exit", state.exit
        for way in state.ways:
            yield f"states.{state.name}.transitions.{way.index}.do", way.acts


def _unread(plan: Plan) -> Iterator[Problem]:
    """Find what is declared and read nowhere."""
    document = plan.document
    for group, names in (("parameters", document.parameters), ("draws", document.draws), ("staircases", document.staircases)):
        for name in names:
            if name not in plan.reads:
                yield Problem(f"{group}.{name}", "nothing reads it", "use it, or remove it", "warning")
