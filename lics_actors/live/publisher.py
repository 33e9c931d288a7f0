"""The bus's publishing side: never in the way of those who publish, whatever Redis does."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

from lics_actors.live.connection import ANSWER_S, FIRST_RETRY_S, LONGEST_RETRY_S, connected
from lics_actors.live.messages import LiveMessage, TelemetryLive, encode, merged
from lics_actors.live.script import PUBLISH, PUBLISH_SHA, Entry, Mark, channel, channels_pattern, mark_of, packed

BATCH: Final = 256  # messages of one script: 8 µs each (measured), so nobody else waits long
BATCH_BYTES: Final = 1 << 18
QUEUE_BYTES: Final = 4 << 20
MAX_PASSING: Final = 10_000  # topics with telemetry waiting
MAX_BROKEN: Final = 10_000

log = logging.getLogger(__name__)


class LivePublisher:
    """Takes messages with `publish` and sends them in `run`; both belong to one loop's thread.

    Connects when there is first something to send. While Redis is away at most `queue_bytes` of kept messages wait, oldest
    dropped; then `replay` says that it does not reach back that far. `every_s`: at least so long between two batches;
    what comes after a pause is sent at once. `watch_s`: how often to ask what is watched; None: never. `heard`: whether anybody
    listened to what was last sent. `dropped`: messages that were given up.
    """

    def __init__(
        self,
        redis_url: str,
        prefix: str,
        *,
        every_s: float = 0.0,
        watch_s: float | None = None,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self._url, self._prefix = redis_url, prefix
        self._every_s, self._watch_s, self._queue_bytes = every_s, watch_s, queue_bytes
        self._kept: deque[Entry] = deque()
        self._kept_bytes = 0
        self._passing: dict[str, LiveMessage] = {}
        self._broken: dict[bytes, None] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._encoded: tuple[LiveMessage, bytes] | None = None  # the last one: it often goes to a second topic
        self._watched: frozenset[str] = frozenset()
        self._watch_at = 0.0
        self._away = False
        self._refusals = 0  # in a row
        self.heard = False
        self.dropped = 0

    def publish(self, topic: str, message: LiveMessage, keep: bool) -> None:
        """Have a message sent; never waits, never raises. What is not kept replaces what waits on its topic."""
        try:
            if keep:
                self._keep((channel(self._prefix, topic).encode(), mark_of(topic, keep), self._body(message)))
            else:
                self._pass(topic, message)
        except Exception:
            self.dropped += 1
            log.exception("a live message cannot be sent", extra={"topic": topic})
        self._idle.clear()
        self._wake.set()

    def lost(self, topic: str) -> None:
        """Note that a message that should have been kept was not even made."""
        self._break(channel(self._prefix, topic).encode())
        self._wake.set()

    def watched(self) -> frozenset[str]:
        """Return the topics that somebody listens to, as last heard; none while Redis is away."""
        return self._watched

    async def drained(self, timeout_s: float) -> None:
        """Wait until nothing waits, so long at most; not at all while Redis is away."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self._away else timeout_s):
                await self._idle.wait()

    async def run(self) -> None:
        """Send for ever; what Redis did not confirm is sent again when it is back."""
        retry_s = FIRST_RETRY_S
        while True:
            if self._watch_s is None:
                await self._wake.wait()
            connection: AbstractConnection | None = None
            try:
                connection = await connected(self._url)
                self._note_back()
                retry_s = FIRST_RETRY_S
                await self._serve(connection)
            except (RedisError, OSError, ValueError) as error:
                self._note_away(error)
            except Exception as error:
                log.exception("the live view failed, to be tried again")
                self._note_away(error)
            finally:
                if connection is not None:
                    await connection.disconnect(nowait=True)
            await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))  # noqa: S311 - 300 devices shall not knock at once
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    # what waits

    def _body(self, message: LiveMessage) -> bytes:
        if self._encoded is None or self._encoded[0] is not message:
            self._encoded = message, encode(message)
        return self._encoded[1]

    def _keep(self, entry: Entry) -> None:
        self._kept.append(entry)
        self._kept_bytes += len(entry[2])
        while self._kept_bytes > self._queue_bytes:
            topic, _, body = self._kept.popleft()
            self._kept_bytes -= len(body)
            self._break(topic)
            self.dropped += 1

    def _pass(self, topic: str, message: LiveMessage) -> None:
        waiting = self._passing.get(topic)
        if isinstance(waiting, TelemetryLive) and isinstance(message, TelemetryLive):
            message = merged(waiting, message)
        elif waiting is None and len(self._passing) >= MAX_PASSING:
            self.dropped += 1
            return
        self._passing[topic] = message

    def _break(self, topic: bytes) -> None:
        if len(self._broken) < MAX_BROKEN:
            self._broken[topic] = None

    def _take(self) -> list[Entry]:
        """Return the next batch: first which topics are broken, then in order what is kept, then what passes."""
        entries: list[Entry] = [(topic, Mark.BROKEN, b"") for topic in list(self._broken)[:BATCH]]
        for topic, _, _ in entries:
            del self._broken[topic]
        size = 0
        while self._kept and len(entries) < BATCH and size < BATCH_BYTES:
            entry = self._kept.popleft()
            entries.append(entry)
            size += len(entry[2])
        self._kept_bytes -= size
        while self._passing and len(entries) < BATCH and size < BATCH_BYTES:
            name = next(iter(self._passing))
            body = encode(self._passing.pop(name))
            entries.append((channel(self._prefix, name).encode(), Mark.PASSING, body))
            size += len(body)
        return entries

    def _put_back(self, entries: Sequence[Entry]) -> None:
        """Have what Redis did not confirm sent again, but for what only passes."""
        for entry in reversed(entries):
            topic, mark, body = entry
            if mark is Mark.BROKEN:
                self._break(topic)
            elif mark is not Mark.PASSING:
                self._kept.appendleft(entry)
                self._kept_bytes += len(body)
        self._wake.set()

    # the connection

    async def _serve(self, connection: AbstractConnection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._due(loop)
            began = loop.time()
            if self._watch_s is not None and began >= self._watch_at:
                self._watch_at = began + self._watch_s
                await self._look(connection)
            self._wake.clear()
            entries = self._take()
            if entries:
                await self._send(connection, entries)
            if self._kept or self._passing or self._broken:
                self._wake.set()
            else:
                self._idle.set()
            if self._every_s and entries:
                await asyncio.sleep(max(0.0, began + self._every_s - loop.time()))

    async def _due(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until there is something to send or to ask."""
        if self._wake.is_set():
            return
        if self._watch_s is None:
            await self._wake.wait()
            return
        handle = loop.call_at(self._watch_at, self._wake.set)
        await self._wake.wait()
        handle.cancel()

    async def _send(self, connection: AbstractConnection, entries: Sequence[Entry]) -> None:
        try:
            try:
                heard = await _ask(connection, packed(b"EVALSHA", PUBLISH_SHA, entries))
            except NoScriptError:
                heard = await _ask(connection, packed(b"EVAL", PUBLISH.encode(), entries))
            self.heard = heard > 0
        except ResponseError as error:  # out of memory, a key of somebody else's …: the same again would fail again
            await self._refused(entries, error)
        except BaseException:
            self._put_back(entries)
            raise
        else:
            self._refusals = 0

    async def _refused(self, entries: Sequence[Entry], error: ResponseError) -> None:
        self.dropped += sum(mark is not Mark.BROKEN for _, mark, _ in entries)
        for topic, mark, _ in entries:
            if mark is not Mark.PASSING:
                self._break(topic)
        if self._refusals == 0:
            log.warning("Redis refuses live messages", extra={"messages": len(entries), "reason": str(error)})
        self._refusals += 1
        await asyncio.sleep(min(FIRST_RETRY_S * 2.0 ** min(self._refusals, 10), LONGEST_RETRY_S))

    async def _look(self, connection: AbstractConnection) -> None:
        start = len(channel(self._prefix, ""))
        command: Any = connection.pack_command("PUBSUB", "CHANNELS", channels_pattern(self._prefix))
        found = await _ask(connection, b"".join(command))
        self._watched = frozenset(name.decode(errors="replace")[start:] for name in found)

    def _note_away(self, error: Exception) -> None:
        self._watched = frozenset()
        if not self._away:
            self._away = True
            log.warning("the live view pauses: Redis is away", extra={"reason": str(error) or type(error).__name__})

    def _note_back(self) -> None:
        if self._away:
            self._away = False
            log.info("the live view goes on: Redis is back")


async def _ask(connection: AbstractConnection, request: bytes) -> Any:
    """Return the answer to one request.

    Raises:
        RedisError, OSError: Redis refuses, or is away; TimeoutError (an OSError) where it does not answer.
    """
    async with asyncio.timeout(ANSWER_S):
        await connection.send_packed_command(request, check_health=False)
        return await connection.read_response()
