"""Keys on disk, hashing threads, and what a worker knows of what was ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import jwt
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from config.settings import Settings, SettingsError
from lics_actors.access.ending import MARGIN_S, Bell, Endings
from lics_actors.access.errors import ThrottledError
from lics_actors.access.keyring import KEPT, SETTLED_S, KeyRing
from lics_actors.access.laboratories import MAX_MEMBERSHIPS
from lics_actors.access.passwords import WAITING, Passwords
from lics_actors.access.people import Account
from lics_actors.access.roles import Role
from lics_actors.access.rules import Ended
from lics_actors.access.tokens import AccessTokens
from lics_actors.errors import DatabaseUnavailableError

NOW = datetime.now(UTC)
ADA = Account(uuid4(), "ada@lab.example", Role.OBSERVER, 1, NOW, "t", NOW, None, NOW, None, None, None)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        return self.now


def settings(data_dir: Path, **more: str) -> Settings:
    return Settings.model_validate({"data_dir": data_dir, **more})


def test_keys_change_and_tokens_live_on(data_dir: Path) -> None:
    clock = Clock()
    here, there = KeyRing(settings(data_dir), clock), KeyRing(settings(data_dir), clock)
    first, _ = AccessTokens(here, 900.0, clock).issue(ADA, uuid4())
    verifier = AccessTokens(there, 900.0, clock)
    assert verifier.verified(first) is not None, "a worker finds the key of another"
    clock.now += 1
    here.rotate()
    still, _ = AccessTokens(here, 900.0, clock).issue(ADA, uuid4())
    assert jwt.get_unverified_header(still)["kid"] == jwt.get_unverified_header(first)["kid"], "others are to find it first"
    clock.now += SETTLED_S
    second, _ = AccessTokens(here, 900.0, clock).issue(ADA, uuid4())
    assert jwt.get_unverified_header(second)["kid"] != jwt.get_unverified_header(first)["kid"]
    fresh = AccessTokens(KeyRing(settings(data_dir), clock), 900.0, clock)
    assert fresh.verified(first) is not None
    assert fresh.verified(second) is not None
    clock.now += 901
    assert fresh.verified(second) is None
    assert verifier.verified(first) is None, "what is remembered ends, too"


def test_a_token_of_as_many_laboratories_as_there_may_be_is_read(data_dir: Path) -> None:
    tokens = AccessTokens(KeyRing(settings(data_dir)), 900.0)
    there = {uuid4(): Role.TECHNICIAN for _ in range(MAX_MEMBERSHIPS)}
    token, _ = tokens.issue(replace(ADA, email="a" * 160 + "@lab.example", memberships=there), uuid4())
    claims = tokens.verified(token)
    assert claims is not None
    assert dict(claims.memberships) == there
    assert len(token) < 6144, "MAX_TOKEN; a request's head may have 8 KiB"


def test_old_keys_go_and_open_ones_are_not_used(data_dir: Path) -> None:
    clock = Clock()
    ring = KeyRing(settings(data_dir), clock)
    for _ in range(KEPT + 3):
        clock.now += 1
        ring.rotate()
    files = sorted((data_dir / "secrets" / "jwt").iterdir())
    assert len(files) == KEPT
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
    files[-1].chmod(0o644)
    with pytest.raises(SettingsError, match="others may read it"):
        KeyRing(settings(data_dir), clock).signing()


def test_a_secret_that_is_set_is_the_only_key(data_dir: Path) -> None:
    ring = KeyRing(settings(data_dir, jwt_secret="s" * 40))
    token, _ = AccessTokens(ring, 900.0).issue(ADA, uuid4())
    assert AccessTokens(KeyRing(settings(data_dir, jwt_secret="s" * 40)), 900.0).verified(token) is not None
    assert AccessTokens(KeyRing(settings(data_dir, jwt_secret="t" * 40)), 900.0).verified(token) is None
    assert not (data_dir / "secrets" / "jwt").exists()
    with pytest.raises(SettingsError, match="JWT_SECRET"):
        ring.rotate()


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Quick ones."""
    made = Passwords(Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1))
    yield made
    made.close()


async def test_a_password_is_right_or_not(passwords: Passwords) -> None:
    kept = await passwords.hashed("a feeder hums at dawn")
    assert kept.startswith("$argon2id$")
    assert await passwords.verify("a feeder hums at dawn", kept) == (True, None)
    assert (await passwords.verify("a feeder hums at dusk", kept))[0] is False
    assert await passwords.verify("a feeder hums at dawn", None) == (False, None)
    stronger = Passwords(Argon2Hasher(time_cost=2, memory_cost=64, parallelism=1))
    right, newer = await stronger.verify("a feeder hums at dawn", kept)
    stronger.close()
    assert right
    assert newer is not None
    assert newer != kept


async def test_no_more_than_so_many_wait(passwords: Passwords) -> None:
    asked = [passwords.hashed("x") for _ in range(WAITING * 3)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    refused = [result for result in results if isinstance(result, ThrottledError)]
    assert len(refused) == WAITING * 2
    assert (await passwords.hashed("x")).startswith("$argon2id$")


class Table:
    """Says what was ended, unless it is away; remembers how far back it was asked."""

    def __init__(self) -> None:
        self.ended, self.away = Ended(), False
        self.asked: list[float] = []

    async def ended_since(self, seconds: float) -> Ended:
        self.asked.append(seconds)
        if self.away:
            raise DatabaseUnavailableError("away")
        return self.ended


async def test_what_is_known_stays_while_the_tables_are_away() -> None:
    table, session = Table(), uuid4()
    endings = Endings(table, Bell(None, ""), 900.0)
    table.away = True
    await endings.look()
    assert not endings.knows.is_set()
    table.away, table.ended = False, Ended(frozenset({session}))
    await endings.told()
    assert endings.knows.is_set()
    table.away = True
    await endings.look()
    assert session in endings.ended.sessions
    table.away = False
    await endings.look()
    assert table.asked[0] == 900.0 + MARGIN_S
    assert table.asked[-1] >= table.asked[0], "what happened meanwhile is not missed"
