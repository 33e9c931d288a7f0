"""Makes a plan of a document, and finds what keeps it from being one. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.protocol import Description
from lics_actors.experiment.document import Action, Block, Draw, Protocol, Reward, Staircase, State, Transition
from lics_actors.experiment.expressions import Expression, ExpressionError, compiled
from lics_actors.experiment.naming import Names, event_kinds, metric_kind
from lics_actors.experiment.plan import (
    Act,
    Argument,
    Assign,
    Give,
    Mark,
    Plan,
    PlanBlock,
    PlanDraw,
    PlanParameter,
    PlanReward,
    PlanStaircase,
    PlanState,
    PlanStep,
    Say,
    Trigger,
    Way,
)
from lics_actors.experiment.problems import Problem
from lics_actors.experiment.quantities import NUMBER, TIME, TRUTH, UNKNOWN, Literal, is_quantity, unit_in_name

Kinds = Mapping[str, str]
_ZERO = Expression("0", NUMBER, frozenset(), 0.0)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A plan, and what was found on the way: with an error among it the plan has gaps, and is not to be run."""

    plan: Plan
    problems: tuple[Problem, ...]


def compile_protocol(document: Protocol, devices: Mapping[str, Description]) -> Compiled:
    """Return the plan of a protocol for devices as described (device type → `describe`)."""
    compiler = _Compiler(document, devices)
    plan = compiler.plan()
    return Compiled(plan, tuple(compiler.problems))


