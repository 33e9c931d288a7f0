"""Whether a protocol fits the devices it is for: roles, commands, arguments, events, metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drivers.protocol import CommandSpec, Description
from drivers.schema import argument_errors
from lics_actors.experiment.document import Action, Protocol, Role
from lics_actors.experiment.naming import schema_kind
from lics_actors.experiment.plan import Act, Argument, Plan, PlanParameter, Say
from lics_actors.experiment.problems import Problem
from lics_actors.experiment.quantities import TEXT, TRUTH, UNKNOWN, told, unit_in_name

Use = tuple[str, str, str]  # path, what (commands, events, metrics), role.name


def misfits(document: Protocol, plan: Plan, devices: Mapping[str, Description]) -> list[Problem]:
    """Return where the protocol asks for what its roles or the devices do not offer."""
    found = [each for name, role in document.roles.items() for each in _role_misfits(f"roles.{name}", role, devices)]
    uses = list(used(document))
    found += [each for use in uses for each in _use_misfits(use, document)]
    found += [each for path, say in said(plan) for each in _argument_misfits(path, say, document, plan, devices)]
    named = {member.partition(".")[0] for _, _, member in uses}
    found += [
        Problem(f"roles.{name}", "nothing uses this role", "remove it, or use it", "warning")
        for name in document.roles
        if name not in named
    ]
    return found


def used(document: Protocol) -> Iterator[Use]:
    """Yield each command, event and metric that a protocol names, with its place."""
    if document.reward is not None:
        yield "reward.command", "commands", document.reward.command
    yield from _in_actions("safe", document.safe)
    for name, state in document.states.items():
        yield from _in_actions(f"states.{name}.enter", state.enter)
        yield from _in_actions(f"states.{name}.exit", state.exit)
        for n, way in enumerate(state.transitions):
            path = f"states.{name}.transitions.{n}"
            yield from _in_actions(f"{path}.do", way.do)
            for what, member in (("event", way.event), ("command", way.command), ("metric", way.metric)):
                if member is not None:
                    yield f"{path}.{what}", f"{what}s", member


def said(plan: Plan) -> Iterator[tuple[str, Say]]:
    """Yield each command that a plan says, with its place; the reward without its amount's value."""
    if plan.reward is not None:
        reward = plan.reward
        args = (*reward.args, Argument(reward.argument, reward.amount, reward.factor))
        yield "reward", Say(reward.role, reward.command, args)
    places: list[tuple[str, Sequence[Act]]] = [("safe", plan.safe)]
    for state in plan.states:
        places += [(f"states.{state.name}.enter", state.enter), (f"states.{state.name}.exit", state.exit)]
        places += [(f"states.{state.name}.transitions.{way.index}.do", way.acts) for way in state.ways]
    for path, acts in places:
        yield from ((f"{path}.{n}", act) for n, act in enumerate(acts) if isinstance(act, Say))


def _in_actions(path: str, actions: Sequence[Action]) -> Iterator[Use]:
    for n, action in enumerate(actions):
        if action.command is not None:
            yield f"{path}.{n}.command", "commands", action.command


def _role_misfits(path: str, role: Role, devices: Mapping[str, Description]) -> Iterator[Problem]:
    described = devices.get(role.type)
    if described is None:
        yield Problem(f"{path}.type", f"no device of type `{role.type}` is described", f"there are: {', '.join(devices)}")
        return
    for what in ("commands", "events", "metrics"):
        offered: Mapping[str, Any] = getattr(described, what)
        for n, name in enumerate(getattr(role, what)):
            if name not in offered:
                reason = f"a {role.type} has no {what[:-1]} `{name}`"
                yield Problem(f"{path}.{what}.{n}", reason, f"there are: {', '.join(offered)}")


def _use_misfits(use: Use, document: Protocol) -> Iterator[Problem]:
    path, what, member = use
    role, _, name = member.partition(".")
    if role not in document.roles:
        yield Problem(path, f"there is no role `{role}`", f"declare it under `roles`; there are: {', '.join(document.roles)}")
    elif name not in getattr(document.roles[role], what):
        yield Problem(path, f"the role `{role}` does not ask for the {what[:-1]} `{name}`", f"add it to `roles.{role}.{what}`")


def _argument_misfits(
    path: str, say: Say, document: Protocol, plan: Plan, devices: Mapping[str, Description]
) -> Iterator[Problem]:
    role = document.roles.get(say.role)
    described = None if role is None else devices.get(role.type)
    spec = None if described is None else described.commands.get(say.name)
    if spec is None:
        return
    given = {each.name: each for each in say.args}
    known: Mapping[str, Any] = spec.args.get("properties", {})
    for name in spec.args.get("required", []):
        if name not in given:
            yield Problem(path, f"`{say.role}.{say.name}` needs the argument `{name}`", "add it")
    for name, argument in given.items():
        if name not in known:
            yield Problem(
                f"{path}.args.{name}", f"`{say.role}.{say.name}` has no such argument", f"there are: {', '.join(known)}"
            )
        else:
            yield from _value_misfits(f"{path}.args.{name}", argument, spec, plan)


def _value_misfits(path: str, argument: Argument, spec: CommandSpec, plan: Plan) -> Iterator[Problem]:
    schema = spec.args["properties"][argument.name]
    wanted, kind = schema_kind(argument.name, schema), argument.value.kind
    if UNKNOWN not in {wanted, kind} and wanted != kind:
        yield Problem(path, f"`{argument.value.text}` is a {kind} where a {wanted} is needed", "see the device's description")
        return
    for value in extremes(argument, plan):
        told_value = value if argument.factor == 1.0 or isinstance(value, str | bool) else value / argument.factor
        whole = int(told_value) if isinstance(told_value, float) and told_value == int(told_value) else told_value
        for error in argument_errors({"type": "object", "properties": {argument.name: schema}}, {argument.name: whole}):
            shown = told(value, unit_in_name(argument.name)[0]) if kind not in {TEXT, TRUTH} else str(value)
            yield Problem(
                path, f"it can be {shown}, which the device refuses: {error['message']}", "change the value or its bounds"
            )


def extremes(argument: Argument, plan: Plan) -> list[Any]:
    """Return the values an argument can certainly have: its constant, or the bounds of the parameter it is."""
    if argument.value.node is None:
        return [argument.value.constant]
    parameter: PlanParameter | None = plan.parameters.get(argument.value.plain or "")
    if parameter is None:
        return []
    bounds = [each for each in (parameter.low, parameter.high) if each is not None]
    return list(parameter.choices) or bounds or [parameter.default.value]
