"""The door of a leaf: peers' requests reach its loop directly, past Thespian's transport.

A message through Thespian costs an actor some 1.5 ms of CPU (it builds a selector for every turn, and a text of every message
for a log that is off); a request through the door costs 0.1 ms. What travels is the same: signed frames of PeerRequest and
PeerReply. A connection needs no acknowledgements: it ends when the actor dies.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from lics_actors.errors import LicsError
from lics_actors.runtime import transport
from lics_actors.runtime.frames import FrameProtocol
from lics_actors.runtime.messages import PeerReply, PeerRequest
from lics_actors.runtime.transport import FrameRefusedError
from lics_actors.runtime.wire import FIRST_FRAME_S, MAX_STRANGERS

BACKLOG = 100  # connections being made; a peer makes one
Reply = Callable[[object], None]

log = logging.getLogger(__name__)


class Door:
    """Bound at once, so that its port is known; serves from `open` to `close`, in the loop's thread.

    `counters`: `door_requests`, `door_expired` (nobody waits any more), `door_replies_surplus`, `door_frames_refused`,
    `door_strangers_refused`.
    """

    def __init__(self, take: Callable[[object, Reply], None], counters: Counter[str]) -> None:
        self._take, self.counters = take, counters
        # The protocol is named, or asyncio would not set TCP_NODELAY on what is accepted.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind((transport.bound_host(), 0))
        self._socket.listen(BACKLOG)  # who comes before the loop runs waits, instead of taking the actor for dead
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None
        self.visitors: set[_Visitor] = set()
        self.strangers: set[_Visitor] = set()

    async def open(self) -> None:
        """Let peers in."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Visitor(self), sock=self._socket, backlog=BACKLOG)

    async def close(self) -> None:
        """Let nobody in any more, and close every connection behind what was answered."""
        if self._server is not None:
            self._server.close()
        self._socket.close()
        for visitor in list(self.visitors):
            visitor.close()

    def asked(self, request: PeerRequest, visitor: _Visitor) -> None:
        """Have a request answered over the connection it came by."""
        if time.time() > request.respond_by:
            self.counters["door_expired"] += 1
            return
        self.counters["door_requests"] += 1
        self._take(request.body, self._reply_once(request.request_id, visitor))

    def _reply_once(self, request_id: str, visitor: _Visitor) -> Reply:
        replied = False

        def reply(body: object) -> None:
            nonlocal replied
            if replied:
                self.counters["door_replies_surplus"] += 1
                return
            replied = True
            try:
                visitor.send(PeerReply(request_id, body))
            except Exception as error:  # whatever pickle raises
                log.exception("answer cannot be sent", extra={"kind": type(body).__name__})
                visitor.send(PeerReply(request_id, LicsError(f"the actor has an answer that cannot be sent: {error}")))

        return reply


class _Visitor(FrameProtocol):
    """One connection; a stranger until its first signed frame."""

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, wire: asyncio.BaseTransport) -> None:
        """Give a stranger FIRST_FRAME_S."""
        super().connection_made(wire)
        if len(self._door.strangers) >= MAX_STRANGERS:
            self._door.counters["door_strangers_refused"] += 1
            self.abort()
            return
        self._door.visitors.add(self)
        self._door.strangers.add(self)
        self._patience = asyncio.get_running_loop().call_later(FIRST_FRAME_S, self.abort)

    def on_frame(self, message: Any) -> None:
        """Take a request."""
        if not isinstance(message, PeerRequest):
            raise FrameRefusedError("a door takes requests only", reason="content")
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            self._door.strangers.discard(self)
        self._door.asked(message, self)

    def on_refused(self) -> None:
        """Count it."""
        self._door.counters["door_frames_refused"] += 1

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's name for it
        """Forget the connection."""
        if self._patience is not None:
            self._patience.cancel()
        self._door.visitors.discard(self)
        self._door.strangers.discard(self)
