"""The way from a peer to one actor: a bounded queue, one connection, one frame in flight."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lics_actors.errors import FleetUnavailableError, LicsError
from lics_actors.runtime.wire import Connection, OnMessage, RefusedByTargetError

CONNECT_S = 2.0  # on loopback a connect takes microseconds, or the target's backlog of 100 is full
ACKNOWLEDGE_S = 30.0  # an actor acknowledges between two handlers; one that takes longer is hung, and its supervisor kills it
IDLE_S = 60.0
PROBES = 5
PROBE_S = 0.1  # a process that is being killed may accept for some microseconds more, and then hangs up


@dataclass(slots=True, eq=False)
class PendingRequest:
    """A request on its way; `answer` is done when the caller has its outcome or has given up."""

    frame: bytes
    answer: asyncio.Future[object]
    delivered: bool = False

    def fail(self, error: LicsError) -> None:
        """Give the caller `error`, unless he has an outcome."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Link:
    """Delivers requests to `target` in order, each at most once acknowledged, and fails them in milliseconds when it is dead."""

    def __init__(
        self,
        target: tuple[str, int],
        max_queued: int,
        on_message: OnMessage,
        counters: Counter[str],
        on_end: Callable[[Link], None],
    ) -> None:
        self.target = target
        self._on_message, self._counters, self._on_end = on_message, counters, on_end
        self._queue: asyncio.Queue[PendingRequest] = asyncio.Queue(max_queued)
        self._unanswered: set[PendingRequest] = set()
        self._connection: Connection | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pump = asyncio.create_task(self._deliver_all())

    def put(self, request: PendingRequest) -> None:
        """Queue a request. Raises FleetUnavailableError when the queue is full."""
        try:
            self._queue.put_nowait(request)
        except asyncio.QueueFull:
            self._counters["full"] += 1
            raise FleetUnavailableError(
                f"{self._queue.maxsize} requests wait for this actor already", queued=self._queue.maxsize, delivered=False
            ) from None
        self._unanswered.add(request)
        request.answer.add_done_callback(lambda _answer: self._unanswered.discard(request))

    async def close(self) -> None:
        """End the tasks and the connection."""
        self._end()
        tasks = [self._pump, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self) -> None:
        self._on_end(self)
        if self._connection is not None:
            self._connection.close()

    async def _deliver_all(self) -> None:
        while True:
            try:
                request = await asyncio.wait_for(self._queue.get(), IDLE_S)
            except TimeoutError:
                if self._queue.empty() and not self._unanswered:
                    self._end()
                    return
                continue
            if request.answer.done():
                self._counters["abandoned"] += 1
                continue
            await self._deliver(request)

    async def _deliver(self, request: PendingRequest) -> None:
        for attempt in (1, 2):
            try:
                connection = await self._connected()
                if attempt == 2:
                    self._counters["delivery_repeated"] += request.delivered
                request.delivered = True  # from here on it may have been read
                async with asyncio.timeout(ACKNOWLEDGE_S):
                    await connection.send(request.frame)
                return
            except ConnectionRefusedError:
                self._fail_all()
                return
            except RefusedByTargetError:
                request.fail(FleetUnavailableError("the actor cannot read our requests: another key or version", delivered=False))
                return
            except (OSError, TimeoutError):  # TimeoutError: hung, and its caller has given up
                self._drop_connection()
                if request.answer.done():
                    return
        request.fail(FleetUnavailableError("the actor ended the connection twice without an answer", delivered=True))

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(*self.target)
            self._connection = Connection(reader, writer, self._on_message, self._counters)
            self._start(self._live(self._connection))
        return self._connection

    async def _live(self, connection: Connection) -> None:
        await connection.live()
        if any(request.delivered for request in self._unanswered):
            await self._probe()

    async def _probe(self) -> None:
        """See whether the target still lives: a closed connection alone says nothing, actors close idle ones."""
        for _attempt in range(PROBES):
            try:
                async with asyncio.timeout(CONNECT_S):
                    reader, writer = await asyncio.open_connection(*self.target)
            except ConnectionRefusedError:
                self._fail_all()
                return
            except (OSError, TimeoutError):
                return  # not known to be dead; deadlines decide
            try:
                async with asyncio.timeout(PROBE_S):
                    await reader.read(1)
            except TimeoutError:
                return  # it lives
            except OSError:
                pass
            finally:
                writer.transport.abort()

    def _fail_all(self) -> None:
        self._drop_connection()
        for request in list(self._unanswered):
            self._counters["dead"] += 1
            request.fail(FleetUnavailableError("the actor is dead; its supervisor starts another", delivered=request.delivered))

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _start(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
