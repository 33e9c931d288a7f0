"""How much one client, one person and all of them may ask of a worker. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from lics_actors.errors import LicsError
from web.live.backlog import Bounds

MESSAGE_BYTES: Final = 64 * 1024  # contracts.md section 1: no command to a device is larger


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts a worker; times in seconds."""

    connections: int = 2000
    strangers: int = 1000  # connections that have not said who they are
    per_principal: int = 1000
    topics: int = 1000  # a connection
    commands: int = 32  # of a connection, not settled
    messages_per_s: float = 100.0  # from a connection
    messages_burst: float = 200.0
    refusals: int = 200  # messages beyond the rate after which a client is sent away
    auth_s: float = 5.0
    ping_s: float = 20.0
    silent_s: float = 60.0  # three pings unanswered: nobody is there
    meanwhile: int = 1000  # posts of one topic that wait for its snapshot
    retry_s: float = 2.0  # until a snapshot that failed is tried again
    bounds: Bounds = field(default_factory=Bounds)


class TooManyError(LicsError):
    """A limit is reached; fact `limit` says which number."""

    code = "LIMIT_REACHED"
    type = "rate_limited"


class TooFastError(LicsError):
    """Messages come faster than anyone needs."""

    code = "RATE_LIMITED"
    type = "rate_limited"


class TooSlowError(LicsError):
    """The client reads more slowly than things happen."""

    code = "TOO_SLOW"
    type = "rate_limited"


class LiveUnavailableError(LicsError):
    """The live bus (Redis) does not answer: snapshots and commands work, changes are not heard."""

    code = "LIVE_UNAVAILABLE"
    type = "device_unavailable"
