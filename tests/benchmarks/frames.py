"""The client's side of WebSocket framing (RFC 6455, section 5) in a few lines, so that a load costs little."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
FINAL_TEXT = 0x80 | TEXT


def handshake(host: str, port: int, path: str) -> bytes:
    """Return the request of an opening handshake; no extension is offered, so nothing is compressed."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join((*lines, "", "")).encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """Return one final frame of a client; the mask is zero, which a server must take and which costs nothing."""
    length = len(payload)
    if length < 126:
        head = bytes([0x80 | opcode, 0x80 | length])
    elif length < 65536:
        head = bytes([0x80 | opcode, 0x80 | 126]) + length.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 0x80 | 127]) + length.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


class FrameReader:
    """Cuts what arrives into frames. `rest` is what of a frame has arrived so far."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (first byte, payload) of each frame that is complete; servers send one message a frame."""
        if self.rest:
            data = self.rest + data
        at, size = 0, len(data)
        while size - at >= 2:
            start, length = at + 2, data[at + 1]
            if length == 126:
                start, length = at + 4, int.from_bytes(data[at + 2 : at + 4], "big")
            elif length == 127:
                start, length = at + 10, int.from_bytes(data[at + 2 : at + 10], "big")
            if start + length > size:
                break
            yield data[at], data[start : start + length]
            at = start + length
        self.rest = data[at:]
