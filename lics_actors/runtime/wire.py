"""Signed frames over asyncio streams: reading them within bounds, acknowledging them, and a listener for them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from lics_actors.runtime import transport
from lics_actors.runtime.transport import FrameRefusedError

FIRST_FRAME_S = 5.0  # a stranger who does not identify himself by a signed frame is hung up on
REST_OF_FRAME_S = 30.0  # once a frame has begun
MAX_STRANGERS = 64  # connections that have not shown a signed frame yet; each may make us hold one frame
OnMessage = Callable[[object], None]


class RefusedByTargetError(ConnectionError):
    """The other side answered that it cannot read our frame: another key, or another version of the code."""


async def read_frame(reader: asyncio.StreamReader, rest_s: float = REST_OF_FRAME_S) -> Any:
    """Return the next message, however long it takes to begin; then it must be complete within `rest_s`.

    Raises:
        FrameRefusedError: malformed, too large, unsigned.
        asyncio.IncompleteReadError: the other side closed.
        TimeoutError: begun and not completed.
    """
    first = await reader.readexactly(1)
    async with asyncio.timeout(rest_s):
        header = first
        while not header.endswith(b">") and len(header) < transport.MAX_HEADER_BYTES:
            header += await reader.readexactly(1)
        digits = header[:-1]
        if not (header.endswith(b">") and digits.isdigit() and int(digits) <= transport.MAX_FRAME_BYTES):
            transport.refuse("header")
        body = await reader.readexactly(int(digits))
    try:
        return transport.unseal(body)
    except FrameRefusedError:
        raise
    except Exception as error:  # signed, but of classes this version does not have
        raise FrameRefusedError(f"a frame cannot be read: {error}", reason="content") from error


class Connection:
    """One TCP connection with an actor. Both sides may send on it, each one frame at a time."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_message: OnMessage, counters: Counter[str]
    ) -> None:
        self._reader, self._writer = reader, writer
        self._on_message, self._counters = on_message, counters
        self._acknowledged: asyncio.Future[None] | None = None
        self.closed = False

    async def live(self) -> None:
        """Read until the connection ends, whoever ends it."""
        try:
            while True:
                self._take(await read_frame(self._reader))
        except FrameRefusedError:
            self._refuse()
        except (asyncio.IncompleteReadError, OSError, TimeoutError):
            pass
        finally:
            self.close()

    async def first_frame(self) -> bool:
        """Read one frame within FIRST_FRAME_S; returns whether it came from one of ours."""
        try:
            async with asyncio.timeout(FIRST_FRAME_S):
                message = await read_frame(self._reader)
            if isinstance(message, str):
                return False  # anybody can have got hold of a signed acknowledgement
            self._take(message)
            return True
        except FrameRefusedError:
            self._refuse()
        except (asyncio.IncompleteReadError, OSError, TimeoutError):
            pass
        return False

    def _take(self, message: Any) -> None:
        match message:
            case transport.ACK:
                self._settle(None)
            case transport.REFUSED:
                self._settle(RefusedByTargetError("the actor refused the frame"))
            case (_sender, body):
                self._writer.write(transport.acknowledgement())
                self._on_message(body)
            case _:
                raise FrameRefusedError("a frame holds no message", reason="content")

    def _refuse(self) -> None:
        self._counters["frames_refused"] += 1
        self._writer.write(transport.refusal())  # else an actor sends it again and again for five minutes

    async def send(self, frame: bytes) -> None:
        """Send one frame and wait until it is acknowledged.

        Raises:
            RefusedByTargetError: acknowledged as unreadable.
            ConnectionError: the connection ended before that; it may have been read or not.
        """
        if self.closed:
            raise ConnectionResetError("connection closed")
        self._acknowledged = asyncio.get_running_loop().create_future()
        self._writer.write(frame)
        await self._acknowledged

    def _settle(self, error: ConnectionError | None) -> None:
        future, self._acknowledged = self._acknowledged, None
        if future is None or future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def close(self) -> None:
        """Close at once; what the system does not take any more is dropped."""
        if not self.closed:
            self.closed = True
            self._writer.transport.abort()
            self._settle(ConnectionResetError("the connection ended before the acknowledgement"))


async def serve(host: str, on_message: OnMessage, counters: Counter[str]) -> tuple[int, Callable[[], Awaitable[None]]]:
    """Listen on `host`; returns the port, and what closes listener, connections and tasks."""
    tasks: set[asyncio.Task[Any]] = set()
    strangers: set[Connection] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, on_message, counters)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        strangers.add(connection)
        try:
            if not server.is_serving() or len(strangers) > MAX_STRANGERS:
                counters["strangers_refused"] += 1
            elif await connection.first_frame():
                strangers.discard(connection)
                await connection.live()
        except asyncio.CancelledError:
            pass  # we close; asyncio would report it as an unhandled error
        finally:
            strangers.discard(connection)
            tasks.discard(task)
            connection.close()

    server = await asyncio.start_server(accepted, host, 0)

    async def stop() -> None:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    port: int = server.sockets[0].getsockname()[1]
    return port, stop
