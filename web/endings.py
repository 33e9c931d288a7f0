"""What every request is named and every answer carries, whichever way it went; and the line about what changes something."""

from __future__ import annotations

import logging
import re
import uuid
from typing import Final

log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def request_name(given: str) -> str:
    """Return the id a caller gave his request (`X-Request-ID`) if it can be one, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def note(method: str, path: str, status: int, request_id: str) -> None:
    """Log a request, unless it only read."""
    if method not in READING:
        log.info("request", extra={"method": method, "path": path, "status": status, "request_id": request_id})
