"""Access tokens: JWTs of one algorithm, one type and three header fields; whatever else a token brings is no token of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import jwt
import msgspec

from lics_actors.access.keyring import KeyRing
from lics_actors.access.people import Account
from lics_actors.access.rules import Claims, claims_made, claims_read, in_time

ALGORITHM: Final = "HS256"  # who signs verifies; no public key that could be taken for a secret
TYPE: Final = "at+jwt"  # RFC 9068: an access token, and no other JWT
HEADER: Final = frozenset({"alg", "kid", "typ"})
MAX_TOKEN: Final = 6144  # bytes; ours have 500, and 80 for each laboratory of at most MAX_MEMBERSHIPS
REMEMBERED: Final = 4096
HEADS: Final = 16  # headers that are known: one a key

_jws = jwt.PyJWS(algorithms=[ALGORITHM])
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def opaque() -> tuple[str, str]:
    """Return a new refresh token or code of 256 bits, and what is kept of it."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    """Return what is kept of a token with so many random bits that nobody guesses it: SHA-256, in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class AccessTokens:
    """Issues and verifies. A verified token is remembered by its hash until it expires.

    PyJWT signs. Its reading of a token looks at each character in Python, twice: 140 µs, where the segments of the one kind of
    token that is ours take 20. What it would refuse is refused here, too (`test_the_known_attacks_on_tokens`).
    """

    def __init__(self, keys: KeyRing, lifetime_s: float, now: Callable[[], float] = time.time) -> None:
        self._keys, self.lifetime_s, self._now = keys, lifetime_s, now
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()
        self._heads: dict[str, str] = {}

    def issue(self, account: Account, session: UUID) -> tuple[str, Claims]:
        """Return a token for an account's session.

        Raises:
            SettingsError: there is no key to sign with.
        """
        now = round(self._now(), 3)
        claims = Claims(
            account.id,
            session,
            account.generation,
            account.email,
            account.role,
            secrets.token_hex(8),
            now,
            now,
            now + self.lifetime_s,
            tuple(sorted(account.memberships.items())),
        )
        key = self._keys.signing()
        header = {"typ": TYPE, "kid": key.name}
        return _jws.encode(json.dumps(claims_made(claims)).encode(), key.secret, ALGORITHM, header), claims

    def verified(self, token: str) -> Claims | None:
        """Return what a token says, None if it is not one of ours, or not valid now."""
        if len(token) > MAX_TOKEN:
            return None
        known = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(known)
        if claims is not None:
            if in_time(claims, self._now()) is None:
                return claims
            del self._verified[known]
            return None
        claims = self._read(token)
        if claims is not None:
            self._verified[known] = claims
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return claims

    def _read(self, token: str) -> Claims | None:
        parts = token.split(".")
        if len(parts) != 3:
            return None
        try:
            name = self._heads.get(parts[0]) or _key_named(parts[0])
            key = None if name is None else self._keys.named(name)
            if name is None or key is None:
                return None
            made = hmac.digest(key.secret, f"{parts[0]}.{parts[1]}".encode("ascii"), "sha256")
            if not hmac.compare_digest(made, _bytes(parts[2])):
                return None
            if len(self._heads) < HEADS:
                self._heads[parts[0]] = name  # we signed it, so it is one of the few that we write
            said = _object(parts[1])
        except (ValueError, RecursionError, msgspec.MsgspecError):
            return None
        claims = claims_read(said, self._now())
        return claims if isinstance(claims, Claims) else None


def _key_named(segment: str) -> str | None:
    """Return the name of the key in a header that is one of ours. Raises: as `_object`."""
    header = _object(segment)
    name = header.get("kid")
    ours = header.keys() == HEADER and header["alg"] == ALGORITHM and header["typ"] == TYPE
    return name if ours and isinstance(name, str) else None


def _object(segment: str) -> dict[str, Any]:
    """Return the JSON object in a segment. Raises: ValueError, RecursionError, msgspec.MsgspecError: there is none."""
    said = msgspec.json.decode(_bytes(segment))
    if not isinstance(said, dict):
        raise ValueError("no object")  # noqa: TRY004 - of what somebody sent
    return said


def _bytes(segment: str) -> bytes:
    """Return what a segment says in base64url; of several ways to write the same, ours only.

    Raises:
        ValueError: it is not ours.
    """
    if not _BASE64URL.fullmatch(segment):
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise ValueError("not the one way to write it")
    return data
