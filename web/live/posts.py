"""What is on its way to clients: made once, held by reference in as many queues as there are viewers. Pure."""

from __future__ import annotations

from typing import Final

from web.live.frames import text_frame
from web.live.protocol import ServerMessage, write

NO_TOPIC: Final = ""


class Post:
    """One message: `frame` for the wire, the text within it for ways that frame by themselves.

    `topic`, `n`: what a gap would call it; an answer to one client (`topic` empty) is never folded into a gap.
    """

    __slots__ = ("frame", "n", "size", "topic")

    def __init__(self, topic: str, n: int, text: bytes) -> None:
        self.topic, self.n = topic, n
        self.frame = text_frame(text)
        self.size = len(self.frame)

    @property
    def text(self) -> str:
        """Return the message as JSON."""
        return _payload(self.frame).decode()


def post(message: ServerMessage) -> Post:
    """Return a message, encoded."""
    return Post(getattr(message, "topic", None) or NO_TOPIC, getattr(message, "n", 0), write(message))


def answer(message: ServerMessage) -> Post:
    """Return a message meant for one client alone, which no gap may swallow."""
    return Post(NO_TOPIC, 0, write(message))


def _payload(frame: bytes) -> bytes:
    start = {126: 4, 127: 10}.get(frame[1], 2)
    return frame[start:]
