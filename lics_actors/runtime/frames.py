"""Signed frames over an asyncio connection, without a task or a stream between socket and receiver."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from lics_actors.runtime import transport
from lics_actors.runtime.transport import FrameRefusedError

log = logging.getLogger(__name__)

MAX_UNSENT_BYTES = 32 * 1024 * 1024  # twice the largest frame; who does not read what he is sent is hung up on


class FrameProtocol(asyncio.Protocol):
    """One connection. What a frame holds goes to `on_frame`; anything that is no frame of this installation ends it."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._wire: asyncio.Transport | None = None

    # what a user of it overrides

    def on_frame(self, message: Any) -> None:
        """Take what a frame holds. Raise FrameRefusedError for what has no business here."""
        raise NotImplementedError

    def on_refused(self) -> None:
        """Hear that a frame was refused; the connection is closed behind it."""

    # what a user of it uses

    @property
    def open(self) -> bool:
        """Return whether something can be sent."""
        return self._wire is not None and not self._wire.is_closing()

    def send(self, message: object) -> None:
        """Send a message; nothing happens where the connection is gone.

        Raises:
            Exception: whatever pickle says of a message that cannot be pickled.
        """
        frame = transport.seal(message)
        if self._wire is None or self._wire.is_closing():
            return
        self._wire.write(frame)
        if self._wire.get_write_buffer_size() > MAX_UNSENT_BYTES:
            log.warning("frames are not read, connection closed", extra={"unsent": self._wire.get_write_buffer_size()})
            self._wire.abort()

    def close(self) -> None:
        """Close behind what was sent."""
        if self._wire is not None:
            self._wire.close()

    def abort(self) -> None:
        """Close at once."""
        if self._wire is not None:
            self._wire.abort()

    # asyncio.Protocol

    def connection_made(self, wire: asyncio.BaseTransport) -> None:
        """Begin."""
        self._wire = cast("asyncio.Transport", wire)

    def data_received(self, data: bytes) -> None:
        """Take what the socket had."""
        self._unread += data
        try:
            while self.open and (body := self._next()) is not None:
                self.on_frame(_content(body))
        except FrameRefusedError:
            self.on_refused()
            self.abort()

    def _next(self) -> bytes | None:
        """Return the next whole frame's body, None until there is one."""
        unread = self._unread
        end = unread.find(b">", 0, transport.MAX_HEADER_BYTES)
        if end < 0:
            if len(unread) >= transport.MAX_HEADER_BYTES:
                transport.refuse("header")
            return None
        digits = unread[:end]
        if not digits.isdigit() or (size := int(digits)) > transport.MAX_FRAME_BYTES:
            transport.refuse("header")
        if len(unread) <= end + size:
            return None
        body = bytes(unread[end + 1 : end + 1 + size])
        del unread[: end + 1 + size]
        return body


def _content(body: bytes) -> Any:
    try:
        return transport.unseal(body)
    except FrameRefusedError:
        raise
    except Exception as error:  # signed, but of classes this version does not have
        raise FrameRefusedError(f"a frame cannot be read: {error}", reason="content") from error
