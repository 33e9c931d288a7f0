"""What is said to and by runs: to the fleet (start, locate, list) and to a run's actor (how is it, what operators want). Pure.

Every wish carries an `ask_id`: repeated under the same one it is answered with the run as it is by then, and done once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from lics_actors.device.messages import BrokerSpec
from lics_actors.experiment.messages import Phase
from lics_actors.run.orders import Allowance, RunOrder


@dataclass(frozen=True, slots=True)
class StartRun:
    """Peer → FleetSupervisor: run this. Answered by True once the order is on disk: from then on the run comes to its end,
    whatever dies. The same order again does no harm; another one under the same id is a ConflictError."""

    order: RunOrder


@dataclass(frozen=True, slots=True)
class LocateRun:
    """Peer → FleetSupervisor: where is this run's actor? Answered by `RunLocated`, RunNotFoundError (it is over, or was never
    begun), or FleetUnavailableError while it restarts."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class RunLocated:
    """`address` is the ActorAddress, good until the actor dies."""

    run_id: UUID
    address: object
    incarnation: int


@dataclass(frozen=True, slots=True)
class AskRuns:
    """Peer → FleetSupervisor: which runs are not over? Answered by a tuple of their ids."""


@dataclass(frozen=True, slots=True)
class AskRun:
    """Peer → ExperimentActor: how is it? Answered by `RunView`."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class PauseRun:
    """Peer → ExperimentActor: be silent from now on; the open trial is closed as interrupted. Answered, as every wish that
    follows, by `RunView`, or by RunRefusedError where the run's state forbids it."""

    run_id: UUID
    ask_id: UUID
    principal: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResumeRun:
    """Peer → ExperimentActor: go on with the next trial; also the answer to a recovered run whose protocol says `ask`."""

    run_id: UUID
    ask_id: UUID
    principal: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StopRun:
    """Peer → ExperimentActor: end after the open trial."""

    run_id: UUID
    ask_id: UUID
    principal: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AbortRun:
    """Peer → ExperimentActor: end now."""

    run_id: UUID
    ask_id: UUID
    principal: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AnnotateRun:
    """Peer → ExperimentActor: keep this text with the run."""

    run_id: UUID
    ask_id: UUID
    principal: str
    text: str


@dataclass(frozen=True, slots=True)
class RewardRun:
    """Peer → ExperimentActor: give this much (base units) by hand."""

    run_id: UUID
    ask_id: UUID
    principal: str
    amount: float


@dataclass(frozen=True, slots=True)
class SetRunParameter:
    """Peer → ExperimentActor: from the next trial on a parameter has this value (base units)."""

    run_id: UUID
    ask_id: UUID
    principal: str
    name: str
    value: float | str | bool


@dataclass(frozen=True, slots=True)
class RenewAllowance:
    """Peer → ExperimentActor: this is what the subject may get from now on. One that is older than what the run knows, by its
    serial, changes nothing: the answer says what the run goes by."""

    run_id: UUID
    ask_id: UUID
    principal: str
    allowance: Allowance | None


RunWish = PauseRun | ResumeRun | StopRun | AbortRun | AnnotateRun | RewardRun | SetRunParameter | RenewAllowance


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as its actor has it. `n`: steps recorded so far; `at`: seconds on its axis; `holding`: what keeps it paused by itself
    (`pump is offline`), empty where only a person can resume it. Amounts in base units."""

    run_id: UUID
    phase: Phase
    reason: str
    n: int
    at: float
    trial: int
    open: bool
    block: int
    rewarded: float
    outcomes: Mapping[str, int]
    pending: int
    parameters: Mapping[str, Any]
    devices: Mapping[str, str]  # role → the device's status in a word
    holding: tuple[str, ...] = ()
    last: str | None = None  # this trial is the last, and why
    reaction_ms: Mapping[str, float] = field(default_factory=dict)  # p50, p99, max of this incarnation
    allowance_left: float | None = None
    overdrawn: float = 0.0  # given beyond the allowance, which was lowered after it
    session_ends: datetime | None = None  # by the subject's limit; the protocol's own may come first


@dataclass(frozen=True, slots=True)
class RunActorSpec:
    """All an ExperimentActor needs to begin: `BeginActor.spec`."""

    order: RunOrder
    broker: BrokerSpec
    orders_dir: str
    journal_dir: str
    run_dir: str  # where it finds its fleet, which knows where devices' actors are
    host: str  # the address its own sockets bind
    redis_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RunsSpec:
    """`BeginActor.spec` of the RunSupervisor. `orders_dir`: one file for each run that is not over."""

    broker: BrokerSpec
    orders_dir: str
    journal_dir: str
    run_dir: str
    host: str
    redis_url: str | None = field(default=None, repr=False)
    actor_memory_bytes: int | None = None
    actor_files: int | None = None


@dataclass(frozen=True, slots=True)
class BeginRun:
    """FleetSupervisor → RunSupervisor: a peer's StartRun, passed on. Answered by `RunBegun` with this `ref`."""

    ref: int
    order: RunOrder


@dataclass(frozen=True, slots=True)
class RunBegun:
    """RunSupervisor → FleetSupervisor: True once the order is durable, or the LicsError why not."""

    ref: int
    outcome: object


@dataclass(frozen=True, slots=True)
class RunOver:
    """ExperimentActor → RunSupervisor: the run has come to its end, and its journal says so."""

    run_id: UUID
    phase: Phase
    time: datetime
