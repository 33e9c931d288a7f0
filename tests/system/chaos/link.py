"""A TCP link that can be cut, torn, held up and delayed: what lies between LICS, its servers and the devices."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import Self

LOOPBACK = "127.0.0.1"
MOST_HELD_BYTES = 1 << 20  # in each direction of a connection; then its sender is not read any more, as TCP would do
TORN = struct.pack("ii", 1, 0)  # SO_LINGER 0: the end is a reset


class Link:
    """`async with Link(port_of_the_server) as link:` carries connections from `link.port` to that server.

    In a hole nothing arrives and nobody is told; when it is over, what was sent arrives, as over TCP after a lost route.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._pairs: set[Pair] = set()
        self.refusing = self.held = False
        self.delay_s = 0.0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(self._accepted, LOOPBACK, 0, backlog=1024)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.close()
        for pair in list(self._pairs):
            pair.tear()

    @property
    def port(self) -> int:
        """Return the port to connect to."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """Return how many connections there are."""
        return len(self._pairs)

    def reset(self) -> None:
        """Tear every connection; new ones are carried."""
        for pair in list(self._pairs):
            pair.tear()

    def drop(self) -> None:
        """Tear every connection and let none come, until `heal`."""
        self.refusing = True
        self.reset()

    def hole(self) -> None:
        """Let nothing through, until `heal`."""
        self.held = True

    def slow(self, delay_s: float) -> None:
        """Let everything come so much later, until `heal`."""
        self.delay_s = delay_s

    def heal(self) -> None:
        """Carry again, first what was held."""
        self.refusing, self.held, self.delay_s = False, False, 0.0
        for pair in list(self._pairs):
            pair.go_on()

    def _accepted(self) -> asyncio.Protocol:
        pair = Pair(self, self._to_port)
        self._pairs.add(pair)
        return pair.near

    def over(self, pair: Pair) -> None:
        """A connection has ended."""
        self._pairs.discard(pair)


class Pair:
    """One connection: `near` to whoever came, `far` to the server."""

    def __init__(self, link: Link, to_port: int) -> None:
        self.link, self._to_port = link, to_port
        self.near, self.far = End(self), End(self)
        self.near.other, self.far.other = self.far, self.near
        self._connecting: asyncio.Task[None] | None = None

    def came(self) -> None:
        """The near end is there."""
        if self.link.refusing:
            self.tear()
        else:
            self.go_on()

    def go_on(self) -> None:
        """Reach the server where that is still to be done, and send on what may be sent."""
        if self.link.held:
            return
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self.near.send_on()
        self.far.send_on()

    def tear(self) -> None:
        """End both ends with a reset."""
        self.link.over(self)
        for end in (self.near, self.far):
            end.tear()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.far, LOOPBACK, self._to_port)
        except OSError:
            self.tear()


class End(asyncio.Protocol):
    """One end of a pair: what it hears goes to the other."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self.other: End
        self._transport: asyncio.Transport | None = None
        self._due: deque[tuple[float, bytes]] = deque()  # to be written here
        self._due_bytes = 0
        self._ending = self._silent = self._torn = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._torn:
            self.tear()
        elif self is self._pair.near:
            self._pair.came()
        else:
            self.send_on()

    def data_received(self, data: bytes) -> None:
        """Pass it on, now or when its time has come."""
        loop, delay_s = asyncio.get_running_loop(), self._pair.link.delay_s
        self.other.take(loop.time() + delay_s, data)
        if delay_s:
            loop.call_later(delay_s, self.other.send_on)
        self.other.send_on()

    def eof_received(self) -> bool:
        """Let the other end hear of it behind all that was said; the way back stays open."""
        self._silent = True
        self.other.end()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Let the other end hear of it behind all that was said."""
        self._transport, self._torn, self._silent = None, True, True
        self.other.end()
        if self.other._torn:
            self._pair.link.over(self._pair)

    def pause_writing(self) -> None:
        """Whoever reads here is slow: so is now the reading at the other end."""
        self.other.read(on=False)

    def resume_writing(self) -> None:
        """Go on."""
        self.other.read(on=True)

    def take(self, due: float, data: bytes) -> None:
        """Keep what is to be written here."""
        self._due.append((due, data))
        self._due_bytes += len(data)
        if self._due_bytes > MOST_HELD_BYTES:
            self.other.read(on=False)

    def send_on(self) -> None:
        """Write what is due."""
        if self._transport is None or self._pair.link.held:
            return
        now = asyncio.get_running_loop().time() + 1e-3
        healed = self._pair.link.delay_s == 0.0
        while self._due and (healed or self._due[0][0] <= now):
            _, data = self._due.popleft()
            self._due_bytes -= len(data)
            self._transport.write(data)
        if self._due_bytes <= MOST_HELD_BYTES:
            self.other.read(on=True)
        if self._ending and not self._due:
            if self._silent or self.other._torn:
                self._transport.close()
            elif self._transport.can_write_eof():
                self._transport.write_eof()

    def end(self) -> None:
        """Nothing more comes from the other end: say so behind what is still to be written; close if nothing comes from here."""
        self._ending = True
        self.send_on()
        if self.other._ending and not self.other._due:
            self.other.send_on()

    def read(self, *, on: bool) -> None:
        """Read on, or do not."""
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    def tear(self) -> None:
        """End with a reset."""
        self._torn = True
        if self._transport is None:
            return
        plug = self._transport.get_extra_info("socket")
        if plug is not None and plug.fileno() >= 0:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, TORN)
        self._transport.abort()
