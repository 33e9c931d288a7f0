"""What a supervisor knows of its children, and the three things that are done to one: start, ask to end, kill. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lics_actors.supervision.messages import Effect, KillChild, SetTimer, StartChild, StopChild, Timer, TimerKind
from lics_actors.supervision.specs import ChildSpec, Hold, Phase, Policy, Then

GIVEN_UP = "quarantined"  # the kind of the one alarm this policy raises
ALIVE = frozenset({Phase.STARTING, Phase.RUNNING, Phase.STOPPING, Phase.KILLING})
UP = frozenset({Phase.STARTING, Phase.RUNNING})
ENDING = frozenset({Phase.STOPPING, Phase.KILLING})


@dataclass(frozen=True, slots=True)
class Leaving:
    """A child is to end as soon as those that depend on it have."""

    then: Then
    reason: str


@dataclass(frozen=True, slots=True)
class Child:
    """A child as its supervisor knows it. `since`: when it came into this phase."""

    spec: ChildSpec
    since: float
    phase: Phase = Phase.WAITING
    then: Then = Then.JUDGE
    leaving: Leaving | None = None
    incarnation: int = 0
    owed: bool = False  # the next start is a restart that counts
    restarted_at: tuple[float, ...] = ()  # the restarts that count, within the period
    restarts: int = 0  # all of them, ever
    setbacks: int = 0  # deaths since it last ran for a healthy while
    begun_at: float | None = None  # of the present incarnation
    last_error: str | None = None
    serial: int = 0
    pinged_at: float | None = None  # since when it owes a pong
    recycles: int = 0  # in a row, each soon after it had begun

    @property
    def name(self) -> str:
        """Return its name."""
        return self.spec.name


@dataclass(frozen=True, slots=True)
class Supervision:
    """The state of one supervisor: its children in the order in which they start. `holds`: which of them are kept down, and why;
    the shell keeps this part on disk."""

    policy: Policy = field(default_factory=Policy)
    children: Mapping[str, Child] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    stopping: bool = False
    stopped: bool = False
    sweep: int = 0  # the serial of the present sweep timer
    sweep_due: float | None = None
    look: int = 0  # the serial of the present look at the heartbeats
    look_due: float | None = None
    awake_since: float = 0.0  # silence counts from here: before that the supervisor itself was away

    def put(self, child: Child) -> Supervision:
        """Return the state with this child in its place."""
        return replace(self, children={**self.children, child.name: child})

    def held(self, name: str, hold: Hold) -> Supervision:
        """Return the state with this child to be kept down."""
        return replace(self, holds={**self.holds, name: hold})

    def unheld(self, name: str) -> Supervision:
        """Return the state with nothing that keeps this child down."""
        if name not in self.holds:
            return self
        return replace(self, holds={other: hold for other, hold in self.holds.items() if other != name})

    def incarnation(self, name: str, incarnation: int) -> Child | None:
        """Return the child if that is its present incarnation; anything else is stale."""
        child = self.children.get(name)
        return child if child and child.incarnation == incarnation else None


Step = tuple[Supervision, list[Effect]]


def start(state: Supervision, child: Child, now: float) -> Step:
    """Start the next incarnation of a child that is down."""
    number = child.incarnation + 1
    started = replace(
        child,
        phase=Phase.STARTING,
        then=Then.JUDGE,
        since=now,
        incarnation=number,
        owed=False,
        restarts=child.restarts + child.owed,
        begun_at=None,
        pinged_at=None,
    )
    return state.put(started), [
        StartChild(child.name, number),
        SetTimer(Timer(TimerKind.BEGIN, child.name, number), child.spec.begin_timeout_s),
    ]


def ask_to_end(state: Supervision, child: Child, then: Then, reason: str, now: float) -> Step:
    """Ask a child to end; it is killed when it does not in time."""
    state = state.put(replace(child, phase=Phase.STOPPING, then=then, since=now, pinged_at=None, leaving=None))
    timer = Timer(TimerKind.STOP, child.name, child.incarnation)
    return state, [StopChild(child.name, child.incarnation, reason), SetTimer(timer, child.spec.stop_timeout_s)]


def kill(state: Supervision, child: Child, reason: str, now: float, *, hung: bool = False) -> Step:
    """Kill a child, again and again until its exit is confirmed."""
    state = state.put(replace(child, phase=Phase.KILLING, since=now, pinged_at=None))
    timer = Timer(TimerKind.KILL, child.name, child.incarnation)
    return state, [KillChild(child.name, child.incarnation, reason, hung), SetTimer(timer, state.policy.kill_retry_s)]
