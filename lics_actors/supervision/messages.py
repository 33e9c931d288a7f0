"""What a supervision policy is told (events) and what it asks for (effects), and the specifications of both. Pure.

Times are seconds of any clock that never runs backwards; `luck` is a random number in [0, 1) for the backoff's jitter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SYSTEM = "system:fleet"  # the principal of what supervisors do on their own


class Strategy(StrEnum):
    """Who is restarted when a child dies."""

    ONE_FOR_ONE = "one_for_one"  # only the child itself
    REST_FOR_ONE = "rest_for_one"  # the child and those started after it, in order: they depend on it


class ChildKind(StrEnum):
    """Whether a dead child is started again."""

    PERMANENT = "permanent"  # always
    TRANSIENT = "transient"  # unless it ended on its own and in order
    TEMPORARY = "temporary"  # never


class Phase(StrEnum):
    """Where a child stands in its supervisor's eyes."""

    WAITING = "waiting"  # to be started as soon as it is its turn
    STARTING = "starting"
    RUNNING = "running"
    BACKING_OFF = "backing_off"
    STOPPING = "stopping"  # was asked to end
    KILLING = "killing"  # was made to end; its exit is not confirmed yet
    QUARANTINED = "quarantined"
    ENDED = "ended"


class Then(StrEnum):
    """What follows once a child that is stopped or killed is gone."""

    JUDGE = "judge"  # a death like any other
    AGAIN = "again"  # start it anew; nothing went wrong with it
    FORGET = "forget"  # it is no longer a child
    REST = "rest"  # the supervisor itself is stopping


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child to be kept alive.

    `stage`: when the supervisor stops, children of a higher stage are gone before those of a lower one are asked to end.
    `incarnations`: how many it had under an earlier supervisor; they are counted on from there.
    """

    name: str
    kind: ChildKind = ChildKind.PERMANENT
    stage: int = 0
    begin_timeout_s: float = 20.0
    stop_timeout_s: float = 5.0
    incarnations: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """How a supervisor treats its children (the words are OTP's, see erlang.org/doc/design_principles/sup_princ).

    More than `intensity` restarts within `period_s` and a child is given up. The first restart is immediate, the next come
    after `backoff_s`, doubling up to `backoff_max_s`; having run for `healthy_s` a child starts over with an immediate one.
    `ping_every_s` None: nobody is pinged; a ping costs a device's actor 1 ms of a core, measured, and it may use 0.5 ms a second.
    A child that owes a pong for `ping_deadline_s` is hung.
    """

    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: int = 5
    period_s: float = 60.0
    backoff_s: float = 1.0
    backoff_max_s: float = 120.0
    healthy_s: float = 30.0
    ping_every_s: float | None = 10.0
    ping_deadline_s: float = 10.0
    kill_retry_s: float = 2.0
    parallel_starts: int = 8
    parallel_stops: int = 16


class TimerKind(StrEnum):
    """What a timer is for."""

    BEGIN = "begin"
    STOP = "stop"
    KILL = "kill"
    RESTART = "restart"
    SWEEP = "sweep"  # ping everybody who owes nothing, judge those who do


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer's identity; one that comes for an older incarnation or another phase is ignored, so none is ever cancelled."""

    kind: TimerKind
    child: str = ""
    incarnation: int = 0


# Events ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChildAdded:
    """There is one more child; it starts after those before it. Known names are left as they are."""

    spec: ChildSpec
    now: float


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
class OperatorRestart:
    """A person wants a child restarted, whatever state it is in; its past is forgiven."""

    name: str
    principal: str
    reason: str | None
    now: float


@dataclass(frozen=True, slots=True)
class OperatorClear:
    """A person lifts a quarantine; without one nothing happens."""

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
    | OperatorRestart
    | OperatorClear
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
    """Make it end (SIGKILL), or find that it is gone; answer with ChildExited. Comes again until that is confirmed."""

    name: str
    incarnation: int
    reason: str


@dataclass(frozen=True, slots=True)
class PingChild:
    """Ping it; answer with Ponged."""

    name: str
    incarnation: int
    serial: int


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
    | ForgetChild
    | SetTimer
    | RaiseAlarm
    | ClearAlarm
    | RecordEvent
    | ReportStopped
)
