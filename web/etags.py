"""ETags whose first part is the version people changed, so that a live value never spoils an `If-Match`. Pure."""

from __future__ import annotations

import hashlib
import re

from lics_actors.errors import PreconditionFailedError

_TAG = re.compile(r'(?:W/)?"(\d{1,9})-[0-9a-f]{8}"')


def etag(version: int, representation: bytes) -> str:
    """Return the tag of a representation: `"<version>-<digest>"`."""
    return f'"{version}-{hashlib.blake2s(representation, digest_size=4).hexdigest()}"'


def expected_version(if_match: str | None) -> int | None:
    """Return the version `If-Match` insists on; None where any will do.

    Raises:
        PreconditionFailedError: it holds no tag of ours, so nothing here can match it.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        raise PreconditionFailedError("If-Match holds no ETag of an answer about this")
    return int(match[1])


def matches(if_none_match: str | None, tag: str) -> bool:
    """Return whether the caller has this representation already (weak comparison, RFC 9110 section 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return "*" in tags or tag in tags
