"""Runs as the API reads and says them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

import msgspec
from pydantic import ConfigDict, Field, model_validator

from lics_actors.run.messages import RunView
from lics_actors.store.run_reads import Note, Reward, Trial
from lics_actors.store.run_records import RunStepped
from lics_actors.store.runs import Run
from lics_actors.study.run_desk import Standing
from web.schemas.base import Answer, Body, Cursor, PageLimit, Query, Reason, UtcTime
from web.schemas.rigs import RIG
from web.schemas.subjects import SUBJECT

Value = bool | float | str
Parameters = Annotated[dict[str, Value], Field(max_length=100, description="as in a protocol: `12 ul`, `0.5`, `true`")]
WANTED: Final[dict[str, Any]] = {"rig_id": RIG, "protocol": "fixed_ratio", "subject_id": SUBJECT, "parameters": {"ratio": 3.0}}


class NewRunBody(Body):
    """A run to be: a protocol at a rig, with a subject or without."""

    model_config = ConfigDict(json_schema_extra={"examples": [WANTED]})
    rig_id: UUID
    protocol: Annotated[str, Field(min_length=1, max_length=255)] | None = Field(
        None, description="name or id; a classic's name, too; absent where an experiment says it"
    )
    number: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(None, description="of the version; the newest, if absent")
    subject_id: UUID | None = None
    roles: dict[str, str] = Field(default_factory=dict, max_length=20, description="protocol's role → rig's, where they differ")
    parameters: Parameters = Field(default_factory=dict)
    seed: Annotated[int, Field(ge=0, lt=2**62)] | None = Field(None, description="of all chance; drawn, if absent")
    experiment_id: UUID | None = Field(None, description="the subject's stage in it says protocol and parameters")
    stage: Annotated[int, Field(ge=0, lt=50)] | None = Field(None, description="another one, by your decision")
    force: Reason | None = Field(None, description="why it may begin though its version was not rehearsed: `run:override`")

    beyond_schedule: Reason | None = Field(
        None, description="why it may begin though its experiment has no session of the subject now: `run:override`"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.protocol is None) == (self.experiment_id is None):
            raise ValueError("give `protocol` or `experiment_id`")
        if self.experiment_id is not None and (self.subject_id is None or self.number is not None):
            raise ValueError("in an experiment a run has a subject, and its stage says the version")
        return self


class RunSteerBody(Body):
    """Why; an abort needs it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the mouse is asleep"}]})
    reason: Annotated[str, Field(max_length=500)] = ""


class NoteBody(Body):
    """What is to be kept with the run."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "door slammed"}]})
    text: Annotated[str, Field(min_length=1, max_length=2000)]


class GiveBody(Body):
    """How much to give by hand."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": "10 ul"}]})
    amount: str | float


class ParameterBody(Body):
    """A parameter's value from the next trial on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "ratio", "value": 5.0}]})
    name: Annotated[str, Field(min_length=1, max_length=50)]
    value: Value


class RunsQuery(Query):
    """Which runs."""

    subject: Annotated[UUID | None, Field(description="only those of this subject")] = None
    experiment: Annotated[UUID | None, Field(description="only those of this experiment")] = None
    rig: Annotated[UUID | None, Field(description="only those at this rig")] = None
    phase: Annotated[str | None, Field(max_length=32, description="only those in this phase")] = None
    unfinished: Annotated[bool | None, Field(description="only those that are not over, or are")] = None
    start: Annotated[UtcTime | None, Field(alias="from", description="ordered at this time or later")] = None
    end: Annotated[UtcTime | None, Field(alias="to", description="ordered before this time")] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class TrialsQuery(Query):
    """Which trials."""

    outcome: Annotated[str | None, Field(max_length=50)] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class StepsQuery(Query):
    """Which steps."""

    kind: Annotated[str | None, Field(max_length=32, description="of what was heard: DeviceSaid, PauseAsked …")] = None
    limit: PageLimit = 100
    cursor: Cursor = None


class RunPartQuery(Query):
    """Which page."""

    limit: PageLimit = 100
    cursor: Cursor = None


class RunNowView(Answer):
    """A run as its actor has it now; amounts in base units."""

    phase: str
    reason: str
    n: int = Field(description="steps recorded so far")
    at: float = Field(description="seconds on the run's axis")
    trial: int
    open: bool
    block: int
    rewarded: float
    outcomes: dict[str, int]
    pending: int
    parameters: dict[str, Any]
    devices: dict[str, str] = Field(description="role → the device's status in a word")
    holding: list[str] = Field(description="what keeps it paused by itself")
    last: str | None = Field(description="this trial is the last, and why")
    reaction_ms: dict[str, float]
    allowance_left: float | None = Field(description="of the subject's day; null: nobody set a limit")
    overdrawn: float = Field(description="given beyond the allowance, which was lowered after it")
    session_ends: datetime | None = Field(description="by the subject's limit; the protocol's own may come first")


class ShortRunView(Answer):
    """A run as recorded; amounts in base units."""

    id: UUID
    laboratory_id: UUID
    rig_id: UUID
    rig: str
    subject_id: UUID | None
    subject: str | None
    experiment_id: UUID | None
    stage: int | None
    protocol_version_id: UUID
    protocol: str
    protocol_number: int
    parameters: dict[str, Any] = Field(description="in base units, those that were given")
    seed: int
    unit: str = Field(description="base unit of its reward")
    principal: str
    forced: str | None = Field(description="why it began without a rehearsal")
    ordered_at: datetime
    opened_at: datetime | None = Field(description="the zero of its axis")
    phase: str
    why: str
    phase_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    n: int = Field(description="its newest step, -1 while there is none")
    trials: int
    outcomes: dict[str, int]
    commanded: float = Field(description="reward that was sent")
    confirmed: float = Field(description="reward that was said to be given")


class WholeRunView(ShortRunView):
    """A run as recorded, and as it is now."""

    now: RunNowView | None = Field(description="as its actor says; null: it is over, or its actor did not say")


class RunPage(Answer):
    """A page of runs, newest first."""

    items: list[ShortRunView]
    next: str | None = Field(description="cursor of the page after")


class TrialView(Answer):
    """A trial; `_s`: seconds on the run's axis."""

    number: int
    block: str
    drawn: dict[str, Any]
    began_at: datetime
    began_s: float
    outcome: str | None = Field(description="null: it is open; `interrupted`: cut short")
    reason: str
    rewarded: float
    ended_at: datetime | None
    ended_s: float | None


