"""Passwords, hashed with argon2id in threads of their own: one takes 70 ms of a core, which no loop has."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from lics_actors.access.errors import ThrottledError

THREADS: Final = 2  # each with 64 MiB (argon2's own default, RFC 9106's second choice)
WAITING: Final = 16  # who wants to sign in beyond these is told to come again

Result = TypeVar("Result")


class Passwords:
    """Hashes and compares. Where there is nothing to compare with, it takes as long: nobody learns who has an account."""

    def __init__(self, hasher: Argon2Hasher | None = None) -> None:
        self._hash = PasswordHash((hasher or Argon2Hasher(),))
        self._threads = ThreadPoolExecutor(THREADS, "passwords")
        self._waiting = 0
        self._nobodys: str | None = None

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password.

        Raises:
            ThrottledError: too many are being hashed.
        """
        return await self._run(self._hash.hash, password)

    async def verify(self, password: str, kept: str | None) -> tuple[bool, str | None]:
        """Return whether it is the password, and a newer hash to be kept if there is one. `kept` None: no, after as long.

        Raises:
            ThrottledError: too many are being hashed.
        """
        if self._nobodys is None:  # also for those who have an account: the first of all waits, whoever it is
            self._nobodys = await self._run(self._hash.hash, secrets.token_urlsafe())
        right, newer = await self._run(self._hash.verify_and_update, password, kept or self._nobodys)
        return (right, newer) if kept is not None else (False, None)

    def close(self) -> None:
        """Leave the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., Result], *given: Any) -> Result:
        if self._waiting >= WAITING:
            raise ThrottledError("too many people sign in at once; try again", retry_after_s=1.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._waiting -= 1
