"""What a supervisor's children are and how it treats them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    QUARANTINED = "quarantined"  # given up, by the policy or by a person; waits for one
    DRAINED = "drained"  # put out of work by a person; waits for one
    ENDED = "ended"


class Then(StrEnum):
    """What follows once a child that is stopped or killed is gone."""

    JUDGE = "judge"  # a death like any other
    AGAIN = "again"  # start it anew; nothing went wrong with it
    FORGET = "forget"  # it is no longer a child
    REST = "rest"  # it stays down: the supervisor itself is stopping, or what it depended on is gone and it is temporary
    HOLD = "hold"  # it stays down until a person lets it go: see `Supervision.holds`


class Verb(StrEnum):
    """What a person does to a child."""

    RESTART = "restart"  # stop it in order and start it anew, whatever state it is in; its past is forgiven
    DRAIN = "drain"  # stop it in order and leave it down
    QUARANTINE = "quarantine"  # the same, with an alarm: something is wrong with it
    CLEAR = "clear"  # lift quarantine and drain, and start it; nothing to lift, nothing done


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a child is kept down until a person lets it go; it outlives the supervisor. `phase`: QUARANTINED or DRAINED."""

    phase: Phase
    principal: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child to be kept alive.

    `stage`: when the supervisor stops, children of a higher stage are gone before those of a lower one are asked to end.
    `memory_bytes`, `files`: over that it is recycled (see `ceilings`); None: there is no limit. `hang_s`: after so long without a
    sign of life it is hung. `incarnations`: how many it had under an earlier supervisor; they are counted on from there.
    """

    name: str
    kind: ChildKind = ChildKind.PERMANENT
    stage: int = 0
    begin_timeout_s: float = 20.0
    stop_timeout_s: float = 5.0
    hang_s: float = 6.0
    memory_bytes: int | None = None
    files: int | None = None
    incarnations: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """How a supervisor treats its children (the words are OTP's, see erlang.org/doc/design_principles/sup_princ).

    More than `intensity` restarts within `period_s` and a child is given up. The first restart is immediate, the next come
    after `backoff_s`, doubling up to `backoff_max_s`; having run for `healthy_s` a child starts over with an immediate one.
    `ping_every_s` None: nobody is pinged; a ping costs a device's actor 1 ms of a core, measured, and it may use 0.5 ms a second.
    A child that owes a pong for `ping_deadline_s` is hung. `look_every_s`: how often the children's heartbeats are looked at,
    which costs nothing; None: they have none. A child that is over a ceiling `recycles` times in a row, each within `settle_s` of
    its begin, is given up the next time.
    """

    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: int = 5
    period_s: float = 60.0
    backoff_s: float = 1.0
    backoff_max_s: float = 120.0
    healthy_s: float = 30.0
    ping_every_s: float | None = 10.0
    ping_deadline_s: float = 10.0
    look_every_s: float | None = 1.0
    kill_retry_s: float = 2.0
    settle_s: float = 600.0
    recycles: int = 3
    parallel_starts: int = 8
    parallel_stops: int = 16
