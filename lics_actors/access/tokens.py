"""Access tokens: JWTs of one algorithm, one type and three header fields; whatever else a token brings is no token of ours."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import jwt

from lics_actors.access.keyring import KeyRing
from lics_actors.access.people import Account
from lics_actors.access.rules import Claims, claims_made, claims_read, in_time

ALGORITHM: Final = "HS256"  # who signs verifies; no public key that could be taken for a secret
TYPE: Final = "at+jwt"  # RFC 9068: an access token, and no other JWT
HEADER: Final = frozenset({"alg", "kid", "typ"})
MAX_TOKEN: Final = 6144  # bytes; ours have 500, and 80 for each laboratory of at most MAX_MEMBERSHIPS
REMEMBERED: Final = 4096

_jws = jwt.PyJWS(algorithms=[ALGORITHM])


def opaque() -> tuple[str, str]:
    """Return a new refresh token or code of 256 bits, and what is kept of it."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    """Return what is kept of a token with so many random bits that nobody guesses it: SHA-256, in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class AccessTokens:
    """Issues and verifies. A verified token is remembered by its hash until it expires."""

    def __init__(self, keys: KeyRing, lifetime_s: float, now: Callable[[], float] = time.time) -> None:
        self._keys, self.lifetime_s, self._now = keys, lifetime_s, now
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

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
        try:
            header = jwt.get_unverified_header(token)
            name = header.get("kid")
            if header.keys() != HEADER or header["alg"] != ALGORITHM or header["typ"] != TYPE or not isinstance(name, str):
                return None
            key = self._keys.named(name)
            if key is None:
                return None
            said: Any = json.loads(_jws.decode(token, key.secret, algorithms=[ALGORITHM]))
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        claims = claims_read(said, self._now()) if isinstance(said, dict) else None
        return claims if isinstance(claims, Claims) else None