class _Compiler:
    def __init__(self, document: Protocol, devices: Mapping[str, Description]) -> None:
        self._document, self._devices = document, devices
        self._names = Names(document, unit_in_name(document.reward.argument)[0] if document.reward else NUMBER)
        self.problems = self._names.problems
        self._reads: set[str] = set()
        self._indices = {name: index for index, name in enumerate(document.states)}

    def plan(self) -> Plan:
        document = self._document
        draws = tuple(self._draw(f"draws.{n}", n, each) for n, each in document.draws.items())
        self._names.kinds |= {draw.name: draw.low.kind for draw in draws if draw.low is not None}
        reward = self._reward(document.reward) if document.reward else None
        return Plan(
            document=document,
            parameters={n: self._parameter(n) for n in document.parameters},
            variables={n: self._names.constant(f"variables.{n}", v).value for n, v in document.variables.items()},
            draws=draws,
            staircases=tuple(self._staircase(f"staircases.{n}", n, each) for n, each in document.staircases.items()),
            blocks=tuple(self._block(f"blocks.{n}", each) for n, each in enumerate(document.blocks)),
            reward=reward,
            time_s=self._number("limits.time", self._literal("limits.time", document.limits.time, TIME)),
            trials=document.limits.trials,
            max_reward=self._max_reward(reward),
            interval=self._expr("trial.interval", document.trial.interval, TIME, self._names.kinds),
            start=self._state_index("trial.start", document.trial.start),
            states=tuple(self._state(index, n, each) for index, (n, each) in enumerate(document.states.items())),
            safe=self._acts("safe", document.safe, self._names.kinds),
            kinds=dict(self._names.kinds),
            reads=frozenset(self._reads),
            fields=frozenset(name for name in self._reads if name.startswith("event.") or name == "value"),
        )

    def _note(self, path: str, reason: str, todo: str) -> None:
        self.problems.append(Problem(path, reason, todo))

    def _expr(self, path: str, given: Any, wanted: str | None, kinds: Kinds) -> Expression:
        try:
            made = compiled(given, kinds)
        except ExpressionError as error:
            self._note(path, str(error), "see the names and words in docs/protocols.md")
            return _ZERO
        self._reads |= made.names
        if wanted is not None and made.kind not in {wanted, UNKNOWN}:
            self._note(path, f"`{given}` is a {made.kind} where a {wanted} is needed", _unit_hint(wanted))
        return made

    def _literal(self, path: str, given: Any, wanted: str | None) -> Literal:
        known = any(each.path == path for each in self.problems)
        found = self._names.constant(path, given)
        if wanted is not None and found.kind != wanted and not known:
            self._note(path, f"`{given}` is a {found.kind} where a {wanted} is needed", _unit_hint(wanted))
        return found

    def _number(self, path: str, given: Literal) -> float:
        if isinstance(given.value, bool | str):
            self._note(path, f"{given.value!r} is no number", "write a number with its unit")
            return 0.0
        return given.value

    def _parameter(self, name: str) -> PlanParameter:
        path, given = f"parameters.{name}", self._document.parameters[name]
        default = self._names.constant(path, given.default)
        bounds = [
            None if each is None else self._number(f"{path}.{which}", self._literal(f"{path}.{which}", each, default.kind))
            for which, each in (("min", given.min), ("max", given.max))
        ]
        choices = tuple(self._literal(f"{path}.choices.{n}", each, default.kind).value for n, each in enumerate(given.choices))
        made = PlanParameter(name, default, bounds[0], bounds[1], choices)
        if (fault := made.fault(default.value)) is not None:
            self._note(f"{path}.default", f"it {fault}", "change the default or its bounds")
        return made

    def _draw(self, path: str, name: str, given: Draw) -> PlanDraw:
        kinds = {n: kind for n, kind in self._names.kinds.items() if n not in self._document.draws}
        values = tuple(
            (
                self._names.constant(f"{path}.values.{each}", each).value,
                self._expr(f"{path}.values.{each}", weight, NUMBER, kinds),
            )
            for each, weight in given.values.items()
        )
        if given.values:
            if all(weight.names == frozenset() and weight.constant <= 0 for _, weight in values):
                self._note(f"{path}.values", "no value has a weight above 0", "give one a positive weight")
            return PlanDraw(name, values, None, None, given.max_run)
        low = self._expr(f"{path}.min", given.min, None, kinds)
        high = self._expr(f"{path}.max", given.max, low.kind, kinds)
        if not is_quantity(low.kind):
            self._note(f"{path}.min", f"a {low.kind} is no quantity", "write a number with its unit")
        return PlanDraw(name, (), low, high, None)

    def _staircase(self, path: str, name: str, given: Staircase) -> PlanStaircase:
        start = self._names.constant(f"{path}.start", given.start)
        start_at = self._number(f"{path}.start", start)
        low = self._number(f"{path}.min", self._literal(f"{path}.min", given.min, start.kind))
        high = self._number(f"{path}.max", self._literal(f"{path}.max", given.max, start.kind))
        if not low <= start_at <= high:
            self._note(f"{path}.start", "it lies outside `min` and `max`", "move it, or them")
        steps = []
        for n, step in enumerate(given.steps):
            self._outcome(f"{path}.steps.{n}.outcome", step.outcome)
            by = self._number(f"{path}.steps.{n}.by", self._literal(f"{path}.steps.{n}.by", step.by, start.kind))
            steps.append(PlanStep(step.outcome, step.after, by))
        return PlanStaircase(name, start_at, low, high, tuple(steps))

    def _block(self, path: str, given: Block) -> PlanBlock:
        kinds = self._names.kinds
        until = None if given.until is None else self._expr(f"{path}.until", given.until, TRUTH, kinds)
        return PlanBlock(given.name, given.trials, until, self._assigns(f"{path}.set", given.set, kinds, parameters=True))

    def _reward(self, given: Reward) -> PlanReward:
        kind, factor = unit_in_name(given.argument)
        role, _, command = given.command.partition(".")
        amount = self._expr("reward.amount", given.amount, kind, self._names.kinds)
        args = self._arguments("reward.args", given.args, self._names.kinds)
        return PlanReward(role, command, given.argument, factor, kind, amount, args)

    def _max_reward(self, reward: PlanReward | None) -> float | None:
        given = self._document.limits.reward
        if given is None or reward is None:
            return None
        return self._number("limits.reward", self._literal("limits.reward", given, reward.kind))

    def _state(self, index: int, name: str, given: State) -> PlanState:
        path = f"states.{name}"
        kinds = self._names.kinds
        ways = tuple(self._way(f"{path}.transitions.{n}", n, each) for n, each in enumerate(given.transitions))
        heard: dict[str, tuple[Way, ...]] = {}
        for way in ways:
            if way.trigger in {"event", "command", "metric"}:
                key = f"{way.trigger}:{way.subject}"
                heard[key] = (*heard.get(key, ()), way)
        return PlanState(
            index,
            name,
            self._acts(f"{path}.enter", given.enter, kinds),
            self._acts(f"{path}.exit", given.exit, kinds),
            ways,
            tuple(way for way in ways if way.trigger == "after"),
            tuple(way for way in ways if way.trigger == "always"),
            heard,
        )

    def _way(self, path: str, index: int, given: Transition) -> Way:
        trigger, subject, kinds = self._trigger(given)
        after = None if given.after is None else self._expr(f"{path}.after", given.after, TIME, self._names.kinds)
        when = None if given.when is None else self._expr(f"{path}.when", given.when, TRUTH, kinds)
        if trigger == "always" and not (given.to or given.end):
            self._note(path, "without a trigger it must lead somewhere", "give it `to` or `end`")
        if given.end is not None:
            self._outcome(f"{path}.end", given.end)
        outcomes = (given.outcome,) if isinstance(given.outcome, str) else given.outcome or ()
        acts = self._acts(f"{path}.do", given.do, kinds)
        targets = self._targets(f"{path}.to", given, kinds)
        factor = metric_kind(subject, self._described(subject))[1] if trigger == "metric" else 1.0
        return Way(index, trigger, subject, frozenset(outcomes), after, when, acts, targets, given.end, factor)

    def _trigger(self, given: Transition) -> tuple[Trigger, str, Kinds]:
        kinds = self._names.kinds
        if given.event is not None:
            text = (given.when, given.to, [each.model_dump() for each in given.do])
            return "event", given.event, kinds | event_kinds(text, given.event, self._described(given.event))
        if given.metric is not None:
            return "metric", given.metric, kinds | {"value": metric_kind(given.metric, self._described(given.metric))[0]}
        if given.command is not None:
            return "command", given.command, kinds
        return ("always" if given.after is None else "after"), "", kinds

    def _targets(self, path: str, given: Transition, kinds: Kinds) -> tuple[tuple[int, Expression], ...]:
        if given.to is None:
            return ()
        if isinstance(given.to, str):
            return ((self._state_index(path, given.to), Expression("1", NUMBER, frozenset(), 1.0)),)
        return tuple(
            (self._state_index(f"{path}.{n}", n), self._expr(f"{path}.{n}", weight, NUMBER, kinds))
            for n, weight in given.to.items()
        )

    def _acts(self, path: str, given: Sequence[Action], kinds: Kinds) -> tuple[Act, ...]:
        return tuple(act for n, each in enumerate(given) for act in self._act(f"{path}.{n}", each, kinds))

    def _act(self, path: str, given: Action, kinds: Kinds) -> tuple[Act, ...]:
        if given.command is not None:
            role, _, name = given.command.partition(".")
            return (Say(role, name, self._arguments(f"{path}.args", given.args, kinds)),)
        if given.reward is not None:
            return self._give(f"{path}.reward", given.reward, kinds)
        if given.set is not None:
            return self._assigns(f"{path}.set", given.set, kinds, parameters=False)
        assert given.marker is not None
        return (Mark(given.marker),)

    def _give(self, path: str, given: Any, kinds: Kinds) -> tuple[Act, ...]:
        reward = self._document.reward
        if reward is None:
            self._note(path, "the protocol does not say how it rewards", "add `reward` with command, argument and amount")
            return ()
        wanted = unit_in_name(reward.argument)[0]
        return (Give(self._expr(path, reward.amount if given is True else given, wanted, kinds)),)

    def _arguments(self, path: str, given: Mapping[str, Any], kinds: Kinds) -> tuple[Argument, ...]:
        made = []
        for name, value in given.items():
            kind, factor = unit_in_name(name)
            expression = self._expr(f"{path}.{name}", value, None if kind == NUMBER else kind, kinds)
            made.append(Argument(name, expression, factor))
        return tuple(made)

    def _assigns(self, path: str, given: Mapping[str, Any], kinds: Kinds, *, parameters: bool) -> tuple[Assign, ...]:
        settable = {**self._document.variables, **(self._document.parameters if parameters else {})}
        made = []
        for name, value in given.items():
            if name not in settable:
                self._note(
                    f"{path}.{name}",
                    f"`{name}` cannot be set here",
                    f"declare it under `variables`; there are: {', '.join(settable)}",
                )
                continue
            made.append(Assign(name, self._expr(f"{path}.{name}", value, self._names.kinds[name], kinds)))
        return tuple(made)

    def _state_index(self, path: str, name: str) -> int:
        if name not in self._indices:
            self._note(path, f"there is no state `{name}`", f"there are: {', '.join(self._indices)}")
        return self._indices.get(name, 0)

    def _outcome(self, path: str, name: str) -> None:
        if name not in self._document.outcomes:
            self._note(path, f"there is no outcome `{name}`", f"there are: {', '.join(self._document.outcomes)}")

    def _described(self, member: str) -> Description | None:
        role = self._document.roles.get(member.partition(".")[0])
        return None if role is None else self._devices.get(role.type)


def _unit_hint(wanted: str) -> str:
    return {TIME: "write a time, as `2 s`", "volume": "write a volume, as `10 ul`", TRUTH: "write a comparison"}.get(
        wanted, f"write a {wanted}"
    )
