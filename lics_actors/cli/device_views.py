"""Devices, commands and telemetry as tables for people and documents for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from lics_actors.device.messages import CommandState, DeviceTwin
from lics_actors.store.records import Command
from lics_actors.store.rows import DeviceRow, TelemetryPoint

COLOURS = {
    "online": "green",
    "connecting": "cyan",
    "offline": "dim",
    "stale": "yellow",
    "degraded": "yellow",
    "maintenance": "yellow",
    "quarantined": "bold red",
    "fault": "bold red",
    "tripped": "bold red",
    "retired": "dim",
}
BAD = frozenset({CommandState.FAILED, CommandState.REJECTED, CommandState.EXPIRED, CommandState.CANCELLED})


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _status(word: str) -> Text:
    return Text(word, COLOURS.get(word, ""))


def _moment(time: datetime | None) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}.{time.microsecond // 1000:03}" if time else ""


def devices_table(rows: Sequence[DeviceRow]) -> Table:
    """Return a list of devices."""
    table = _table("name", "type", "driver", "status", "location", "id")
    for row in rows:
        names = (Text(row.name, "bold"), row.type, Text(row.driver), _status(row.status), Text(row.location or ""))
        table.add_row(*names, str(row.id))
    return table


def device_document(
    row: DeviceRow, twin: DeviceTwin | None = None, latest: Mapping[str, TelemetryPoint] | None = None
) -> dict[str, Any]:
    """Return a device as JSON; `now` is what its actor says, where it was asked."""
    document: dict[str, Any] = msgspec.to_builtins({**dataclasses.asdict(row), "status": row.status})
    if latest is not None:
        document["latest"] = {name: {"time": each.time.isoformat(), "value": each.value} for name, each in latest.items()}
    if latest is not None or twin is not None:
        document["now"] = None if twin is None else msgspec.to_builtins({**dataclasses.asdict(twin), "status": twin.status})
    return document


def device_facts(row: DeviceRow, twin: DeviceTwin | None, latest: Mapping[str, TelemetryPoint] | None = None) -> Table:
    """Return all about one device."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")

    def add(label: str, value: object) -> None:
        if value is not None and value != "":
            table.add_row(label, value if isinstance(value, Text) else Text(str(value)))

    add("name", Text(row.name, "bold"))
    add("id", str(row.id))
    add("type", f"{row.type}, speaks {row.driver}")
    add("location", row.location)
    add("status", _status(twin.status if twin else row.status))
    add("link", f"{twin.link} since {_moment(twin.since)}" if twin else row.link.value)
    add("reason", twin.reason if twin else row.reason)
    add("last seen", _moment(twin.last_seen) if twin else None)
    add("boot", twin.epoch if twin else row.epoch)
    add("waiting", f"{twin.queued_commands} commands" if twin and twin.queued_commands else None)
    add("rejected", f"{twin.rejected_payloads} payloads" if twin and twin.rejected_payloads else None)
    add("settings", json.dumps(row.settings, ensure_ascii=False) if row.settings else None)
    add("commands", _commands((twin.description if twin else None) or row.capabilities))
    for name, value, time in _readings(twin, latest):
        add(name, f"{value:g}   {_moment(time)}")
    return table


def _readings(twin: DeviceTwin | None, latest: Mapping[str, TelemetryPoint] | None) -> list[tuple[str, float, datetime]]:
    found = {name: (each.value, each.time) for name, each in (latest or {}).items()}
    found |= {name: (each.value, each.time) for name, each in (twin.metrics if twin else {}).items()}
    return [(name, *found[name]) for name in sorted(found)]


def _commands(description: Mapping[str, Any]) -> str:
    commands = description.get("commands")
    if not isinstance(commands, Mapping):
        return ""
    said = []
    for name, spec in sorted(commands.items()):
        schema = spec.get("args", {}) if isinstance(spec, Mapping) else {}
        wanted = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
        said.append(" ".join([str(name), *(f"{key}=…" for key in wanted)]))
    return ", ".join(said)


def command_document(command: Command) -> dict[str, Any]:
    """Return a command as JSON, with every state and its time."""
    document: dict[str, Any] = msgspec.to_builtins(command)
    return document | {"state": command.state.value}


def command_table(command: Command) -> Table:
    """Return a command's life, a line a state."""
    table = _table("state", "at", "after", "")
    table.title = Text(f"{command.name}  {command.command_id}")
    table.title_justify = "left"
    for step in command.steps:
        colour = "green" if step.state is CommandState.SUCCEEDED else "red" if step.state in BAD else ""
        colour = "yellow" if step.state is CommandState.INDETERMINATE else colour
        after = f"{(step.time - command.accepted_at).total_seconds() * 1000:.1f} ms"
        said = step.error or ("" if step.result is None else json.dumps(step.result, ensure_ascii=False))
        table.add_row(Text(step.state.value, colour), _moment(step.time), after, Text(said))
    return table


def telemetry_table(points: Sequence[TelemetryPoint]) -> Table:
    """Return values, a line each."""
    table = _table("time", "metric", "value")
    table.columns[2].justify = "right"
    for point in points:
        table.add_row(_moment(point.time), Text(point.metric), f"{point.value:g}")
    return table
