"""What a device can do, as JSON: in `describe`, in the twin and in `device.capabilities`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.protocol import CommandSpec, Description, EventSpec, MetricSpec


def description_json(description: Description) -> dict[str, Any]:
    """Return a description as the JSON object of `describe` (contracts.md, section 1), without its `schema` number."""
    return {
        "type": description.type,
        "firmware": description.firmware,
        "metrics": {name: _metric_json(metric) for name, metric in description.metrics.items()},
        "commands": {name: _command_json(command) for name, command in description.commands.items()},
        "events": {name: {"data": dict(event.data)} for name, event in description.events.items()},
    }


def description_of(document: Mapping[str, Any]) -> Description:
    """Return the description that `description_json` wrote.

    Raises:
        KeyError, TypeError, AttributeError: it is another document.
    """
    return Description(
        type=document["type"],
        firmware=document["firmware"],
        metrics={name: MetricSpec(**metric) for name, metric in document.get("metrics", {}).items()},
        commands={name: CommandSpec(**command) for name, command in document.get("commands", {}).items()},
        events={name: EventSpec(**event) for name, event in document.get("events", {}).items()},
    )


def _command_json(command: CommandSpec) -> dict[str, Any]:
    told = {"args": dict(command.args), "idempotent": command.idempotent, "actuates": command.actuates}
    return told | {name: True for name in ("holds", "releases") if getattr(command, name)}


def _metric_json(metric: MetricSpec) -> dict[str, Any]:
    bounds = {"min": metric.min, "max": metric.max}
    return {"unit": metric.unit} | {name: bound for name, bound in bounds.items() if bound is not None}
