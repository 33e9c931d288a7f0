"""Accounts in their table. What ends tokens counts the account's generation up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.access.errors import AccountExistsError, AccountNotFoundError, LastAdminError
from lics_actors.access.laboratories import DEFAULT_LABORATORY, MEMBER_ROLES, Laboratories, highest
from lics_actors.access.people import Account
from lics_actors.access.roles import Role
from lics_actors.errors import PreconditionFailedError
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.devices import MAX_PAGE
from lics_actors.store.json_text import json_value

COLUMNS: Final = tuple(name for name in Account.__dataclass_fields__ if name != "memberships")
_MEMBERSHIPS = (
    "(SELECT json_object_agg(m.laboratory_id, m.role) FROM membership m WHERE m.account_id = account.id) AS memberships"
)
NAMES: Final = ", ".join((*COLUMNS, _MEMBERSHIPS))
ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended('account', 7))"  # who manages accounts does so one at a time
_PUT = (
    "INSERT INTO membership (id, account_id, laboratory_id, role, since, given_by) VALUES ($1, $2, $3, $4, now(), $5)"
    " ON CONFLICT (account_id, laboratory_id) DO UPDATE SET role = excluded.role, since = now(), given_by = excluded.given_by"
)
_END = "UPDATE session SET ended_at = now(), end_reason = $2 WHERE account_id = $1 AND ended_at IS NULL"


def account_of(row: Mapping[str, Any]) -> Account:
    """Return a row as an account."""
    found = {} if row["memberships"] is None else json_value(row["memberships"])
    memberships = {UUID(place): Role(role) for place, role in found.items()}
    return Account(**{name: row[name] for name in COLUMNS if name != "role"}, role=Role(row["role"]), memberships=memberships)


_AMONG = "($2::uuid[] IS NULL OR EXISTS (SELECT FROM membership m WHERE m.account_id = account.id AND m.laboratory_id = ANY($2)))"


class Accounts(Connected):
    """The accounts' part of the repository."""

    async def add_account(
        self,
        email: str,
        role: Role,
        principal: str,
        *,
        code_hash: str | None,
        code_expires_at: datetime | None,
        laboratory: UUID = DEFAULT_LABORATORY,
    ) -> Account:
        """Make an account that has no password yet; its one-time code sets one. Unless it is super_admin, it is in a laboratory.

        Raises:
            AccountExistsError, LaboratoryNotFoundError, DatabaseUnavailableError
        """
        names = "id, email, role, generation, created_at, created_by, changed_at, code_hash, code_expires_at"
        insert = (
            f"INSERT INTO account ({names}) VALUES ($1, $2, $3, 1, now(), $4, now(), $5, $6)"  # noqa: S608 - our own names
            " ON CONFLICT (email) DO NOTHING RETURNING id"
        )
        async with self.transaction(ANSWER_S) as connection:
            account_id = await connection.fetchval(insert, uuid4(), email, role.value, principal, code_hash, code_expires_at)
            if account_id is None:
                raise AccountExistsError(f"{email} has an account", email=email)
            if role in MEMBER_ROLES:
                await put_membership(connection, account_id, laboratory, role, principal)
            row = await connection.fetchrow(f"SELECT {NAMES} FROM account WHERE id = $1", account_id)  # noqa: S608
        return account_of(row)

    async def first_account(self, email: str, password_hash: str, principal: str) -> Account | None:
        """Make the first administrator; None where there are accounts already.

        Raises:
            DatabaseUnavailableError
        """
        names = "id, email, role, generation, created_at, created_by, changed_at, password_hash, password_at"
        values = "$1, $2, $3, 1, now(), $4, now(), $5, now()"
        insert = f"INSERT INTO account ({names}) SELECT {values} WHERE NOT EXISTS (SELECT FROM account) RETURNING {NAMES}"  # noqa: S608
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(ALONE)
            row = await connection.fetchrow(insert, uuid4(), email, Role.SUPER_ADMIN.value, principal, password_hash)
        return None if row is None else account_of(row)

    async def account(self, account_id: UUID) -> Account:
        """Return an account.

        Raises:
            AccountNotFoundError, DatabaseUnavailableError
        """
        return _there(await self._account("id = $1", account_id), str(account_id))

    async def account_by_email(self, email: str) -> Account | None:
        """Return the account with this address.

        Raises:
            DatabaseUnavailableError
        """
        return await self._account("email = $1", email)

    async def _account(self, where: str, value: object) -> Account | None:
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(f"SELECT {NAMES} FROM account WHERE {where}", value)  # noqa: S608
        return None if row is None else account_of(row)

    async def accounts(self, limit: int = 100, cursor: str | None = None, within: Laboratories = None) -> Page[Account]:
        """Return accounts by e-mail address: all, or members of these laboratories.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        after = decode_cursor("accounts", cursor, tuple[str])
        query = f"SELECT {NAMES} FROM account WHERE email > $1 AND {_AMONG} ORDER BY email LIMIT {limit + 1:d}"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(query, after[0] if after else "", None if within is None else list(within))
        return page("accounts", rows, limit, lambda row: (row["email"],), account_of)

    async def change_account(
        self,
        account_id: UUID,
        role: Role | None = None,
        *,
        disabled: bool | None = None,
        laboratory: UUID = DEFAULT_LABORATORY,
        principal: str = "system",
        expected: int | None = None,
    ) -> tuple[Account, Account]:
        """Give an account another role, disable or enable it; return it before and after. A change ends its tokens.

        A role below super_admin is the one in `laboratory`; with it a super_admin is none any more.

        Raises:
            PreconditionFailedError: its generation is not `expected` (None: whatever it is).
            AccountNotFoundError, LastAdminError, DatabaseUnavailableError
        """
        off_at = "CASE WHEN $3 THEN coalesce(disabled_at, now()) END"
        changes = f"role = $2, generation = generation + 1, changed_at = now(), disabled_at = {off_at}"
        change = f"UPDATE account SET {changes} WHERE id = $1 RETURNING {NAMES}"  # noqa: S608 - our own words
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(ALONE)
            row = await connection.fetchrow(f"SELECT {NAMES} FROM account WHERE id = $1", account_id)  # noqa: S608
            before = _there(None if row is None else account_of(row), str(account_id))
            if expected is not None and expected != before.generation:
                raise PreconditionFailedError(f"{before.email} was changed in between; look at it again", user=str(account_id))
            off = before.disabled_at is not None if disabled is None else disabled
            there = before.memberships if role not in MEMBER_ROLES else {**before.memberships, laboratory: role}
            wanted = before.role if role is None else highest(there) if role in MEMBER_ROLES else role
            if (wanted, off, there) == (before.role, before.disabled_at is not None, before.memberships):
                return before, before
            if role in MEMBER_ROLES:
                await put_membership(connection, account_id, laboratory, role, principal)
            after = account_of(await connection.fetchrow(change, account_id, wanted.value, off))
            await _keep_an_admin(connection, before)
            if off:
                await connection.execute(_END, account_id, "disabled")
        return before, after

    async def set_password(self, account_id: UUID, password_hash: str, keep: UUID | None) -> Account:
        """Set a password; it ends all sessions but `keep`, and an open one-time code.

        Raises:
            AccountNotFoundError, DatabaseUnavailableError
        """
        change = f"UPDATE account SET {_SET} WHERE id = $1 RETURNING {NAMES}"  # noqa: S608
        async with self.transaction(ANSWER_S) as connection:
            row = await connection.fetchrow(change, account_id, password_hash)
            await connection.execute(f"{_END} AND id IS DISTINCT FROM $3", account_id, "password changed", keep)
        return _there(None if row is None else account_of(row), str(account_id))

    async def rehash(self, account_id: UUID, old: str, new: str) -> None:
        """Keep the same password under a newer hash, unless it was changed meanwhile.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            change = "UPDATE account SET password_hash = $3 WHERE id = $1 AND password_hash = $2"
            await connection.execute(change, account_id, old, new)

    async def set_code(self, account_id: UUID, code_hash: str, expires_at: datetime) -> Account:
        """Give an account a one-time code in the place of any before. Its password stays until the code is used.

        Raises:
            AccountNotFoundError, DatabaseUnavailableError
        """
        change = f"UPDATE account SET code_hash = $2, code_expires_at = $3 WHERE id = $1 RETURNING {NAMES}"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(change, account_id, code_hash, expires_at)
        return _there(None if row is None else account_of(row), str(account_id))

    async def redeem_code(self, email: str, code_hash: str, password_hash: str) -> Account | None:
        """Set a password by a one-time code, once, and end all sessions; None where the code is not valid.

        Raises:
            DatabaseUnavailableError
        """
        valid = "email = $1 AND code_hash = $3 AND code_expires_at > now() AND disabled_at IS NULL"
        change = f"UPDATE account SET {_SET} WHERE {valid} RETURNING {NAMES}"  # noqa: S608
        async with self.transaction(ANSWER_S) as connection:
            row = await connection.fetchrow(change, email, password_hash, code_hash)
            if row is not None:
                await connection.execute(_END, row["id"], "password reset")
        return None if row is None else account_of(row)


_SET: Final = (
    "password_hash = $2, password_at = now(), generation = generation + 1, changed_at = now(), code_hash = NULL, "
    "code_expires_at = NULL"
)


async def put_membership(connection: Any, account_id: UUID, laboratory_id: UUID, role: Role, principal: str) -> None:
    """Write a membership, within the caller's transaction."""
    await connection.execute(_PUT, uuid4(), account_id, laboratory_id, role.value, principal)


def _there(account: Account | None, name: str) -> Account:
    if account is None:
        raise AccountNotFoundError(f"no user {name}", user=name)
    return account


async def _keep_an_admin(connection: Any, before: Account) -> None:
    """Within the transaction of a change: raise, so that it is rolled back, where it took the last one."""
    left = "SELECT EXISTS (SELECT FROM account WHERE role = $1 AND disabled_at IS NULL)"
    was = before.role is Role.SUPER_ADMIN and before.disabled_at is None
    if was and not await connection.fetchval(left, Role.SUPER_ADMIN.value):
        raise LastAdminError(f"{before.email} is the only super_admin; make another one first", email=before.email)
