"""An asyncio process as a peer of actors: asks with ids and deadlines, without a thread, and without one hung actor stopping it.

Speaks Thespian's TCP framing: `<length>>` and the signed pickle of `(sender, message)`; each frame is acknowledged on the
connection it came by; one frame is in flight per target. An actor answers on the request's connection or on one it opens to us.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

from thespian.actors import ActorAddress

from lics_actors.errors import DeviceTimeoutError, FleetUnavailableError, LicsError
from lics_actors.runtime import transport
from lics_actors.runtime.doorway import Doorway
from lics_actors.runtime.link import Link, PendingRequest
from lics_actors.runtime.messages import PeerReply, PeerRequest
from lics_actors.runtime.transport import actor_address, host_port
from lics_actors.runtime.wire import serve

__all__ = ["Peer", "actor_address", "host_port"]

MAX_VISITS = 256  # a device lets 100 commands wait, each with up to 20 who wait for it; so many are in no healthy laboratory


class Peer:
    """Opened with `await Peer.open()`, used by any number of tasks of one loop, closed with `await peer.close()`.

    `counters`: `asked`, `answered`, `refused` (by the actor), `timed_out`, `dead`, `full`, `abandoned` (caller gave up before
    delivery), `delivery_repeated` (acknowledgement lost), `replies_late` (nobody waits any more), `frames_refused`.
    """

    def __init__(self, max_queued: int) -> None:
        self.max_queued = max_queued
        self.counters: Counter[str] = Counter()
        self._prefix = uuid.uuid4().hex
        self._serials = itertools.count(1)
        self._waiting: dict[str, PendingRequest] = {}
        self._links: dict[tuple[str, int], Link] = {}
        self._doorways: dict[tuple[str, int], Doorway] = {}
        self._address: ActorAddress | None = None
        self._stop_serving: Callable[[], Any] | None = None

    @classmethod
    async def open(cls, host: str = "127.0.0.1", max_queued: int = 64) -> Self:
        """Listen on `host`. `max_queued`: requests that may wait for one target; a further one is refused at once.

        Raises:
            TransportError: `transport.install` has not run.
        """
        transport.require_installed()
        peer = cls(max_queued)
        port, peer._stop_serving = await serve(host, peer._on_message, peer.counters)
        peer._address = actor_address(host, port)
        return peer

    async def ask(self, address: ActorAddress, body: object, timeout_s: float) -> object:
        """Send `body` to an actor and return its answer.

        The actor may have acted although this raises DeviceTimeoutError, or FleetUnavailableError with fact `delivered=True`.

        Raises:
            LicsError: the actor's own refusal.
            FleetUnavailableError: the actor is dead, refuses our frames, or too much waits for it.
            DeviceTimeoutError: no answer within `timeout_s`.
        """
        if self._address is None:
            raise FleetUnavailableError("the connection to the fleet is closed", delivered=False)
        request_id = f"{self._prefix}-{next(self._serials)}"
        target = host_port(address)
        frame = transport.seal((self._address, PeerRequest(request_id, body, time.time() + timeout_s)))
        pending = PendingRequest(frame, asyncio.get_running_loop().create_future())
        self.counters["asked"] += 1
        self._waiting[request_id] = pending
        try:
            self._link(target).put(pending)
            async with asyncio.timeout(timeout_s):
                answer = await pending.answer
        except TimeoutError:
            self.counters["timed_out"] += 1
            raise DeviceTimeoutError(
                f"no answer within {timeout_s:g} s", timeout_s=timeout_s, delivered=pending.delivered
            ) from None
        finally:
            pending.answer.cancel()
            del self._waiting[request_id]
        return self._outcome(answer)

    async def visit(self, door: tuple[str, int], body: object, timeout_s: float) -> object:
        """Ask a leaf at its door, as `ask` does through the actors' transport; raises the same.

        A request is delivered once the connection stands, so up to MAX_VISITS may wait for one actor's answers.
        """
        if self._address is None:
            raise FleetUnavailableError("the connection to the fleet is closed", delivered=False)
        doorway = self._doorways.get(door)
        if doorway is None:
            doorway = self._doorways[door] = Doorway(door, MAX_VISITS, self.counters, self._leave)
        return await doorway.ask(body, timeout_s)

    def _leave(self, doorway: Doorway) -> None:
        if self._doorways.get(doorway.target) is doorway:
            del self._doorways[doorway.target]

    def _outcome(self, answer: object) -> object:
        if isinstance(answer, LicsError):
            self.counters["refused"] += 1
            raise answer
        self.counters["answered"] += 1
        return answer

    def _link(self, target: tuple[str, int]) -> Link:
        link = self._links.get(target)
        if link is None:
            link = Link(target, self.max_queued, self._on_message, self.counters, self._forget)
            self._links[target] = link
        return link

    def _forget(self, link: Link) -> None:
        if self._links.get(link.target) is link:
            del self._links[link.target]

    def _on_message(self, message: object) -> None:
        match message:
            case PeerReply(request_id=request_id, body=body):
                pending = self._waiting.get(request_id)
                if pending is None or pending.answer.done():
                    self.counters["replies_late"] += 1
                else:
                    pending.answer.set_result(body)
            case _:
                self.counters["unrecognised"] += 1

    async def close(self) -> None:
        """Fail what still waits, and close every connection, task and socket."""
        self._address = None
        for link in list(self._links.values()):
            await link.close()
        for doorway in list(self._doorways.values()):
            await doorway.close()
        if self._stop_serving is not None:
            await self._stop_serving()
            self._stop_serving = None
        for pending in list(self._waiting.values()):
            pending.fail(FleetUnavailableError("the connection to the fleet is closed", delivered=pending.delivered))
