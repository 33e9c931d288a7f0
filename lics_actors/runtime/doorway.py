"""A peer's way to one leaf's door: one connection, any number of requests under way on it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from lics_actors.errors import DeviceTimeoutError, FleetUnavailableError, LicsError
from lics_actors.runtime.frames import FrameProtocol
from lics_actors.runtime.link import CONNECT_S, IDLE_S
from lics_actors.runtime.messages import PeerReply, PeerRequest
from lics_actors.runtime.transport import FrameRefusedError


class Doorway:
    """Connects with the first request, hangs up after IDLE_S without one; `on_end` hears when it is of no use any more."""

    def __init__(
        self, target: tuple[str, int], max_unanswered: int, counters: Counter[str], on_end: Callable[[Doorway], None]
    ) -> None:
        self.target, self.max_unanswered = target, max_unanswered
        self._counters, self._on_end = counters, on_end
        self._serials = itertools.count(1)
        self._line: _Line | None = None
        self._connecting: asyncio.Task[_Line] | None = None

    async def ask(self, body: object, timeout_s: float) -> object:
        """Send a request and return its answer.

        Raises:
            LicsError: the actor's own refusal.
            FleetUnavailableError: the actor is dead, or too many requests wait for its answer.
            DeviceTimeoutError: no answer within `timeout_s`.
        """
        self._counters["asked"] += 1
        line, request_id = None, str(next(self._serials))
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._connected()
                answer = await self._sent(line, PeerRequest(request_id, body, time.time() + timeout_s))
        except TimeoutError:
            self._counters["timed_out"] += 1
            delivered = line is not None
            raise DeviceTimeoutError(f"no answer within {timeout_s:g} s", timeout_s=timeout_s, delivered=delivered) from None
        finally:
            if line is not None:
                line.waiting.pop(request_id, None)
        if isinstance(answer, LicsError):
            self._counters["refused"] += 1
            raise answer
        self._counters["answered"] += 1
        return answer

    def _sent(self, line: _Line, request: PeerRequest) -> asyncio.Future[object]:
        if len(line.waiting) >= self.max_unanswered:
            self._counters["full"] += 1
            message = f"{self.max_unanswered} requests wait for this actor already"
            raise FleetUnavailableError(message, queued=self.max_unanswered, delivered=False)
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        line.send(request)
        line.waiting[request.request_id] = future
        return future

    async def _connected(self) -> _Line:
        if self._line is not None and self._line.open:
            return self._line
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
        return await asyncio.shield(self._connecting)  # others may wait for it, too

    async def _connect(self) -> _Line:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, line = await loop.create_connection(lambda: _Line(self._counters, self._ended), *self.target)
        except (OSError, TimeoutError) as error:
            self._counters["dead"] += 1
            self._on_end(self)
            message = "the actor is dead; its supervisor starts another"
            raise FleetUnavailableError(message, delivered=False) from error
        finally:
            self._connecting = None
        self._line = line
        return line

    def _ended(self, line: _Line) -> None:
        if self._line is line:
            self._line = None
            self._on_end(self)

    async def close(self) -> None:
        """Fail what waits, and hang up."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._line is not None:
            self._line.abort()
            await self._line.lost


class _Line(FrameProtocol):
    """The connection, and who waits for what on it."""

    def __init__(self, counters: Counter[str], ended: Callable[[_Line], None]) -> None:
        super().__init__()
        self._counters, self._ended = counters, ended
        self.waiting: dict[str, asyncio.Future[object]] = {}
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answered = 0  # since the last look
        self._look = asyncio.get_running_loop().call_later(IDLE_S, self._looked)

    def on_frame(self, message: Any) -> None:
        """Give an answer to who waits for it."""
        if not isinstance(message, PeerReply):
            raise FrameRefusedError("a door gives answers only", reason="content")
        self._answered += 1
        future = self.waiting.pop(message.request_id, None)
        if future is None or future.done():
            self._counters["replies_late"] += 1
        else:
            future.set_result(message.body)

    def on_refused(self) -> None:
        """Count it."""
        self._counters["frames_refused"] += 1

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's name for it
        """Fail who waits: an actor hangs up when it ends, and only then."""
        self._look.cancel()
        self._ended(self)
        for future in self.waiting.values():
            if not future.done():
                self._counters["dead"] += 1
                future.set_exception(FleetUnavailableError("the actor ended without an answer", delivered=True))
        self.lost.set_result(None)

    def _looked(self) -> None:
        if not self.waiting and self._answered == 0:
            self.close()
            return
        self._answered = 0
        self._look = asyncio.get_running_loop().call_later(IDLE_S, self._looked)
