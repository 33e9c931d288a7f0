"""Commands as the API reads and says them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from pydantic import ConfigDict, Field

from lics_actors.device.messages import CommandState
from lics_actors.store.records import Command
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query, Reason, UtcTime
from web.schemas.devices import PUMP

COMMAND: Final = "7e0e9a52-55f5-4d1b-8f3c-2d3a5c0a4f10"
CommandName = Annotated[str, Field(min_length=1, max_length=100, examples=["dispense"])]


class CommandBody(Body):
    """What a device shall do."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "dispense", "args": {"volume_ul": 20.0}, "reason": "reward"}]}
    )
    name: CommandName
    args: Annotated[dict[str, Any], Field(description="as the device's `capabilities` say", examples=[{"volume_ul": 20.0}])] = (
        Field(default_factory=dict)
    )
    reason: Reason | None = None
    timeout_s: Annotated[float, Field(gt=0, le=3600, description="from acceptance to deadline")] = 5.0
    wait: Annotated[bool, Field(description="false: answer 202 as soon as the command is accepted")] = True
    wait_s: Annotated[float, Field(ge=0, le=60, description="how long to wait for the outcome before answering 202")] = 5.0


class CancelBody(Body):
    """Why a command is called off."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "wrong cage"}]})
    reason: Reason | None = None


class CommandQuery(Query):
    """Where to look for a command that is too young to be in the tables."""

    device_id: Annotated[
        UUID | None, Field(description="its device, as in `Location`; finds it at once and while the database is away")
    ] = None


class CommandsQuery(Query):
    """Which commands of a device, newest first."""

    state: CommandState | None = None
    name: Annotated[str | None, Field(max_length=100)] = None
    principal: Annotated[str | None, Field(max_length=100, description="who asked for it, like user:admin")] = None
    since: UtcTime | None = None
    until: UtcTime | None = None
    limit: PageLimit = 100
    cursor: Cursor = None


class StepView(Answer):
    """One step of a command's life."""

    state: CommandState
    time: datetime
    result: Any = Field(None, description="what the device answered")
    error: str | None = None
    ledger_seq: int | None = Field(None, description="its place in the device's own ledger")


class CommandView(Answer):
    """A command with everything that happened to it."""

    id: UUID = Field(examples=[COMMAND])
    device_id: UUID = Field(examples=[PUMP])
    name: CommandName
    args: dict[str, Any]
    state: CommandState = Field(description="where it stands", examples=["succeeded"])
    result: Any = Field(None, description="of the present state")
    error: str | None = Field(None, description="of the present state")
    principal: str = Field(examples=["user:admin"])
    reason: str | None = None
    run_id: UUID | None = None
    trial_id: UUID | None = None
    idempotent: bool
    actuates: bool
    epoch: int | None = Field(None, description="the device's boot it was dispatched in")
    accepted_at: datetime
    deadline: datetime
    steps: list[StepView] = Field(description="oldest first")


class CommandPage(Answer):
    """A page of commands, newest first."""

    items: list[CommandView]
    next: str | None = Field(description="cursor of the page after")


def command_view(command: Command) -> CommandView:
    """Return a command as the API says it."""
    last = command.steps[-1]
    return CommandView.model_construct(
        id=command.command_id,
        device_id=command.device_id,
        name=command.name,
        args=command.args,
        state=command.state,
        result=last.result,
        error=last.error,
        principal=command.principal,
        reason=command.reason,
        run_id=command.run_id,
        trial_id=command.trial_id,
        idempotent=command.idempotent,
        actuates=command.actuates,
        epoch=command.epoch,
        accepted_at=command.accepted_at,
        deadline=command.deadline,
        steps=[
            StepView.model_construct(
                state=step.state, time=step.time, result=step.result, error=step.error, ledger_seq=step.ledger_seq
            )
            for step in command.steps
        ],
    )


def command_json(command: Command) -> bytes:
    """Return `command_view` as JSON, in a third of the time: commands in a closed loop wait for it."""
    last = command.steps[-1]
    return msgspec.json.encode(
        {
            "id": command.command_id,
            "device_id": command.device_id,
            "name": command.name,
            "args": command.args,
            "state": command.state,
            "result": last.result,
            "error": last.error,
            "principal": command.principal,
            "reason": command.reason,
            "run_id": command.run_id,
            "trial_id": command.trial_id,
            "idempotent": command.idempotent,
            "actuates": command.actuates,
            "epoch": command.epoch,
            "accepted_at": command.accepted_at,
            "deadline": command.deadline,
            "steps": [
                {"state": s.state, "time": s.time, "result": s.result, "error": s.error, "ledger_seq": s.ledger_seq}
                for s in command.steps
            ],
        }
    )
