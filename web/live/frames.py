"""A WebSocket message as it goes over the wire (RFC 6455 section 5.2), made once and sent to everyone. Pure."""

from __future__ import annotations

from typing import Final

FIN_TEXT: Final = 0x81
PING: Final = b"\x89\x00"  # an empty ping; clients answer by themselves


def text_frame(payload: bytes) -> bytes:
    """Return `payload` (UTF-8) as one text frame from a server: whole, unmasked, not compressed."""
    size = len(payload)
    if size < 126:
        return bytes((FIN_TEXT, size)) + payload
    if size < 65536:
        return bytes((FIN_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((FIN_TEXT, 127)) + size.to_bytes(8, "big") + payload
