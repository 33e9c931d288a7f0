"""What people write: a protocol as a document, and its JSON Schema. Pure.

Texts where a value is expected are expressions (`expressions.py`); constants of `parameters`, `variables` and `draws` are
literals: numbers, `10 ul`, `true`, or plain text.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_STATES = 100
MAX_ITEMS = 100

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
Member = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}\.[A-Za-z][A-Za-z0-9_]{0,49}$", description="role.name")]
Value = Annotated[bool | float | str, Field(description="a constant, or an expression")]
Constant = Annotated[bool | float | str, Field(description="a number, a quantity as `10 ul`, true or false, or a text")]
CommandOutcome = Literal["succeeded", "failed", "rejected", "expired", "cancelled", "indeterminate"]


class Part(BaseModel):
    """Knows its fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_max_length=2_000)


class Role(Part):
    """A device that takes part, by what it must be and offer."""

    type: Annotated[str, Field(description="the device's type, as its `describe` says")]
    commands: Annotated[list[str], Field(max_length=50)] = []
    events: Annotated[list[str], Field(max_length=50)] = []
    metrics: Annotated[list[str], Field(max_length=50)] = []


class Parameter(Part):
    """What may be set for a run, within bounds; its kind and unit are those of `default`."""

    default: Constant
    min: Constant | None = None
    max: Constant | None = None
    choices: Annotated[list[Constant], Field(max_length=50)] = []
    about: str = ""


class Draw(Part):
    """Chance at the begin of a trial: one of `values` by weight, or a quantity between `min` and `max`."""

    values: Annotated[dict[str, Value], Field(max_length=50)] = {}
    min: Value | None = None
    max: Value | None = None
    max_run: Annotated[int, Field(ge=1, le=20, description="never more often in a row")] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Draw:
        if bool(self.values) == (self.min is not None or self.max is not None) or (self.min is None) != (self.max is None):
            raise ValueError("give `values` with their weights, or both `min` and `max`")
        if self.max_run is not None and len(self.values) < 2:
            raise ValueError("`max_run` needs two values at least")
        return self


class Step(Part):
    """A step of a staircase: after so many trials in a row with this outcome, by so much."""

    outcome: Name
    after: Annotated[int, Field(ge=1, le=100)] = 1
    by: Constant


class Staircase(Part):
    """A quantity that follows the subject."""

    start: Constant
    min: Constant
    max: Constant
    steps: Annotated[list[Step], Field(min_length=1, max_length=10)]


class Block(Part):
    """A stretch of trials, for which parameters and variables are set; over after `trials`, or when `until` holds after one."""

    name: Name
    trials: Annotated[int, Field(ge=1, le=100_000)] | None = None
    until: str | None = None
    set: Annotated[dict[Name, Value], Field(max_length=MAX_ITEMS)] = {}


class Reward(Part):
    """How this protocol rewards: by one command, whose argument is the amount."""

    command: Member
    argument: Name
    amount: Value
    args: dict[str, Value] = {}


class Limits(Part):
    """When the run ends, whatever else happens."""

    time: Constant
    trials: Annotated[int, Field(ge=1, le=100_000)]
    reward: Annotated[Constant, Field(description="of the whole run, manual ones included")] | None = None


class Action(Part):
    """One thing to do: a command, the reward, `set` of variables, or a marker."""

    command: Member | None = None
    args: dict[str, Value] = {}
    reward: Annotated[Value, Field(description="the amount; true: the amount of `reward`")] | None = None
    set: Annotated[dict[Name, Value], Field(max_length=20)] | None = None
    marker: Name | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Action:
        if sum(each is not None for each in (self.command, self.reward, self.set, self.marker)) != 1:
            raise ValueError("an action is exactly one of `command`, `reward`, `set` and `marker`")
        if self.args and self.command is None:
            raise ValueError("`args` belong to a `command`")
        return self


Actions = Annotated[list[Action], Field(max_length=20)]


class Transition(Part):
    """What ends a state, or is done within it.

    Its trigger is one of `event`, `command` (with `outcome`), `metric`, `after`; without one it is looked at on entry and after
    each thing done within the state. It leads `to` a state, or to one of several by weight, or to the `end` of the trial; with
    neither it only does what `do` says, and the state goes on.
    """

    event: Member | None = None
    command: Member | None = None
    outcome: Annotated[list[CommandOutcome], Field(min_length=1)] | CommandOutcome | None = None
    metric: Member | None = None
    after: Value | None = None
    when: str | bool | None = None
    do: Actions = []
    to: Name | Annotated[dict[Name, Value], Field(min_length=1, max_length=20)] | None = None
    end: Name | None = None

    @model_validator(mode="after")
    def _one_trigger(self) -> Transition:
        if sum(each is not None for each in (self.event, self.command, self.metric, self.after)) > 1:
            raise ValueError("a transition has one trigger: `event`, `command`, `metric` or `after`")
        if self.to is not None and self.end is not None:
            raise ValueError("a transition leads `to` a state or to the `end` of the trial, not both")
        if self.outcome is not None and self.command is None:
            raise ValueError("`outcome` belongs to a `command`")
        return self


class State(Part):
    """Where a trial is: what is done on entry and on leaving, and what leads out."""

    about: str = ""
    enter: Actions = []
    exit: Actions = []
    transitions: Annotated[list[Transition], Field(max_length=50)] = []


class Trial(Part):
    """Where each trial starts, and how long after the last one."""

    start: Name
    interval: Value = "0 s"


class Outcome(Part):
    """How a trial may end. `good`: what a subject that knows the task wants; nothing else depends on it."""

    good: bool = False
    about: str = ""


class Protocol(Part):
    """A protocol, version 1 of the language."""

    protocol: Literal[1]
    name: Name
    title: str
    about: str = ""
    roles: Annotated[dict[Name, Role], Field(min_length=1, max_length=20)]
    parameters: Annotated[dict[Name, Parameter], Field(max_length=MAX_ITEMS)] = {}
    variables: Annotated[dict[Name, Constant], Field(max_length=MAX_ITEMS)] = {}
    draws: Annotated[dict[Name, Draw], Field(max_length=MAX_ITEMS)] = {}
    staircases: Annotated[dict[Name, Staircase], Field(max_length=20)] = {}
    blocks: Annotated[list[Block], Field(max_length=MAX_ITEMS)] = []
    after_blocks: Literal["stay", "repeat", "finish"] = "stay"
    reward: Reward | None = None
    limits: Limits
    trial: Trial
    outcomes: Annotated[dict[Name, Outcome], Field(min_length=1, max_length=20)]
    states: Annotated[dict[Name, State], Field(min_length=1, max_length=MAX_STATES)]
    safe: Annotated[Actions, Field(description="said on pause, on abort, after a crash and at the end")] = []
    recovery: Literal["resume", "ask", "abort"] = "ask"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a protocol document."""
    schema = Protocol.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:lics:protocol:1", **schema}
