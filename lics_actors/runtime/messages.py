"""The words every actor understands, whatever it is for: begin, ping, stop, and a peer's requests.

Names are unique over the whole system (Thespian drops what it cannot tell apart). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Stats = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BeginActor:
    """Supervisor → new child: who you are and what you are to be. `spec` is the child's own kind of specification;
    `last_words` the file into which it writes what it says, for its supervisor to read when it is dead."""

    name: str
    incarnation: int
    spec: object
    last_words: str | None = None


@dataclass(frozen=True, slots=True)
class ActorBegun:
    """Child → supervisor: at work, in process `pid`."""

    name: str
    incarnation: int
    pid: int


@dataclass(frozen=True, slots=True)
class BeginFailed:
    """Child → supervisor: could not begin; counts as a death."""

    name: str
    incarnation: int
    reason: str


@dataclass(frozen=True, slots=True)
class PingActor:
    """Supervisor → child, one outstanding at a time."""

    serial: int


@dataclass(frozen=True, slots=True)
class ActorPong:
    """Child → supervisor: alive, with counters and gauges (`commands_succeeded`, `ingest_lag_s` …) and one word of state.

    Serial 0 answers no ping: the word has changed.
    """

    serial: int
    pid: int
    state: str = ""
    stats: Stats = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopActor:
    """Supervisor → child: close sessions, flush, then exit."""

    reason: str


@dataclass(frozen=True, slots=True)
class ActorStopped:
    """Child → supervisor: everything is flushed and closed; the process may end."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True)
class PeerRequest:
    """Peer → actor. `respond_by`: seconds since the epoch; a request found later than that is dropped unread."""

    request_id: str
    body: object
    respond_by: float

    def __reduce__(self) -> tuple[type[PeerRequest], tuple[object, ...]]:
        """Be pickled without the detour over a state, which costs as much again."""
        return PeerRequest, (self.request_id, self.body, self.respond_by)


@dataclass(frozen=True, slots=True)
class AskDoor:
    """Peer → actor: where do you take requests directly? Answered by `DoorAt`."""


@dataclass(frozen=True, slots=True)
class DoorAt:
    """On the actor's own host; `port` is None where it takes requests through the actors' transport only."""

    port: int | None


@dataclass(frozen=True, slots=True)
class PeerReply:
    """Actor → peer. `body` is the outcome, or a `LicsError` to raise at the caller."""

    request_id: str
    body: object

    def __reduce__(self) -> tuple[type[PeerReply], tuple[object, ...]]:
        """Be pickled like a PeerRequest."""
        return PeerReply, (self.request_id, self.body)
