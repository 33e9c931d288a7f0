"""A protocol made ready to run: expressions compiled, names resolved to indices, everything frozen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lics_actors.experiment.document import Protocol
from lics_actors.experiment.expressions import Expression
from lics_actors.experiment.quantities import Literal as Quantity

Trigger = Literal["event", "command", "metric", "after", "always"]


@dataclass(frozen=True, slots=True)
class Argument:
    """A command's argument; `factor`: base units in the unit that its name says."""

    name: str
    value: Expression
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Say:
    """Send a command."""

    role: str
    name: str
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Give:
    """Give the reward, once a trial."""

    amount: Expression


@dataclass(frozen=True, slots=True)
class Assign:
    """Set a variable."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Mark:
    """Write a marker."""

    name: str


Act = Say | Give | Assign | Mark


@dataclass(frozen=True, slots=True)
class Way:
    """A transition. `targets`: state indices with weights; neither targets nor `end`: the state goes on."""

    index: int
    trigger: Trigger
    subject: str  # role.name of what triggers it
    outcomes: frozenset[str]
    after: Expression | None
    when: Expression | None
    acts: tuple[Act, ...]
    targets: tuple[tuple[int, Expression], ...]
    end: str | None
    factor: float = 1.0  # base units in the unit of the metric

    @property
    def leaves(self) -> bool:
        """Return whether it leads out of the state."""
        return bool(self.targets) or self.end is not None


@dataclass(frozen=True, slots=True)
class PlanState:
    """A state; `heard`: its ways by `event:role.name`, `command:role.name` and `metric:role.name`."""

    index: int
    name: str
    enter: tuple[Act, ...]
    exit: tuple[Act, ...]
    ways: tuple[Way, ...]
    timers: tuple[Way, ...]
    always: tuple[Way, ...]
    heard: Mapping[str, tuple[Way, ...]]


@dataclass(frozen=True, slots=True)
class PlanDraw:
    """A draw at the begin of a trial."""

    name: str
    values: tuple[tuple[Any, Expression], ...]
    low: Expression | None
    high: Expression | None
    max_run: int | None


@dataclass(frozen=True, slots=True)
class PlanStep:
    """A step of a staircase."""

    outcome: str
    after: int
    by: float


@dataclass(frozen=True, slots=True)
class PlanStaircase:
    """A staircase, in base units."""

    name: str
    start: float
    low: float
    high: float
    steps: tuple[PlanStep, ...]


@dataclass(frozen=True, slots=True)
class PlanBlock:
    """A block."""

    name: str
    trials: int | None
    until: Expression | None
    assigns: tuple[Assign, ...]


@dataclass(frozen=True, slots=True)
class PlanReward:
    """How to reward; `kind` of quantity."""

    role: str
    command: str
    argument: str
    factor: float
    kind: str
    amount: Expression
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class PlanParameter:
    """A parameter's constant, bounds and choices in base units."""

    name: str
    default: Quantity
    low: float | None
    high: float | None
    choices: tuple[Any, ...]

    def fault(self, value: object) -> str | None:
        """Return why `value` (in base units) is not allowed, or None."""
        if isinstance(value, bool) != isinstance(self.default.value, bool) or isinstance(value, str) != isinstance(
            self.default.value, str
        ):
            return f"must be a {self.default.kind}"
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(map(str, self.choices))}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.low is not None and value < self.low:
                return f"must be at least {self.low:g}"
            if self.high is not None and value > self.high:
                return f"must be at most {self.high:g}"
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """A protocol ready to run. `reads_time`: expressions look at the clock of the run."""

    document: Protocol
    parameters: Mapping[str, PlanParameter]
    variables: Mapping[str, Any]
    draws: tuple[PlanDraw, ...]
    staircases: tuple[PlanStaircase, ...]
    blocks: tuple[PlanBlock, ...]
    reward: PlanReward | None
    time_s: float
    trials: int
    max_reward: float | None
    interval: Expression
    start: int
    states: tuple[PlanState, ...]
    safe: tuple[Act, ...]
    kinds: Mapping[str, str]
    reads: frozenset[str]  # what any expression reads
    fields: frozenset[str]  # of these, what comes with an event or a metric

    @property
    def recovery(self) -> str:
        """Return what follows a crash: resume, ask or abort."""
        return self.document.recovery
