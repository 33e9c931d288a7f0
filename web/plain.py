"""A plain command as it comes over HTTP/1.1, and an answer as it leaves. Pure.

Only what is beyond doubt is read here: every request that a careful parser might see otherwise is none of a plain command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

MAX_HEAD_BYTES: Final = 8192
MAX_BODY_BYTES: Final = 65_536  # a device takes no larger command

_UUID = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LINE = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n"  # RFC 9112, section 5, without obsolete folding and bytes beyond ASCII
_HEAD = re.compile(rb"POST (/api/v1/devices/(" + _UUID + rb")/command) HTTP/1\.1\r\n((?:" + _LINE + rb")+)\r\n")
_START: Final = b"POST /api/v1/devices/"
_UNUSUAL = frozenset({b"transfer-encoding", b"content-encoding", b"expect", b"upgrade", b"origin", b"trailer"})
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Plain:
    """A request for a command, whole. Names of headers are lower case."""

    path: str
    device_id: UUID
    headers: Mapping[bytes, bytes]
    body: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """The head of a plain command is there, its body is not whole yet."""


def read(data: bytes) -> Plain | Begun | None:
    """Return the plain command that `data` holds, exactly and nothing else; None where it holds anything else."""
    if not data.startswith(_START) or (head := _HEAD.match(data)) is None or head.end() > MAX_HEAD_BYTES:
        return None
    headers = _headers(head[3])
    if headers is None:
        return None
    length, body = int(headers[b"content-length"]), data[head.end() :]
    if len(body) != length:
        return Begun() if len(body) < length else None
    return Plain(head[1].decode(), UUID(head[2].decode()), headers, body)


def _headers(block: bytes) -> Mapping[bytes, bytes] | None:
    lines = block.split(b"\r\n")[:-1]
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip(b" \t")
    if len(headers) != len(lines) or not _UNUSUAL.isdisjoint(headers) or not headers.get(b"host"):
        return None
    if headers.get(b"content-type") != b"application/json" or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    length = headers.get(b"content-length", b"")
    return headers if length.isdigit() and len(length) < 6 and int(length) <= MAX_BODY_BYTES else None


def answer(status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> bytes:
    """Return an answer as it leaves, on a connection that stays."""
    lines = [b"%s: %s\r\n" % header for header in headers]
    return b"".join([_STATUS_LINES[status], *lines, b"content-length: %d\r\n\r\n" % len(body), body])
