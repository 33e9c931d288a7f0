"""One connection: what it is subscribed to, what waits for it, and how it comes to an end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import LicsError
from lics_actors.live.messages import TelemetryLive, merged
from web.auth import Principal
from web.errors import problem_of
from web.live.backlog import Backlog, Bounds
from web.live.posts import Post, answer, post
from web.live.protocol import ErrorTold, Gap, ServerMessage
from web.live.resume import Meanwhile
from web.live.views import telemetry_told
from web.live.wire import Wire

log = logging.getLogger(__name__)

GONE: Final = 1000  # the client left by itself
GOING_AWAY: Final = 1001
TOO_SLOW: Final = 1013  # also for everything else that may be tried again later
UNAUTHENTICATED: Final = 4401
FORBIDDEN: Final = 4403
LAST_S: Final = 0.3
CHUNK: Final = 64 * 1024  # bytes handed to a slow client's socket at once


@dataclass(eq=False, slots=True)
class Subscription:
    """A client's interest in a topic. While it is `joining`, what the topic tells waits for the snapshot.

    `n`: the last one told; `since`: when it was asked for. `ref`: its client gave this command, and has been told
    `steps` of the command's steps. `audience`: the laboratories it is told of; `owner`: the device or run that decides.
    """

    client: Client
    topic: str
    after: int | None
    meanwhile: Meanwhile
    ref: str | None = None
    steps: int = 0
    n: int = 0
    since: float = 0.0
    joining: bool = True
    values: tuple[int, TelemetryLive] | None = None
    audience: Laboratories = None
    owner: UUID | None = None

    def hold(self, n: int, values: TelemetryLive) -> None:
        """Keep values until the snapshot has been told."""
        self.values = n, merged(self.values[1], values) if self.values else values

    def joined(self, n: int) -> list[Post | Gap]:
        """Begin to be told at once, from `n` on; return what waited."""
        self.joining = False
        since = self.meanwhile.take(n)
        last = since[-1] if since else None
        self.n = max(self.n, n, last.last if isinstance(last, Gap) else last.n if last else 0)
        values, self.values = self.values, None
        if values is not None and values[0] > n:
            since.append(post(telemetry_told(self.topic, *values)))
        return since


@dataclass(eq=False, slots=True)
class Client:
    """Belongs to one loop. `wrote` hears how many messages left."""

    wire: Wire
    bounds: Bounds
    now: Callable[[], float]
    wrote: Callable[[int], None]
    request_id: str
    remote: str | None = None
    principal: Principal | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)
    touched: bool = False
    pinged_at: float = 0.0
    closing: asyncio.Future[tuple[int, str]] = field(init=False)
    _fresh: list[Post] = field(default_factory=list)
    _backlog: Backlog = field(init=False)
    _pump: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.closing = asyncio.get_running_loop().create_future()
        self._backlog = Backlog(self.bounds, self.now())
        self.pinged_at = self.now()

    @property
    def behind(self) -> bool:
        """Return whether something waits for it."""
        return self._pump is not None or bool(self._backlog)

    def add(self, posts: Sequence[Post | Gap]) -> None:
        """Let posts leave with the next `flush`."""
        self._fresh += [each if isinstance(each, Post) else answer(each) for each in posts]

    def tell(self, message: ServerMessage) -> None:
        """Answer this client alone, at once."""
        self._fresh.append(answer(message))
        self.flush()

    def tell_error(self, error: Exception, *, topic: str | None = None, ref: str | None = None) -> None:
        """Say what was refused or failed, in the body that REST uses."""
        problem = problem_of(error)
        if not isinstance(error, LicsError) or problem.type == "internal_error":
            log.error("a live request failed unexpectedly", exc_info=error, extra={"request_id": self.request_id})
        detail = problem.body(self.request_id)["detail"]
        assert isinstance(detail, dict)
        self.tell(ErrorTold(detail, topic, ref))

    def flush(self) -> None:
        """Send what is fresh: at once if nothing waits, in its turn otherwise."""
        self.touched = False
        fresh, self._fresh = self._fresh, []
        if not fresh or self.closing.done():
            return
        if not self.behind and self.wire.write_now(fresh):
            self.wrote(len(fresh))
            return
        self._backlog.put(fresh, self.now())
        self._keep_sending()

    def tell_values(self, values: Sequence[tuple[str, int, TelemetryLive, Post]]) -> None:
        """Send telemetry, or let its newest values wait."""
        if self.closing.done():
            return
        if not self.behind and self.wire.write_now([each[3] for each in values]):
            self.wrote(len(values))
            return
        now = self.now()
        for topic, n, heard, _ in values:
            self._backlog.put_telemetry(topic, n, heard, now)
        self._keep_sending()

    def forget(self, topic: str) -> None:
        """Drop what waits of a topic's telemetry."""
        self._backlog.forget(topic)

    def look_after(self, ping_s: float, silent_s: float) -> None:
        """Send one away who is too slow or silent, and make the others say something now and then."""
        now = self.now()
        if self._backlog.too_slow(now):
            self.end(TOO_SLOW, "too slow")
        elif now - self.wire.heard_at > silent_s:
            self.end(GOING_AWAY, "nothing heard")
        elif now - self.pinged_at >= ping_s:
            self.pinged_at = now
            self.wire.ping()

    def heard(self) -> None:
        """Note that the client said something."""
        self.wire.heard_at = self.now()

    def new_gaps(self) -> int:
        """Return how many gaps it was given for being slow, since this was last asked."""
        gaps, self._backlog.gaps = self._backlog.gaps, 0
        return gaps

    def end(self, code: int, reason: str) -> None:
        """Have the connection closed; the first to say so decides how."""
        if not self.closing.done():
            self.closing.set_result((code, reason))

    async def close(self) -> None:
        """Close it as was decided; what waits is given LAST_S, unless there is too much of it."""
        code, reason = self.closing.result()
        if (pump := self._pump) is not None:
            await asyncio.wait({pump}, timeout=0 if code == TOO_SLOW else LAST_S)
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
        if code != GONE:
            await self.wire.close(code, reason)

    def _keep_sending(self) -> None:
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._send_on())
        if self._backlog.folds and self._backlog.too_slow(self.now()):
            self.end(TOO_SLOW, "too slow")

    async def _send_on(self) -> None:
        try:
            while self._backlog:
                posts = self._backlog.take(CHUNK, self.now())
                await self.wire.write(posts)
                self.wrote(len(posts))
        except Exception:
            log.exception("a live client cannot be written to", extra={"request_id": self.request_id})
            self.end(GOING_AWAY, "cannot be written to")
        finally:
            self._pump = None