class TrialPage(Answer):
    """A page of trials, in order."""

    items: list[TrialView]
    next: str | None = Field(description="cursor of the page after")


class RewardView(Answer):
    """A reward, by the id of its command."""

    id: UUID
    trial: int
    n: int
    role: str
    amount: float
    principal: str | None = Field(description="whose hand it was; null: the protocol's")
    barred: str | None = Field(description="why it was not sent")
    time: datetime
    at_s: float
    outcome: str | None = Field(description="of its command; null: open")
    settled_at: datetime | None


class RewardPage(Answer):
    """A page of rewards, in order."""

    items: list[RewardView]
    next: str | None = Field(description="cursor of the page after")


class NoteView(Answer):
    """What somebody wrote down."""

    n: int
    time: datetime
    at_s: float
    principal: str
    text: str


class NotePage(Answer):
    """A page of annotations, in order."""

    items: list[NoteView]
    next: str | None = Field(description="cursor of the page after")


class RunStepView(Answer):
    """A step: what was heard, and what was decided."""

    n: int
    time: datetime
    event: dict[str, Any]
    effects: list[dict[str, Any]]
    barred: dict[str, str] = Field(description="commands among them that were not sent, and why")


class StepPage(Answer):
    """A page of steps, in order."""

    items: list[RunStepView]
    next: str | None = Field(description="cursor of the page after")


def run_view(row: Run) -> ShortRunView:
    """Return a run as recorded."""
    return ShortRunView.model_construct(**_of(row, ShortRunView))


def whole_run_view(standing: Standing) -> WholeRunView:
    """Return a run as recorded, and as it is now."""
    return WholeRunView.model_construct(**_of(standing.row, ShortRunView), now=now_view(standing.now))


def now_view(view: RunView | None) -> RunNowView | None:
    """Return a run as its actor has it."""
    if view is None:
        return None
    return RunNowView.model_construct(**_of(view, RunNowView) | {"holding": list(view.holding)})


def trial_view(row: Trial) -> TrialView:
    """Return a trial as the API says it."""
    return TrialView.model_construct(**_of(row, TrialView))


def reward_view(row: Reward) -> RewardView:
    """Return a reward as the API says it."""
    return RewardView.model_construct(**_of(row, RewardView))


def note_view(row: Note) -> NoteView:
    """Return an annotation as the API says it."""
    return NoteView.model_construct(**_of(row, NoteView))


def step_view(step: RunStepped) -> RunStepView:
    """Return a step as the API says it."""
    said = msgspec.to_builtins(step, str_keys=True)
    facts = {"n": step.n, "time": step.time, "event": said["event"], "effects": list(said.get("effects", ()))}
    return RunStepView.model_construct(**facts, barred=said.get("barred", {}))


def _of(row: object, model: type[Answer]) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in model.model_fields}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in found.items()}
