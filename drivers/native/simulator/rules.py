"""What a device does with a command that arrives: the rules of contracts.md, section 1. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drivers.protocol import AckState, Description, OutgoingCommand
from drivers.schema import argument_errors


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger knows of a command it has taken."""

    state: AckState
    result: Any
    error: str | None
    ledger_seq: int


@dataclass(frozen=True, slots=True)
class Accept:
    """Execute it."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """It was taken before: answer with what became of it."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer `rejected`."""

    error: str


Verdict = Accept | Repeat | Refuse


def judge(command: OutgoingCommand, entry: Entry | None, description: Description, epoch: int, now: datetime) -> Verdict:
    """Return what to do with a command: the ledger is asked first, so that a repeat always learns what happened."""
    if entry is not None:
        return Repeat(entry)
    if command.deadline <= now:
        return Refuse("expired")
    if command.epoch is not None and command.epoch != epoch:
        return Refuse("stale_epoch")
    spec = description.commands.get(command.name)
    if spec is None:
        return Refuse("unknown_command")
    errors = argument_errors(spec.args, command.args)
    if errors:
        return Refuse("invalid_arguments: " + "; ".join(f"{each['field']} {each['message']}" for each in errors)[:900])
    return Accept()
