"""Parts of a file, as HTTP asks for them (RFC 9110, section 14). Pure."""

from __future__ import annotations

import re
from typing import Final

_ONE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def asked_span(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the one part (from, before) of `size` bytes that a `Range` names; None: all of it.

    What cannot be served is ignored, as the standard allows: several parts, other units, nothing that is there.
    """
    found = _ONE.fullmatch(header.strip()) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
    return (start, end) if start < end else None
