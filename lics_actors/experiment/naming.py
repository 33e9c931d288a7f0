"""The names that expressions of a protocol may read, and the kinds of their values. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from drivers.protocol import Description
from lics_actors.experiment.document import Draw, Protocol
from lics_actors.experiment.problems import Problem
from lics_actors.experiment.quantities import NUMBER, TEXT, TIME, TRUTH, UNKNOWN, Literal, literal, unit_in_name, unit_of

RESERVED = frozenset({"session", "trial", "block", "count", "block_count", "streak", "event", "value", "unit"})
RESERVED_FUNCTIONS = frozenset(
    {"abs", "min", "max", "round", "floor", "and", "or", "not", "if", "else", "in", "is", "true", "false"}
)
BUILTIN: Mapping[str, str] = {
    "session.trials": NUMBER,
    "session.time": TIME,
    "trial.number": NUMBER,
    "trial.time": TIME,
    "block.index": NUMBER,
    "block.trials": NUMBER,
    "block.time": TIME,
}
TALLIES = ("count", "block_count", "streak")
_EVENT = re.compile(r"\bevent\.([A-Za-z_][A-Za-z0-9_]*)")


class Names:
    """Collects what a protocol declares; `problems` tells what cannot be read."""

    def __init__(self, document: Protocol, reward_kind: str) -> None:
        self.problems: list[Problem] = []
        self.kinds: dict[str, str] = dict(BUILTIN) | {"session.reward": reward_kind}
        self.kinds |= {f"{tally}.{outcome}": NUMBER for tally in TALLIES for outcome in document.outcomes}
        for path, name, kind in self._declared(document):
            self._declare(path, name, kind)

    def constant(self, path: str, given: float | str | bool) -> Literal:
        """Return a constant; where it cannot be read, note it and return 0."""
        try:
            return literal(given)
        except ValueError as error:
            self.problems.append(Problem(path, str(error), "write a unit that is in the list"))
            return Literal(0.0, NUMBER)

    def _declared(self, document: Protocol) -> list[tuple[str, str, str]]:
        found = [
            (f"parameters.{n}", n, self.constant(f"parameters.{n}.default", p.default).kind)
            for n, p in document.parameters.items()
        ]
        found += [(f"variables.{n}", n, self.constant(f"variables.{n}", v).kind) for n, v in document.variables.items()]
        found += [(f"draws.{n}", n, self._draw_kind(f"draws.{n}", draw)) for n, draw in document.draws.items()]
        found += [
            (f"staircases.{n}", n, self.constant(f"staircases.{n}.start", s.start).kind) for n, s in document.staircases.items()
        ]
        return found

    def _draw_kind(self, path: str, draw: Draw) -> str:
        if not draw.values:
            return UNKNOWN
        kinds = {self.constant(f"{path}.values.{each}", each).kind for each in draw.values}
        if len(kinds) > 1:
            self.problems.append(
                Problem(f"{path}.values", f"they are of several kinds: {', '.join(sorted(kinds))}", "make them one")
            )
        return min(kinds)

    def _declare(self, path: str, name: str, kind: str) -> None:
        if name in RESERVED or name in RESERVED_FUNCTIONS:
            self.problems.append(Problem(path, f"`{name}` is a word of the language", "choose another name"))
        elif name in self.kinds:
            self.problems.append(Problem(path, f"`{name}` is declared twice", "rename one of them"))
        self.kinds[name] = kind


def event_kinds(text: object, event: str, description: Description | None) -> dict[str, str]:
    """Return the kinds of an event's fields: as its schema says, or unknown ones where the device says nothing."""
    name = event.partition(".")[2]
    if description is None or name not in description.events:
        return {f"event.{each}": UNKNOWN for each in _EVENT.findall(str(text))}
    return {
        f"event.{each}": schema_kind(each, schema) for each, schema in description.events[name].data.get("properties", {}).items()
    }


def metric_kind(metric: str, description: Description | None) -> tuple[str, float]:
    """Return a metric's kind, and the base units in its unit."""
    name = metric.partition(".")[2]
    known = description.metrics.get(name) if description is not None else None
    if known is None:
        return unit_in_name(name)
    try:
        return unit_of(known.unit)
    except ValueError:
        return NUMBER, 1.0


def schema_kind(name: str, schema: Mapping[str, Any]) -> str:
    """Return the kind of value that a field of that name and JSON Schema holds."""
    told = schema.get("type")
    for each in told if isinstance(told, list) else [told]:
        if each == "string":
            return TEXT
        if each == "boolean":
            return TRUTH
        if each in {"number", "integer"}:
            return unit_in_name(name)[0]
    return UNKNOWN
