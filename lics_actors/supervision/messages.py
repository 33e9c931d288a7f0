"""What a supervision policy is told (events) and what it asks for (effects), and the specifications of both. Pure.

Times are seconds of any clock that never runs backwards; `luck` is a random number in [0, 1) for the backoff's jitter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lics_actors.supervision.specs import ChildSpec, Hold

SYSTEM = "system:fleet"  # the principal of what supervisors do on their own


class TimerKind(StrEnum):
    """What a timer is for."""

    BEGIN = "begin"
    STOP = "stop"
    KILL = "kill"
    RESTART = "restart"
    SWEEP = "sweep"  # ping everybody who owes nothing, judge those who do
    LOOK = "look"  # at the heartbeats


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer's identity; one that comes for an older incarnation or another phase is ignored, so none is ever cancelled."""

    kind: TimerKind
    child: str = ""
    incarnation: int = 0


# Events ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChildAdded:
    """There is one more child; it starts after those before it. Known names are left as they are. `hold`: an earlier supervisor
    kept it down, and so does this one."""

    spec: ChildSpec
    now: float
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class ChildRemoved:
    """A child is no longer wanted."""

    name: str
    now: float
    reason: str = "removed"


@dataclass(frozen=True, slots=True)
class ChildBegun:
    """An incarnation is at work."""

    name: str
    incarnation: int
    now: float


@dataclass(frozen=True, slots=True)
class ChildBeginFailed:
    """An incarnation could not begin. It counts as a death once its exit is confirmed."""

    name: str
    incarnation: int
    reason: str
    now: float


@dataclass(frozen=True, slots=True)
class ChildExited:
    """The process of an incarnation is gone. `normal`: it ended on its own and in order. May come twice."""

    name: str
    incarnation: int
    now: float
    luck: float
    normal: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChildHung:
    """An incarnation lives and does not answer, found by other means than the policy's own pings."""

    name: str
    incarnation: int
    now: float
    reason: str = "hung"


@dataclass(frozen=True, slots=True)
class Ponged:
    """An incarnation answered the ping of this serial."""

    name: str
    incarnation: int
    serial: int
    now: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a child's heartbeats say: when its thread and its loop last were alive, and since when its thread is in one handler.
    By the supervisor's clock; 0 where there is none."""

    thread_at: float = 0.0
    loop_at: float = 0.0
    busy_since: float = 0.0


@dataclass(frozen=True, slots=True)
class PulsesSeen:
    """The heartbeats of the present incarnations, as asked for with `LookAtPulses`."""

    pulses: Mapping[str, Pulse]
    now: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process holds: memory of its own (what it has beyond what it was forked with) and open files."""

    own_bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class UsagesSeen:
    """What the present incarnations hold, as asked for with `LookAtUsages`."""

    usages: Mapping[str, Usage]
    now: float


@dataclass(frozen=True, slots=True)
class OperatorRestart:
    """A person wants a child restarted, whatever state it is in; its past is forgiven."""

    name: str
    principal: str
    reason: str | None
    now: float


@dataclass(frozen=True, slots=True)
class OperatorClear:
    """A person lifts a quarantine or a drain; without one nothing happens."""

    name: str
    principal: str
    reason: str | None
    now: float


@dataclass(frozen=True, slots=True)
class OperatorDrain:
    """A person puts a child out of work: it is stopped in order and stays down until it is cleared or restarted."""

    name: str
    principal: str
    reason: str | None
    now: float


@dataclass(frozen=True, slots=True)
class OperatorQuarantine:
    """A person gives a child up: as a drain, with the alarm of one that was restarted too often."""

    name: str
    principal: str
    reason: str | None
    now: float


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer asked for with `SetTimer` is due."""

    timer: Timer
    now: float


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The supervisor itself is to stop: all children, in reverse order, for good."""

    now: float
    reason: str = "stop"


Event = (
    ChildAdded
    | ChildRemoved
    | ChildBegun
    | ChildBeginFailed
    | ChildExited
    | ChildHung
    | Ponged
    | PulsesSeen
    | UsagesSeen
    | OperatorRestart
    | OperatorClear
    | OperatorDrain
    | OperatorQuarantine
    | TimerFired
    | StopRequested
)

# Effects --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start this incarnation; answer with ChildBegun, ChildBeginFailed or ChildExited."""

    name: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class StopChild:
    """Ask it to end; answer with ChildExited."""

    name: str
    incarnation: int
    reason: str


@dataclass(frozen=True, slots=True)
class KillChild:
    """Make it end (SIGKILL), or find that it is gone; answer with ChildExited. Comes again until that is confirmed. `hung`:
    ask it first where it hangs, for the report."""

    name: str
    incarnation: int
    reason: str
    hung: bool = False


@dataclass(frozen=True, slots=True)
class PingChild:
    """Ping it; answer with Ponged."""

    name: str
    incarnation: int
    serial: int


@dataclass(frozen=True, slots=True)
class LookAtPulses:
    """Look at the heartbeats of all who run; answer with PulsesSeen."""


@dataclass(frozen=True, slots=True)
class LookAtUsages:
    """Look at what all who run hold; answer with UsagesSeen."""


@dataclass(frozen=True, slots=True)
class ForgetChild:
    """It is gone and no child any more."""

    name: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Answer with TimerFired after `after_s`."""

    timer: Timer
    after_s: float


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """Something needs a person."""

    name: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class ClearAlarm:
    """The condition of an alarm is gone."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """Something that belongs into the record: started, restarted, exited, hung, quarantined, cleared, stopped …"""

    name: str
    kind: str
    principal: str = SYSTEM
    reason: str | None = None
    incarnation: int = 0


@dataclass(frozen=True, slots=True)
class ReportStopped:
    """All children are gone; the supervisor may end."""


Effect = (
    StartChild
    | StopChild
    | KillChild
    | PingChild
    | LookAtPulses
    | LookAtUsages
    | ForgetChild
    | SetTimer
    | RaiseAlarm
    | ClearAlarm
    | RecordEvent
    | ReportStopped
)
