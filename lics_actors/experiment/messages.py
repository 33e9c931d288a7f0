"""What a run hears and what it does about it: the events and effects of the engine. Pure.

Every event carries its time: seconds on the run's own axis, real or virtual. Together with the run's id, seed and parameters the
events are the whole record: fed to `reduce` again they give the same effects (`replay.py`).
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

Phase = Literal[
    "draft", "validated", "scheduled", "arming", "running", "paused", "finishing",
    "interrupted", "recovering", "completed", "stopped", "aborted", "failed",
]  # fmt: skip
OVER: frozenset[str] = frozenset({"completed", "stopped", "aborted", "failed"})


class Validated(Struct, frozen=True, tag=True):
    """The protocol was checked against the rig."""

    at: float


class Scheduled(Struct, frozen=True, tag=True):
    """The run has its place in time."""

    at: float


class Arming(Struct, frozen=True, tag=True):
    """Devices are being reserved and looked at."""

    at: float


class Armed(Struct, frozen=True, tag=True):
    """All devices are ready: trials begin."""

    at: float


class DeviceSaid(Struct, frozen=True, tag=True):
    """A device reported an event."""

    at: float
    role: str
    event: str
    data: dict[str, Any] = {}


class MetricSaid(Struct, frozen=True, tag=True):
    """A device reported a value, in the unit its `describe` says."""

    at: float
    role: str
    metric: str
    value: float


class CommandSettled(Struct, frozen=True, tag=True):
    """A command reached a terminal state; `indeterminate` may be followed by another."""

    at: float
    command_id: UUID
    outcome: Literal["succeeded", "failed", "rejected", "expired", "cancelled", "indeterminate"]


class TimerFired(Struct, frozen=True, tag=True):
    """A timer that was set is due. One that was cancelled in between changes nothing."""

    at: float
    timer: str


class PauseAsked(Struct, frozen=True, tag=True):
    """An operator or an interlock wants silence."""

    at: float
    by: str
    reason: str = ""


class ResumeAsked(Struct, frozen=True, tag=True):
    """An operator lets a paused or recovered run go on."""

    at: float
    by: str


class StopAsked(Struct, frozen=True, tag=True):
    """An operator wants the run to end after this trial."""

    at: float
    by: str
    reason: str = ""


class SessionOver(Struct, frozen=True, tag=True):
    """The subject's session has lasted as long as it may."""

    at: float
    reason: str


class AbortAsked(Struct, frozen=True, tag=True):
    """An operator wants the run to end now."""

    at: float
    by: str
    reason: str = ""


class Annotated(Struct, frozen=True, tag=True):
    """An operator wrote something down."""

    at: float
    by: str
    text: str


class RewardAsked(Struct, frozen=True, tag=True):
    """An operator gives a reward by hand; `amount` in base units."""

    at: float
    by: str
    amount: float


class ParameterAsked(Struct, frozen=True, tag=True):
    """An operator changes a parameter, from the next trial; `value` in base units."""

    at: float
    by: str
    name: str
    value: float | str | bool


class Recovered(Struct, frozen=True, tag=True):
    """Whoever drove this run died; here is its successor."""

    at: float


class Broken(Struct, frozen=True, tag=True):
    """The run cannot go on: a device is lost, arming failed."""

    at: float
    reason: str


Event = (
    Validated | Scheduled | Arming | Armed | DeviceSaid | MetricSaid | CommandSettled | TimerFired | PauseAsked | ResumeAsked
    | StopAsked | SessionOver | AbortAsked | Annotated | RewardAsked | ParameterAsked | Recovered | Broken
)  # fmt: skip


class SendCommand(Struct, frozen=True, tag=True):
    """Say a command. `id` derives from run, trial and ordinal: said again it is the same. `reward`: the amount, in base units."""

    id: UUID
    role: str
    name: str
    args: dict[str, Any]
    trial: int
    reward: float | None = None


class SetTimer(Struct, frozen=True, tag=True):
    """Fire this timer at `due`, on the run's axis."""

    timer: str
    due: float


class CancelTimer(Struct, frozen=True, tag=True):
    """Forget this timer."""

    timer: str


class PhaseChanged(Struct, frozen=True, tag=True):
    """The run is now in this phase."""

    phase: Phase
    reason: str = ""


class TrialBegan(Struct, frozen=True, tag=True):
    """A trial begins, with what was drawn for it."""

    trial: int
    block: str
    drawn: dict[str, Any]


class StateEntered(Struct, frozen=True, tag=True):
    """The trial is in this state. `way`: index of the transition that led here, of the state before; None at its start."""

    trial: int
    state: str
    entry: int
    came_from: str | None = None
    way: int | None = None


class WayTaken(Struct, frozen=True, tag=True):
    """A transition did something and left the trial in its state, or ended it."""

    trial: int
    state: str
    way: int


class Marked(Struct, frozen=True, tag=True):
    """A marker."""

    trial: int
    name: str


class TrialEnded(Struct, frozen=True, tag=True):
    """A trial is over. `interrupted` is the outcome of one that was cut short; `reason` says by what."""

    trial: int
    outcome: str
    rewarded: float
    reason: str = ""


class StaircaseMoved(Struct, frozen=True, tag=True):
    """A staircase went a step."""

    name: str
    value: float


class BlockBegan(Struct, frozen=True, tag=True):
    """Another block."""

    index: int
    name: str


class RewardRefused(Struct, frozen=True, tag=True):
    """A reward was not given, and why."""

    trial: int
    amount: float
    reason: str


class Noted(Struct, frozen=True, tag=True):
    """An operator's word, kept with the run."""

    by: str
    text: str


class AskRefused(Struct, frozen=True, tag=True):
    """What an operator asked for cannot be done, and why."""

    by: str
    reason: str


class ParameterSet(Struct, frozen=True, tag=True):
    """A parameter has a new value from this trial on."""

    name: str
    value: float | str | bool


Effect = (
    SendCommand | SetTimer | CancelTimer | PhaseChanged | TrialBegan | StateEntered | WayTaken | Marked | TrialEnded
    | StaircaseMoved | BlockBegan | RewardRefused | Noted | AskRefused | ParameterSet
)  # fmt: skip
