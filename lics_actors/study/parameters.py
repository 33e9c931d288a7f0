"""Parameters of a run as people give them, in base units. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lics_actors.errors import InvalidError
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import literal


def base_units(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters in base units; `12 ul`, `0.5`, `true` and texts mean what they mean in a protocol.

    Raises:
        InvalidError: one is unknown, of another kind, or outside its bounds; `fields` says which.
    """
    found: dict[str, Any] = {}
    faults: list[dict[str, str]] = []
    for name, said in given.items():
        value, fault = _value(plan, name, said)
        if fault is None:
            found[name] = value
        else:
            faults.append({"field": f"parameters.{name}", "message": fault})
    if faults:
        raise InvalidError("these parameters do not fit the protocol; see fields", tuple(faults))
    return found


def _value(plan: Plan, name: str, said: Any) -> tuple[Any, str | None]:
    if name not in plan.parameters:
        return None, f"there is no parameter {name!r}; there are: {', '.join(plan.parameters)}"
    if not isinstance(said, bool | int | float | str):
        return None, "is no number, quantity, truth or text"
    try:
        value = literal({"true": True, "false": False}.get(said, said) if isinstance(said, str) else said)
    except ValueError as error:
        return None, str(error)
    wanted = plan.parameters[name].default.kind
    if value.kind != wanted:
        return None, f"is a {value.kind} where a {wanted} is needed"
    return value.value, plan.parameters[name].fault(value.value)
