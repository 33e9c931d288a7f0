"""API keys in their table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.access.errors import KeyNotFoundError, TooManyKeysError
from lics_actors.access.people import Account, ApiKey
from lics_actors.store.accounts import NAMES, account_of
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.json_text import json_text, json_value

COLUMNS: Final = tuple(ApiKey.__dataclass_fields__)
_NAMES: Final = ", ".join(COLUMNS)
MAX_KEYS: Final = 50  # of an account that are neither revoked nor expired


def _key(row: Mapping[str, Any]) -> ApiKey:
    values = {name: row[name] for name in COLUMNS if name != "scopes"}
    return ApiKey(**values, scopes=frozenset(json_value(row["scopes"])))


class ApiKeys(Connected):
    """The keys' part of the repository."""

    async def add_key(
        self,
        key_id: UUID,
        account_id: UUID,
        name: str,
        secret_hash: str,
        *,
        scopes: frozenset[str],
        expires_at: datetime,
        laboratory: UUID | None = None,
    ) -> ApiKey:
        """Keep a key; with `laboratory` it is for that one only.

        Raises:
            TooManyKeysError, DatabaseUnavailableError
        """
        columns = "id, account_id, name, secret_hash, scopes, created_at, expires_at, laboratory_id"
        values = "$1, $2, $3, $4, $5::jsonb, now(), $6, $7"
        insert = f"INSERT INTO api_key ({columns}) VALUES ({values}) RETURNING {_NAMES}"  # noqa: S608 - our own names
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute("SELECT FROM account WHERE id = $1 FOR UPDATE", account_id)
            count = f"SELECT count(*) FROM api_key WHERE account_id = $1 AND {_LIVE}"  # noqa: S608
            if await connection.fetchval(count, account_id) >= MAX_KEYS:
                raise TooManyKeysError(f"an account has at most {MAX_KEYS} keys; revoke one first", limit=MAX_KEYS)
            row = await connection.fetchrow(
                insert, key_id, account_id, name, secret_hash, json_text(sorted(scopes)), expires_at, laboratory
            )
        return _key(row)

    async def keys(self, account_id: UUID) -> list[ApiKey]:
        """Return the keys of an account that are neither revoked nor expired, newest first.

        Raises:
            DatabaseUnavailableError
        """
        query = f"SELECT {_NAMES} FROM api_key WHERE account_id = $1 AND {_LIVE} ORDER BY created_at DESC, id"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(query, account_id)
        return [_key(row) for row in rows]

    async def revoke_key(self, key_id: UUID, account_id: UUID) -> ApiKey:
        """Revoke a key of an account; again is no fault.

        Raises:
            KeyNotFoundError: the account has no such key.
            DatabaseUnavailableError
        """
        change = (
            f"UPDATE api_key SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 AND account_id = $2 RETURNING {_NAMES}"  # noqa: S608
        )
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(change, key_id, account_id)
        if row is None:
            raise KeyNotFoundError(f"no API key {key_id}", key=str(key_id))
        return _key(row)

    async def find_key(self, key_id: UUID) -> tuple[ApiKey, Account] | None:
        """Return a key that may be used, and its owner as he is now.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(f"SELECT {_NAMES} FROM api_key WHERE id = $1 AND {_LIVE}", key_id)  # noqa: S608
            if row is None:
                return None
            owner = f"SELECT {NAMES} FROM account WHERE id = $1 AND disabled_at IS NULL"  # noqa: S608
            account = await connection.fetchrow(owner, row["account_id"])
        return None if account is None else (_key(row), account_of(account))

    async def note_key_use(self, key_id: UUID, remote: str | None) -> None:
        """Note that a key is used, and from where.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            await connection.execute("UPDATE api_key SET last_used_at = now(), last_used_from = $2 WHERE id = $1", key_id, remote)


_LIVE: Final = "revoked_at IS NULL AND expires_at > now()"
