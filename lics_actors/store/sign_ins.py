"""Sessions and their refresh tokens: opened, rotated under a lock, ended, and told to whoever checks tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.access.errors import SessionNotFoundError
from lics_actors.access.people import Account, SignedIn
from lics_actors.access.rules import Ended, Refreshed, refreshed
from lics_actors.store.accounts import NAMES, account_of
from lics_actors.store.connection import ANSWER_S, Connected

COLUMNS: Final = tuple(SignedIn.__dataclass_fields__)
_NAMES: Final = ", ".join(COLUMNS)
MAX_SESSIONS: Final = 20  # of an account at a time; one more ends the oldest
_SURPLUS = (
    "UPDATE session SET ended_at = now(), end_reason = 'too many' WHERE id IN (SELECT id FROM session WHERE account_id = $1"
    " AND ended_at IS NULL AND expires_at > now() ORDER BY created_at DESC OFFSET $2)"
)
_OLD = "account_id = $1 AND (expires_at < now() - interval '30 days' OR ended_at < now() - interval '30 days')"
_PRESENTED = (
    "SELECT t.used_at AS token_used, s.* FROM refresh_token t JOIN session s ON s.id = t.session_id"
    " WHERE t.hash = $1 FOR UPDATE OF s"
)


@dataclass(frozen=True, slots=True)
class Presented:
    """What became of a refresh token, and whose it is, or was."""

    what: Refreshed
    account: Account | None = None
    session: SignedIn | None = None


def _session(row: Mapping[str, Any]) -> SignedIn:
    return SignedIn(**{name: row[name] for name in COLUMNS})


class SignIns(Connected):
    """The sessions' part of the repository."""

    async def open_session(
        self, account_id: UUID, token_hash: str, expires_at: datetime, *, remote: str | None, agent: str | None
    ) -> SignedIn:
        """Begin a session with its first refresh token.

        Raises:
            DatabaseUnavailableError
        """
        insert = f"INSERT INTO session ({_NAMES}) VALUES ($1, $2, now(), now(), $3, NULL, NULL, $4, $5) RETURNING {_NAMES}"  # noqa: S608
        async with self.transaction(ANSWER_S) as connection:
            old = f"SELECT id FROM session WHERE {_OLD}"  # noqa: S608 - our own words
            await connection.execute(f"DELETE FROM refresh_token WHERE session_id IN ({old})", account_id)  # noqa: S608
            await connection.execute(f"DELETE FROM session WHERE {_OLD}", account_id)  # noqa: S608
            row = await connection.fetchrow(insert, uuid4(), account_id, expires_at, remote, agent)
            await connection.execute(_TOKEN, token_hash, row["id"])
            await connection.execute(_SURPLUS, account_id, MAX_SESSIONS)
            await connection.execute("UPDATE account SET signed_in_at = now() WHERE id = $1", account_id)
        return _session(row)

    async def refresh_session(self, token_hash: str, next_hash: str) -> Presented:
        """Take a refresh token and keep the next one for it; one that was used before ends its session.

        Raises:
            DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            row = await connection.fetchrow(_PRESENTED, token_hash)
            if row is None:
                return Presented(Refreshed.UNKNOWN)
            session = _session(row)
            # read after the lock: two who present the same token at once see each other's work
            used = await connection.fetchval("SELECT used_at FROM refresh_token WHERE hash = $1", token_hash)
            owner = await connection.fetchrow(f"SELECT {NAMES} FROM account WHERE id = $1", session.account_id)  # noqa: S608
            now = await connection.fetchval("SELECT now()")
            account = account_of(owner)
            what = refreshed(
                known=True,
                used=used is not None,
                ended=session.ended_at is not None,
                disabled=account.disabled_at is not None,
                expires=session.expires_at,
                now=now,
            )
            if what is Refreshed.ROTATED:
                await connection.execute("UPDATE refresh_token SET used_at = now() WHERE hash = $1", token_hash)
                await connection.execute(_TOKEN, next_hash, session.id)
                await connection.execute("UPDATE session SET used_at = now() WHERE id = $1", session.id)
            elif what is Refreshed.REUSED:
                await connection.execute(f"{_END} WHERE id = $1 AND ended_at IS NULL", session.id, "token reused")
        return Presented(what, account, session)

    async def end_session(self, session_id: UUID, account_id: UUID, reason: str) -> None:
        """End a session of an account; again is no fault.

        Raises:
            SessionNotFoundError: the account has no such session.
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            change = "UPDATE session SET ended_at = coalesce(ended_at, now()), end_reason = coalesce(end_reason, $3)"
            found = await connection.fetchval(
                f"{change} WHERE id = $1 AND account_id = $2 RETURNING id", session_id, account_id, reason
            )
        if found is None:
            raise SessionNotFoundError(f"no session {session_id}", session=str(session_id))

    async def end_sessions(self, account_id: UUID, reason: str) -> int:
        """End all sessions of an account; return how many.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            ended = await connection.fetch(f"{_END} WHERE account_id = $1 AND ended_at IS NULL RETURNING id", account_id, reason)
        return len(ended)

    async def sessions(self, account_id: UUID) -> list[SignedIn]:
        """Return the sessions of an account that are not over, newest first.

        Raises:
            DatabaseUnavailableError
        """
        query = f"SELECT {_NAMES} FROM session WHERE account_id = $1 AND ended_at IS NULL AND expires_at > now()"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(f"{query} ORDER BY created_at DESC LIMIT {MAX_SESSIONS:d}", account_id)
        return [_session(row) for row in rows]

    async def ended_since(self, seconds: float) -> Ended:
        """Return what was ended or changed in the last `seconds`: longer than a token lives, so nothing else matters.

        Raises:
            DatabaseUnavailableError
        """
        since = "> now() - make_interval(secs => $1)"
        query = (
            f"SELECT 's' AS kind, id, 0::bigint AS generation, NULL::uuid AS laboratory FROM session WHERE ended_at {since}"  # noqa: S608
            f" UNION ALL SELECT 'a', id, generation, NULL FROM account WHERE changed_at {since}"
            f" UNION ALL SELECT 'k', id, 0, NULL FROM api_key WHERE revoked_at {since}"
            f" UNION ALL SELECT 'd', id, 0, laboratory_id FROM device WHERE moved_at {since}"
        )
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(query, seconds)
        return Ended(
            frozenset(row["id"] for row in rows if row["kind"] == "s"),
            {row["id"]: row["generation"] for row in rows if row["kind"] == "a"},
            frozenset(row["id"] for row in rows if row["kind"] == "k"),
            {row["id"]: row["laboratory"] for row in rows if row["kind"] == "d"},
        )


_TOKEN: Final = "INSERT INTO refresh_token (hash, session_id, issued_at) VALUES ($1, $2, now())"  # noqa: S105 - a statement
_END: Final = "UPDATE session SET ended_at = now(), end_reason = $2"
