"""Laboratories and memberships in their tables. A membership that changes ends the tokens that say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from lics_actors.access.errors import (
    AccountNotFoundError,
    LaboratoryExistsError,
    LaboratoryNotFoundError,
    MemberNotFoundError,
    TooManyLaboratoriesError,
)
from lics_actors.access.laboratories import MAX_MEMBERSHIPS, Laboratories, highest
from lics_actors.access.people import Account, Laboratory, Member
from lics_actors.access.roles import Role
from lics_actors.store.accounts import ALONE, NAMES, account_of, put_membership
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.devices import MAX_PAGE

MAX_LABORATORIES: Final = 500  # of one installation; who asks for the list gets all of it
_NAMES: Final = ", ".join(Laboratory.__dataclass_fields__)
_MEMBERS: Final = (
    "SELECT a.id AS account_id, a.email, m.role, m.since, m.given_by, a.disabled_at FROM membership m"
    " JOIN account a ON a.id = m.account_id WHERE m.laboratory_id = $1 AND a.email > $2 ORDER BY a.email LIMIT $3"
)
_CHANGED: Final = (
    "UPDATE account SET role = CASE WHEN role = 'super_admin' THEN role ELSE $2 END, generation = generation + 1,"
    " changed_at = now() WHERE id = $1"
)


class LaboratoryTables(Connected):
    """The laboratories' part of the repository."""

    async def laboratories(self, within: Laboratories = None) -> list[Laboratory]:
        """Return laboratories by name: all, or those `within`.

        Raises:
            DatabaseUnavailableError
        """
        query = f"SELECT {_NAMES} FROM laboratory WHERE $1::uuid[] IS NULL OR id = ANY($1) ORDER BY name"  # noqa: S608 - our own names
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(query, None if within is None else list(within))
        return [_laboratory(row) for row in rows]

    async def laboratory(self, laboratory_id: UUID) -> Laboratory:
        """Return a laboratory.

        Raises:
            LaboratoryNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(f"SELECT {_NAMES} FROM laboratory WHERE id = $1", laboratory_id)  # noqa: S608
        return _there(row, laboratory_id)

    async def add_laboratory(self, name: str, principal: str) -> Laboratory:
        """Make a laboratory.

        Raises:
            LaboratoryExistsError, TooManyLaboratoriesError, DatabaseUnavailableError
        """
        insert = (
            f"INSERT INTO laboratory (id, name, version, created_at, created_by) VALUES ($1, $2, 1, now(), $3) RETURNING {_NAMES}"  # noqa: S608
        )
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(ALONE)
            if await connection.fetchval("SELECT count(*) FROM laboratory") >= MAX_LABORATORIES:
                raise TooManyLaboratoriesError(f"there are {MAX_LABORATORIES} laboratories", limit=MAX_LABORATORIES)
            try:
                return _laboratory(await connection.fetchrow(insert, uuid4(), name, principal))
            except asyncpg.UniqueViolationError as error:
                raise LaboratoryExistsError(f"another laboratory is called {name!r}", name=name) from error

    async def rename_laboratory(self, laboratory_id: UUID, name: str) -> tuple[Laboratory, Laboratory]:
        """Give a laboratory another name; return it before and after.

        Raises:
            LaboratoryNotFoundError, LaboratoryExistsError, DatabaseUnavailableError
        """
        change = f"UPDATE laboratory SET name = $2, version = version + 1 WHERE id = $1 RETURNING {_NAMES}"  # noqa: S608
        async with self.transaction(ANSWER_S) as connection:
            query = f"SELECT {_NAMES} FROM laboratory WHERE id = $1 FOR UPDATE"  # noqa: S608
            before = _there(await connection.fetchrow(query, laboratory_id), laboratory_id)
            try:
                return before, _laboratory(await connection.fetchrow(change, laboratory_id, name))
            except asyncpg.UniqueViolationError as error:
                raise LaboratoryExistsError(f"another laboratory is called {name!r}", name=name) from error

    async def members(self, laboratory_id: UUID, limit: int = 100, cursor: str | None = None) -> Page[Member]:
        """Return the members of a laboratory by e-mail address.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        after = decode_cursor("members", cursor, tuple[str])
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_MEMBERS, laboratory_id, after[0] if after else "", limit + 1)
        return page("members", rows, limit, lambda row: (row["email"],), _member)

    async def put_member(self, laboratory_id: UUID, account_id: UUID, role: Role, principal: str) -> tuple[Account, Account]:
        """Give somebody a role in a laboratory; return the account before and after. A change ends its tokens.

        Raises:
            LaboratoryNotFoundError, AccountNotFoundError, TooManyLaboratoriesError, DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            before = await _account(connection, account_id)
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM laboratory WHERE id = $1)", laboratory_id):
                raise _none(laboratory_id)
            if before.memberships.get(laboratory_id) is role:
                return before, before
            if len({*before.memberships, laboratory_id}) > MAX_MEMBERSHIPS:
                raise TooManyLaboratoriesError(f"an account is in at most {MAX_MEMBERSHIPS} laboratories", limit=MAX_MEMBERSHIPS)
            await put_membership(connection, account_id, laboratory_id, role, principal)
            return before, await _changed(connection, before, {**before.memberships, laboratory_id: role})

    async def remove_member(self, laboratory_id: UUID, account_id: UUID) -> tuple[Account, Account]:
        """Take somebody out of a laboratory; return the account before and after. It ends its tokens.

        Raises:
            MemberNotFoundError, DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            try:
                before = await _account(connection, account_id)
            except AccountNotFoundError:
                raise MemberNotFoundError(f"{account_id} is no member", user=str(account_id)) from None
            gone = "DELETE FROM membership WHERE laboratory_id = $1 AND account_id = $2 RETURNING id"
            if await connection.fetchval(gone, laboratory_id, account_id) is None:
                raise MemberNotFoundError(f"{account_id} is no member", user=str(account_id))
            left = {place: role for place, role in before.memberships.items() if place != laboratory_id}
            return before, await _changed(connection, before, left)


async def _account(connection: Any, account_id: UUID) -> Account:
    await connection.execute(ALONE)
    row = await connection.fetchrow(f"SELECT {NAMES} FROM account WHERE id = $1", account_id)  # noqa: S608
    if row is None:
        raise AccountNotFoundError(f"no user {account_id}", user=str(account_id))
    return account_of(row)


async def _changed(connection: Any, before: Account, memberships: Mapping[UUID, Role]) -> Account:
    await connection.execute(_CHANGED, before.id, highest(memberships).value)
    return await _account(connection, before.id)


def _laboratory(row: Mapping[str, Any]) -> Laboratory:
    return Laboratory(**{name: row[name] for name in Laboratory.__dataclass_fields__})


def _there(row: Mapping[str, Any] | None, laboratory_id: UUID) -> Laboratory:
    if row is None:
        raise _none(laboratory_id)
    return _laboratory(row)


def _none(laboratory_id: UUID) -> LaboratoryNotFoundError:
    return LaboratoryNotFoundError(f"no laboratory {laboratory_id}", laboratory=str(laboratory_id))


def _member(row: Mapping[str, Any]) -> Member:
    values = {name: row[name] for name in Member.__dataclass_fields__ if name != "role"}
    return Member(**values, role=Role(row["role"]))
