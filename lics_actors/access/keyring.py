"""The keys that sign access tokens: files in the data directory, mode 0600; the newest signs, the others still verify."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.settings import MIN_SECRET_BYTES, Settings, SettingsError

KEPT: Final = 5  # keys; a token lives for minutes, so one before the last is enough
LOOK_S: Final = 1.0  # a name that is not known is looked for on the disk no more often than this
SETTLED_S: Final = 3.0  # a new key signs when every worker has had the time to find it
_NAME = re.compile(r"[0-9]{13}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret and its name, the `kid`."""

    name: str
    secret: bytes

    def __repr__(self) -> str:
        return f"SigningKey({self.name})"


class KeyRing:
    """`JWT_SECRET` where it is set (several hosts share it), else the keys in `secrets/jwt`, the first made when needed."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._folder = settings.data_dir / "secrets" / "jwt"
        self._keys: dict[str, SigningKey] = {}
        self._looked = float("-inf")
        self._given: SigningKey | None = None
        if settings.jwt_secret is not None:
            secret = settings.jwt_secret.get_secret_value().encode()
            self._given = SigningKey("set-" + hashlib.sha256(b"kid" + secret).hexdigest()[:8], secret)
            self._keys = {self._given.name: self._given}

    def signing(self) -> SigningKey:
        """Return the key that new tokens are signed with.

        Raises:
            SettingsError: the files cannot be used.
        """
        if self._given is not None:
            return self._given
        self._look()
        if not self._keys:
            self.rotate()
        settled = [name for name in self._keys if int(name[:13]) / 1000 <= self._now() - SETTLED_S]
        return self._keys[max(settled) if settled else min(self._keys)]  # of several first ones all workers take the same

    def named(self, name: str) -> SigningKey | None:
        """Return a key by its name; a name is never a path."""
        if name not in self._keys and self._given is None and _NAME.fullmatch(name):
            self._look()
        return self._keys.get(name)

    def rotate(self) -> SigningKey:
        """Make a key that signs in a few seconds; those before verify what they signed.

        Raises:
            SettingsError: JWT_SECRET is set, so it is rotated where it is set.
        """
        if self._given is not None:
            raise SettingsError("JWT_SECRET is set; change it there")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = SigningKey(f"{int(self._now() * 1000):013d}-{secrets.token_hex(4)}", secrets.token_bytes(48).hex().encode())
        fresh = self._folder / f".{key.name}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.secret)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._folder / key.name)
        for old in sorted(self._names())[:-KEPT]:
            (self._folder / old).unlink(missing_ok=True)
        self._looked = float("-inf")
        self._look()
        return key

    def _names(self) -> list[str]:
        return [path.name for path in self._folder.glob("[0-9]*") if _NAME.fullmatch(path.name)]

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        names = self._names() if self._folder.is_dir() else []
        self._keys = {
            name: self._keys.get(name) or SigningKey(name, _read(self._folder / name)) for name in sorted(names)[-KEPT:]
        }


def _read(path: Path) -> bytes:
    secret = path.read_bytes()
    if len(secret) < MIN_SECRET_BYTES or path.stat().st_mode & 0o077:
        raise SettingsError(f"{path} is too short, or others may read it; delete it, tokens signed with it end")
    return secret
