"""Devices' credentials and claim codes in their tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.admission.errors import ClaimNotFoundError, CredentialNotFoundError, TooManyCredentialsError
from lics_actors.admission.rows import Claim, Credential, NewCredential
from lics_actors.errors import DeviceNotEnabledError
from lics_actors.store.connection import ANSWER_S, Connected

MAX_LIVE: Final = 5  # credentials of a device: one in use, one being carried to it, and then some
MAX_SHOWN: Final = 100
_CREDENTIAL: Final = ", ".join(Credential.__dataclass_fields__)
_CLAIM: Final = ", ".join(Claim.__dataclass_fields__)
_LIVE: Final = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
_ADD: Final = """INSERT INTO device_credential
    (id, device_id, username, secret_hash, claim_id, created_at, created_by, expires_at)
    VALUES ($1, $2, $3, $4, $5, now(), $6, $7) RETURNING """
_END: Final = """UPDATE device_credential SET revoked_at = now(), revoked_by = $2, reason = $3
    WHERE device_id = $1 AND revoked_at IS NULL AND ($4::uuid[] IS NULL OR id = ANY($4)) RETURNING """


def _credential(row: Mapping[str, Any]) -> Credential:
    return Credential(**{name: row[name] for name in Credential.__dataclass_fields__})


def _claim(row: Mapping[str, Any]) -> Claim:
    return Claim(**{name: row[name] for name in Claim.__dataclass_fields__})


class Credentials(Connected):
    """The credentials' part of the repository. Every method raises DatabaseUnavailableError."""

    async def add_credential(self, new: NewCredential) -> Credential:
        """Keep a credential.

        Raises:
            TooManyCredentialsError: the device has MAX_LIVE. DeviceNotEnabledError: it is retired.
        """
        async with self.transaction(ANSWER_S) as connection:
            admin = await connection.fetchval("SELECT admin FROM device WHERE id = $1 FOR UPDATE", new.device_id)
            if admin == "retired":
                raise DeviceNotEnabledError("the device is retired", device_id=str(new.device_id))
            count = f"SELECT count(*) FROM device_credential WHERE device_id = $1 AND {_LIVE}"  # noqa: S608 - our own words
            if await connection.fetchval(count, new.device_id) >= MAX_LIVE:
                raise TooManyCredentialsError(f"a device has at most {MAX_LIVE} credentials; revoke one first", limit=MAX_LIVE)
            values = (new.id, new.device_id, new.username, new.secret_hash, new.claim_id, new.created_by, new.expires_at)
            return _credential(await connection.fetchrow(_ADD + _CREDENTIAL, *values))

    async def credentials(self, device_id: UUID) -> list[Credential]:
        """Return a device's credentials, newest first, those that are over as well (MAX_SHOWN in all)."""
        query = f"SELECT {_CREDENTIAL} FROM device_credential WHERE device_id = $1 ORDER BY created_at DESC, id LIMIT $2"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            return [_credential(row) for row in await connection.fetch(query, device_id, MAX_SHOWN)]

    async def end_credentials(
        self, device_id: UUID, principal: str, reason: str | None, only: Collection[UUID] | None = None
    ) -> list[Credential]:
        """End a device's credentials, or `only` these; return those that were not ended before."""
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_END + _CREDENTIAL, device_id, principal, reason, None if only is None else list(only))
        return [_credential(row) for row in rows]

    async def credential(self, device_id: UUID, credential_id: UUID) -> Credential:
        """Return one of a device's credentials.

        Raises:
            CredentialNotFoundError
        """
        query = f"SELECT {_CREDENTIAL} FROM device_credential WHERE device_id = $1 AND id = $2"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(query, device_id, credential_id)
        if row is None:
            raise CredentialNotFoundError(f"the device has no credential {credential_id}", credential=str(credential_id))
        return _credential(row)

    async def limit_credentials(self, device_id: UUID, until: datetime | None, but: UUID) -> None:
        """Have a device's other credentials end then at the latest; with None, have this one not end by itself any more."""
        earlier = f"UPDATE device_credential SET expires_at = least(expires_at, $2) WHERE device_id = $1 AND id <> $3 AND {_LIVE}"  # noqa: S608
        forever = "UPDATE device_credential SET expires_at = NULL WHERE device_id = $1 AND $2::timestamptz IS NULL AND id = $3"
        async with self.raw(ANSWER_S) as connection:
            await connection.execute(forever if until is None else earlier, device_id, until, but)

    async def live_credentials(self) -> dict[str, UUID]:
        """Return who may come in at the broker: username → device, of devices that are not retired, or not there yet."""
        query = f"""SELECT username, device_id FROM device_credential WHERE {_LIVE}
            AND NOT EXISTS (SELECT FROM device WHERE device.id = device_id AND device.admin = 'retired')"""  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            return {row["username"]: row["device_id"] for row in await connection.fetch(query)}

    async def known_usernames(self, usernames: Collection[str]) -> set[str]:
        """Return those of the names that are, or were, a credential's."""
        query = "SELECT username FROM device_credential WHERE username = ANY($1)"
        async with self.raw(ANSWER_S) as connection:
            return {row["username"] for row in await connection.fetch(query, list(usernames))}

    async def add_claim(self, claim: Claim, code_hash: str) -> Claim:
        """Keep a claim code."""
        columns = "id, laboratory_id, code_id, created_at, created_by, expires_at, name, location, code_hash"
        insert = f"INSERT INTO device_claim ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {_CLAIM}"  # noqa: S608
        values = (claim.id, claim.laboratory_id, claim.code_id, claim.created_at, claim.created_by, claim.expires_at)
        async with self.raw(ANSWER_S) as connection:
            return _claim(await connection.fetchrow(insert, *values, claim.name, claim.location, code_hash))

    async def claims(self, laboratories: frozenset[UUID] | None = None) -> list[Claim]:
        """Return claim codes, newest first (MAX_SHOWN): of these laboratories, or of all."""
        query = f"""SELECT {_CLAIM} FROM device_claim WHERE $1::uuid[] IS NULL OR laboratory_id = ANY($1)
            ORDER BY created_at DESC, id LIMIT $2"""  # noqa: S608
        places = None if laboratories is None else list(laboratories)
        async with self.raw(ANSWER_S) as connection:
            return [_claim(row) for row in await connection.fetch(query, places, MAX_SHOWN)]

    async def claim(self, claim_id: UUID, laboratories: frozenset[UUID] | None = None) -> Claim:
        """Return a claim code of these laboratories.

        Raises:
            ClaimNotFoundError
        """
        query = f"SELECT {_CLAIM} FROM device_claim WHERE id = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))"  # noqa: S608
        places = None if laboratories is None else list(laboratories)
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(query, claim_id, places)
        if row is None:
            raise ClaimNotFoundError(f"no claim code {claim_id}", claim=str(claim_id))
        return _claim(row)

    async def open_claims(self) -> list[Claim]:
        """Return the claim codes with which credentials may be asked for."""
        query = f"SELECT {_CLAIM} FROM device_claim WHERE registered_at IS NULL AND revoked_at IS NULL AND expires_at > now()"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            return [_claim(row) for row in await connection.fetch(query)]

    async def awaited_claims(self) -> list[Claim]:
        """Return the claim codes by which credentials were given to devices that may still describe themselves."""
        query = f"""SELECT {_CLAIM} FROM device_claim c WHERE registered_at IS NULL AND revoked_at IS NULL AND EXISTS
            (SELECT FROM device_credential d WHERE d.claim_id = c.id AND d.revoked_at IS NULL AND d.expires_at > now())"""  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            return [_claim(row) for row in await connection.fetch(query)]

    async def reserve(self, claim_id: UUID, device_id: UUID) -> Claim | None:
        """Note the device that a claim code makes known, as the first to ask says; return the claim, None where it is over."""
        change = f"""UPDATE device_claim SET device_id = coalesce(device_id, $2)
            WHERE id = $1 AND registered_at IS NULL AND revoked_at IS NULL AND expires_at > now() RETURNING {_CLAIM}"""  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(change, claim_id, device_id)
        return None if row is None else _claim(row)

    async def close_claim(self, claim_id: UUID, *, registered: bool) -> None:
        """A claim code is over: its device is known, or somebody took it back."""
        column = "registered_at" if registered else "revoked_at"
        change = f"UPDATE device_claim SET {column} = coalesce({column}, now()) WHERE id = $1 AND registered_at IS NULL"  # noqa: S608
        async with self.raw(ANSWER_S) as connection:
            await connection.execute(change, claim_id)
