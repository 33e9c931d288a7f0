"""What an experiment plans: stages and what leads from one to the next, its subjects, and when they have their turns. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lics_actors.errors import InvalidError

Status = Literal["draft", "active", "paused", "done"]
Clock = Annotated[str, Field(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:30"])]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
MAX_STAGES = 50
MAX_SUBJECTS = 500


class Planned(BaseModel):
    """Knows its fields and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Criterion(Planned):
    """Holds when each of the last `runs` in the stage had `trials` at least, and its share of `outcome` was `share` at least
    (`most`: at most). `outcome` absent: the outcomes that the protocol calls good."""

    runs: Annotated[int, Field(ge=1, le=100)] = 1
    trials: Annotated[int, Field(ge=1, le=100_000)] = 1
    outcome: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")] | None = None
    share: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    most: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.share is None) == (self.most is None):
            raise ValueError("give `share` (at least) or `most` (at most)")
        return self


class Stage(Planned):
    """What is run in a stage. `good`: the outcomes that count as good, read from the protocol when the plan is kept."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
    protocol_version_id: UUID
    parameters: Annotated[dict[str, bool | float | str], Field(max_length=100)] = {}
    advance: Criterion | None = None
    back: Criterion | None = None


class Window(Planned):
    """When sessions may begin, by the clock of the schedule's zone; over midnight where `end` is not later than `begin`."""

    begin: Clock
    end: Clock
    days: Annotated[list[Day], Field(min_length=1, max_length=7)] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Schedule(Planned):
    """When subjects have their turns. `a_day`: a subject has no more runs in a day; absent: one where there are windows, else any
    number. `missed`: what becomes of a session that did not begin in its window; `rigs`: subject → rig, for those that are to run
    by the clock; `readers`: subject → RFID reader, at which it begins its sessions itself."""

    zone: str = "UTC"
    windows: Annotated[list[Window], Field(max_length=50)] = []
    a_day: Annotated[int, Field(ge=1, le=100)] | None = None
    missed: Literal["skip", "late", "ask"] = "ask"
    rigs: Annotated[dict[UUID, UUID], Field(max_length=MAX_SUBJECTS)] = {}
    readers: Annotated[dict[UUID, UUID], Field(max_length=MAX_SUBJECTS)] = {}

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {zone!r}") from None
        return zone

    @property
    def most_a_day(self) -> int | None:
        """Return how many runs a subject has in a day at most; None: any number."""
        return self.a_day or (1 if self.windows else None)


class ExperimentPlan(Planned):
    """All that an experiment plans. `subjects` in the order of their turns."""

    stages: Annotated[list[Stage], Field(min_length=1, max_length=MAX_STAGES)]
    subjects: Annotated[list[UUID], Field(max_length=MAX_SUBJECTS)] = []
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [each.name for each in self.stages]
        if len(set(names)) != len(names):
            raise ValueError("two stages have the same name")
        if len(set(self.subjects)) != len(self.subjects):
            raise ValueError("a subject is named twice")
        if self.stages[0].back is not None or self.stages[-1].advance is not None:
            raise ValueError("there is nothing before the first stage and nothing after the last")
        strangers = (self.schedule.rigs.keys() | self.schedule.readers.keys()) - set(self.subjects)
        if strangers:
            raise ValueError(f"the schedule names subjects that do not take part: {', '.join(sorted(map(str, strangers)))}")
        return self

    def document(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return self.model_dump(mode="json", exclude_none=True)


def read_plan(said: Any) -> ExperimentPlan:
    """Return the plan that a document says.

    Raises:
        InvalidError: `fields` says where it breaks a rule.
    """
    try:
        return ExperimentPlan.model_validate(said)
    except ValidationError as error:
        faults = tuple(
            {"field": ".".join(str(step) for step in each["loc"]) or "plan", "message": each["msg"]}
            for each in error.errors(include_url=False, include_input=False)[:50]
        )
        raise InvalidError("this is no plan; see fields", faults) from None
